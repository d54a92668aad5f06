"""A record as one line of text that no stranger can break, forge or hide in."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.model import Record, record_of

VERSION = 1
MAX_STRANGER = 64
"""Characters that are kept of a value nobody vouches for, its escapes included."""

# Controls, formats (among them those that turn the direction of text), surrogates, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def to_json_line(seq: int, record: Record) -> str:
    """Write a record as JSON, without a line end: keys sorted, what is empty left out, nothing unseen unescaped.

    The same record gives the same line. Instants are RFC 3339 in UTC, cut to milliseconds.
    """
    fields = {
        "v": VERSION,
        "seq": seq,
        "at": timestamp(record.at),
        "event": record.event,
        "decision": record.decision,
        "reason": record.reason,
        "client": record.client,
        "token_id": record.token_id,
        "key_id": record.key_id,
        "issuer": record.issuer,
        "verified": record.verified,
        "address": record.address,
        "method": record.method,
        "call_id": record.call_id,
        "error_id": record.error_id,
        "chat_id": record.chat_id,
        "claimed_chat_id": record.claimed_chat_id,
        "message_id": record.message_id,
        "count": record.count,
        "facts": dict(record.facts),
    }
    present = {name: value for name, value in fields.items() if value is not None and value != "" and value != {}}
    line = json.dumps(present, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if line.isascii() and line.isprintable():
        return line
    return "".join(_json_escape(character) if _is_unseen(character) else character for character in line)


def from_json_line(line: str) -> tuple[int, Record]:
    """Return number and record that `to_json_line` wrote; the instant is that of the line, cut to milliseconds.

    Raises:
        ValueError: it is no such line.
    """
    try:
        fields = json.loads(line)
        if fields.pop("v") != VERSION:
            raise ValueError("a record of another version")
        seq, at = fields.pop("seq"), instant_from(fields.pop("at"))
        if type(seq) is not int:
            raise ValueError("a number of another type")
        return seq, record_of(at, fields)
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError("no record") from error


def instant_from(text: str) -> datetime:
    """Return an instant that `timestamp` wrote; raises `ValueError` or `OverflowError` for one that it can't write."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without a zone")
    return at.astimezone(UTC)


def timestamp(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, cut to milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tamed(record: Record) -> Record:
    """Return the record with what a stranger wrote made short and visible.

    The method, the call's name and the facts come from the caller whoever it is; who the caller is counts as a
    stranger's word unless a signature holds.
    """
    texts = (
        record.client,
        record.token_id,
        record.key_id,
        record.issuer,
        record.address,
        record.method,
        record.call_id,
    )
    # In a flood there are thousands, and next to none has to be changed.
    if not record.facts and max(map(len, texts)) <= MAX_STRANGER and _is_plain("".join(texts)):
        return record
    limit = None if record.verified else MAX_STRANGER
    short: dict[str, object] = {
        "client": visible(record.client, limit),
        "token_id": visible(record.token_id, limit),
        "key_id": visible(record.key_id, limit),
        "issuer": visible(record.issuer, limit),
        "address": visible(record.address, MAX_STRANGER),
        "method": visible(record.method, MAX_STRANGER),
        "call_id": visible(record.call_id, MAX_STRANGER),
        "facts": {
            visible(name, MAX_STRANGER): visible(value, MAX_STRANGER) if isinstance(value, str) else value
            for name, value in record.facts.items()
        },
    }
    changed: dict[str, Any] = {name: value for name, value in short.items() if value != getattr(record, name)}
    return replace(record, **changed) if changed else record


def visible(value: str, limit: int | None) -> str:
    """Escape what can't be seen, and the backslash that marks an escape; end with an ellipsis where it is cut."""
    if _is_plain(value) and len(value) <= (limit or len(value)):
        return value
    pieces: list[str] = []
    room = limit
    for character in value:
        piece = _escape(character) if character == "\\" or _is_unseen(character) else character
        if room is not None:
            if len(piece) >= room:
                return "".join([*pieces, "…"])
            room -= len(piece)
        pieces.append(piece)
    return "".join(pieces)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and "\\" not in value


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
