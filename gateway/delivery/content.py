"""What is to be sent, as bytes: the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from gateway.model import Button, Draft, Entity, LinkPreview, Part, TextFormat


def encode(draft: Draft) -> bytes:
    """Return the content of a draft as JSON with sorted keys, without what is as by default.

    Chat, request id, priority and times are no part of it: the message keeps them beside it.
    """
    content: dict[str, Any] = {}
    if draft.parts:
        # As it was cut: another version may cut otherwise, and some parts may have been sent.
        content["parts"] = [asdict(part) for part in draft.parts]
    else:
        content["text"] = draft.text
    if draft.text_format is not TextFormat.PLAIN:
        content["text_format"] = draft.text_format.value
    if draft.link_preview is not LinkPreview.NONE:
        content["link_preview"] = draft.link_preview.value
    if draft.entities and not draft.parts:
        content["entities"] = [asdict(entity) for entity in draft.entities]
    if draft.buttons:
        content["buttons"] = [[asdict(button) for button in row] for row in draft.buttons]
    for name in ("message_thread_id", "reply_to_message_id", "silent", "protect_content", "document"):
        if value := getattr(draft, name):
            content[name] = value
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def decode(content: bytes, chat_id: int) -> Draft:
    """Return the draft, for `chat_id`, that `encode` made the content of; of one in parts, its text is in those."""
    fields: dict[str, Any] = {"text": "", **orjson.loads(content)}
    fields["text_format"] = TextFormat(fields.get("text_format", "plain"))
    fields["link_preview"] = LinkPreview(fields.get("link_preview", "none"))
    fields["entities"] = _entities(fields)
    fields["parts"] = tuple(Part(text=part["text"], entities=_entities(part)) for part in fields.get("parts", ()))
    fields["buttons"] = tuple(tuple(Button(**button) for button in row) for row in fields.get("buttons", ()))
    return Draft(chat_id=chat_id, **fields)


def _entities(fields: Mapping[str, Any]) -> tuple[Entity, ...]:
    return tuple(Entity(**entity) for entity in fields.get("entities", ()))
