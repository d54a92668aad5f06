"""Threads that read, so that neither a writer nor the event loop ever waits for a search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import apsw

from gateway.errors import NotDurable
from gateway.store.database import STORAGE_FAULTS
from gateway.store.writer import not_durable

T = TypeVar("T")

_THREADS = 2  # one long search leaves the other thread to those who ask for a message


class Reader:
    """Runs what only reads. It sees what is durable: a commit becomes visible after its sync (`opening.SETTINGS`)."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        """Open the connections."""
        self._connections: SimpleQueue[apsw.Connection] = SimpleQueue()
        for _ in range(_THREADS):
            self._connections.put(connect())
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store-reader")
        self._is_closed = False

    async def run(self, work: Callable[[apsw.Connection], T], /) -> T:
        """Return what `work` returns; a fault of the storage is `NotDurable`."""
        if self._is_closed:
            raise NotDurable("The store is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def _run(self, work: Callable[[apsw.Connection], T]) -> T:
        connection = self._connections.get()
        try:
            return work(connection)
        except (*STORAGE_FAULTS, UnicodeDecodeError) as error:  # the latter: a text that somebody else wrote
            raise not_durable(error) from error
        finally:
            self._connections.put(connection)

    async def close(self) -> None:
        """Finish what was handed in, then let go of the file."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        while not self._connections.empty():
            self._connections.get().close()
