"""The chain over the audit log, as `gateway.store.seals` promises it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.errors import AuditUnavailable, NotDurable
from gateway.store import seal_statements as statements
from gateway.store.postgres.reader import Reader
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
from gateway.store.rows import Row, instant, microseconds
from gateway.store.seals import Checkpoint, Head

T = TypeVar("T")

NAME_CHAIN = "INSERT INTO audit_chain SELECT ?::text WHERE NOT EXISTS (SELECT 1 FROM audit_chain)"


class PostgresSealReadings:
    """What can be read of the chain."""

    def __init__(self, reader: Reader) -> None:
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

    async def _rows(self, sql: str, *values: object) -> Sequence[Row]:
        return await _available(self._reader.every(sql, *values))


class PostgresSeals(PostgresSealReadings):
    """The chain. Of two gateways that seal one record, one finds its link taken, and keeps nothing."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and read by `reader`."""
        super().__init__(reader)
        self._submit = writer.submit

    async def head(self, new_chain: Callable[[], str]) -> Head:
        """Return where the chain ends; a chain without a name gets one."""
        return await _available(self._submit(partial(_head, new_chain())))

    async def seal(self, links: Sequence[tuple[int, bytes]]) -> None:
        """Keep the links of records, all or none."""
        await self._insert(statements.ADD_LINK, links)

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
        await self._insert(statements.ADD_CHECKPOINT, [row])

    async def archive(self, before: int, until: Checkpoint) -> bool:
        """Remove what is in archive files now; return whether it was from `before` on that they went."""
        return await _available(self._submit(partial(_archive, before, until.number, until.seq)))

    async def _insert(self, sql: str, rows: Sequence[Row]) -> None:
        is_kept = await _available(self._submit(partial(_insert, sql, rows)))
        if not is_kept:
            raise AuditUnavailable("Another gateway seals the log.")


async def _head(name: str, transaction: Transaction) -> Head:
    await transaction.execute(NAME_CHAIN, name)
    (chain,) = await transaction.one(statements.CHAIN) or (name,)
    last = await transaction.one(statements.LAST_LINK) or await transaction.one(statements.ARCHIVED_LINK)
    seq, link = last or (0, None)
    return Head(chain=chain, seq=seq, link=link)


async def _insert(sql: str, rows: Sequence[Row], transaction: Transaction) -> bool:
    """Insert what stands next in its table, and nothing if the table has gone on."""
    table = "audit_links" if sql == statements.ADD_LINK else "audit_checkpoints"
    column = "seq" if sql == statements.ADD_LINK else "number"
    last = await transaction.every(f"SELECT coalesce(max({column}), 0) FROM {table}")  # noqa: S608 - our own names
    if rows and last[0][0] >= rows[0][0]:
        return False
    await transaction.many(sql, rows)
    return True


async def _archive(before: int, until: int, seq: int, transaction: Transaction) -> bool:
    if not await transaction.execute(statements.MOVE_ARCHIVED, before, until):
        return False
    await transaction.execute(statements.REMOVE_RECORDS, seq)
    await transaction.execute(statements.REMOVE_LINKS, seq)
    await transaction.execute(statements.REMOVE_CHECKPOINTS, until)
    return True


async def _available(work: Awaitable[T]) -> T:
    try:
        return await work
    except NotDurable as error:
        raise AuditUnavailable from error
