"""The store on SQLite: a thread that writes, threads that read, and nothing else that touches the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import apsw

from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import Message, Record, State
from gateway.store import operations, statements
from gateway.store.base import HandedIn, Pending, Place, Search
from gateway.store.beside import beside
from gateway.store.chat_sqlite import SqliteChats
from gateway.store.directory import held
from gateway.store.opening import open_reading, open_writing
from gateway.store.reader import Reader
from gateway.store.registry_sqlite import SqliteRegistry
from gateway.store.rows import (
    changing_row,
    instant,
    message_from,
    message_row,
    microseconds,
    pending_from,
    record_from,
    record_row,
    token_row,
)
from gateway.store.seals_sqlite import SqliteSealReadings, SqliteSeals
from gateway.store.second_factors_sqlite import SqliteSecondFactors
from gateway.store.update_sqlite import SqliteUpdates
from gateway.store.writer import Writer

T = TypeVar("T")

_NEVER = -(1 << 63), ((1 << 63) - 1, 0)
"""Earlier, and in the order of lists later, than anything that is kept."""


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""

    async def close(self) -> None:
        """Finish what was handed in."""


_NO_NUMBER = (1 << 63) - 1
"""Above every number that a record can have."""


class SqliteReadings:
    """What can be read, as `base` promises it."""

    def __init__(self, reader: Readable) -> None:
        """Read by `reader`."""
        self._reader = reader
        self._read = reader.run
        self.seals = SqliteSealReadings(reader)

    async def get(self, message_id: str) -> Message | None:
        """Return a message."""
        row = await self._read(partial(operations.one, statements.MESSAGE, (message_id,)))
        return None if row is None else message_from(row)

    async def find(self, client: str, request_id: str) -> Message | None:
        """Return the message that a request of a client made; `request_id` is not empty."""
        row = await self._read(partial(operations.one, statements.REPEATED_MESSAGE, (client, request_id)))
        return None if row is None else message_from(row)

    async def unfinished(self) -> Sequence[Pending]:
        """Return every message that is not final, in the order of `seq`."""
        return [pending_from(row) for row in await self._read(partial(operations.every, statements.UNFINISHED, ()))]

    async def recent_attempts(self, since: datetime) -> Sequence[tuple[int, datetime]]:
        """Return chat id and instant of each message's last attempt that began at `since` or later, oldest first."""
        rows = await self._read(partial(operations.every, statements.RECENT_ATTEMPTS, (microseconds(since),)))
        return [(chat_id, instant(at)) for chat_id, at in rows]

    async def handed_in(self, since: datetime, span: timedelta) -> tuple[int, Sequence[HandedIn]]:
        """Return the highest `seq` given so far, and what was handed in since then, by client and span of time."""
        work = partial(operations.handed_in, microseconds(since), span // timedelta(microseconds=1))
        number, rows = await self._read(work)
        return number, [HandedIn(client, instant(last_at), count) for client, last_at, count in rows]

    async def changes(self, client: str, chat_ids: Collection[int], after: int, limit: int) -> Sequence[Message]:
        """Return messages of a client in these chats that changed later than `after`, in the order of change."""
        rows = await self._read(partial(operations.changes, client, frozenset(chat_ids), after, limit))
        return [message_from(row) for row in rows]

    async def list_messages(
        self, search: Search, after: Place | None, limit: int
    ) -> tuple[Sequence[Message], Place | None]:
        """Return up to `limit` messages, the last accepted first, and the place after which there may be more."""
        since = _NEVER[0] if search.accepted_from is None else microseconds(search.accepted_from)
        place = _NEVER[1] if search.accepted_until is None else (microseconds(search.accepted_until), 0)
        if after is not None:
            place = min(place, (microseconds(after[0]), after[1]))
        chats = [(search.client, chat_id, since) for chat_id in search.chat_ids]
        states = {state.value for state in search.states}
        rows, last = await self._read(partial(operations.listed, chats, states, place, limit))
        return [message_from(row) for row in rows], None if last is None else (instant(last[0]), last[1])

    async def last_change(self) -> int:
        """Return the number of the last change of any message."""
        return await self._read(operations.last_change)

    async def records(
        self,
        *,
        after: int = 0,
        below: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
        **equal: str | int,
    ) -> Sequence[tuple[int, Record]]:
        """Return records with their numbers: those between two numbers whose named fields have these values."""
        wanted = {field: value for field, value in equal.items() if value != ""}
        sql = statements.records(tuple(wanted), tuple(equal.keys() - wanted.keys()), newest_first)
        try:
            rows = await self._read(
                partial(operations.every, sql, (after, _NO_NUMBER if below is None else below, *wanted.values(), limit))
            )
        except NotDurable as error:
            raise AuditUnavailable("The audit log can't be read: the storage fails, or is damaged.") from error
        return [record_from(row) for row in rows]


class SqliteStore(SqliteReadings):
    """All that is kept, as `base` promises it.

    Attributes:
        registry: Who may do what, as `gateway.store.registry` promises it.
        chats: Chats that moved or are closed, as `gateway.store.chats` promises it.
        updates: What happened in chats, as `gateway.store.updates` promises it.
        second_factors: What operators prove themselves with, as `gateway.store.second_factors` promises it.
    """

    def __init__(self, writer: Writer, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        super().__init__(reader)
        self._writer = writer
        self.seals: SqliteSeals = SqliteSeals(writer, reader)
        self.registry = SqliteRegistry(writer, reader)
        self.chats = SqliteChats(writer, reader)
        self.updates = SqliteUpdates(writer, reader)
        self.second_factors = SqliteSecondFactors(writer, reader)

    async def add(self, message: Message, record: Record) -> Message:
        """Keep a new message and its audit record, or neither; or return the one that has its request id."""
        if self._writer.is_full:
            return await self._found_or_full(message)
        kept = await self._writer.submit(partial(operations.add, message_row(message), record_row(record)))
        if isinstance(kept, operations.Added):
            return replace(message, seq=kept.seq, change=kept.change)
        return message_from(kept)

    async def _found_or_full(self, message: Message) -> Message:
        found = await self.find(message.client, message.request_id) if message.request_id else None
        if found is None:
            raise NotDurable("The database is as large as it may be.")
        return found

    async def start(self, message_id: str, at: datetime) -> Message | None:
        """Move a message from QUEUED or RETRY_WAIT to SENDING, with one more attempt, begun at `at`."""
        row = await self._writer.submit(partial(operations.start, message_id, microseconds(at)))
        return None if row is None else message_from(row)

    async def save(self, message: Message, expected: tuple[State, int], record: Record | None = None) -> Message | None:
        """Put what can change of a message, and an audit record, in the place of what was."""
        state, attempts = expected
        change = await self._writer.submit(
            partial(
                operations.save,
                (*changing_row(message), message.id, state.value, attempts),
                None if record is None else record_row(record),
            )
        )
        return None if change is None else replace(message, change=change)

    async def requeue(self, message: Message, expected: tuple[State, int], record: Record) -> Message | None:
        """Do as `save`, and give the message a new `seq`, the highest, and the token that it has now."""
        state, attempts = expected
        added = await self._writer.submit(
            partial(
                operations.requeue,
                (*changing_row(message), message.id, state.value, attempts),
                token_row(message),
                message.id,
                record_row(record),
            )
        )
        return None if added is None else replace(message, seq=added.seq, change=added.change)

    async def forget(self, finished_before: datetime, dead_before: datetime, limit: int) -> int:
        """Remove up to `limit` messages that ended long ago, with their request ids; return how many."""
        instants = microseconds(finished_before), microseconds(dead_before)
        # Found by a thread that reads, so that the writer only removes.
        seqs = await self._read(partial(operations.every, statements.FORGETTABLE, (*instants, limit)))
        return await self._writer.submit(partial(operations.forget, instants[0], seqs)) if seqs else 0

    async def record(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none, in this order."""
        try:
            await self._writer.submit(partial(operations.record, [record_row(record) for record in records]))
        except NotDurable as error:
            raise AuditUnavailable from error

    async def close(self) -> None:
        """Finish what was handed in, then let go of the storage."""
        await self._reader.close()
        # Last, because only a connection that may write can take the log along.
        await self._writer.close()


class _ReadingWriter:
    """Reads on the connection that writes, for a database that has no other."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        return self._writer.submit(lambda database: work(database.connection))

    async def close(self) -> None:
        """The writer is closed by itself."""


@asynccontextmanager
async def open_sqlite(
    path: Path, *, vfs: str | None = None, max_bytes: int | None = None
) -> AsyncIterator[SqliteStore]:
    """Open the database at `path`, made if it is missing, as the one server that may write it.

    Args:
        path: The file, in the data directory. Its other files stand beside it.
        vfs: SQLite's layer to the files, where it is not the usual one.
        max_bytes: From which size on no message is added, while all else goes on; None: any.

    Raises:
        ConfigInvalid: The directory or the database can't be used; the text says why in one line.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(held(path))
        database = await asyncio.to_thread(open_writing, str(path), vfs)
        database.max_bytes = max_bytes
        database.measure()
        writer = Writer(database)
        stack.push_async_callback(writer.close)
        reader = Reader(partial(open_reading, str(path), vfs))
        store = SqliteStore(writer, reader)
        stack.push_async_callback(store.close)
        yield store


@asynccontextmanager
async def open_sqlite_in_memory() -> AsyncIterator[SqliteStore]:
    """Open a database that lives in memory, on one connection, and ends with the block."""
    writer = Writer(open_writing(""))
    store = SqliteStore(writer, _ReadingWriter(writer))
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_sqlite_beside(path: Path) -> AsyncIterator[SqliteStore]:
    """Open the database at `path` for a command, to change it also while a server uses it.

    The database is made if it is missing, and brought to this version if no server has it.

    Raises:
        ConfigInvalid: It can't be used; the text says why in one line.
    """
    async with beside(path) as (writer, reader):
        yield SqliteStore(writer, reader)


@asynccontextmanager
async def read_sqlite(path: Path) -> AsyncIterator[SqliteReadings]:
    """Open the database at `path` to read, also while a server writes it.

    Raises:
        ConfigInvalid: It is missing or can't be used; the text says why in one line.
    """
    reader = Reader(partial(open_reading, str(path)))
    try:
        yield SqliteReadings(reader)
    finally:
        await reader.close()
