"""Forgets messages that ended long ago, a few at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import NotDurable
from gateway.store.base import OutboxStore

SHORTEST = timedelta(hours=24)
"""A request id is remembered for at least so long after its message ended."""
EVERY = timedelta(minutes=10)
BATCH = 200
"""Messages that are removed in one commit: some milliseconds, in which others wait."""
PAUSE = timedelta(seconds=0.05)
"""Between two batches, for those who wait."""


class Retention:
    """Removes what was finished longer ago than `keep`, and than the message's time to live; the audit log stays.

    The file does not shrink by it: the room is used again.
    """

    def __init__(self, store: OutboxStore, clock: Clock, keep: timedelta) -> None:
        """Take how long finished messages are kept: at least `SHORTEST`."""
        if keep < SHORTEST:
            raise ValueError(f"a request id has to be remembered for {SHORTEST}")
        self._store = store
        self._clock = clock
        self._keep = keep

    async def run(self) -> None:
        """Remove what has become old enough, now and then, for ever."""
        while True:
            with suppress(NotDurable):
                await self.forget()
            await asyncio.sleep(EVERY.total_seconds())

    async def forget(self) -> int:
        """Remove what is old enough, and return how many messages that were.

        Raises:
            NotDurable: The storage failed; what was removed before is.
        """
        now = self._clock.now()
        total = 0
        while True:
            count = await self._store.forget(now - self._keep, now, BATCH)
            total += count
            if count < BATCH:
                return total
            await asyncio.sleep(PAUSE.total_seconds())
