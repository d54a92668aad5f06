"""What is done in the database, on a thread of the store. Kept small: each line here keeps the event loop waiting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

import apsw

from gateway.store import statements
from gateway.store.database import Database
from gateway.store.rows import Row

LOOKED_AT = 2000
"""How many messages a search by state looks at in one go: some milliseconds, in which other readers wait."""


class Added(NamedTuple):
    """The numbers of a message that was added."""

    seq: int
    change: int


def add(message: Row, record: Row, database: Database) -> Added | Row:
    """Add a message and its record; or return the row of the message that has its request id."""
    numbers = database.numbers
    added = Added(numbers.message + 1, numbers.change + 1)
    database.connection.execute(statements.ADD_MESSAGE, (*added, *message))
    if not database.connection.changes():
        _id, client, _chat_id, request_id, *_ = message
        return _found(one(statements.REPEATED_MESSAGE, (client, request_id), database.connection))
    numbers.message, numbers.change = added
    _record(record, database)
    return added


def start(message_id: str, at: int, database: Database) -> Row | None:
    """Begin an attempt and return the message's row; None where none may begin."""
    change = database.numbers.change + 1
    row = one(statements.START_MESSAGE, (change, at, message_id), database.connection)
    if row is not None:
        database.numbers.change = change
    return row


def save(changing: Row, record: Row | None, database: Database) -> int | None:
    """Save what changed and return the number of the change; None where the message is not as expected."""
    change = database.numbers.change + 1
    database.connection.execute(statements.SAVE_MESSAGE, (change, *changing))
    if not database.connection.changes():
        return None
    database.numbers.change = change
    if record is not None:
        _record(record, database)
    return change


def requeue(changing: Row, token: Row, message_id: str, record: Row, database: Database) -> Added | None:
    """Save what changed and move the message to the end of the order; None where it is not as expected."""
    change = save(changing, record, database)
    if change is None:
        return None
    numbers = database.numbers
    numbers.message += 1
    database.connection.execute(statements.REQUEUE_MESSAGE, (numbers.message, *token, message_id))
    return Added(numbers.message, change)


def forget(finished_before: int, seqs: Sequence[Row], database: Database) -> int:
    """Remove messages, but for those that were begun anew since they were found; return how many."""
    before = database.connection.total_changes()
    database.connection.executemany(statements.FORGET, ((finished_before, *seq) for seq in seqs))
    return database.connection.total_changes() - before


def record(records: Sequence[Row], database: Database) -> None:
    """Add records."""
    for row in records:
        _record(row, database)


def _record(row: Row, database: Database) -> None:
    database.numbers.record += 1
    database.connection.execute(statements.ADD_RECORD, (database.numbers.record, *row))


def one(sql: str, values: Row, connection: apsw.Connection) -> Row | None:
    """Return the first row."""
    return connection.execute(sql, values).fetchone()


def _found(row: Row | None) -> Row:
    assert row is not None  # noqa: S101 - what led here was this row, in the same transaction
    return row


def every(sql: str, values: Row, connection: apsw.Connection) -> list[Row]:
    """Return all rows."""
    return connection.execute(sql, values).fetchall()


def changes(client: str, chat_ids: Collection[int], after: int, limit: int, connection: apsw.Connection) -> list[Row]:
    """Return the first changes of all chats together: of each chat no more than could be among them.

    One transaction: a change that is committed between two chats' turns would be overtaken by a later one.
    """
    with connection:
        chats = [every(statements.CHANGES, (client, chat_id, after, limit), connection) for chat_id in chat_ids]
    return list(islice(merge(*chats, key=itemgetter(1)), limit))


def listed(
    chats: Collection[Row], states: Collection[str], after: Row, limit: int, connection: apsw.Connection
) -> tuple[list[Row], Row | None]:
    """Return the first messages of all chats together, and the place of the last that was looked at if more may follow.

    Args:
        chats: Client, chat and earliest `accepted_at`, for each chat.
        states: Of these only; empty: of any.
    """
    most = LOOKED_AT if states else limit
    found: list[Row] = []
    place = None
    with connection:
        keys = merge(
            *(every(statements.LISTED, (*chat, *after, most + 1), connection) for chat in chats),
            key=itemgetter(0, 1),
            reverse=True,
        )
        for looked_at, (accepted_at, seq, state) in enumerate(keys):
            if looked_at == most or len(found) == limit:
                return found, place
            place = accepted_at, seq
            if not states or state in states:
                found.append(_found(one(statements.NUMBERED_MESSAGE, (seq,), connection)))
    return found, None


def handed_in(since: int, span: int, connection: apsw.Connection) -> tuple[int, list[Row]]:
    """Return the last number of a message, and how many were handed in by client and span of time."""
    with connection:
        message, _change, _record = connection.execute(statements.NUMBERS).get
        rows = every(statements.HANDED_IN, (since, span), connection)
    return message, rows


def last_change(connection: apsw.Connection) -> int:
    """Return the number of the last change."""
    _message, change, _record = connection.execute(statements.NUMBERS).get
    return int(change)
