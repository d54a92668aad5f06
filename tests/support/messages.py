"""Messages and records to put into a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from gateway.model import Message, Priority, Record, WhenUnknown

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

_numbers = count(1)


def a_message(**fields: Any) -> Message:
    """Return a message with an id of its own and these fields."""
    message = Message(
        id=f"message-{next(_numbers)}",
        client="client",
        chat_id=-100,
        request_id="",
        fingerprint=b"fingerprint",
        content=b"content",
        token_id="token",
        key_id="key",
        issued_at=NOW - timedelta(minutes=1),
        priority=Priority.NORMAL,
        when_unknown=WhenUnknown.RESEND,
        accepted_at=NOW,
        due_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(message, **fields)


def a_record(message: Message, event: str = "message.accepted") -> Record:
    """Return the record of what happened to a message."""
    return Record(
        at=NOW,
        event=event,
        decision="allow",
        client=message.client,
        token_id=message.token_id,
        key_id=message.key_id,
        chat_id=message.chat_id,
        message_id=message.id,
    )
