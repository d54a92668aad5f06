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
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.source import Source

CHECK_EVERY = timedelta(minutes=5)
"""Between two looks at where Telegram sends updates."""
TURN_S = 0.3
"""Seconds between two looks at whether it is our turn."""


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
    """Has Telegram send updates here, while it is this gateway's turn to see to it."""

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
            if self._is_set and (url := await self._source.webhook()) != self._url:
                self._is_set = False
                # Not its path, which may be somebody's secret.
                self._patience.clashed(f"updates go to {urlsplit(url).hostname}" if url else "the webhook was deleted")
            if not self._is_set:
                await self._source.set_webhook(self._url, self._secret)
                self._is_set = True
        except BotFailure as failure:
            return self._patience.after(failure)
        self._patience.went_well()
        return CHECK_EVERY.total_seconds()
