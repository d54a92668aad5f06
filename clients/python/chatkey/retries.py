"""When a failed call is made again: on UNAVAILABLE only (AIP-194), while there is time, after a pause by chance."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from chatkey.errors import ChatkeyError, ResourceExhausted, TokenExpired


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How to repeat calls.

    The pause before repeat n is by chance between 0 and the smaller of `longest` and `first` times 2ⁿ, unless the
    gateway names one. A pause that would outlast the deadline is not begun.

    Attributes:
        first: The longest pause before the first repeat.
        longest: The longest pause of all.
        wait_for_quota: Whether also to wait when the quota is used up, as long as the gateway says.
        chance: Gives a number from 0 to 1.
        clock: Gives seconds that never go back.
        pause: Waits for some seconds, in the client for asyncio.
        sleep: Waits for some seconds, in the blocking client.
    """

    first: timedelta = timedelta(milliseconds=100)
    longest: timedelta = timedelta(seconds=2)
    wait_for_quota: bool = False
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    sleep: Callable[[float], None] = time.sleep


class Attempts:
    """The attempts of one call."""

    def __init__(self, retries: Retries, timeout: float | None) -> None:
        """Start the time of the call: `timeout` seconds, or for ever."""
        self._retries = retries
        self._deadline = None if timeout is None else retries.clock() + timeout
        self._failures = 0

    @property
    def remaining(self) -> float:
        """The seconds that are left of a call with a deadline."""
        return float("inf") if self._deadline is None else max(0.0, self._deadline - self._retries.clock())

    def answered(self) -> None:
        """Note that a stream has brought something: what fails later fails for the first time."""
        self._failures = 0

    def pause_after(self, error: ChatkeyError) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            ChatkeyError: The same error, where no attempt is to follow.
        """
        seconds = self._seconds(error)
        if seconds >= self.remaining:
            raise error
        self._failures += 1
        return seconds

    def pause_after_end(self) -> float:
        """Return the seconds to wait before a stream that the gateway has ended is opened again."""
        self._failures += 1
        return self._by_chance(self._failures - 1)

    def _seconds(self, error: ChatkeyError) -> float:
        waits = self._retries.wait_for_quota and isinstance(error, ResourceExhausted)
        if error.retry_after is not None and (error.retriable or waits):
            return error.retry_after.total_seconds()
        if error.retriable:
            return self._by_chance(self._failures)
        if self._deadline is None and self._failures == 0 and isinstance(error, TokenExpired):
            # A stream outlives its token: the next attempt reads the one that has replaced it.
            return 0.0
        raise error

    def _by_chance(self, failures: int) -> float:
        longest = self._retries.longest.total_seconds()
        growing = self._retries.first.total_seconds() * 2.0 ** min(failures, 32)
        return self._retries.chance() * min(longest, growing)
