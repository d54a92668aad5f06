"""One thread that writes. What is handed in while a commit is under way shares the next commit, and its one sync."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias, TypeVar

import apsw

from gateway.errors import NotDurable
from gateway.store.database import STORAGE_FAULTS, Database

T = TypeVar("T")
Work: TypeAlias = Callable[[Database], T]
_Request: TypeAlias = tuple[Work[Any], "asyncio.Future[Any]"]
Outcome: TypeAlias = tuple["asyncio.Future[Any]", Any, Exception | None]

_GROUP = 512  # requests in one commit
_LOG_PAGES = 4_000  # of 4 KiB: after so many more the log is moved to the database
_IDLE_S = 1.0  # without a request: then the log is moved too

_log = logging.getLogger(__name__)


class Writer:
    """Runs work in the database, in the order in which it is handed in, and answers once its commit is durable."""

    def __init__(self, database: Database) -> None:
        """Begin to write. The answers come on the event loop that runs now."""
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._is_closed = False
        self._is_failing = False
        self._checkpoint_at = _LOG_PAGES
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether the database is as large as it may be, as of the last commit."""
        return self._database.is_full

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Hand in work, which may be run more than once but is kept once; its future fails with `NotDurable`."""
        if self._is_closed:
            raise NotDurable("The store is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._requests.put((work, future))
        return future

    async def close(self) -> None:
        """Finish what was handed in."""
        if not self._is_closed:
            self._is_closed = True
            self._requests.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        is_open = True
        while is_open:
            taken = self._take()
            group = [request for request in taken if request is not None]
            is_open = len(group) == len(taken)
            if group:
                self._answer(self._commit(group))
            self._checkpoint(is_idle=not taken)
        self._database.close()

    def _take(self) -> Sequence[_Request | None]:
        """Wait for requests; there are none if it is time to move the log instead."""
        try:
            first = self._requests.get(timeout=_IDLE_S if self._database.log_pages else None)
        except Empty:
            return ()
        return [first, *(self._requests.get() for _ in range(min(self._requests.qsize(), _GROUP)))]

    def _commit(self, group: Sequence[_Request]) -> list[Outcome]:
        changes = self._database.connection.total_changes()
        try:
            self._database.begin()
            results = [work(self._database) for work, _ in group]
            self._database.commit()
        except STORAGE_FAULTS as error:
            self._database.rollback()
            self._note(error)
            return [(future, None, not_durable(error)) for _, future in group]
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a request is its caller's to hear
            self._database.rollback()
            if len(group) == 1:
                return [(group[0][1], None, error)]
            # Each alone, so that the one that fails takes no other along.
            return [outcome for request in group for outcome in self._commit([request])]
        # What changes nothing is kept on a full disk as well.
        if self._database.connection.total_changes() != changes:
            self._note(None)
        return [(future, result, None) for (_, future), result in zip(group, results, strict=True)]

    def _note(self, error: Exception | None) -> None:
        """Tell the operator when the storage begins to fail and when it works again."""
        if error is not None and not self._is_failing:
            _log.error("the storage fails, nothing is accepted until it works again: %s", error)
        if error is None and self._is_failing:
            _log.warning("the storage works again")
        self._is_failing = error is not None

    def _answer(self, outcomes: Sequence[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(settle, outcomes)
        except RuntimeError:  # the loop is closed, and nobody waits any more
            _log.debug("%d answers had no loop to go to", len(outcomes))

    def _checkpoint(self, *, is_idle: bool) -> None:
        """Bound the log: between two commits rather than within one, so that a caller rarely waits for it."""
        pages = self._database.log_pages
        if not is_idle and pages < self._checkpoint_at:
            return
        try:
            is_done = self._database.checkpoint()
        except apsw.Error as error:
            _log.debug("the log was not moved: %s", error)
            is_done = False
        # What a reader holds back, or a fault, is not tried again at every commit.
        self._checkpoint_at = _LOG_PAGES if is_done else pages + _LOG_PAGES


def settle(outcomes: Sequence[Outcome]) -> None:
    """Answer those who still wait."""
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def not_durable(fault: Exception) -> NotDurable:
    """Return what a caller is told of a fault of the storage."""
    error = NotDurable()
    error.__cause__ = fault
    return error
