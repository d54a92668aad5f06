"""Connections that read, so that nobody who asks waits for a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from gateway.errors import NotDurable
from gateway.store.postgres.dialect import is_fault, not_durable, numbered
from gateway.store.postgres.place import Connection
from gateway.store.rows import Row

T = TypeVar("T")

_CONNECTIONS = 4
_PATIENCE_S = 15.0


class Reading:
    """Reads on one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take the connection."""
        self.connection = connection

    async def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        row = await self.connection.fetchrow(numbered(sql), *values, timeout=_PATIENCE_S)
        return None if row is None else tuple(row)

    async def every(self, sql: str, *values: object) -> list[Row]:
        """Return all rows."""
        return [tuple(row) for row in await self.connection.fetch(numbered(sql), *values, timeout=_PATIENCE_S)]


class Reader:
    """Runs what only reads, on the host that takes writes: a standby may lag behind what was answered."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        """Connect when there is something to read."""
        self._connect = connect
        self._idle: list[Connection] = []
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._is_closed = False

    async def run(self, work: Callable[[Reading], Awaitable[T]], *, as_of_one_instant: bool = False) -> T:
        """Return what `work` returns; a fault of the storage is `NotDurable`."""
        if self._is_closed:
            raise NotDurable("The store is closed.")
        async with self._turns:
            try:
                return await self._run(work, as_of_one_instant)
            except Exception as error:
                if not is_fault(error):
                    raise
                raise not_durable(error) from error

    async def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        return await self.run(lambda reading: reading.one(sql, *values))

    async def every(self, sql: str, *values: object) -> list[Row]:
        """Return all rows."""
        return await self.run(lambda reading: reading.every(sql, *values))

    async def _run(self, work: Callable[[Reading], Awaitable[T]], as_of_one_instant: bool) -> T:
        while True:
            is_used, connection = (True, self._idle.pop()) if self._idle else (False, await self._connect())
            try:
                if not as_of_one_instant:
                    return await work(Reading(connection))
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await work(Reading(connection))
            except (
                OSError,
                asyncpg.InterfaceError,
                asyncpg.PostgresConnectionError,
                asyncpg.OperatorInterventionError,
            ):
                # One that was kept may have been gone for a while: a server that was started anew is no fault.
                connection.terminate()
                if not is_used:
                    raise
            except BaseException:
                # Also of a caller that hangs up: what it asked for may still be on its way here.
                connection.terminate()
                raise
            finally:
                self._put_back(connection)

    def _put_back(self, connection: Connection) -> None:
        if connection.is_closed() or self._is_closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        """Let go of the connections; whoever reads is let finish."""
        self._is_closed = True
        for _ in range(_CONNECTIONS):
            await self._turns.acquire()
        for connection in self._idle:
            try:
                await connection.close(timeout=1)
            except Exception as error:
                if not is_fault(error):
                    raise
        self._idle.clear()
        for _ in range(_CONNECTIONS):
            self._turns.release()
