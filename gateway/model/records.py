"""What the audit log says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

UNREADABLE = "record.unreadable"
"""The event of what is kept in a record's place and is none: nobody wrote it through the house."""

_TYPES = {"verified": bool, "chat_id": int, "claimed_chat_id": int, "count": int}
"""Of the fields of a record that are no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the audit log: who asked for what, from where, and what was decided.

    Attributes:
        event: What happened, such as `message.accepted` or `call.refused`.
        decision: `allow`, `deny` or `error`.
        reason: Why; for a refusal one of a closed set that the caller never sees.
        verified: Whether `client`, `token_id` and `key_id` come from a token whose signature holds.
        claimed_chat_id: For a refusal: the chat that was asked for, where that differs from the one of the token.
        count: How many equal events the record stands for; more than 1 only for refusals written together.
    """

    at: datetime
    event: str
    decision: str
    reason: str = ""
    client: str = ""
    token_id: str = ""
    key_id: str = ""
    issuer: str = ""
    verified: bool = True
    address: str = ""
    method: str = ""
    call_id: str = ""
    error_id: str = ""
    chat_id: int | None = None
    claimed_chat_id: int | None = None
    message_id: str = ""
    count: int = 1
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)


def record_of(at: datetime, fields: Mapping[str, Any]) -> Record:
    """Return the record that has these fields beside its instant; raises `ValueError` if no record can have them."""
    if not all(_fits(name, value) for name, value in fields.items()):
        raise ValueError("a field of another type")
    try:
        return Record(at=at, **fields)
    except TypeError as error:
        raise ValueError("a field that no record has, or one is missing") from error


def _fits(name: str, value: object) -> bool:
    if name == "facts":
        return isinstance(value, dict) and all(type(fact) in (str, int, bool) for fact in value.values())
    return type(value) is _TYPES.get(name, str)
