"""Telegram's flood limits, as sliding windows over the messages that were let through."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

from .errors import too_many_requests

LimitsName = Literal["telegram", "none"]

BOT_MESSAGES, BOT_SECONDS = 30, 1.0
"""Messages of one bot in any window of so many seconds."""

CHAT_MESSAGES, CHAT_SECONDS = 1, 1.0
"""Messages of one bot in one chat in any window of so many seconds."""

GROUP_MESSAGES, GROUP_SECONDS = 20, 60.0
"""Messages of one bot in one group, supergroup or channel in any window of so many seconds."""


class Window:
    """At most `count` events in any stretch of `seconds`; only events let through are counted."""

    __slots__ = ("_count", "_seconds", "_times")

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._times: deque[float] = deque()

    def wait(self, now: float, events: int = 1) -> float:
        """Seconds until so many more events fit; 0 when they fit now. More than fit at all wait for an empty window."""
        times = self._times
        while times and times[0] <= now - self._seconds:
            times.popleft()
        excess = len(times) + min(events, self._count) - self._count
        return times[excess - 1] + self._seconds - now if excess > 0 else 0.0

    def count(self, now: float) -> None:
        """Let one event through."""
        self._times.append(now)

    def is_idle(self, now: float) -> bool:
        """Whether no event is left in the window."""
        return not self._times or self._times[-1] <= now - self._seconds


class FloodLimits:
    """The windows of one bot; `name` "none" lifts them."""

    _SWEEP_SIZE = 10_000

    def __init__(self, name: LimitsName) -> None:
        self._enforced = name == "telegram"
        self._bot = Window(BOT_MESSAGES, BOT_SECONDS)
        self._chats: dict[int, tuple[Window, ...]] = {}

    def take(self, chat_id: int, now: float, messages: int = 1) -> None:
        """Count messages that arrived at `now`, or refuse them all with a 429 in whole seconds, at least 1."""
        if not self._enforced:
            return
        windows = (self._bot, *self._windows_of(chat_id, now))
        wait = max(window.wait(now, messages) for window in windows)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        for window in windows:
            for _ in range(messages):
                window.count(now)

    def _windows_of(self, chat_id: int, now: float) -> tuple[Window, ...]:
        windows = self._chats.get(chat_id)
        if windows is None:
            if len(self._chats) >= self._SWEEP_SIZE:
                self._chats = {c: w for c, w in self._chats.items() if not all(x.is_idle(now) for x in w)}
            windows = (Window(CHAT_MESSAGES, CHAT_SECONDS),)
            if chat_id < 0:
                windows += (Window(GROUP_MESSAGES, GROUP_SECONDS),)
            self._chats[chat_id] = windows
        return windows
