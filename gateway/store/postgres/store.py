"""The store on PostgreSQL, as `gateway.store.base` promises it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex

from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import Message, Record, State
from gateway.store import operations, statements
from gateway.store.base import HandedIn, Pending, Place, Search
from gateway.store.leases import Deposed
from gateway.store.postgres import messages
from gateway.store.postgres import place as places
from gateway.store.postgres.adding import Add
from gateway.store.postgres.chats import PostgresChats
from gateway.store.postgres.feed import PostgresFeed
from gateway.store.postgres.lease import PostgresLease
from gateway.store.postgres.opening import prepare, require_current
from gateway.store.postgres.reader import Reader
from gateway.store.postgres.registry import PostgresRegistry
from gateway.store.postgres.seals import PostgresSealReadings, PostgresSeals
from gateway.store.postgres.second_factors import PostgresSecondFactors
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.updates import PostgresUpdates
from gateway.store.postgres.writer import Writer
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

_NEVER = -(1 << 63), ((1 << 63) - 1, 0)
"""Earlier, and in the order of lists later, than anything that is kept."""
_NO_NUMBER = (1 << 63) - 1
"""Above every number that a record can have."""


class PostgresReadings:
    """What can be read."""

    def __init__(self, reader: Reader) -> None:
        """Read by `reader`."""
        self._reader = reader
        self.seals = PostgresSealReadings(reader)

    async def get(self, message_id: str) -> Message | None:
        """Return a message."""
        row = await self._reader.one(statements.MESSAGE, message_id)
        return None if row is None else message_from(row)

    async def unfinished(self) -> Sequence[Pending]:
        """Return every message that is not final, in the order of `seq`."""
        return [pending_from(row) for row in await self._reader.every(statements.UNFINISHED)]

    async def recent_attempts(self, since: datetime) -> Sequence[tuple[int, datetime]]:
        """Return chat id and instant of each message's last attempt that began at `since` or later, oldest first."""
        rows = await self._reader.every(statements.RECENT_ATTEMPTS, microseconds(since))
        return [(chat_id, instant(at)) for chat_id, at in rows]

    async def handed_in(self, since: datetime, span: timedelta) -> tuple[int, Sequence[HandedIn]]:
        """Return the highest `seq` given so far, and what was handed in since then, by client and span of time."""
        work = partial(messages.handed_in, microseconds(since), span // timedelta(microseconds=1))
        number, rows = await self._reader.run(work, as_of_one_instant=True)
        return number, [HandedIn(client, instant(last_at), count) for client, last_at, count in rows]

    async def changes(self, client: str, chat_ids: Collection[int], after: int, limit: int) -> Sequence[Message]:
        """Return messages of a client in these chats that changed later than `after`, in the order of change."""
        work = partial(messages.changes, client, frozenset(chat_ids), after, limit)
        return [message_from(row) for row in await self._reader.run(work, as_of_one_instant=True)]

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
        work = partial(messages.listed, chats, states, place, limit)
        rows, last = await self._reader.run(work, as_of_one_instant=True)
        return [message_from(row) for row in rows], None if last is None else (instant(last[0]), last[1])

    async def last_change(self) -> int:
        """Return the number of the last change of any message."""
        _message, change, _record = await self._reader.one(statements.NUMBERS) or (0, 0, 0)
        return int(change)

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
            between = after, _NO_NUMBER if below is None else below
            rows = await self._reader.every(sql, *between, *wanted.values(), limit)
        except NotDurable as error:
            raise AuditUnavailable("The audit log can't be read: the storage fails, or is damaged.") from error
        return [record_from(row) for row in rows]


class PostgresStore(PostgresReadings):
    """All that is kept.

    Attributes:
        registry: Who may do what, as `gateway.store.registry` promises it.
        chats: Chats that moved or are closed, as `gateway.store.chats` promises it.
        updates: What happened in chats, as `gateway.store.updates` promises it.
        second_factors: What operators prove themselves with, as `gateway.store.second_factors` promises it.
        feed: What other gateways changed, as `gateway.store.leases` promises it.
        lease: The right to attempt messages, as `gateway.store.leases` promises it; None: it is not asked for.
    """

    def __init__(self, place: places.Place) -> None:
        """Begin; it connects when there is something to do."""
        reader = Reader(place.connect)
        super().__init__(reader)
        self._writer = writer = Writer(place.connect)
        self.seals: PostgresSeals = PostgresSeals(writer, reader)
        self.registry = PostgresRegistry(writer, reader)
        self.chats = PostgresChats(writer, reader)
        self.updates = PostgresUpdates(writer, reader)
        self.second_factors = PostgresSecondFactors(writer, reader)
        self.feed = PostgresFeed(place.connect, reader)
        self.lease: PostgresLease | None = None
        writer.on_change, writer.on_connect = self.feed.ring, self._renew

    def _renew(self) -> None:
        """Read and listen where is written: what is left behind may be a server that another one has replaced."""
        self._reader.renew()
        self.feed.renew()

    def share(self) -> PostgresLease:
        """Attempt nothing any more without the lease, which is returned: other gateways use the database too."""
        self.lease = PostgresLease(self._writer, self._reader)
        return self.lease

    def _epoch(self, *, is_attempt: bool) -> int | None:
        """Return under which number of the lease something is handed in; None: under none."""
        epoch = None if self.lease is None else self.lease.epoch
        if self.lease is not None and epoch is None and is_attempt:
            raise Deposed
        return epoch

    async def add(self, message: Message, record: Record) -> Message:
        """Keep a new message and its audit record, or neither; or return the one that has its request id."""
        epoch = self._epoch(is_attempt=message.state is State.SENDING)
        kept = await self._writer.add(Add(message_row(message), record_row(record)), epoch)
        if isinstance(kept, operations.Added):
            return replace(message, seq=kept.seq, change=kept.change)
        return message_from(kept)

    async def find(self, client: str, request_id: str) -> Message | None:
        """Return the message that a request of a client made; `request_id` is not empty.

        Found by one that writes, because it answers a repeat: what is only read may not be on the standby yet.
        """

        async def found(transaction: Transaction) -> tuple[object, ...] | None:
            return await transaction.one(statements.REPEATED_MESSAGE, client, request_id)

        row = await self._writer.submit(found)
        return None if row is None else message_from(row)

    async def start(self, message_id: str, at: datetime) -> Message | None:
        """Move a message from QUEUED or RETRY_WAIT to SENDING, with one more attempt, begun at `at`."""
        epoch = self._epoch(is_attempt=True)
        row = await self._writer.submit(partial(messages.start, message_id, microseconds(at)), epoch)
        return None if row is None else message_from(row)

    async def save(self, message: Message, expected: tuple[State, int], record: Record | None = None) -> Message | None:
        """Put what can change of a message, and an audit record, in the place of what was."""
        state, attempts = expected
        changing = (*changing_row(message), message.id, state.value, attempts)
        work = partial(messages.save, changing, None if record is None else record_row(record))
        change = await self._writer.submit(work, self._epoch(is_attempt=state is State.SENDING))
        return None if change is None else replace(message, change=change)

    async def requeue(self, message: Message, expected: tuple[State, int], record: Record) -> Message | None:
        """Do as `save`, and give the message a new `seq`, the highest, and the token that it has now."""
        state, attempts = expected
        changing = (*changing_row(message), message.id, state.value, attempts)
        work = partial(messages.requeue, changing, token_row(message), message.id, record_row(record))
        added = await self._writer.submit(work, self._epoch(is_attempt=False))
        return None if added is None else replace(message, seq=added.seq, change=added.change)

    async def forget(self, finished_before: datetime, dead_before: datetime, limit: int) -> int:
        """Remove up to `limit` messages that ended long ago, with their request ids; return how many."""
        instants = microseconds(finished_before), microseconds(dead_before)
        # Found by a connection that reads, so that the one that writes only removes.
        rows = await self._reader.every(messages.FORGETTABLE, *instants, limit)
        seqs = [seq for (seq,) in rows]
        return await self._writer.submit(partial(messages.forget, instants[0], seqs)) if seqs else 0

    async def record(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none, in this order."""
        rows = [record_row(record) for record in records]

        async def keep(transaction: Transaction) -> None:
            for row in rows:
                transaction.record(row)

        try:
            await self._writer.submit(keep)
        except NotDurable as error:
            raise AuditUnavailable from error

    async def close(self) -> None:
        """Finish what was handed in, then let go of the connections."""
        await self.feed.close()
        await self._reader.close()
        await self._writer.close()


@asynccontextmanager
async def open_postgres(
    url: str, password: str | None = None, *, is_server: bool = True
) -> AsyncIterator[PostgresStore]:
    """Open the database, also while other gateways use it.

    Args:
        url: `postgresql://user@host/database`, without a password; of several hosts the one that takes writes is used.
        password: Where libpq finds none.
        is_server: Whether the tables are made, or brought to this version, if need be.

    Raises:
        ConfigInvalid: It can't be used; the text says why in one line.
    """
    place = places.Place(url, f"chatkey-{token_hex(8)}", password)
    await (prepare if is_server else require_current)(place)
    store = PostgresStore(place)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def read_postgres(url: str, password: str | None = None) -> AsyncIterator[PostgresReadings]:
    """Open the database to read, also while gateways use it; raises `ConfigInvalid`."""
    place = places.Place(url, f"chatkey-{token_hex(8)}", password)
    await require_current(place)
    reader = Reader(place.connect)
    try:
        yield PostgresReadings(reader)
    finally:
        await reader.close()
