"""What may be asked of Telegram at once about a chat, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from weakref import WeakValueDictionary

from gateway.clock import Clock
from gateway.errors import AuditUnavailable, ChatTypeUnsuitable, GatewayError, MemberNotFound, TelegramUnavailable
from gateway.model import (
    Ban,
    Chat,
    ChatAct,
    ChatMember,
    Gesture,
    MemberStatus,
    ModeratingAct,
    Pin,
    React,
    Record,
    Restrict,
    Unpin,
)
from gateway.moderation import records
from gateway.moderation.asking import Asking, Chance
from gateway.moderation.rooms import Ask, Bot, Delivery, Log
from gateway.telegram.failures import Refused
from gateway.telegram.problems import Problem, problem_of

LATEST = timedelta(seconds=45)
"""So long before a restriction ends it is not brought any more: with less than 30 s left Telegram takes it for ever
(https://core.telegram.org/bots/api#restrictchatmember), a request may take a while, and clocks differ."""
STORE_PAUSE = 0.5
"""Seconds until a storage that failed is tried again."""
PATIENCE = 2.0
"""Seconds that an answer waits for the record of its outcome, which is written in any case."""


class Moderation:
    """Looks at chats, and moderates them."""

    def __init__(self, bot: Bot, delivery: Delivery, log: Log, clock: Clock, chance: Chance) -> None:
        """Take what it works with.

        Args:
            bot: Asks Telegram.
            delivery: Knows where chats moved.
            log: Has on record what is about to be done.
            clock: Tells how long somebody waits (monotonic), and what the records say (wall clock).
            chance: For the jitter of pauses.
        """
        self._bot = bot
        self._delivery = delivery
        self._log = log
        self._clock = clock
        self._asking = Asking(bot, delivery, clock, chance)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._outcomes: set[asyncio.Task[None]] = set()
        self._is_draining = False

    async def get_chat(self, ask: Ask) -> Chat:
        """Return what a chat is, under the id that its caller knows; raises `GatewayError`, as every method."""
        chat = await self._asking.ask(ask, self._until(ask), self._bot.get_chat, {})
        return replace(chat, id=ask.chat_id)

    async def get_member(self, ask: Ask, user_id: int) -> ChatMember:
        """Return how somebody stands in a chat.

        Telegram tells of everybody whom the bot has met anywhere, by name, and of nobody else. So of whoever is not in
        the chat and not restricted there nothing is told but that, whether Telegram knows them or not.
        """
        nobody = ChatMember(user_id=user_id, status=MemberStatus.LEFT)
        try:
            member = await self._asking.ask(
                ask, self._until(ask), lambda place: self._bot.get_member(place, user_id), {}
            )
        except MemberNotFound:
            return nobody
        return nobody if member.status in (MemberStatus.LEFT, None) else member

    async def administrators(self, ask: Ask) -> tuple[ChatMember, ...]:
        """Return owner and administrators of a chat."""
        if ask.chat_id > 0:
            raise ChatTypeUnsuitable
        return await self._asking.ask(ask, self._until(ask), self._bot.administrators, {})

    async def gesture(self, ask: Ask, act: Gesture) -> None:
        """Do what needs no record."""
        about = {"telegramMessageId": str(act.telegram_message_id)} if isinstance(act, React) else {}
        await self._asking.ask(ask, self._until(ask), lambda place: self._carried_out(act, place), about)

    async def moderate(self, ask: Ask, act: ModeratingAct) -> None:
        """Do what is on record first; of one chat one act after the other.

        Raises:
            AuditUnavailable: It can't be put on record, so it is not done.
        """
        _require_suitable(act)
        until = self._until(ask)
        if isinstance(act, Restrict | Ban) and act.until is not None:
            left = act.until - LATEST - self._clock.now()
            until = min(until, self._clock.monotonic() + left.total_seconds())
        async with self._turn(act.chat_id, until):
            present_id = self._delivery.present_id(act.chat_id)
            beginning = records.begun(act, ask.caller, present_id, self._clock.now())
            try:
                async with asyncio.timeout(max(0.0, until - self._clock.monotonic())):
                    await self._log.record([beginning])
            except TimeoutError:
                raise AuditUnavailable from None
            await self._on_record(ask, act, until, beginning)

    async def _on_record(self, ask: Ask, act: ModeratingAct, until: float, beginning: Record) -> None:
        outcome, code = records.ABANDONED, ""
        try:
            await self._asking.ask(ask, until, lambda place: self._carried_out(act, place), records.about(act))
            outcome = records.DONE
        except GatewayError as error:
            outcome, code = error.cause, error.facts.get("telegramErrorCode", "")
            raise
        finally:
            await self._keep(records.ended(beginning, outcome, code, self._clock.now()))

    def end(self) -> None:
        """Let every call end soon: nothing is repeated any more."""
        self._asking.end()

    async def drain(self) -> None:
        """Have written what came of the acts, once no call is under way, if the storage takes it then."""
        self._is_draining = True
        if self._outcomes:
            await asyncio.wait(self._outcomes)

    def _until(self, ask: Ask) -> float:
        return self._clock.monotonic() + ask.within.total_seconds()

    async def _carried_out(self, act: ChatAct, place: int) -> None:
        try:
            await self._bot.carry_out(replace(act, chat_id=place))
        except Refused as refused:
            if problem_of(refused) is not Problem.ALREADY_SO:
                raise

    @asynccontextmanager
    async def _turn(self, chat_id: int, until: float) -> AsyncIterator[None]:
        turn = self._turns.setdefault(chat_id, asyncio.Lock())
        try:
            async with asyncio.timeout(max(0.0, until - self._clock.monotonic())):
                await turn.acquire()
        except TimeoutError:
            raise TelegramUnavailable("What was asked of this chat before is still under way.") from None
        try:
            self._asking.require_time(until)
            yield
        finally:
            turn.release()

    async def _keep(self, record: Record) -> None:
        """Have an outcome written, and wait for that for a while, but no answer depends on it: it is as it is."""
        writing = asyncio.get_running_loop().create_task(self._written(record))
        self._outcomes.add(writing)
        writing.add_done_callback(self._outcomes.discard)
        await asyncio.wait({writing}, timeout=PATIENCE)

    async def _written(self, record: Record) -> None:
        while True:
            try:
                return await self._log.record([record])
            except AuditUnavailable:
                if self._is_draining:
                    return None
            await asyncio.sleep(STORE_PAUSE)


def _require_suitable(act: ModeratingAct) -> None:
    """Return unless the chat's id alone tells that this can't be done there; raises `ChatTypeUnsuitable`.

    Ids of persons are positive (https://core.telegram.org/api/bots/ids). The rest Telegram tells.
    """
    if act.chat_id > 0 and not isinstance(act, Pin | Unpin):
        raise ChatTypeUnsuitable
