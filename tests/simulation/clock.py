"""The clock of the gateway's machine, which somebody may set back."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.virtual_time import VirtualClock


class SettableClock(VirtualClock):
    """A clock whose wall hand somebody may set back, and who remembers when its instants really were."""

    def __init__(self) -> None:
        self.behind = timedelta()
        self.really: dict[datetime, float] = {}

    def now(self) -> datetime:
        now = super().now() - self.behind
        self.really.setdefault(now, self.monotonic())
        return now
