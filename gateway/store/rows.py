"""Messages and records as rows, and back: done on the event loop, so that the writer only binds and fetches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import orjson

from gateway.model import (
    UNREADABLE,
    Ancestor,
    Failure,
    Kind,
    Message,
    Priority,
    Record,
    State,
    WhenUnknown,
    record_of,
)
from gateway.store.base import Pending

Row: TypeAlias = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Return the microseconds between 1970 and an aware instant, exactly."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(value: int) -> datetime:
    """Return the instant that many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def _optional_microseconds(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _optional_instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def changing_row(message: Message) -> Row:
    """Return what can change of a message, in the order of `SAVE_MESSAGE`."""
    return (*_course_row(message), message.telegram_chat_id, *_earlier_row(message))


def _course_row(message: Message) -> Row:
    return (
        microseconds(message.due_at),
        microseconds(message.expires_at),
        message.state.value,
        message.attempts,
        message.unknown_attempts,
        _optional_microseconds(message.attempted_at),
        _optional_microseconds(message.finished_at),
        orjson.dumps(message.telegram_message_ids).decode(),
        *_failure_row(message.failure),
    )


def _earlier_row(message: Message) -> Row:
    return message.earlier_attempts, message.earlier_unknown_attempts


def _failure_row(failure: Failure | None) -> Row:
    if failure is None:
        return None, None, None
    return failure.reason, failure.description, failure.telegram_error_code


def message_row(message: Message) -> Row:
    """Return a message's columns after `seq` and `change`, which the writer gives."""
    return (
        message.id,
        message.client,
        message.chat_id,
        message.request_id or None,
        message.fingerprint,
        message.content,
        message.token_id,
        message.key_id,
        microseconds(message.issued_at),
        message.priority.value,
        message.when_unknown.value,
        microseconds(message.accepted_at),
        *_course_row(message),
        message.ttl // _MICROSECOND,
        *_lineage_row(message),
        message.kind.value,
        message.target_id or None,
        message.telegram_chat_id,
        message.parts,
        *_earlier_row(message),
    )


def token_row(message: Message) -> Row:
    """Return what a message has of the token that it was accepted with, in the order of `REQUEUE_MESSAGE`."""
    return message.token_id, message.key_id, microseconds(message.issued_at), *_lineage_row(message)


def _lineage_row(message: Message) -> Row:
    ancestors = [(token.token_id, token.key_id, microseconds(token.issued_at)) for token in message.ancestors]
    return message.issuer, message.generation, orjson.dumps(ancestors).decode()


def message_from(row: Row) -> Message:
    """Return the message of a row with all its columns."""
    return Message(
        seq=row[0],
        change=row[1],
        id=row[2],
        client=row[3],
        chat_id=row[4],
        request_id=row[5] or "",
        fingerprint=row[6],
        content=row[7],
        token_id=row[8],
        key_id=row[9],
        issued_at=instant(row[10]),
        priority=Priority(row[11]),
        when_unknown=WhenUnknown(row[12]),
        accepted_at=instant(row[13]),
        due_at=instant(row[14]),
        expires_at=instant(row[15]),
        state=State(row[16]),
        attempts=row[17],
        unknown_attempts=row[18],
        attempted_at=_optional_instant(row[19]),
        finished_at=_optional_instant(row[20]),
        telegram_message_ids=tuple(orjson.loads(row[21])),
        failure=None if row[22] is None else _failure_from(row[22:25]),
        ttl=row[25] * _MICROSECOND,
        issuer=row[26],
        generation=row[27],
        ancestors=tuple(_ancestor_from(*values) for values in orjson.loads(row[28])),
        kind=Kind(row[29]),
        target_id=row[30] or "",
        telegram_chat_id=row[31],
        parts=row[32],
        earlier_attempts=row[33],
        earlier_unknown_attempts=row[34],
    )


def _ancestor_from(token_id: str, key_id: str, issued_at: int) -> Ancestor:
    return Ancestor(token_id=token_id, key_id=key_id, issued_at=instant(issued_at))


def _failure_from(row: Row) -> Failure:
    reason, description, code = row
    return Failure(reason=reason, description=description, telegram_error_code=code)


def pending_from(row: Row) -> Pending:
    """Return the place in the queue that a row of `statements.UNFINISHED` describes."""
    return Pending(
        seq=row[0],
        id=row[1],
        client=row[2],
        chat_id=row[3],
        priority=Priority(row[4]),
        accepted_at=instant(row[5]),
        due_at=instant(row[6]),
        expires_at=instant(row[7]),
        state=State(row[8]),
        target_id=row[9] or "",
        telegram_chat_id=row[10],
        parts_left=row[11] - len(orjson.loads(row[12])),
    )


_EMPTY = Record(at=_EPOCH, event="", decision="")
_WITHOUT_COLUMN = ("address", "call_id", "claimed_chat_id", "count", "facts", "issuer", "key_id", "method", "verified")


def record_row(record: Record) -> Row:
    """Return a record's columns after `seq`, which the writer gives."""
    rest = {}
    for name in _WITHOUT_COLUMN:
        value = getattr(record, name)
        if value != getattr(_EMPTY, name):
            rest[name] = dict(value) if name == "facts" else value
    return (
        microseconds(record.at),
        record.event,
        record.decision,
        record.reason or None,
        record.client or None,
        record.token_id or None,
        record.chat_id,
        record.error_id or None,
        record.message_id or None,
        orjson.dumps(rest, option=orjson.OPT_SORT_KEYS).decode(),
    )


def record_from(row: Row) -> tuple[int, Record]:
    """Return the number and the record of a row with all its columns.

    What somebody else has put there, and is no record, is returned as one that says so and nothing else.
    """
    seq, at, event, decision, reason, client, token_id, chat_id, error_id, message_id, rest = row
    columns = {
        "event": event,
        "decision": decision,
        "reason": reason,
        "client": client,
        "token_id": token_id,
        "chat_id": chat_id,
        "error_id": error_id,
        "message_id": message_id,
    }
    try:
        others = orjson.loads(rest)
        if not isinstance(others, dict) or others.keys() & columns.keys():
            raise ValueError("not the fields that have no column")
        return seq, record_of(
            instant(at), others | {name: value for name, value in columns.items() if value is not None}
        )
    except (ValueError, OverflowError):
        return seq, Record(at=_EPOCH, event=UNREADABLE, decision="error")
