"""One connection that writes. What is handed in while a commit is under way shares the next one, and its one sync."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

import asyncpg

from gateway.errors import NotDurable
from gateway.store.leases import Deposed
from gateway.store.postgres.adding import Add, add_all
from gateway.store.postgres.dialect import is_fault, not_durable
from gateway.store.postgres.place import Connection
from gateway.store.postgres.transaction import LOCK, TURN, Transaction
from gateway.store.writer import Outcome, settle

T = TypeVar("T")
Work: TypeAlias = Callable[[Transaction], Awaitable[T]]

_GROUP = 512  # requests in one commit
_PATIENCE_S = 15.0  # with a server that does not answer; then the connection is given up
_LONGEST_S = 10.0  # of a transaction, the wait for its lock included and that for the standby not
_PAUSE_S = 0.1  # until a server that can't be reached is tried again, while a commit is unknown

_CAN_END = (17,)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Request:
    work: Work[Any] | Add
    future: asyncio.Future[Any]
    epoch: int | None


class _Unknown(Exception):
    """A commit got no answer, or none that can be relied on."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__("a commit got no answer")
        self.results = results


class Writer:
    """Runs work in the database, in the order in which it is handed in, and answers once its commit is durable."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], longest_s: float = _LONGEST_S) -> None:
        """Begin to write. A transaction that lasts longer is undone by the server, from PostgreSQL 17 on."""
        self._longest_s = longest_s
        self.on_change: Callable[[], None] = lambda: None
        self.on_connect: Callable[[], None] = lambda: None
        self._connect = connect
        self._connection: Connection | None = None
        self._requests: deque[_Request] = deque()
        self._arrived = asyncio.Event()
        self._turn = 0
        self._is_closed = False
        self._is_failing = False
        self._is_warned = False
        self._task = asyncio.create_task(self._run(), name="store-writer")

    def submit(self, work: Work[T], epoch: int | None = None) -> asyncio.Future[T]:
        """Hand in work, which may be run more than once but is kept once; its future fails with `NotDurable`.

        Args:
            work: What to do; of what it raises, nothing is kept.
            epoch: Only while this one lasts, else it is `Deposed`; None: whoever attempts messages.
        """
        return self._hand_in(work, epoch)

    def add(self, add: Add, epoch: int | None = None) -> asyncio.Future[Any]:
        """Hand in a message to add; those that stand one behind the other are added together."""
        return self._hand_in(add, epoch)

    def _hand_in(self, work: Work[Any] | Add, epoch: int | None) -> asyncio.Future[Any]:
        if self._is_closed:
            raise NotDurable("The store is closed.")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._requests.append(_Request(work, future, epoch))
        self._arrived.set()
        return future

    async def close(self) -> None:
        """Finish what was handed in."""
        self._is_closed = True
        self._arrived.set()
        await self._task

    async def _run(self) -> None:
        while self._requests or not self._is_closed:
            self._arrived.clear()
            if not self._requests:
                await self._arrived.wait()
                continue
            group = [self._requests.popleft() for _ in range(min(len(self._requests), _GROUP))]
            settle(await self._commit(group))
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=1)

    async def _commit(self, group: Sequence[_Request]) -> list[Outcome]:
        try:
            results = await self._kept(group)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a request is its caller's to hear
            if is_fault(error):
                self._note(error)
                return [(request.future, None, not_durable(error)) for request in group]
            if len(group) == 1:
                return [(group[0].future, None, error)]
            # Each alone, so that the one that fails takes no other along.
            return [outcome for request in group for outcome in await self._commit([request])]
        self._note(None)
        return [
            (request.future, None, result) if isinstance(result, Deposed) else (request.future, result, None)
            for request, result in zip(group, results, strict=True)
        ]

    async def _kept(self, group: Sequence[_Request]) -> list[Any]:
        """Run and commit requests, a second time if nothing of the first was kept for a connection that was gone."""
        for is_last in (False, True):
            connection = await self._connected()
            try:
                with self._patience(connection):
                    return await self._transact(connection, group)
            except _Unknown as unknown:
                connection.terminate()
                if await self._was_kept(self._turn):
                    return unknown.results
            except Exception as error:
                was_lost = connection.is_closed()
                if is_fault(error):
                    connection.terminate()  # by now another server may be the one that takes writes
                await self._undo(connection)
                if is_last or not was_lost:
                    raise
        raise ConnectionError("the connection was lost twice")

    async def _transact(self, connection: Connection, group: Sequence[_Request]) -> list[Any]:
        transaction = await self._begun(connection)
        results: list[Any] = []
        for is_add, run in groupby(group, key=lambda request: isinstance(request.work, Add)):
            results += await (_added if is_add else _done)(transaction, list(run))
        self._turn += 1
        await transaction.finish(self._turn)
        await self._end(connection, results)
        if transaction.numbers.change != transaction.changed_from:
            self.on_change()
        return results

    async def _begun(self, connection: Connection) -> Transaction:
        await connection.execute("BEGIN")
        locked = await connection.fetchrow(LOCK)
        if locked is None:
            raise ConnectionError("the database has lost its numbers")
        return Transaction(connection, tuple(locked))

    async def _end(self, connection: Connection, results: list[Any]) -> None:
        """Commit. An error, or a warning that the standby was not waited for, leaves it unknown what is kept."""
        self._is_warned = False
        try:
            status = await connection.execute("COMMIT")
        except Exception as error:
            raise _Unknown(results) from error
        if self._is_warned or status != "COMMIT":
            raise _Unknown(results)

    async def _was_kept(self, turn: int) -> bool:
        """Find out, however long it takes, whether the transaction of this turn was kept.

        The lock comes once the server has ended that transaction, and this one's commit waits for the standby as every
        other does: what is found is there to stay.
        """
        while True:
            try:
                connection = await self._connected()
                with self._patience(connection):
                    await self._begun(connection)
                    found = await connection.fetchval(TURN)
                    await connection.execute("UPDATE numbers SET message = message")
                    await self._end(connection, [])
                return bool(found == turn)
            except Exception as error:
                if self._connection is not None:
                    self._connection.terminate()
                if self._is_closed or not (is_fault(error) or isinstance(error, _Unknown)):
                    # A fault: whose work may have been kept must not have it done again.
                    raise ConnectionError("it can't be told whether a commit was kept") from error
                self._refuse_waiting(error)
                await asyncio.sleep(_PAUSE_S)

    def _refuse_waiting(self, error: Exception) -> None:
        """Let nobody wait whose work has not begun, for as long as the storage fails."""
        self._note(error)
        settle([(request.future, None, not_durable(error)) for request in self._requests])
        self._requests.clear()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await self._connect()
            with self._patience(connection):
                if connection.get_server_version() >= _CAN_END:
                    # To the server half a statement is no idleness: who stands still in it keeps all others waiting.
                    await connection.execute(f"SET transaction_timeout = {self._longest_s * 1000:.0f}")
            connection.add_log_listener(self._warned)
            self._connection = connection
            self.on_connect()
        return self._connection

    def _warned(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            self._is_warned = True

    @contextmanager
    def _patience(self, connection: Connection) -> Iterator[None]:
        """End a connection, which is never asked to cancel: a cancelled wait for the standby looks like a commit."""
        watch = asyncio.get_running_loop().call_later(_PATIENCE_S, connection.terminate)
        try:
            yield
        finally:
            watch.cancel()

    async def _undo(self, connection: Connection) -> None:
        try:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
        except Exception as error:  # noqa: BLE001 - without it the server undoes it by itself
            _log.debug("a transaction was undone by its end: %s", type(error).__name__)
            connection.terminate()

    def _note(self, error: Exception | None) -> None:
        """Tell the operator when the storage begins to fail and when it works again."""
        if error is not None and not self._is_failing:
            _log.error("the storage fails, nothing is accepted until it works again: %s", error)
        if error is None and self._is_failing:
            _log.warning("the storage works again")
        self._is_failing = error is not None


async def _added(transaction: Transaction, run: Sequence[_Request]) -> list[Any]:
    results: list[Any] = [_deposed(request, transaction) for request in run]
    adds = [request.work for request, deposed in zip(run, results, strict=True) if deposed is None]
    kept = iter(await add_all(transaction, [add for add in adds if isinstance(add, Add)]))
    return [deposed or next(kept) for deposed in results]


async def _done(transaction: Transaction, run: Sequence[_Request]) -> list[Any]:
    results: list[Any] = []
    for request in run:
        assert not isinstance(request.work, Add)  # noqa: S101 - they are told apart by the caller
        results.append(_deposed(request, transaction) or await request.work(transaction))
    return results


def _deposed(request: _Request, transaction: Transaction) -> Deposed | None:
    return None if request.epoch in (None, transaction.epoch) else Deposed()
