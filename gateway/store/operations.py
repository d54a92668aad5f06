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
    assert row is not None  # noqa: S101 - the conflict that led here is with this row, in the same transaction
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


def last_change(connection: apsw.Connection) -> int:
    """Return the number of the last change."""
    _message, change, _record = connection.execute(statements.NUMBERS).get
    return int(change)
