"""The words of the house: what every room may say, with no behaviour that decides anything."""

from __future__ import annotations

from gateway.model.chats import MAX_CHAT_ID, MAX_MESSAGE_THREAD_ID, MIN_CHAT_ID, is_chat_id, is_message_thread_id
from gateway.model.messages import (
    DEFAULT_TTL,
    Button,
    Draft,
    Entity,
    Failure,
    Kind,
    LinkPreview,
    Message,
    Overflow,
    Part,
    Priority,
    State,
    TextFormat,
    WhenUnknown,
)
from gateway.model.records import UNREADABLE, Record, record_of
from gateway.model.rights import Ancestor, Caller, Grant, Narrowing, Origin, Permission
from gateway.model.updates import Update, UpdateKind

__all__ = [
    "DEFAULT_TTL",
    "MAX_CHAT_ID",
    "MAX_MESSAGE_THREAD_ID",
    "MIN_CHAT_ID",
    "UNREADABLE",
    "Ancestor",
    "Button",
    "Caller",
    "Draft",
    "Entity",
    "Failure",
    "Grant",
    "Kind",
    "LinkPreview",
    "Message",
    "Narrowing",
    "Origin",
    "Overflow",
    "Part",
    "Permission",
    "Priority",
    "Record",
    "State",
    "TextFormat",
    "Update",
    "UpdateKind",
    "WhenUnknown",
    "is_chat_id",
    "is_message_thread_id",
    "record_of",
]
