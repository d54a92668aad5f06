"""Chats that moved and chats that are closed, as `gateway.store.chats` promises them."""

from __future__ import annotations

from functools import partial

from gateway.model import Record
from gateway.store import chat_statements as statements
from gateway.store.chat_sqlite import closure_from, move_from
from gateway.store.chats import ChatStates, Closure, Move
from gateway.store.postgres.reader import Reader, Reading
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
from gateway.store.rows import Row, microseconds, record_row

CLOSE_CHAT = (
    f"INSERT INTO closed_chats ({statements.CLOSURE_COLUMNS}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608 - our own columns
    "ON CONFLICT (chat_id) DO UPDATE SET closed_at = excluded.closed_at, until = excluded.until, "
    "description = excluded.description, code = excluded.code"
)


class PostgresChats:
    """Chats."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and read by `reader`."""
        self._submit = writer.submit
        self._reader = reader

    async def chat_states(self, after: int = -1) -> ChatStates | None:
        """Return what is kept, by chat id; None: nothing changed since revision `after`."""
        row = await self._reader.one(statements.CHAT_REVISION)
        if row is not None and row[0] == after:
            return None
        return await self._reader.run(_states, as_of_one_instant=True)

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
        await self._submit(partial(_change, CLOSE_CHAT, row, record_row(record)))

    async def open_chat(self, chat_id: int, record: Record) -> bool:
        """Forget a closure; return whether there was one."""
        return await self._submit(partial(_change, statements.OPEN_CHAT, (chat_id,), record_row(record)))


async def _states(reading: Reading) -> ChatStates:
    ((revision,),) = await reading.every(statements.CHAT_REVISION)
    return ChatStates(
        revision=revision,
        moves=[move_from(row) for row in await reading.every(statements.MOVES)],
        closures=[closure_from(row) for row in await reading.every(statements.CLOSURES)],
    )


async def _add_move(row: Row, record: Row, transaction: Transaction) -> Row:
    if await _change(statements.ADD_MOVE, row, record, transaction):
        return row
    return (await transaction.every(statements.MOVE, row[0]))[0]


async def _approve_move(chat_id: int, record: Row, transaction: Transaction) -> Row | None:
    row = await transaction.one(statements.APPROVE_MOVE, chat_id)
    if row is not None:
        await _changed(record, transaction)
    return row


async def _change(statement: str, values: Row, record: Row, transaction: Transaction) -> bool:
    is_change = await transaction.execute(statement, *values) > 0
    if is_change:
        await _changed(record, transaction)
    return is_change


async def _changed(record: Row, transaction: Transaction) -> None:
    transaction.record(record)
    await transaction.execute(statements.NEXT_CHAT_REVISION)
