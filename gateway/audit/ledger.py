"""Refusals on their way to the audit log. What is allowed is recorded in the transaction that does it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from itertools import islice

from gateway.audit.floods import Floods
from gateway.audit.lines import tamed
from gateway.audit.tallies import Tallies
from gateway.clock import Clock
from gateway.errors import AuditUnavailable
from gateway.model import Caller, Record
from gateway.store.base import AuditStore

WAITING = 10_000
"""Records that wait to be written; while the storage fails, further refusals are only counted."""
BATCH = 500
INTERVAL = timedelta(seconds=1)


class Ledger:
    """Writes refusals behind the answer to them.

    Whoever is refused can neither wait for the log nor fill it nor hide something in it.
    """

    def __init__(
        self,
        store: AuditStore,
        clock: Clock,
        on_refusal: Callable[[Record], None] | None = None,
        on_state: Callable[[bool], None] | None = None,
    ) -> None:
        """Write to `store`.

        Args:
            on_refusal: Told of each refusal; neither waits nor fails.
            on_state: Told whether the log can be written, whenever it was tried.
        """
        self._store = store
        self._clock = clock
        self._on_refusal = on_refusal
        self._on_state = on_state or (lambda _: None)
        self._floods = Floods()
        self._tallies = Tallies()
        self._waiting: deque[Record] = deque()
        self._writing = asyncio.Lock()

    @property
    def unwritten(self) -> int:
        """The number of refusals that the log does not have yet."""
        return sum(record.count for record in self._waiting if record.decision == "deny") + self._floods.counted

    def refused(self, record: Record) -> None:
        """Note a refusal. Never waits and never fails."""
        self._end_window()
        short = tamed(record)
        if self._floods.admit(short, has_room=self._has_room):
            self._waiting.append(short)
        if self._on_refusal is not None:
            self._on_refusal(short)

    def let_in(self, caller: Caller) -> None:
        """Count a call that its credential allows. Never waits and never fails."""
        self._end_window()
        self._tallies.count(caller, self._clock.now())

    async def run(self, every: timedelta = INTERVAL) -> None:
        """Write what waits, again and again, until cancelled."""
        while True:
            await self.flush()
            await asyncio.sleep(every.total_seconds())

    async def flush(self) -> None:
        """Write what waits; what the storage does not take now waits on."""
        self._end_window()
        # Whole, even if whoever asked is cancelled: a batch that was written but not noted would be written twice.
        await asyncio.shield(asyncio.ensure_future(self._write()))

    async def close(self) -> None:
        """Write everything, what was only counted included."""
        self._take(self._clock.monotonic())
        await self.flush()

    @property
    def _has_room(self) -> bool:
        return len(self._waiting) < WAITING

    def _end_window(self) -> None:
        now = self._clock.monotonic()
        if self._has_room and self._floods.is_over(now):
            self._take(now)

    def _take(self, now: float) -> None:
        self._waiting.extend(self._floods.take(now))
        self._waiting.extend(map(tamed, self._tallies.take()))

    async def _write(self) -> None:
        async with self._writing:
            while self._waiting:
                batch = list(islice(self._waiting, BATCH))
                try:
                    await self._store.record(batch)
                except AuditUnavailable:
                    self._on_state(False)
                    return
                self._on_state(True)
                for _ in batch:
                    self._waiting.popleft()
