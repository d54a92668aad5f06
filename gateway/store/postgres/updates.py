"""Updates, as `gateway.store.updates` promises them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from gateway.model import Update, UpdateKind
from gateway.store import update_statements as statements
from gateway.store.postgres.dialect import arrays, unnested
from gateway.store.postgres.reader import Reader, Reading
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
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

_TYPES = ("bigint", "bigint", "text", "bigint", "bigint", "text", "bigint", "bytea")
KNOWN = "SELECT update_id FROM updates WHERE update_id = ANY(?::bigint[])"
ADD_UPDATES = f"INSERT INTO updates ({statements.UPDATE_COLUMNS}) SELECT * FROM {unnested(_TYPES)}"  # noqa: S608 - our own


class PostgresUpdates:
    """Updates."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and read by `reader`."""
        self._submit = writer.submit
        self._reader = reader

    async def add(self, updates: Sequence[Update]) -> Sequence[Update]:
        """Keep updates, all or none, and return the new ones with their `seq`."""
        rows = await self._submit(partial(_add, [update_row(update) for update in updates]))
        return [update_from(row) for row in rows]

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        """Return up to `limit` updates of these places and kinds behind `after`, in the order of `seq`."""
        return await self._reader.run(partial(_page, places, kinds, after, limit), as_of_one_instant=True)

    async def last(self) -> int:
        """Return the number of the last update that was ever kept; 0: none was."""
        return int((await self._reader.every(statements.LAST_UPDATE))[0][0])

    async def oldest(self) -> int:
        """Return the number behind which the first update is that is still kept."""
        return await self._reader.run(_oldest, as_of_one_instant=True)

    async def chats_after(self, after: int) -> tuple[int, Collection[int]]:
        """Return the chats of the first updates behind `after`, and the number after which to go on."""
        return chats_from(await self._reader.every(statements.CHATS_AFTER, after, MOST_CHATS), after)

    async def pressed(self, callback_id: str) -> Update | None:
        """Return the last press on a button that has this id, which is not empty."""
        row = await self._reader.one(statements.PRESSED, callback_id)
        return None if row is None else update_from(row)

    async def forget(self, received_before: datetime, limit: int) -> int:
        """Remove up to `limit` updates, in the order of `seq`, up to the first that came later; return how many."""
        return await self._submit(partial(_forget, microseconds(received_before), limit))

    async def see(self, chats: Sequence[SeenChat]) -> None:
        """Keep of which chats was heard, in the place of what was known of each."""
        await self._submit(partial(_see, [seen_row(chat) for chat in chats]))

    async def seen(self, limit: int) -> Sequence[SeenChat]:
        """Return up to `limit` chats, the one first of which was heard last."""
        return [seen_from(row) for row in await self._reader.every(statements.SEEN, limit)]

    async def forget_seen(self, seen_before: datetime, most: int) -> None:
        """Forget chats of which nothing was heard since, and of more than `most` those that were heard of first."""
        await self._submit(partial(_forget_seen, microseconds(seen_before), most))


async def _oldest(reading: Reading) -> int:
    ((first,),) = await reading.every(statements.OLDEST_UPDATE)
    return int((await reading.every(statements.LAST_UPDATE))[0][0] if first is None else first - 1)


async def _page(
    places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int, reading: Reading
) -> UpdatePage:
    ((last,),) = await reading.every(statements.LAST_UPDATE)
    found = [
        (await reading.every(page, *values), int((await reading.every(forgotten, *place))[0][0]))
        for page, values, forgotten, place in queries(places, kinds, after, limit)
    ]
    return page_from(found, last, limit)


async def _add(rows: Sequence[Row], transaction: Transaction) -> Sequence[Row]:
    ((last,),) = await transaction.every(statements.LAST_UPDATE)
    known = {update_id for (update_id,) in await transaction.every(KNOWN, [row[0] for row in rows])}
    new = numbered(rows, known, last)
    if new:
        await transaction.execute(ADD_UPDATES, *arrays(_TYPES, new))
        await transaction.execute(statements.SET_LAST_UPDATE, new[-1][0])
    return new


async def _forget(received_before: int, limit: int, transaction: Transaction) -> int:
    old, places = forgettable(await transaction.every(statements.FIRST_UPDATES, limit), received_before)
    if old:
        await transaction.many(statements.NOTE_FORGOTTEN, places)
        await transaction.execute(statements.FORGET_UPDATES, old[-1][0])
    return len(old)


async def _see(rows: Sequence[Row], transaction: Transaction) -> None:
    await transaction.many(statements.SEE, rows)


async def _forget_seen(seen_before: int, most: int, transaction: Transaction) -> None:
    await transaction.execute(statements.FORGET_SEEN, seen_before)
    await transaction.execute(statements.FORGET_MOST_SEEN, most)
