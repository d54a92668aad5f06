"""What is to be done when: instants with keys, the earliest first."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from math import inf
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Agenda(Generic[Key]):
    """One instant for each key, in seconds of one clock.

    Setting and taking cost O(log n), discarding O(1). What is discarded stays in the heap until it comes up or until
    more than half of the heap is such, so memory stays within twice what is in use.
    """

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._entry: dict[Key, int] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._last = 0

    def __len__(self) -> int:
        """Return how many keys have an instant."""
        return len(self._entry)

    def set(self, key: Key, when: float) -> None:
        """Give `key` an instant in place of the one it had."""
        self._last += 1
        self._entry[key] = self._last
        heappush(self._heap, (when, self._last, key))
        if len(self._heap) > 2 * len(self._entry) + 64:
            self._heap = [entry for entry in self._heap if self._entry.get(entry[2]) == entry[1]]
            heapify(self._heap)

    def discard(self, key: Key) -> None:
        """Forget the instant of `key`, if it has one."""
        self._entry.pop(key, None)

    def next(self) -> float:
        """Return the earliest instant; infinity when there is none."""
        heap = self._heap
        while heap:
            when, entry, key = heap[0]
            if self._entry.get(key) == entry:
                return when
            heappop(heap)
        return inf

    def take_due(self, now: float) -> list[Key]:
        """Return, and forget, the keys whose instant has come, the earliest first."""
        due: list[Key] = []
        while self.next() <= now:
            key = heappop(self._heap)[2]
            del self._entry[key]
            due.append(key)
        return due
