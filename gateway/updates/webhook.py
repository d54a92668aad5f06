"""Takes updates that Telegram sends, from whoever knows the secret, and has them sent here.

https://core.telegram.org/bots/api#setwebhook: the secret comes in a header of each request. Telegram repeats what is
not answered with 2xx, and sends the updates of one chat one after the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from hmac import compare_digest
from urllib.parse import urlsplit

from gateway.clock import Clock
from gateway.errors import NotDurable
from gateway.model import Record
from gateway.telegram.failures import BotFailure
from gateway.telemetry import logger
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.source import Source

CHECK_EVERY = timedelta(minutes=5)
FIRST_CHECK = timedelta(seconds=30)
"""Between two looks at where Telegram sends updates and how that goes; the first one comes soon."""
TURN_S = 0.3
"""Seconds between two looks at whether it is our turn."""

_log = logger(__name__)


class Webhook:
    """Takes what comes.

    Attributes:
        refused: Requests that were not taken, by why.
    """

    def __init__(self, intake: Intake, secret: str, clock: Clock, on_refusal: Callable[[Record], None]) -> None:
        """Take updates from whoever knows `secret`; `on_refusal` is told of others, and neither waits nor fails."""
        self._intake = intake
        self._secret = secret.encode()
        self._clock = clock
        self._on_refusal = on_refusal
        self.refused: Counter[str] = Counter()

    def admits(self, secrets: Sequence[str], address: str) -> bool:
        """Tell whether a request is Telegram's; if not, that is noted.

        Args:
            secrets: All values of the header that is for the secret.
            address: Where the request came from.
        """
        given = secrets[0].encode(errors="replace") if len(secrets) == 1 else b""
        if compare_digest(given, self._secret):
            return True
        why = "wrong_secret" if len(secrets) == 1 else "repeated_secret" if secrets else "no_secret"
        self.refuse(why, address)
        return False

    def refuse(self, why: str, address: str) -> None:
        """Note a request that is not taken, in the audit log too."""
        self.refused[why] += 1
        self._on_refusal(
            Record(
                at=self._clock.now(),
                event="webhook.refused",
                decision="deny",
                reason=why,
                verified=False,
                address=address,
            )
        )

    async def take(self, update: object) -> bool:
        """Keep an update that an admitted request brought; False: not now, so that Telegram repeats it."""
        try:
            await self._intake.take([update])
        except NotDurable:
            return False
        return True


class Registration:
    """Has Telegram send updates here, while it is this gateway's turn to see to it.

    Attributes:
        waiting: How many updates Telegram had not delivered when it was last asked.
    """

    def __init__(
        self,
        source: Source,
        patience: Patience,
        url: str,
        secret: str,
        *,
        is_our_turn: Callable[[], bool] = lambda: True,
    ) -> None:
        """Register `url` with a secret."""
        self._source = source
        self._patience = patience
        self._url = url
        self._secret = secret
        self._is_our_turn = is_our_turn
        self._is_set = False
        self._problem_at = 0
        self.waiting = 0

    async def run(self) -> None:
        """Register, and see that it stays so, until cancelled."""
        while True:
            if self._is_our_turn():
                await asyncio.sleep(await self._round())
            else:
                self._is_set = False
                await asyncio.sleep(TURN_S)

    async def _round(self) -> float:
        try:
            if self._is_set:
                await self._look()
            was_set = self._is_set
            if not was_set:
                await self._source.set_webhook(self._url, self._secret)
                self._is_set = True
                _log.info("updates.webhook_set", meaning="Telegram sends the bot's updates to CHATKEY_WEBHOOK_URL.")
        except BotFailure as failure:
            return self._patience.after(failure)
        self._patience.went_well()
        return (CHECK_EVERY if was_set else FIRST_CHECK).total_seconds()

    async def _look(self) -> None:
        """Tell of what is wrong: somebody else has updates sent elsewhere, or they do not get here."""
        state = await self._source.webhook()
        self.waiting = state.waiting
        if state.url != self._url:
            self._is_set = False
            # Not its path, which may be somebody's secret.
            where = f"updates go to {urlsplit(state.url).hostname}" if state.url else "the webhook was deleted"
            self._patience.clashed(where)
        elif state.problem and state.problem_at > self._problem_at:
            self._problem_at = state.problem_at
            _log.warning(
                "updates.not_delivered",
                why=state.problem,
                waiting=state.waiting,
                meaning="Telegram did not get through to the webhook: look at its address, its certificate and the "
                "proxy in front of it. Telegram keeps updates for 24 hours.",
            )
