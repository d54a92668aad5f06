"""Connections that read, so that nobody who asks waits for a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from gateway.errors import NotDurable
from gateway.store.postgres.dialect import is_fault, not_durable, numbered
from gateway.store.postgres.place import Connection
from gateway.store.rows import Row

T = TypeVar("T")

CONNECTIONS = 4
_PATIENCE_S = 15.0
_GONE = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)


class Reading:
    """Reads on one connection."""

    def __init__(self, connection: Connection, patience_s: float) -> None:
        """Take the connection, and how long an answer may take."""
        self._connection = connection
        self._patience_s = patience_s

    async def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        row = await self._connection.fetchrow(numbered(sql), *values, timeout=self._patience_s)
        return None if row is None else tuple(row)

    async def every(self, sql: str, *values: object, patience_s: float | None = None) -> list[Row]:
        """Return all rows; `patience_s`: how long that may take where it is much."""
        patience_s = patience_s or self._patience_s
        return [tuple(row) for row in await self._connection.fetch(numbered(sql), *values, timeout=patience_s)]


class Reader:
    """Runs what only reads, on the host that takes writes: a standby may lag behind what was answered."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], patience_s: float = _PATIENCE_S) -> None:
        """Connect when there is something to read."""
        self._connect = connect
        self._patience_s = patience_s
        self._idle: list[Connection] = []
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._running: set[asyncio.Task[Any]] = set()
        self._age = 0
        self._is_closed = False

    async def run(self, work: Callable[[Reading], Awaitable[T]], *, as_of_one_instant: bool = False) -> T:
        """Return what `work` returns; a fault of the storage is `NotDurable`.

        It runs to its end though its caller hangs up: a connection in the middle of an answer would have to be thrown
        away, and a new one costs more than the answer.
        """
        await self._turns.acquire()
        running = asyncio.create_task(self._run(work, as_of_one_instant))
        self._running.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    def _ended(self, running: asyncio.Task[Any]) -> None:
        self._running.discard(running)
        self._turns.release()
        if not running.cancelled():
            running.exception()  # whoever asked has heard of it, or is gone

    async def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row."""
        return await self.run(lambda reading: reading.one(sql, *values))

    async def every(self, sql: str, *values: object) -> list[Row]:
        """Return all rows."""
        return await self.run(lambda reading: reading.every(sql, *values))

    def renew(self) -> None:
        """Ask no server any more that may have been replaced by another one: each next read finds out anew."""
        self._age += 1
        while self._idle:
            self._idle.pop().terminate()

    async def _run(self, work: Callable[[Reading], Awaitable[T]], as_of_one_instant: bool) -> T:
        if self._is_closed:
            raise NotDurable("The store is closed.")
        try:
            while True:
                is_used, age = bool(self._idle), self._age
                connection = self._idle.pop() if is_used else await self._connect()
                try:
                    return await self._read(connection, work, as_of_one_instant)
                except _GONE as fault:
                    # One that was kept may have been gone for a while: a server that was started anew is no fault.
                    if not is_used or isinstance(fault, TimeoutError):
                        raise
                finally:
                    self._put_back(connection, age)
        except Exception as error:
            if not is_fault(error):
                raise
            raise not_durable(error) from error

    async def _read(
        self, connection: Connection, work: Callable[[Reading], Awaitable[T]], as_of_one_instant: bool
    ) -> T:
        reading = Reading(connection, self._patience_s)
        try:
            if not as_of_one_instant:
                return await work(reading)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await work(reading)
        except BaseException:
            # What was asked for may still be on its way here.
            connection.terminate()
            raise

    def _put_back(self, connection: Connection, age: int) -> None:
        if connection.is_closed() or self._is_closed or age != self._age:
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        """Let go of the connections; whoever reads is let finish."""
        self._is_closed = True
        for _ in range(CONNECTIONS):
            await self._turns.acquire()
        for connection in self._idle:
            try:
                await connection.close(timeout=1)
            except Exception as error:
                if not is_fault(error):
                    raise
        self._idle.clear()
        for _ in range(CONNECTIONS):
            self._turns.release()
