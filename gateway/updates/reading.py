"""What an update is, and of which chat: decided from Telegram's object alone, and strictly.

https://core.telegram.org/bots/api#update. An update that can't be given to one chat for certain is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from gateway.model import Update, UpdateKind, is_chat_id, is_message_thread_id

MAX_CONTENT = 1 << 20
"""Bytes. Telegram's longest answer with up to 100 updates has four times as many."""
MAX_UPDATE_ID = (1 << 63) - 1
MAX_CALLBACK_ID = 64

_OTHER_CONTEXTS = ("business_connection_id", "guest_query_id")
"""Fields of messages whose chat only has the same number as one of the bot's own, and is another conversation:
https://core.telegram.org/bots/api#message."""

Object: TypeAlias = Mapping[str, Any]


class Dropped(Exception):
    """An update that nobody is told of; the text says why: one of `REASONS`."""


REASONS = ("malformed", "other_kind", "no_chat", "other_context", "too_large", "unwanted_chat")
"""Of an update that nobody is told of; the last one is not decided here."""


def update_id_of(raw: object) -> int | None:
    """Return Telegram's number of an update, as far as it has a sound one."""
    update_id = raw.get("update_id") if isinstance(raw, Mapping) else None
    return update_id if type(update_id) is int and 0 <= update_id <= MAX_UPDATE_ID else None


def chat_of(update: Update, raw: Any) -> Object:
    """Return Telegram's object of the chat of an update, which was read from `raw`."""
    chat = _message_of(update.kind, raw[update.kind.value])["chat"]
    return chat if isinstance(chat, Mapping) else {}


def update_from(raw: object, received_at: datetime) -> Update:
    """Return the update that Telegram means.

    Raises:
        Dropped: Nobody is to be told of it.
    """
    update_id = update_id_of(raw)
    if update_id is None or not isinstance(raw, Mapping):
        raise Dropped("malformed")
    kind, content = _content_of(raw)
    place = _message_of(kind, content)
    callback_id = content.get("id") if kind is UpdateKind.CALLBACK_QUERY else ""
    # With a character that a database may not take, it could neither be kept nor confirmed, nor anything behind it.
    if not isinstance(callback_id, str) or len(callback_id) > MAX_CALLBACK_ID or not callback_id.isprintable():
        raise Dropped("malformed")
    return Update(
        seq=0,
        update_id=update_id,
        kind=kind,
        chat_id=_chat_of(place),
        message_thread_id=_topic_of(place),
        callback_id=callback_id,
        received_at=received_at,
        content=_written(content),
    )


def _content_of(raw: Object) -> tuple[UpdateKind, Object]:
    kinds = [kind for kind in UpdateKind if kind.value in raw]
    if not kinds:
        raise Dropped("other_kind")
    content = raw[kinds[0].value]
    if len(kinds) > 1 or not isinstance(content, Mapping):
        raise Dropped("malformed")
    return kinds[0], content


def _message_of(kind: UpdateKind, content: Object) -> Object:
    """Return the part of an update that says where it happened: of a press on a button, the message that has it."""
    place = content.get("message") if kind is UpdateKind.CALLBACK_QUERY else content
    if place is None:
        raise Dropped("no_chat")  # under a message that was sent by way of the bot, to a chat that it may not know
    if not isinstance(place, Mapping):
        raise Dropped("malformed")
    if any(place.get(field) for field in _OTHER_CONTEXTS):
        raise Dropped("other_context")
    return place


def _chat_of(place: Object) -> int:
    chat = place.get("chat")
    if chat is None:
        raise Dropped("no_chat")
    chat_id = chat.get("id") if isinstance(chat, Mapping) else None
    if type(chat_id) is not int or not is_chat_id(chat_id):
        raise Dropped("malformed")
    return chat_id


def _topic_of(place: Object) -> int | None:
    """Return the forum topic; a thread of replies in a group without topics has an id of the same name, and is none."""
    if place.get("is_topic_message") is not True:
        return None
    topic = place.get("message_thread_id")
    if type(topic) is not int or not is_message_thread_id(topic):
        raise Dropped("malformed")
    return topic


def _written(content: Object) -> bytes:
    try:
        written = orjson.dumps(content)
    except TypeError:
        raise Dropped("malformed") from None  # nested too deeply, a number without bounds, half a character
    if len(written) > MAX_CONTENT:
        raise Dropped("too_large")
    return written
