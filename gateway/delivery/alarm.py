"""The one timer of the room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Alarm:
    """Rings once, at the earliest instant that it was set to; whoever hears it sets it anew."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """Call `ring` when it is time."""
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._at = inf

    def set(self, when: float, now: float) -> None:
        """Ring at `when`, or before if it was set so; infinity: not on account of this."""
        if self._timer and self._at > when:
            self.stop()
        if not self._timer and when < inf:
            self._at = when
            self._timer = asyncio.get_running_loop().call_later(max(0.0, when - now), self._on_timer)

    def stop(self) -> None:
        """Ring no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._ring()
