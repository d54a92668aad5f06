"""What becomes of a text that is longer than a message, where its client has said so."""

from __future__ import annotations

from dataclasses import replace

from gateway.desk.checks import MAX_TEXT
from gateway.desk.cutting import cut
from gateway.desk.markdown import MAX_ENTITIES, MAX_SOURCE, render
from gateway.desk.text import visible_length
from gateway.errors import RequestInvalid, TextTooLong
from gateway.model import Draft, Overflow, Part, TextFormat

MAX_PARTS = 32
"""Parts are at least half full, so a text that fits in a request needs no more."""
MAX_CAPTION = 1024  # code points: TDLib's message_caption_length_max


def rendered(draft: Draft) -> Draft:
    """Return the draft with Markdown rendered to a text and its entities; what else there is, Telegram knows."""
    if draft.text_format is not TextFormat.MARKDOWN:
        return draft
    text, entities = render(draft.text, MAX_ENTITIES * (MAX_PARTS if draft.overflow is Overflow.SPLIT else 1))
    return replace(draft, text=text, entities=entities, text_format=TextFormat.PLAIN)


def fitted(asked: Draft, sound: Draft) -> Draft:
    """Return a draft, rendered and checked, as it is to be sent: cut into parts or with a document if need be.

    Raises:
        TextTooLong: it is Markdown that is too long to be rendered, or makes too many parts.
        RequestInvalid: there is nothing to be seen in it.
    """
    if asked.overflow is Overflow.REJECT:
        return sound
    if visible_length(sound.text, sound.text_format) <= MAX_TEXT:
        return replace(sound, entities=sound.entities[:MAX_ENTITIES])
    if asked.overflow is Overflow.DOCUMENT:
        caption = _seen(cut(sound.text, sound.entities, MAX_CAPTION))[0]
        return replace(sound, text=caption.text, entities=caption.entities, document=asked.text)
    if asked.text_format is TextFormat.MARKDOWN and len(asked.text) > MAX_SOURCE:
        raise _too_long("characters of Markdown", len(asked.text), MAX_SOURCE)
    parts = _seen(cut(sound.text, sound.entities, MAX_TEXT))
    if len(parts) > MAX_PARTS:
        raise _too_long("parts", len(parts), MAX_PARTS)
    if len(parts) == 1:
        return replace(sound, text=parts[0].text, entities=parts[0].entities)
    return replace(sound, parts=tuple(parts))


def _seen(parts: list[Part]) -> list[Part]:
    if not parts:
        raise RequestInvalid([("text", "has nothing that can be seen")])
    return parts


def _too_long(what: str, length: int, limit: int) -> TextTooLong:
    return TextTooLong([("text", f"has {length} {what}, at most {limit}")], length=str(length), limit=str(limit))
