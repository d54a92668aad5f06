"""Fetches updates from Telegram, one call at a time, and confirms what is kept.

A call confirms every update below its `offset`, so that number is sent once, after the commit, and never as a place
to go on from: the next call asks for whatever is not confirmed. So nothing has to be remembered over a restart or
another gateway's turn (what was kept and not confirmed comes again, and is known by its `update_id`), and it does no
harm that Telegram begins anew with any number after a week of silence, also a lower one.
https://core.telegram.org/bots/api#getupdates, https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.errors import NotDurable
from gateway.telegram.failures import BotFailure, Unanswered
from gateway.telemetry import logger
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.reading import update_id_of
from gateway.updates.source import Source

LIMIT = 100
TURN_S = 0.3
"""Seconds between two looks at whether it is our turn."""
STORE_PAUSE_S = 0.5
"""Seconds until a storage that failed is tried again; Telegram keeps what is not confirmed."""
SHORTEST_ROUND_S = 1.0
"""Seconds between two calls that bring nothing: a server that does not wait would be asked without a pause."""

_log = logger(__name__)


class Polling:
    """Fetches while it is this gateway's turn."""

    def __init__(
        self,
        source: Source,
        intake: Intake,
        patience: Patience,
        clock: Clock,
        *,
        is_our_turn: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what it works with; of several gateways the one fetches whose turn it is."""
        self._source = source
        self._intake = intake
        self._patience = patience
        self._clock = clock
        self._is_our_turn = is_our_turn
        self._has_begun = False
        self._kept_below: int | None = None
        self._limit = LIMIT

    async def run(self) -> None:
        """Fetch, until cancelled."""
        while True:
            if self._is_our_turn():
                await asyncio.sleep(await self._round())
            else:
                # Whoever had the turn meanwhile may have confirmed more, or less.
                self._has_begun, self._kept_below = False, None
                await asyncio.sleep(TURN_S)

    async def _round(self) -> float:
        """Fetch once and keep what came; return for how many seconds to pause."""
        began = self._clock.monotonic()
        try:
            if not self._has_begun:
                # A webhook that is set would have every call refused.
                await self._source.delete_webhook()
                self._has_begun = True
                _log.info("updates.fetched", meaning="This gateway fetches the bot's updates from now on.")
            raw = await self._source.updates(self._kept_below, self._limit)
        except BotFailure as failure:
            # An answer that can't be read may be one that is too long: of a single update it is not.
            self._limit = 1 if isinstance(failure, Unanswered) else LIMIT
            return self._patience.after(failure)
        # Not all at once again: the next hundred may be as long.
        self._kept_below, self._limit = None, min(2 * self._limit, LIMIT)
        self._patience.went_well()
        if not raw:
            return max(0.0, began + SHORTEST_ROUND_S - self._clock.monotonic())
        try:
            await self._intake.take(raw)
        except NotDurable:
            return STORE_PAUSE_S
        self._kept_below = _above(raw)
        return 0.0 if self._kept_below is not None else SHORTEST_ROUND_S


def _above(raw: Sequence[object]) -> int | None:
    """Return the number above all of these updates; None: no number can be read."""
    return max((number + 1 for each in raw if (number := update_id_of(each)) is not None), default=None)
