"""A transaction that writes: it holds the numbers, and with them the right to be the next in the order of commits."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store import statements
from gateway.store.database import Numbers
from gateway.store.postgres.dialect import arrays, numbered, unnested
from gateway.store.postgres.place import Connection
from gateway.store.rows import Row

# By its name too: in a database that was put back to what it was, another one may have the right under the same number.
LOCK = (
    "SELECT message, change, record, CASE WHEN leader = current_setting('application_name') THEN epoch END "
    "FROM numbers FOR UPDATE"
)
_RECORD_TYPES = ("bigint", "bigint", "text", "text", "text", "text", "text", "bigint", "text", "text", "text")
# A row is written whatever the transaction did: a commit that wrote nothing would not wait for the standby. All in one
# statement: while it is on its way, every other gateway waits for the lock.
FINISH = (
    f"WITH records AS (INSERT INTO audit ({statements.RECORD_COLUMNS}) SELECT * FROM {unnested(_RECORD_TYPES)}), "  # noqa: S608
    "turn AS (INSERT INTO writers VALUES (current_setting('application_name'), ?, clock_timestamp()) "
    "ON CONFLICT (name) DO UPDATE SET turn = excluded.turn, at = excluded.at) "
    "UPDATE numbers SET message = ?, change = ?, record = ?"
)
TURN = "SELECT turn FROM writers WHERE name = current_setting('application_name')"


class Transaction:
    """Runs statements.

    Attributes:
        numbers: Those given last; they are kept, or not, together with the transaction.
        epoch: The number of the right to attempt messages; None: it is not ours.
    """

    def __init__(self, connection: Connection, locked: Row) -> None:
        """Take a connection in a transaction and what `LOCK` returned there."""
        message, change, record, epoch = locked
        self.numbers = Numbers(message, change, record)
        self.epoch: int | None = epoch
        self.changed_from = self.numbers.change
        self._connection = connection
        self._records: list[Row] = []

    async def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        row = await self._connection.fetchrow(numbered(sql), *values)
        return None if row is None else tuple(row)

    async def every(self, sql: str, *values: object) -> list[Row]:
        """Return all rows."""
        return [tuple(row) for row in await self._connection.fetch(numbered(sql), *values)]

    async def execute(self, sql: str, *values: object) -> int:
        """Return how many rows a statement changed."""
        status = await self._connection.execute(numbered(sql), *values)
        return int(status.rpartition(" ")[2])

    async def many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run a statement for each row, in one go."""
        await self._connection.executemany(numbered(sql), rows)

    def record(self, row: Row) -> None:
        """Add a record."""
        self.numbers.record += 1
        self._records.append((self.numbers.record, *row))

    async def finish(self, turn: int) -> None:
        """Write what is written at the end, so that it can be committed."""
        numbers = self.numbers
        records = arrays(_RECORD_TYPES, self._records)
        await self.execute(FINISH, *records, turn, numbers.message, numbers.change, numbers.record)
