"""The store on SQLite without its threads, so that a simulation runs on it: each call is a commit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import apsw

from gateway.errors import NotDurable
from gateway.model import Message, Record
from gateway.store import operations, statements
from gateway.store.database import Database
from gateway.store.opening import open_writing
from gateway.store.rows import message_from
from gateway.store.sqlite import SqliteStore

T = TypeVar("T")

_ALL = f"SELECT {statements.MESSAGE_COLUMNS} FROM messages ORDER BY seq"


class _Inline:
    """Writes and reads at once."""

    is_full = False

    def __init__(self) -> None:
        self.database = open_writing("")
        self.is_failing = False

    def submit(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self.is_failing:
            future.set_exception(NotDurable())
            return future
        self.database.begin()
        future.set_result(work(self.database))
        self.database.commit()
        return future

    async def run(self, work: Callable[[apsw.Connection], T], /) -> T:
        if self.is_failing:
            raise NotDurable
        return work(self.database.connection)

    async def close(self) -> None:
        self.database.close()


class InlineSqlite(SqliteStore):
    """All that is kept, and open to whoever looks into it as into the model."""

    def __init__(self) -> None:
        self._inline = _Inline()
        super().__init__(self._inline, self._inline)  # type: ignore[arg-type] - it does what both do

    @property
    def is_failing(self) -> bool:
        return self._inline.is_failing

    @is_failing.setter
    def is_failing(self, is_failing: bool) -> None:
        self._inline.is_failing = is_failing

    @property
    def messages(self) -> dict[str, Message]:
        rows = operations.every(_ALL, (), self._inline.database.connection)
        return {message.id: message for message in map(message_from, rows)}

    @property
    def log(self) -> list[Record]:
        was_failing, self.is_failing = self.is_failing, False
        reading = self.records(limit=1_000_000)
        try:
            reading.send(None)
        except StopIteration as done:
            return [record for _, record in done.value]
        finally:
            self.is_failing = was_failing
        raise RuntimeError("it waited for something")
