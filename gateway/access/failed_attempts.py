"""How many tokens from one address may fail their verification before no more of them are looked at."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from gateway.addresses import neighbourhood
from gateway.clock import Clock
from gateway.errors import TooManyFailures

MAX_ADDRESSES = 10_000
"""Addresses that are kept in mind: those that failed last."""


class FailedAttempts:
    """A bucket for each address, which a failure takes from and time fills up again.

    Addresses of one IPv6 network of 64 bits are one: whoever has one of them has all of them (RFC 6177). All local
    sockets are one, and so is whatever has no address that can be read.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        """Begin with every bucket full.

        Args:
            per_minute: How many failures a minute fills in, and as many at once; 0: any number.
        """
        self._clock = clock
        self._per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.failed_total = 0
        self.refused_total = 0

    def require_few(self, address: str) -> None:
        """Return if one more token from this address may be looked at.

        Raises:
            TooManyFailures: not before one failure is filled in again.
        """
        if not self._per_minute:
            return
        missing = 1 - self._level(neighbourhood(address))
        if missing > 0:
            self.refused_total += 1
            raise TooManyFailures(retry_after=timedelta(minutes=missing / self._per_minute))

    def failed(self, address: str) -> None:
        """Count a token from this address that failed."""
        self.failed_total += 1
        if not self._per_minute:
            return
        key = neighbourhood(address)
        self._left[key] = self._level(key) - 1, self._clock.monotonic()
        self._left.move_to_end(key)
        if len(self._left) > MAX_ADDRESSES:
            self._left.popitem(last=False)

    def _level(self, key: str) -> float:
        level, at = self._left.get(key, (float(self._per_minute), 0.0))
        since = timedelta(seconds=self._clock.monotonic() - at)
        return min(self._per_minute, level + self._per_minute * (since / timedelta(minutes=1)))
