"""Forgets updates that came long ago, a few at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import NotDurable
from gateway.store.updates import UpdateStore
from gateway.updates.seen import MOST

EVERY = timedelta(minutes=1)
BATCH = 200
"""Updates that are removed in one commit: some milliseconds, in which others wait."""
PAUSE = timedelta(seconds=0.05)
"""Between two batches, for those who wait."""


class Retention:
    """Removes what came longer ago than `keep`: neither what people wrote to the bot nor who they are is kept on."""

    def __init__(self, store: UpdateStore, clock: Clock, keep: timedelta) -> None:
        """Take how long updates are kept."""
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
        """Remove what is old enough, and return how many updates that were; raises `NotDurable`."""
        before = self._clock.now() - self._keep
        await self._store.forget_seen(before, MOST)
        total = 0
        while True:
            count = await self._store.forget(before, BATCH)
            total += count
            if count < BATCH:
                return total
            await asyncio.sleep(PAUSE.total_seconds())
