"""An attempt from its beginning to its kept outcome, and the ends without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gateway.clock import Clock
from gateway.delivery import content, outcomes, parts, touches
from gateway.delivery.bot import Bot
from gateway.delivery.chats import Chats
from gateway.delivery.counts import Counts
from gateway.delivery.courier import Courier
from gateway.delivery.halting import Halting
from gateway.delivery.keeping import STORE_PAUSE, DeliveryStore, Keeping
from gateway.delivery.lanes import Lane
from gateway.delivery.outcomes import Chance, Outcome
from gateway.delivery.pacing import Pacing
from gateway.delivery.schedule import Schedule
from gateway.delivery.turns import Turns, equal_weight
from gateway.delivery.waiting import Waiting
from gateway.errors import NotDurable, StateStale
from gateway.model import Caller, Draft, Message, State
from gateway.store.base import Pending
from gateway.store.chats import Move
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    RateLimited,
    Unanswered,
)

MOST_AT_ONCE = 80
"""Attempts under way at once: fewer than the connector has connections, so that none waits for one."""


def _nobody(bot_ok: bool) -> None:
    """Tell nobody."""


def _may_leave(message: Message, chat_id: int) -> str | None:
    """Hold nothing back."""
    return None


class Attempts(Halting):
    """Attempts what is kept, and keeps what came of it before anybody learns of it.

    Attributes:
        counts: What to export.
        waiting: Who waits for what becomes of a message.
        chats: Which chats moved, and which are closed.
    """

    def __init__(
        self,
        store: DeliveryStore,
        bot: Bot,
        clock: Clock,
        chance: Chance,
        *,
        pacing: Pacing,
        weight: Callable[[str], float] = equal_weight,
        on_bot_state: Callable[[bool], None] = _nobody,
        may_leave: Callable[[Message, int], str | None] = _may_leave,
        follow_migration: bool = False,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Take what it works with; nothing is attempted before the schedule is open.

        Args:
            store: Where messages are kept.
            bot: Who writes to Telegram.
            clock: Tells when a message is due (wall clock) and when Telegram may be written to (monotonic).
            chance: For the jitter of pauses.
            pacing: Telegram's limits.
            weight: How many turns a client gets for each of a client of weight 1, while the bot's pace is the limit.
            on_bot_state: Told False when Telegram refuses the bot token, True when it takes it again.
            may_leave: Says why a message must not be sent any more, to the chat that it would go to; None: it may.
                Raises `StateStale` if that can't be told; then the message waits on.
            follow_migration: Whether messages for a group go to the supergroup that it became without an approval.
            most_at_once: How many attempts may be under way at once.
        """
        self.counts = Counts()
        self.waiting = Waiting()
        schedule = Schedule(clock, pacing, Turns(weight), self.counts, most_at_once, self._begin, self._expire)
        super().__init__(schedule, bot, on_bot_state)
        self.chats = Chats(store.chats, clock, follows=follow_migration)
        self._store = store
        self._keeping = Keeping(store)
        self._courier = Courier(bot)
        self._clock = clock
        self._chance = chance
        self._pacing = pacing
        self._may_leave = may_leave
        self._probes: set[str] = set()

    def chat_is_back(self, chat_id: int) -> None:
        """Say that something came from a chat: if it was closed, it is written to again."""
        if self.chats.was_refused(chat_id) and not self.is_closing:
            self.spawn(self.chats.open(chat_id, "chat_wrote"))

    # For what is asked of Telegram at once.

    def present_id(self, chat_id: int) -> int:
        """Return the id under which a chat is written to now."""
        return self.chats.present_id(chat_id)

    async def chat_moved(self, caller: Caller, chat_id: int, failure: ChatMoved) -> None:
        """Keep that a chat moved, as Telegram answered to a call for it, and have its messages wait or follow."""
        if move := await self.chats.moved(caller, chat_id, failure):
            self._follow(move)

    # Messages come and go.

    def joined(self, message: Message, *, probes: bool = False) -> None:
        """Say that the message that was announced to the schedule is kept: it waits, or else ends at once.

        Args:
            probes: Whether it is attempted even if its chat is closed: somebody wants to know whether it still is.
        """
        pending, why = slim(message), self.chats.refusal(message.chat_id)
        if probes:
            self._probes.add(message.id)
        elif why and self._is_next(pending):
            self.schedule.ended(pending)
            self.spawn(self._fail(pending, why))
            self.waiting.changed(message)
            return
        self.schedule.joined(pending)
        self.waiting.changed(message)

    def _is_next(self, pending: Pending) -> bool:
        """Whether nothing but its turn is waited for: neither a time of its own nor a message that it touches."""
        is_due = self.schedule.is_open and pending.due_at <= self._clock.now()
        return is_due and not self.schedule.knows(pending.target_id)

    async def attempt(self, message: Message, draft: Draft, target: Message | None) -> None:
        """Attempt the message that was announced to the schedule and is kept in SENDING, and see the outcome kept.

        Args:
            message: As it is kept.
            draft: Its content.
            target: The message that it touches, if it touches one.
        """
        lane = self.schedule.took(slim(message))
        self.waiting.changed(message)
        await self._attempt(lane, message, replace(draft, chat_id=lane.chat_id), target)

    def removed(self, message: Message) -> None:
        """Say that a message that was waiting is final, and kept so."""
        if pending := self.schedule.pending.get(message.id):
            self.schedule.withdraw(pending)
        self._settle(message)
        self.schedule.go_on()

    def _settle(self, message: Message) -> None:
        """Forget a message that is final, if it is, and tell those who wait for it."""
        if message.state.is_final and self.schedule.forget(message.id):
            self.counts.finished[message.state.value] += 1
            self._probes.discard(message.id)
            self._let_go(message)
        self.waiting.changed(message)

    def _let_go(self, target: Message) -> None:
        """Let what waits behind a message go to its place, or fail where there is nothing to touch."""
        why = touches.obstacle(target, target.telegram_chat_id or target.chat_id)
        for pending in self.schedule.freed(target.id):
            if why:
                self.schedule.withdraw(pending)
                self.spawn(self._conclude(pending, partial(outcomes.untouched, why)))
            else:
                self.schedule.line_up(pending)
        self.schedule.go_on()

    async def _keep(self, before: Message, outcome: Outcome) -> Message:
        """Keep an outcome, and only then tell who waits for it."""
        kept = await self._keeping.keep(before, outcome)
        self._settle(kept)
        return kept

    # Attempts.

    def _begin(self, lane: Lane, pending: Pending) -> None:
        self.spawn(self._start(lane, pending))

    async def _start(self, lane: Lane, pending: Pending) -> None:
        """Have it kept that the attempt begins, then make it: a crash in between leaves a doubt, not a secret."""
        why = None if pending.id in self._probes else self.chats.refusal(lane.chat_id)
        if why:
            self.schedule.not_made(lane)
            self._after(lane, await self._fail(pending, why))
            return
        target = await self._keeping.found(pending.target_id) if pending.target_id else None
        if target and not target.state.is_final:
            # It is to be sent again, and stands further back.
            self.schedule.wait_behind(lane, pending)
            return
        now = self._clock.now()
        try:
            message = await self._store.start(pending.id, now)
        except NotDurable:
            self.schedule.not_made(lane)
            self.schedule.again(lane, pending, now + timedelta(seconds=STORE_PAUSE))
            self.schedule.release(lane)
            return
        if message is not None:
            self.waiting.changed(message)
            await self._attempt(lane, message, content.decode(message.content, lane.chat_id), target)
            return
        self.schedule.not_made(lane)
        found = await self._keeping.message(pending.id)
        if found.state is State.SENDING:
            found = await self._keep(found, outcomes.refused(found, Unanswered(), self._clock.now(), self._chance))
        self._settle(found)
        self._after(lane, found)

    async def _attempt(self, lane: Lane, message: Message, draft: Draft, target: Message | None) -> None:
        if withheld := self._withheld(message, lane.chat_id) or self._untouched(message, lane.chat_id, target):
            self.schedule.not_made(lane)
            kept = await self._keep(message, withheld)
            self._after(lane, kept, self._clock.now() + timedelta(seconds=STORE_PAUSE))
            return
        part = parts.next_of(draft, len(message.telegram_message_ids))
        ids, failure = await self._courier.carry(message.kind, part, target.telegram_message_ids if target else ())
        now = self._clock.now()
        self.schedule.answered(lane)
        if failure is None:
            self.counts.attempts["delivered"] += 1
            kept = await self._keep(message, outcomes.delivered(message, ids, lane.chat_id, now))
            self.chat_is_back(lane.chat_id)
        else:
            failure = await self._courier.cause_of(failure, lane.chat_id)
            self.counts.attempts[outcomes.CAUSES[type(failure)]] += 1
            kept = await self._refused(lane, message, failure, now)
        self._after(lane, kept)

    async def _refused(self, lane: Lane, message: Message, failure: BotFailure, now: datetime) -> Message:
        """See kept, and done, what a failure asks for."""
        if isinstance(failure, ChatMoved) and (move := await self.chats.moved(message, lane.chat_id, failure)):
            kept = await self._keep(message, outcomes.moved(message, failure, move.approved, now))
            self._follow(move)
            return kept
        outcome = outcomes.refused(message, failure, now, self._chance)
        self._react(lane, failure, outcome[0].due_at - now)
        kept = await self._keep(message, outcome)
        if isinstance(failure, ChatRefused | ChatMoved):
            await self.chats.close(message, lane.chat_id, failure)
            await self._fail_queue(lane, ChatRefused(failure.code, failure.description))
        return kept

    def _follow(self, move: Move) -> None:
        if move.approved:
            self.schedule.move(move.chat_id, move.new_chat_id)
        else:
            self.schedule.hold(move.chat_id)

    def _withheld(self, message: Message, chat_id: int) -> Outcome | None:
        """Return what becomes of a message that must not leave now; None: it may.

        Asked as the last thing before the message is on its way: it may have waited longer than its credential held.
        """
        now = self._clock.now()
        try:
            cause = self._may_leave(message, chat_id)
        except StateStale:
            return outcomes.held_back(message, now)
        return outcomes.credential_ended(message, cause, now) if cause else None

    def _untouched(self, message: Message, chat_id: int, target: Message | None) -> Outcome | None:
        """Return what becomes of an edit or a delete of what can't be touched; None: it can, or is no such thing."""
        why = touches.obstacle(target, chat_id) if message.target_id else None
        return outcomes.untouched(why, message, self._clock.now()) if why else None

    def _react(self, lane: Lane, failure: BotFailure, pause: timedelta) -> None:
        """Do what a failure asks for beyond its message."""
        if isinstance(failure, RateLimited):
            whole_bot = self._pacing.refused(lane.chat_id, self._clock.monotonic(), pause.total_seconds())
            self.counts.rate_limited["bot" if whole_bot else "chat"] += 1
        elif isinstance(failure, BotRefused):
            self.bot_refused()

    def _after(self, lane: Lane, kept: Message, not_before: datetime | None = None) -> None:
        """Let the lane's head go when it is final, and otherwise have it wait for its next attempt."""
        if kept.state.is_final:
            lane.end()
        else:
            self.schedule.again(lane, slim(kept), max(kept.due_at, not_before or kept.due_at))
        self.schedule.release(lane)

    # Ends without an attempt.

    def _expire(self, pending: Pending) -> None:
        self.spawn(self._conclude(pending, outcomes.expired))

    async def _fail_queue(self, lane: Lane, why: ChatRefused) -> None:
        """Fail what waits behind a message for which Telegram refused the chat."""
        for pending in list(lane):
            self.schedule.withdraw(pending)
            await self._fail(pending, why)

    async def _fail(self, pending: Pending, why: ChatRefused) -> Message:
        return await self._conclude(pending, lambda message, now: outcomes.chat_closed(message, why, now))

    async def _conclude(self, pending: Pending, end: Callable[[Message, datetime], Outcome]) -> Message:
        """Bring a message that waits to its end."""
        message = await self._keeping.message(pending.id)
        if not message.state.is_final:
            return await self._keep(message, end(message, self._clock.now()))
        self._settle(message)
        return message


def slim(message: Message) -> Pending:
    """Return as much of a message as its place in the queue needs."""
    return Pending(
        seq=message.seq,
        id=message.id,
        client=message.client,
        chat_id=message.chat_id,
        priority=message.priority,
        accepted_at=message.accepted_at,
        due_at=message.due_at,
        expires_at=message.expires_at,
        state=message.state,
        target_id=message.target_id,
        telegram_chat_id=message.telegram_chat_id,
        parts_left=message.parts - len(message.telegram_message_ids),
    )
