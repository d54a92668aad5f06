"""What other gateways changed: the truth is asked for, and a doorbell says when it is worth asking."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from gateway.store import statements
from gateway.store.base import Pending
from gateway.store.postgres.dialect import is_fault
from gateway.store.postgres.place import Connection
from gateway.store.postgres.reader import Reader, Reading
from gateway.store.rows import Row, pending_from

_CHANNEL = "chatkey_changes"
_RINGS_EVERY_S = 0.02
_PAUSE_S = 1.0  # until a server that can't be reached is tried again: nothing is missed, it only comes later
_PATIENCE_S = 5.0  # with a server that does not answer; then the doorbell is hung anew
_PAGE = 500

_log = logging.getLogger(__name__)

_LAST = "SELECT change FROM numbers"
_LAST_MESSAGE = "SELECT message FROM numbers"
_HANDED_IN = "SELECT client, count(*) FROM messages WHERE seq > ? AND seq <= ? GROUP BY client"
_CHANGED = (
    statements.UNFINISHED.partition(" WHERE ")[0].replace("SELECT", "SELECT change,", 1)
    + " WHERE change > ? AND changed_by <> current_setting('application_name') ORDER BY change LIMIT ?"
)


class PostgresFeed:
    """What other gateways changed, as `gateway.store.leases` promises it."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], reader: Reader, patience_s: float = _PATIENCE_S
    ) -> None:
        """Nothing is listened to before `begin`."""
        self._patience_s = patience_s
        self._connection: Connection | None = None
        self._connect = connect
        self._reader = reader
        self._after = 0
        self._changed = asyncio.Event()
        self._rings = asyncio.Event()
        self._bell: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Begin with what is changed from now on."""
        self._after = (await self._reader.every(_LAST))[0][0]
        if self._bell is None:
            self._bell = asyncio.create_task(self._run(), name="store-doorbell")

    async def changed(self) -> Sequence[Pending]:
        """Return the first of what other gateways changed since the last time, in the order of change."""
        last, rows = await self._reader.run(self._page)
        if len(rows) == _PAGE:
            self._changed.set()
            self._after = rows[-1][0]
        else:
            # Changes are numbered in the order of commits, so that whoever has read up to one has read all before.
            self._after = max(last, self._after)
        return [pending_from(row[1:]) for row in rows]

    async def _page(self, reading: Reading) -> tuple[int, list[Row]]:
        last = (await reading.every(_LAST))[0][0]
        rows = await reading.every(_CHANGED, self._after, _PAGE) if last > self._after else []
        return max(last, rows[-1][0]) if rows else last, rows

    async def handed_in(self, after: int) -> tuple[int, Mapping[str, int]]:
        """Return the highest `seq` given so far, and of how many messages each client has one above `after`."""

        async def count(reading: Reading) -> tuple[int, list[Row]]:
            # Read first: what has a number up to it is committed, because numbers rise in the order of commits.
            last = (await reading.every(_LAST_MESSAGE))[0][0]
            return last, await reading.every(_HANDED_IN, after, last) if last > after else []

        last, rows = await self._reader.run(count)
        return last, dict(rows)

    async def wait(self, seconds: float) -> None:
        """Return when there may be something new, or when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    def ring(self) -> None:
        """Say that something was changed here."""
        self._rings.set()

    async def close(self) -> None:
        """Listen and ring no more."""
        if self._bell is not None:
            self._bell.cancel()
            await asyncio.gather(self._bell, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen_and_ring()
            except Exception as error:  # noqa: BLE001 - nobody waits for it: who ended it would end it for good, unseen
                if not is_fault(error):
                    _log.error("the doorbell stumbled; what others change comes later", exc_info=error)
                await asyncio.sleep(_PAUSE_S)

    def renew(self) -> None:
        """Hang the doorbell anew, at the server that takes writes by now."""
        if self._connection is not None:
            self._connection.terminate()

    async def _listen_and_ring(self) -> None:
        connection = self._connection = await self._connect()
        try:
            own = connection.get_server_pid()

            def heard(_connection: object, pid: int, _channel: str, _payload: object) -> None:
                if pid != own:
                    self._changed.set()

            async with asyncio.timeout(self._patience_s):
                await connection.add_listener(_CHANNEL, heard)
            self._changed.set()
            while not connection.is_closed():
                # Once for all that was changed meanwhile, and never in the transaction that changed it.
                await asyncio.sleep(_RINGS_EVERY_S)
                if await self._is_rung():
                    await connection.execute(f"NOTIFY {_CHANNEL}", timeout=self._patience_s)
        finally:
            self._connection = None
            connection.terminate()

    async def _is_rung(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_S):
                await self._rings.wait()
            self._rings.clear()
            return True
        return False
