"""How long to stay away after a failure, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.clock import Clock
from gateway.telegram.failures import BotFailure, BotRefused, RateLimited, Refused
from gateway.telemetry import logger

CONFLICT = 409
FIRST_S = 1.0
LONGEST_S = 60.0
CALM = timedelta(minutes=2)
"""So long without a clash, and it is over."""
TELL_EVERY = timedelta(minutes=10)
"""Between two lines in the log about a clash that goes on."""

_log = logger(__name__)


class Patience:
    """Says after each failure how long to wait: twice as long each time, never at the same moment as others."""

    def __init__(self, clock: Clock, chance: Callable[[], float], on_bot_refused: Callable[[], None]) -> None:
        """Take a number between 0 and 1 from `chance`; `on_bot_refused` is told when the bot token is not taken."""
        self._clock = clock
        self._chance = chance
        self._on_bot_refused = on_bot_refused
        self._failures = 0
        self._clashed_at = self._told_at = float("-inf")

    @property
    def clashes(self) -> bool:
        """Whether somebody else fetches the bot's updates, or has them sent elsewhere."""
        return self._clock.monotonic() - self._clashed_at < CALM.total_seconds()

    def went_well(self) -> None:
        """Take note of a success."""
        if self._failures:
            _log.info("updates.again", meaning="Telegram can be asked for updates again; none is lost.")
        self._failures = 0

    def after(self, failure: BotFailure) -> float:
        """Return how many seconds to stay away."""
        if isinstance(failure, BotRefused):
            self._on_bot_refused()
        if isinstance(failure, Refused) and failure.code == CONFLICT:
            self.clashed(failure.description)
        elif self._failures == 0:
            _log.warning("updates.failed", why=str(failure), meaning="Telegram keeps them for 24 hours; tried again.")
        pause = min(FIRST_S * 2.0**self._failures, LONGEST_S) * (0.5 + self._chance() / 2)
        self._failures = min(self._failures + 1, 10)
        if isinstance(failure, RateLimited) and failure.retry_after is not None:
            return max(pause, failure.retry_after.total_seconds())
        return pause

    def clashed(self, why: str) -> None:
        """Take note that somebody else takes the bot's updates."""
        now = self._clashed_at = self._clock.monotonic()
        if now - self._told_at >= TELL_EVERY.total_seconds():
            self._told_at = now
            _log.error(
                "updates.clash",
                why=why,
                meaning="Something else takes this bot's updates: another program with the bot's token, or a webhook. "
                "A bot has one taker; stop the other one. What it took is not told to anybody here.",
            )
