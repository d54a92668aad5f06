"""Updates, on SQLite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import apsw

from gateway.errors import NotDurable
from gateway.model import Update, UpdateKind
from gateway.store import update_statements as statements
from gateway.store.database import Database
from gateway.store.operations import every, one
from gateway.store.rows import Row, microseconds
from gateway.store.update_rows import (
    MOST_CHATS,
    chats_from,
    forgettable,
    numbered,
    page_from,
    queries,
    seen_from,
    seen_row,
    update_from,
    update_row,
)
from gateway.store.updates import SeenChat, UpdatePage, UpdatePlace

T = TypeVar("T")

KNOWN = "SELECT update_id FROM updates WHERE update_id = ?"
ADD_UPDATE = f"INSERT INTO updates ({statements.UPDATE_COLUMNS}) VALUES ({', '.join('?' * 8)})"  # noqa: S608 - our own


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""


class Writable(Protocol):
    """Runs what writes, each in a transaction of its own or a shared one."""

    @property
    def is_full(self) -> bool:
        """Whether the database is as large as it may be."""

    def submit(self, work: Callable[[Database], T]) -> Awaitable[T]:
        """Return what `work` returns once it is durable, or raise `NotDurable`."""


class SqliteUpdates:
    """Updates, as `gateway.store.updates` promises them."""

    def __init__(self, writer: Writable, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        self._writer = writer
        self._read = reader.run

    async def add(self, updates: Sequence[Update]) -> Sequence[Update]:
        """Keep updates, all or none, and return the new ones with their `seq`."""
        if self._writer.is_full:
            raise NotDurable("The database is as large as it may be.")
        rows = await self._writer.submit(partial(_add, [update_row(update) for update in updates]))
        return [update_from(row) for row in rows]

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        """Return up to `limit` updates of these places and kinds behind `after`, in the order of `seq`."""
        return await self._read(partial(_page, places, kinds, after, limit))

    async def last(self) -> int:
        """Return the number of the last update that was ever kept; 0: none was."""
        return await self._read(_last)

    async def oldest(self) -> int:
        """Return the number behind which the first update is that is still kept."""
        return await self._read(_oldest)

    async def chats_after(self, after: int) -> tuple[int, Collection[int]]:
        """Return the chats of the first updates behind `after`, and the number after which to go on."""
        return chats_from(await self._read(partial(every, statements.CHATS_AFTER, (after, MOST_CHATS))), after)

    async def pressed(self, callback_id: str) -> Update | None:
        """Return the last press on a button that has this id, which is not empty."""
        row = await self._read(partial(one, statements.PRESSED, (callback_id,)))
        return None if row is None else update_from(row)

    async def forget(self, received_before: datetime, limit: int) -> int:
        """Remove up to `limit` updates, in the order of `seq`, up to the first that came later; return how many."""
        return await self._writer.submit(partial(_forget, microseconds(received_before), limit))

    async def see(self, chats: Sequence[SeenChat]) -> None:
        """Keep of which chats was heard, in the place of what was known of each."""
        await self._writer.submit(partial(_see, [seen_row(chat) for chat in chats]))

    async def seen(self, limit: int) -> Sequence[SeenChat]:
        """Return up to `limit` chats, the one first of which was heard last."""
        return [seen_from(row) for row in await self._read(partial(every, statements.SEEN, (limit,)))]

    async def forget_seen(self, seen_before: datetime, most: int) -> None:
        """Forget chats of which nothing was heard since, and of more than `most` those that were heard of first."""
        await self._writer.submit(partial(_forget_seen, microseconds(seen_before), most))


def _last(connection: apsw.Connection) -> int:
    return int(connection.execute(statements.LAST_UPDATE).get)


def _oldest(connection: apsw.Connection) -> int:
    with connection:
        first, last = connection.execute(statements.OLDEST_UPDATE).get, _last(connection)
    return last if first is None else int(first) - 1


def _page(
    places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int, connection: apsw.Connection
) -> UpdatePage:
    """Read as of one instant: what is kept, or forgotten, between two places' turns would be missed."""
    with connection:
        last = _last(connection)
        found = [
            (every(page, values, connection), int(connection.execute(forgotten, place).get))
            for page, values, forgotten, place in queries(places, kinds, after, limit)
        ]
    return page_from(found, last, limit)


def _add(rows: Sequence[Row], database: Database) -> Sequence[Row]:
    connection = database.connection
    known = {row[0] for row in rows if one(KNOWN, row[:1], connection)}
    new = numbered(rows, known, _last(connection))
    if new:
        connection.executemany(ADD_UPDATE, new)
        connection.execute(statements.SET_LAST_UPDATE, (new[-1][0],))
    return new


def _forget(received_before: int, limit: int, database: Database) -> int:
    old, places = forgettable(every(statements.FIRST_UPDATES, (limit,), database.connection), received_before)
    if old:
        database.connection.executemany(statements.NOTE_FORGOTTEN, places)
        database.connection.execute(statements.FORGET_UPDATES, (old[-1][0],))
    return len(old)


def _see(rows: Sequence[Row], database: Database) -> None:
    database.connection.executemany(statements.SEE, rows)


def _forget_seen(seen_before: int, most: int, database: Database) -> None:
    database.connection.execute(statements.FORGET_SEEN, (seen_before,))
    database.connection.execute(statements.FORGET_MOST_SEEN, (most,))
