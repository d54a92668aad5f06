"""Many messages are added as one: a message costs no trip of its own to the server while all others wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store import statements
from gateway.store.operations import Added
from gateway.store.postgres.dialect import arrays, unnested
from gateway.store.postgres.transaction import Transaction
from gateway.store.rows import Row

_TYPES = (
    *("bigint", "bigint", "text", "text", "bigint", "text", "bytea", "bytea", "text", "text", "bigint", "bigint"),
    *("text", "bigint", "bigint", "bigint", "text", "bigint", "bigint", "bigint", "bigint", "text", "text", "text"),
    *("bigint", "bigint", "text", "bigint", "text", "text", "text", "bigint", "bigint", "bigint", "bigint"),
)
_ADD = (
    f"INSERT INTO messages ({statements.MESSAGE_COLUMNS}) SELECT * FROM {unnested(_TYPES)} "  # noqa: S608 - our own names
    "ON CONFLICT (client, request_id) WHERE request_id IS NOT NULL DO NOTHING RETURNING seq"
)
_REPEATED = (
    f"SELECT {statements.MESSAGE_COLUMNS} FROM messages "  # noqa: S608 - the names of our own columns
    "JOIN unnest(?::text[], ?::text[]) AS asked (asked_client, asked_id) "
    "ON client = asked_client AND request_id = asked_id"
)


class Add(NamedTuple):
    """A message to add, as its columns after `seq` and `change`, and its record."""

    message: Row
    record: Row

    @property
    def request(self) -> tuple[str, str] | None:
        """Client and request id; None: it repeats nothing."""
        _id, client, _chat_id, request_id, *_ = self.message
        return (client, request_id) if request_id else None


async def add_all(transaction: Transaction, adds: Sequence[Add]) -> list[Added | Row]:
    """Add messages and their records; in the place of a repeat's numbers, the row of the message that is there.

    Numbers that were meant for a repeat are left out where others follow.
    """
    last = transaction.numbers
    message, change = last.message, last.change
    # Of one request the first one is tried; the row of each, in the order of `adds`.
    first: dict[object, Row] = {}
    for place, add in enumerate(adds):
        if (key := add.request or place) not in first:
            message, change = message + 1, change + 1
            first[key] = (message, change, *add.message)
    kept = {seq for (seq,) in await transaction.every(_ADD, *arrays(_TYPES, list(first.values())))}
    found = await _found(transaction, [key for key, row in first.items() if row[0] not in kept])
    results: list[Added | Row] = []
    for place, add in enumerate(adds):
        row = first[add.request or place]
        if row[0] in kept:
            kept.discard(row[0])
            transaction.record(add.record)
            added = Added(row[0], row[1])
            last.message, last.change = added
            results.append(added)
        else:
            results.append(found.get(add.request, row))
    return results


async def _found(transaction: Transaction, requests: Sequence[object]) -> dict[object, Row]:
    """Return the messages that are there already, by their requests."""
    if not requests:
        return {}
    rows = await transaction.every(_REPEATED, *arrays(("text", "text"), requests))
    if len(rows) != len(requests):
        raise LookupError("a message was not kept, and the one that is there instead is not found")
    return {(row[3], row[5]): row for row in rows}
