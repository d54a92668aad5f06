"""Which refusals have a log line of their own: of a flood a few, and then the number of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from gateway.clock import Clock
from gateway.telemetry import logger

WINDOW = timedelta(seconds=10)
LINES = 100
"""Refusals for one reason that have a line in a window; the others are told together at its end."""

_log = logger(__name__)


class RefusalLines:
    """Counts by reason. Who was refused, and why, is in the audit log whatever is told here."""

    def __init__(self, clock: Clock) -> None:
        """Begin with no window."""
        self._clock = clock
        self._ends_at = float("-inf")
        self._refused: Counter[str] = Counter()

    def admit(self, reason: str) -> bool:
        """Return whether a refusal has a line of its own; if not, it is counted."""
        now = self._clock.monotonic()
        if now >= self._ends_at:
            self._tell()
            self._ends_at = now + WINDOW.total_seconds()
        self._refused[reason] += 1
        if self._refused[reason] == LINES + 1:
            asyncio.get_running_loop().call_later(self._ends_at - now, self._tell)
        return self._refused[reason] <= LINES

    def _tell(self) -> None:
        for reason, count in self._refused.items():
            if count > LINES:
                _log.info("grpc.refusals", reason=reason, count=count - LINES, seconds=WINDOW.total_seconds())
        self._refused.clear()
