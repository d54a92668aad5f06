"""Answers to those who are refused wait here while others are served, so that no flood takes the time of these."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import timedelta
from typing import TypeAlias

from gateway.addresses import neighbourhood
from gateway.clock import Clock

REST = timedelta(milliseconds=4)
"""Between two answers, while anybody is served: 250 a second, of which each takes some 0.5 ms of the loop."""
BUSY = timedelta(minutes=1)
"""For how long the lane is slow after somebody was served: whoever calls now and then finds no flood at its height."""
PLACES = 1024
"""Answers that may wait at once, each with some 40 KiB of its call, 150 with a long request. One more does not wait."""
PATIENCE = timedelta(seconds=5)
"""How long an answer may wait: a little longer than it takes to answer all that may wait."""

_Queue: TypeAlias = "OrderedDict[asyncio.Future[None], None]"


class SlowLane:
    """Lets answers go one after another: by turns for each address, and in order for one.

    Whoever asks again when it is answered asks no more often than that, however many such there are. While nobody is
    served no answer waits. Addresses of one IPv6 network of 64 bits are one, as in `FailedAttempts`.
    """

    def __init__(
        self, clock: Clock, *, rest: timedelta = REST, patience: timedelta = PATIENCE, places: int = PLACES
    ) -> None:
        """Begin with nobody served.

        Args:
            rest: How long to wait between two answers, while anybody is served.
            patience: How long an answer waits at most.
            places: How many answers may wait at once.
        """
        self._clock = clock
        self._rest = rest.total_seconds()
        self._patience = patience.total_seconds()
        self._places = places
        self._busy_until = self._free_at = float("-inf")
        self._queues: OrderedDict[str, _Queue] = OrderedDict()
        self._next: asyncio.TimerHandle | None = None
        self._ended = False
        self.waiting = 0

    def served(self) -> None:
        """Note that somebody is served now."""
        self._busy_until = self._clock.monotonic() + BUSY.total_seconds()

    async def turn(self, address: str) -> None:
        """Return once a refusal may be answered that came from this address."""
        now = self._clock.monotonic()
        if now >= self._busy_until or self._ended or self.waiting >= self._places:
            return
        if not self.waiting and now >= self._free_at:
            self._free_at = now + self._rest
            return
        await self._wait(neighbourhood(address))

    def end(self) -> None:
        """Let everybody go, and nobody wait any more."""
        self._ended = True
        while self._queues:
            self._let_go()

    async def _wait(self, address: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(address, OrderedDict())
        queue[turn] = None
        self.waiting += 1
        self._look_ahead()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await turn
        finally:
            # Whoever went away, or lost its patience, was let go by nobody.
            if turn in queue:
                self._leave(address, queue, turn)

    def _look_ahead(self) -> None:
        if self._queues and self._next is None:
            now = self._clock.monotonic()
            rest = max(0.0, self._free_at - now) if now < self._busy_until else 0.0
            self._next = asyncio.get_running_loop().call_later(rest, self._go_on)

    def _go_on(self) -> None:
        self._next = None
        self._free_at = self._clock.monotonic() + self._rest
        if self._queues:
            self._let_go()
        self._look_ahead()

    def _let_go(self) -> None:
        address, queue = next(iter(self._queues.items()))
        turn = next(iter(queue))
        self._queues.move_to_end(address)
        self._leave(address, queue, turn)
        if not turn.done():
            turn.set_result(None)

    def _leave(self, address: str, queue: _Queue, turn: asyncio.Future[None]) -> None:
        del queue[turn]
        self.waiting -= 1
        if not queue:
            del self._queues[address]
