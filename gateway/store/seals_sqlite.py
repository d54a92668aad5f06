"""The chain over the audit log, on SQLite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import apsw

from gateway.errors import AuditUnavailable, NotDurable
from gateway.store import seal_statements as statements
from gateway.store.database import Database
from gateway.store.operations import every, one
from gateway.store.rows import Row, instant, microseconds
from gateway.store.seals import Checkpoint, Head
from gateway.store.writer import Writer

T = TypeVar("T")


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""


class SqliteSealReadings:
    """What can be read of the chain, as `seals` promises it."""

    def __init__(self, reader: Readable) -> None:
        """Read by `reader`."""
        self._reader = reader

    async def chain(self) -> str | None:
        """Return the chain's name; None while it has none."""
        rows = await self._rows(statements.CHAIN)
        return str(rows[0][0]) if rows else None

    async def links(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return number and link of the sealed records numbered above `after`, lowest first."""
        return [(seq, link) for seq, link in await self._rows(statements.LINKS, after, limit)]

    async def checkpoints(self, after: int, limit: int) -> Sequence[Checkpoint]:
        """Return the checkpoints numbered above `after`, lowest first."""
        return [
            Checkpoint(number=number, at=instant(at), seq=seq, link=link, key_id=key_id, signature=signature)
            for number, at, seq, link, key_id, signature in await self._rows(statements.CHECKPOINTS, after, limit)
        ]

    async def last_numbered(self) -> int:
        """Return the number that was given to a record last."""
        return int((await self._rows(statements.LAST_NUMBERED))[0][0])

    async def last_checkpoint(self) -> int:
        """Return the number of the last checkpoint; 0 for none."""
        return int((await self._rows(statements.LAST_CHECKPOINT))[0][0])

    async def archived_until(self) -> int:
        """Return the number of the checkpoint up to which all is in archive files; 0: nothing is."""
        return int((await self._rows(statements.ARCHIVED))[0][0])

    async def _rows(self, sql: str, *bindings: Any) -> Sequence[Row]:
        return await _available(self._reader.run(partial(every, sql, bindings)))


class SqliteSeals(SqliteSealReadings):
    """The chain, as `seals` promises it."""

    def __init__(self, writer: Writer, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        super().__init__(reader)
        self._writer = writer

    async def head(self, new_chain: Callable[[], str]) -> Head:
        """Return where the chain ends; a chain without a name gets one."""
        return await _available(self._writer.submit(partial(_head, new_chain())))

    async def seal(self, links: Sequence[tuple[int, bytes]]) -> None:
        """Keep the links of records, all or none."""
        await _available(self._writer.submit(partial(_insert, statements.ADD_LINK, links)))

    async def keep_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint."""
        row = (
            checkpoint.number,
            microseconds(checkpoint.at),
            checkpoint.seq,
            checkpoint.link,
            checkpoint.key_id,
            checkpoint.signature,
        )
        await _available(self._writer.submit(partial(_insert, statements.ADD_CHECKPOINT, [row])))

    async def archive(self, before: int, until: Checkpoint) -> bool:
        """Remove what is in archive files now; return whether it was from `before` on that they went."""
        return await _available(self._writer.submit(partial(_archive, before, until.number, until.seq)))


def _head(name: str, database: Database) -> Head:
    database.connection.execute(statements.NAME_CHAIN, (name,))
    (chain,) = one(statements.CHAIN, (), database.connection) or (name,)
    last = one(statements.LAST_LINK, (), database.connection) or one(statements.ARCHIVED_LINK, (), database.connection)
    seq, link = last or (0, None)
    return Head(chain=chain, seq=seq, link=link)


def _archive(before: int, until: int, seq: int, database: Database) -> bool:
    connection = database.connection
    connection.execute(statements.MOVE_ARCHIVED, (before, until))
    if not connection.changes():
        return False
    connection.execute(statements.REMOVE_RECORDS, (seq,))
    connection.execute(statements.REMOVE_LINKS, (seq,))
    connection.execute(statements.REMOVE_CHECKPOINTS, (until,))
    return True


def _insert(sql: str, rows: Sequence[Row], database: Database) -> None:
    database.connection.executemany(sql, rows)


async def _available(work: Awaitable[T]) -> T:
    try:
        return await work
    except NotDurable as error:
        raise AuditUnavailable from error
