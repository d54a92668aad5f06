"""How long a call may stay that does not end by itself: until its credential or the gateway does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from gateway.clock import Clock
from gateway.desk.rooms import Outbox
from gateway.errors import QuotaExceeded, ShuttingDown, TokenExpired
from gateway.model import Message

RECHECK = timedelta(seconds=1)
"""How often an open stream looks at its credential again."""
MOST_STREAMS = 256
"""Streams that a client, or an operator, may have open at once: each is looked at every second and whenever there is
news, so that thousands of one client would hold up all others."""


class Guest(Protocol):
    """Whoever stays: a caller, or an operator."""

    @property
    def client(self) -> str:
        """Who that is."""

    @property
    def expires_at(self) -> datetime:
        """When its token ends."""


G = TypeVar("G", bound=Guest)
N = TypeVar("N")


class Stay(Generic[G]):
    """Knows who waits, and ends it."""

    def __init__(self, clock: Clock, recheck: timedelta, require_standing: Callable[[G], object]) -> None:
        """Let calls stay, and streams look at their credential every `recheck`.

        Args:
            require_standing: Raises `CallRefused` for a caller whose credential was revoked meanwhile.
        """
        self.recheck = recheck
        self._require_standing = require_standing
        self._clock = clock
        self._ended = False
        self._waiting: set[asyncio.Timeout] = set()
        self._streams: Counter[str] = Counter()

    def require(self, caller: G) -> None:
        """Return if the caller of a stream may go on; raises `CallRefused` and `ShuttingDown`."""
        if self._clock.now() >= caller.expires_at:
            raise TokenExpired("token_expired")
        self._require_standing(caller)
        if self._ended:
            raise ShuttingDown()

    async def during(self, caller: G, work: Coroutine[Any, Any, None], require: Callable[[], object]) -> None:
        """Do some work for as long as the caller may stay and `require` raises nothing, and raise what it raises then.

        Raises:
            QuotaExceeded: there are too many streams of this client.
        """
        working = asyncio.ensure_future(work)
        try:
            with self._place(caller.client):
                while not working.done():
                    self.require(caller)
                    require()
                    await asyncio.wait({working}, timeout=self.recheck.total_seconds())
                working.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def following(
        self, caller: G, news: AsyncIterator[N], require: Callable[[], object]
    ) -> AsyncGenerator[N, None]:
        """Yield what comes, which has no end, for as long as the caller may stay and `require` raises nothing.

        Both are asked before each, and every `recheck` while nothing comes.

        Raises:
            QuotaExceeded: there are too many streams of this client.
        """
        upcoming = asyncio.ensure_future(anext(news))
        try:
            with self._place(caller.client):
                while True:
                    await asyncio.wait({upcoming}, timeout=self.recheck.total_seconds())
                    self.require(caller)
                    require()
                    if upcoming.done():
                        one = upcoming.result()
                        upcoming = asyncio.ensure_future(anext(news))
                        yield one
        finally:
            # There is always one under way, so cancelling it closes what it waits in.
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)

    @contextmanager
    def _place(self, client: str) -> Iterator[None]:
        if self._streams[client] >= MOST_STREAMS:
            raise QuotaExceeded(
                "This client has its share of open streams.",
                retry_after=self.recheck,
                quota="open_streams",
                limit=str(MOST_STREAMS),
            )
        self._streams[client] += 1
        try:
            yield
        finally:
            self._streams[client] -= 1
            if not self._streams[client]:
                del self._streams[client]

    async def settled(self, outbox: Outbox, message_id: str, wait: timedelta) -> Message:
        """Return a message once it is final, or as it is when `wait` is over or nobody may stay."""
        if self._ended:
            return await outbox.settled(message_id, timedelta(0))
        alarm = asyncio.timeout(None)
        try:
            async with alarm:
                self._waiting.add(alarm)
                return await outbox.settled(message_id, wait)
        except TimeoutError:
            return await outbox.settled(message_id, timedelta(0))
        finally:
            self._waiting.discard(alarm)

    def end(self) -> None:
        """Let nobody stay any longer."""
        self._ended = True
        while self._waiting:
            self._waiting.pop().reschedule(0)
