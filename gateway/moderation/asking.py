"""Requests to Telegram while somebody waits: made again where that helps, and for as long as it is of use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

from gateway.clock import Clock
from gateway.errors import TelegramUnavailable
from gateway.moderation.refusals import PAUSE, error_of
from gateway.moderation.rooms import Ask, Bot, Delivery
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from gateway.telegram.problems import problem_of

T = TypeVar("T")
Chance = Callable[[], float]
"""Returns a number from 0 up to, not including, 1."""

MOST_AT_ONCE = 16
"""Requests under way at once: what the connector has left over beside the attempts of messages, nearly."""
MOST_OF_ONE = 4
"""Of them, those of one client: a chat that Telegram is slow about must not keep others from theirs."""
LONGEST_ATTEMPT = 12.0
"""Seconds: the Bot API waits for up to 8 by itself (tdlib, NetQueryCreator.cpp); what is asked here it does at once."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
_MOST_HELD = 1000


class Asking:
    """Makes requests, which do no harm when they are made twice."""

    def __init__(self, bot: Bot, delivery: Delivery, clock: Clock, chance: Chance) -> None:
        """Take what it works with; `chance` is for the jitter of pauses."""
        self._bot = bot
        self._delivery = delivery
        self._clock = clock
        self._chance = chance
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._closing = asyncio.Event()
        self._held_until: dict[int, float] = {}

    def end(self) -> None:
        """Repeat nothing any more, and let whoever waits for that know."""
        self._closing.set()

    async def ask(self, ask: Ask, until: float, request: Callable[[int], Awaitable[T]], about: Mapping[str, str]) -> T:
        """Return what a request returns.

        Args:
            ask: Who asks.
            until: The instant of the monotonic clock at which nobody waits any more.
            request: Makes the request for the id that the chat has now.
            about: The facts of the member or message that it is about.

        Raises:
            GatewayError: What `ask.still` raises, or why there is no answer.
        """
        if not self._delivery.bot_ok:
            raise TelegramUnavailable("Telegram refuses the bot; nothing was done.")
        self.require_time(until)
        attempts, own_gate = 0, self._gates.setdefault(ask.caller.client, asyncio.Semaphore(MOST_OF_ONE))
        while True:
            place = self._delivery.present_id(ask.chat_id)
            ask.still(place)
            attempts += 1
            try:
                return await self._once(request, place, until, own_gate)
            except BotFailure as met:
                failure = met
            failure = await self._cause_of(failure, place, until)
            if isinstance(failure, ChatMoved):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._left(until)):
                        await self._delivery.chat_moved(ask.caller, place, failure)
                if self._delivery.present_id(ask.chat_id) != place:
                    continue
            pause = self._pause_after(failure, place, attempts)
            if pause is None or self._closing.is_set() or self._clock.monotonic() + pause >= until:
                raise error_of(failure, about)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()

    def require_time(self, until: float) -> None:
        """Return if there is any time left until then; raises `TelegramUnavailable`."""
        if self._clock.monotonic() >= until:
            raise TelegramUnavailable("No time is left to ask Telegram; nothing was done.")

    async def _once(
        self, request: Callable[[int], Awaitable[T]], place: int, until: float, own_gate: asyncio.Semaphore
    ) -> T:
        now = self._clock.monotonic()
        if (held := self._held_until.get(place, now) - now) > 0:
            raise RateLimited(429, "Too Many Requests", timedelta(seconds=held))
        try:
            async with asyncio.timeout(min(LONGEST_ATTEMPT, self._left(until))), own_gate, self._gate:
                return await request(place)
        except TimeoutError:
            pass
        raise Unanswered("no answer in time")

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock.monotonic())

    async def _cause_of(self, failure: BotFailure, place: int, until: float) -> BotFailure:
        """Tell a refused chat from a refused request: Telegram's code is 400 for both."""
        if type(failure) is not Refused or failure.code != 400 or problem_of(failure):
            return failure
        try:
            async with asyncio.timeout(min(LONGEST_ATTEMPT, self._left(until))), self._gate:
                answers = await self._bot.chat_answers(place)
        except (BotFailure, TimeoutError):
            return failure
        return failure if answers else ChatRefused(failure.code, failure.description)

    def _pause_after(self, failure: BotFailure, place: int, attempts: int) -> float | None:
        """Return in how many seconds to try again; None: that is of no use."""
        match failure:
            case RateLimited():
                pause = (failure.retry_after or PAUSE).total_seconds()
                self._hold(place, pause)
                return pause
            case BotRefused():
                self._delivery.bot_refused()
                return None
            case NotSent() | Unanswered() | ServerFailed():
                longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1))
                return longest * (1 + self._chance()) / 2
        return None

    def _hold(self, place: int, pause: float) -> None:
        """Ask nothing more about a chat for as long as Telegram wants, whoever asks."""
        now = self._clock.monotonic()
        if len(self._held_until) >= _MOST_HELD:
            self._held_until = {chat_id: until for chat_id, until in self._held_until.items() if until > now}
        self._held_until[place] = now + pause
