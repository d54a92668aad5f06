"""Many messages are added as one: a message costs no trip of its own to the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.store import statements
from gateway.store.operations import Added
from gateway.store.postgres.dialect import escaped
from gateway.store.postgres.transaction import Transaction
from gateway.store.rows import Row

_REPEATED = (
    f"SELECT {statements.MESSAGE_COLUMNS} FROM messages "  # noqa: S608 - the names of our own columns
    "JOIN unnest(?::text[], ?::text[]) AS asked (asked_client, asked_id) "
    "ON client = asked_client AND request_id = asked_id"
)
# A repeat was looked for: one that is there nevertheless is an error, and never a message that is left out.
_ADD = statements.ADD_MESSAGE.partition(" ON CONFLICT ")[0]


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
    """Add messages and their records; in the place of a repeat's numbers, the row of the message that is there."""
    requests = {add.request for add in adds} - {None}
    found = await _found(transaction, [request for request in requests if request])
    rows: list[Row] = []
    results: list[Added | Row] = []
    for add in adds:
        # Nobody else can add one meanwhile, because this transaction holds the numbers.
        if add.request in found:
            results.append(found[add.request])
            continue
        numbers = transaction.numbers
        added = Added(numbers.message + 1, numbers.change + 1)
        numbers.message, numbers.change = added
        rows.append((*added, *add.message))
        transaction.record(add.record)
        results.append(added)
        if add.request:
            found[add.request] = rows[-1]
    if rows:
        await transaction.many(_ADD, rows)
    return results


async def _found(transaction: Transaction, requests: Sequence[tuple[str, str]]) -> dict[tuple[str, str] | None, Row]:
    if not requests:
        return {}
    # What a list holds is not escaped on its way, as a text alone is.
    clients, ids = [[escaped(text) for text in texts] for texts in zip(*requests, strict=True)]
    rows = await transaction.every(_REPEATED, clients, ids)
    return {(row[3], row[5]): row for row in rows}
