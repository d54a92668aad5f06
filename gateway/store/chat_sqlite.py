"""Chats that moved and chats that are closed, on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import apsw

from gateway.model import Record
from gateway.store import chat_statements as statements
from gateway.store import operations
from gateway.store.chats import ChatStates, Closure, Move
from gateway.store.database import Database
from gateway.store.opening import open_beside, open_reading
from gateway.store.operations import every, one
from gateway.store.reader import Reader
from gateway.store.rows import Row, instant, microseconds, record_row
from gateway.store.writer import Writer

T = TypeVar("T")


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""


class Writable(Protocol):
    """Runs what writes, each in a transaction of its own or a shared one."""

    def submit(self, work: Callable[[Database], T]) -> Awaitable[T]:
        """Return what `work` returns once it is durable, or raise `NotDurable`."""


class SqliteChats:
    """Chats, as `gateway.store.chats` promises them."""

    def __init__(self, writer: Writable, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        self._submit = writer.submit
        self._read_chats = reader.run

    async def chat_states(self, after: int = -1) -> ChatStates | None:
        """Return what is kept, by chat id; None: nothing changed since revision `after`."""
        return await self._read_chats(partial(_states, after))

    async def add_move(self, move: Move, record: Record) -> Move:
        """Keep a move and return it; or the one that is kept of this chat already: the first stays."""
        row = (move.chat_id, move.new_chat_id, int(move.approved), microseconds(move.noticed_at))
        return move_from(await self._submit(partial(_add_move, row, record_row(record))))

    async def approve_move(self, chat_id: int, record: Record) -> Move | None:
        """Approve the move of a chat and return it; None: there is none that waits for that."""
        row = await self._submit(partial(_approve_move, chat_id, record_row(record)))
        return None if row is None else move_from(row)

    async def close_chat(self, closure: Closure, record: Record) -> None:
        """Keep a closure in the place of the one that the chat may have."""
        instants = microseconds(closure.closed_at), microseconds(closure.until)
        row = (closure.chat_id, *instants, closure.description, closure.code)
        await self._submit(partial(_change, statements.CLOSE_CHAT, row, record_row(record)))

    async def open_chat(self, chat_id: int, record: Record) -> bool:
        """Forget a closure; return whether there was one."""
        return await self._submit(partial(_change, statements.OPEN_CHAT, (chat_id,), record_row(record)))


@asynccontextmanager
async def open_chats(path: Path) -> AsyncIterator[SqliteChats]:
    """Open what is kept of chats in the database at `path`, to change it also while a server uses it.

    Raises:
        ConfigInvalid: There is none of this version, or it can't be used; the text says why in one line.
    """
    writer = Writer(open_beside(str(path)))
    reader = Reader(partial(open_reading, str(path)))
    try:
        yield SqliteChats(writer, reader)
    finally:
        await reader.close()
        await writer.close()


def _states(after: int, connection: apsw.Connection) -> ChatStates | None:
    """Read all as of one instant."""
    with connection:
        revision = int(connection.execute(statements.CHAT_REVISION).get)
        if revision == after:
            return None
        moves, closures = every(statements.MOVES, (), connection), every(statements.CLOSURES, (), connection)
    return ChatStates(
        revision=revision,
        moves=[move_from(row) for row in moves],
        closures=[closure_from(row) for row in closures],
    )


def _add_move(row: Row, record: Row, database: Database) -> Row:
    return row if _change(statements.ADD_MOVE, row, record, database) else _kept_move(row[0], database)


def _kept_move(chat_id: int, database: Database) -> Row:
    row = one(statements.MOVE, (chat_id,), database.connection)
    assert row is not None  # noqa: S101 - what led here was this row, in the same transaction
    return row


def _approve_move(chat_id: int, record: Row, database: Database) -> Row | None:
    row = one(statements.APPROVE_MOVE, (chat_id,), database.connection)
    if row is not None:
        _changed(record, database)
    return row


def _change(statement: str, values: Row, record: Row, database: Database) -> bool:
    """Run a statement; return whether it changed anything, which is then on record."""
    database.connection.execute(statement, values)
    is_change = database.connection.changes() > 0
    if is_change:
        _changed(record, database)
    return is_change


def _changed(record: Row, database: Database) -> None:
    operations.record([record], database)
    database.connection.execute(statements.NEXT_CHAT_REVISION)


def move_from(row: Row) -> Move:
    """Return the move of a row."""
    chat_id, new_chat_id, approved, noticed_at = row
    return Move(chat_id=chat_id, new_chat_id=new_chat_id, approved=bool(approved), noticed_at=instant(noticed_at))


def closure_from(row: Row) -> Closure:
    """Return the closure of a row."""
    chat_id, closed_at, until, description, code = row
    return Closure(
        chat_id=chat_id, closed_at=instant(closed_at), until=instant(until), description=description, code=code
    )
