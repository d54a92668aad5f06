"""Keys from an address, asked again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import ConfigInvalid
from gateway.jwks.fetch import FetchFailed
from gateway.jwks.source import Source

REFRESH = timedelta(minutes=5)
RETRY = timedelta(seconds=30)
EARLY = timedelta(seconds=60)
"""How long after an early look the next one may be."""


class UrlSource(Source):
    """An address that is asked every five minutes, and earlier when a key is missed. No call ever waits for it."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        accept: Callable[[bytes], None],
        *,
        name: str,
        clock: Clock,
        refresh: timedelta = REFRESH,
        retry: timedelta = RETRY,
    ) -> None:
        """Take an address; nothing is asked yet.

        Args:
            fetch: Returns the answer, or raises `FetchFailed`.
            accept: Takes an answer that is new, or raises `ConfigInvalid` and changes nothing.
            name: What to call it in the log.
            clock: Says how long it has been good, and when it may be asked early again.
            refresh: How long to wait after an answer that was good.
            retry: How long to wait after another one.
        """
        super().__init__(name, accept, clock)
        self._fetch = fetch
        self._refresh = refresh
        self._retry = retry
        self._missed = asyncio.Event()
        self._early_at: float | None = None

    async def open(self) -> None:
        """Ask for the first time.

        What can't be reached is asked again later, and stale until then: our own start does not hang on theirs.

        Raises:
            ConfigInvalid: what came is not acceptable.
        """
        try:
            self.take(await self._fetch())
        except FetchFailed as failure:
            self.keep(str(failure))
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{self._name}: {error}") from None

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        while True:
            pause = self._retry if self.has_problem else self._refresh
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._missed.wait()
            self._missed.clear()
            await self.look()

    async def look(self) -> None:
        """Ask now."""
        try:
            data = await self._fetch()
        except FetchFailed as failure:
            self.keep(str(failure))
        else:
            self.offer(data)

    def miss(self) -> None:
        """Note that a token names a key that is not known: ask early, once a minute at most. Returns at once."""
        now = self._clock.monotonic()
        if self._early_at is None or now - self._early_at >= EARLY.total_seconds():
            self._early_at = now
            self._missed.set()
