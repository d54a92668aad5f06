"""How often something may be done by each of many: what is done takes from a bucket, and time fills it up again."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from gateway.clock import Clock

KEPT = 10_000
"""Buckets that are kept: those that were taken from last. All others are full."""
_NOW = timedelta(0)


class Buckets:
    """A bucket for each key. A restart fills all of them."""

    def __init__(self, clock: Clock, per_minute: int, kept: int = KEPT) -> None:
        """Begin with every bucket full.

        Args:
            per_minute: How many a minute fills in, and how many a full one holds; 0: any number.
            kept: How many buckets to keep, at least 1.
        """
        self._clock = clock
        self._per_minute = per_minute
        self._kept = kept
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """The number of buckets that are kept."""
        return len(self._left)

    def wait(self, key: str) -> timedelta:
        """Return how long until there is one to take: nothing if there is."""
        if not self._per_minute:
            return _NOW
        return max(_NOW, timedelta(minutes=(1 - self._level(key)) / self._per_minute))

    def take(self, key: str) -> None:
        """Take one, whether it is there or not."""
        if not self._per_minute:
            return
        self._left[key] = self._level(key) - 1, self._clock.monotonic()
        self._left.move_to_end(key)
        if len(self._left) > self._kept:
            self._left.popitem(last=False)

    def _level(self, key: str) -> float:
        if key not in self._left:
            return self._per_minute
        level, at = self._left[key]
        return min(self._per_minute, level + self._per_minute * (self._clock.monotonic() - at) / 60)
