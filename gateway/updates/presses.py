"""Answers presses on buttons: at once, since Telegram waits for an answer only for a while."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

from gateway.errors import CallbackExpired, TelegramUnavailable
from gateway.telegram.failures import BotFailure, NotSent, RateLimited, Refused, ServerFailed, Unanswered

FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=2)
_BAD_REQUEST = 400


class Bot(Protocol):
    """Whoever speaks to Telegram."""

    async def answer_callback(self, callback_id: str, text: str, *, show_alert: bool) -> None:
        """Answer a press; raises `BotFailure`."""


class Presses:
    """Tells Telegram how presses are answered, again where that may help: to do it twice does no harm."""

    def __init__(self, bot: Bot) -> None:
        """Ask `bot`."""
        self._bot = bot

    async def answer(self, callback_id: str, text: str, *, show_alert: bool, within: timedelta) -> None:
        """Answer a press within a time.

        Raises:
            CallbackExpired: Telegram takes no answer to it any more.
            TelegramUnavailable: Telegram did not take it in time.
        """
        pause = FIRST_PAUSE
        try:
            async with asyncio.timeout(within.total_seconds()):
                while (failure := await self._attempt(callback_id, text, show_alert)) is not None:
                    asked = failure.retry_after if isinstance(failure, RateLimited) else None
                    await asyncio.sleep((asked or pause).total_seconds())
                    pause = min(pause * 2, LONGEST_PAUSE)
        except TimeoutError:
            raise TelegramUnavailable() from None

    async def _attempt(self, callback_id: str, text: str, show_alert: bool) -> BotFailure | None:
        """Return what kept it from being taken this time; None: nothing."""
        try:
            await self._bot.answer_callback(callback_id, text, show_alert=show_alert)
        except (NotSent, Unanswered, ServerFailed, RateLimited) as failure:
            return failure
        except Refused as refused:
            if refused.code == _BAD_REQUEST:
                raise CallbackExpired() from None
            raise TelegramUnavailable() from None
        return None
