"""Brings what is kept to Telegram: one attempt at a time for each chat, as fast as the pacing allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from math import inf
from typing import Any, TypeVar

from gateway.clock import Clock
from gateway.delivery import content, outcomes
from gateway.delivery.agenda import Agenda
from gateway.delivery.bot import Bot
from gateway.delivery.counts import Counts
from gateway.delivery.lanes import Lane
from gateway.delivery.outcomes import Chance, Outcome
from gateway.delivery.pacing import LONGEST_ANSWER, MINUTE, Pacing
from gateway.delivery.turns import Turns, equal_weight
from gateway.delivery.waiting import Waiting
from gateway.errors import NotDurable
from gateway.model import Draft, Message, State
from gateway.store.base import OutboxStore, Pending
from gateway.telegram.failures import BotFailure, BotRefused, ChatRefused, RateLimited, Refused, Unanswered

STORE_PAUSE = 0.5
"""Seconds until a storage that failed is tried again."""
BOT_PAUSE = 2.0
"""Seconds until a bot that Telegram refused is tried again."""
MOST_AT_ONCE = 80
"""Attempts under way at once: fewer than the connector has connections, so that none waits for one."""

_Kept = TypeVar("_Kept")


def _nobody(bot_ok: bool) -> None:
    """Tell nobody."""


class Dispatcher:
    """Attempts what is kept, and keeps what came of it before anybody learns of it.

    It holds a slim entry for each message that waits; what a message says stays in the store until its turn. Nothing is
    polled: there is one timer, set to the next instant at which something is due.
    """

    def __init__(
        self,
        store: OutboxStore,
        bot: Bot,
        clock: Clock,
        chance: Chance,
        *,
        pacing: Pacing,
        weight: Callable[[str], float] = equal_weight,
        on_bot_state: Callable[[bool], None] = _nobody,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Take what it works with; nothing is attempted before `run`.

        Args:
            store: Where messages are kept; it keeps what it is handed in the order in which it is handed in.
            bot: Who writes to Telegram.
            clock: Tells when a message is due (wall clock) and when Telegram may be written to (monotonic).
            chance: For the jitter of pauses.
            pacing: Telegram's limits.
            weight: How many turns a client gets for each of a client of weight 1, while the bot's pace is the limit.
            on_bot_state: Told False when Telegram refuses the bot token, True when it takes it again.
            most_at_once: How many attempts may be under way at once.
        """
        self.counts = Counts()
        self.waiting = Waiting()
        self.bot_ok = True
        self._store = store
        self._bot = bot
        self._clock = clock
        self._chance = chance
        self._pacing = pacing
        self._on_bot_state = on_bot_state
        self._most_at_once = most_at_once
        self._loaded = False
        self._early: dict[str, Pending] = {}
        self._closing = asyncio.Event()
        self._lanes: dict[int, Lane] = {}
        self._turns = Turns(weight)
        self._pending: dict[str, Pending] = {}
        self._held_back: Agenda[Lane] = Agenda()
        self._scheduled: Agenda[str] = Agenda()
        self._expiry: Agenda[str] = Agenda()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take up what an earlier run left, then attempt what is due until `drain`."""
        await self._load()
        await self._closing.wait()

    async def drain(self, within: timedelta) -> None:
        """Begin no attempt any more, and let those under way end and be kept, for at most `within`.

        What is not attempted stays in the store, for the next run. An attempt that does not end in time is given up:
        the next run finds it without an answer.
        """
        self._closing.set()
        if self._timer:
            self._timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within.total_seconds())
        for task in self._tasks:
            task.cancel()
        self.waiting.close()

    @property
    def is_closing(self) -> bool:
        """Whether `drain` was called."""
        return self._closing.is_set()

    def is_pending(self, message_id: str) -> bool:
        """Whether a message is known here as not final."""
        return message_id in self._pending or message_id in self._early

    def bot_refused(self) -> None:
        """Say that Telegram refuses the bot token: nothing is attempted until it takes one again."""
        if self.bot_ok:
            self.bot_ok = False
            self._on_bot_state(False)
            self.spawn(self._restore_bot())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that `drain` waits for, and that nobody's hanging up ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _report("delivery stumbled", error)

    # Messages come and go.

    def enter(self, chat_id: int, *, now_due: bool) -> bool:
        """Announce that a message for a chat is about to be kept, and reserve its attempt if that may begin at once.

        Every call is followed by one of `left`, `joined` and `attempt` for this chat. Whoever reserved an attempt goes
        first in the chat, so messages have to be handed to the store in the order in which they are announced.
        """
        lane = self._lane(chat_id)
        now = self._clock.monotonic()
        may_begin = lane.is_idle and not self._turns and self._may_begin(now)
        reserved = now_due and may_begin and self._pacing.chat_free_at(chat_id, now) <= now
        if reserved:
            lane.busy = True
            self._take_place(chat_id, now)
        lane.joining += 1
        return reserved

    def left(self, chat_id: int, *, reserved: bool) -> None:
        """Say that the announced message was not kept."""
        lane = self._lanes[chat_id]
        lane.joining -= 1
        if reserved:
            lane.busy = False
            self._give_place_back(chat_id)
        self._place(lane)
        self._go_on()

    def joined(self, message: Message) -> None:
        """Say that the announced message is kept and waits for its turn."""
        lane = self._lanes[message.chat_id]
        lane.joining -= 1
        if self._loaded:
            self._admit(_slim(message))
        else:
            self._early[message.id] = _slim(message)
        self._place(lane)
        self._go_on()
        self.waiting.changed(message)

    async def attempt(self, message: Message, draft: Draft) -> None:
        """Attempt the announced message, which is kept in SENDING, and see the outcome kept."""
        lane = self._lanes[message.chat_id]
        lane.joining -= 1
        lane.head = self._pending[message.id] = _slim(message)
        self.counts.waiting += 1
        self.waiting.changed(message)
        await self._attempt(lane, message, draft)

    def removed(self, message: Message) -> None:
        """Say that a message that was waiting is final, and kept so."""
        if pending := self._pending.get(message.id):
            self._withdraw(pending)
        self._settle(message)
        self._go_on()

    def _admit(self, pending: Pending) -> None:
        """Put a message where it waits: in its lane, or apart until its own time comes."""
        if pending.id in self._pending:
            return
        self._pending[pending.id] = pending
        self.counts.waiting += 1
        self._expiry.set(pending.id, self._monotonic(pending.expires_at))
        lane = self._lane(pending.chat_id)
        if pending.state is State.RETRY_WAIT and lane.head is None:
            lane.head, lane.not_before = pending, self._monotonic(pending.due_at)
        elif pending.due_at > self._clock.now():
            self._scheduled.set(pending.id, self._monotonic(pending.due_at))
        else:
            lane.add(pending)

    def _withdraw(self, pending: Pending) -> None:
        """Take a message out of wherever it waits."""
        self._scheduled.discard(pending.id)
        self._expiry.discard(pending.id)
        if lane := self._lanes.get(pending.chat_id):
            lane.remove(pending.id)
            self._place(lane)

    def _settle(self, message: Message) -> None:
        """Forget a message that is final, if it is, and tell those who wait for it."""
        if message.state.is_final and message.id in self._pending:
            del self._pending[message.id]
            self._expiry.discard(message.id)
            self.counts.waiting -= 1
            self.counts.finished[message.state.value] += 1
        self.waiting.changed(message)

    # Turns.

    def _lane(self, chat_id: int) -> Lane:
        lane = self._lanes.get(chat_id)
        if lane is None:
            lane = self._lanes[chat_id] = Lane(chat_id)
        return lane

    def _place(self, lane: Lane) -> None:
        """Let a lane wait where its next message belongs: for a turn, or for the instant at which it may have one."""
        message = None if lane.busy else lane.next()
        if message is lane.waits_for and message is not None:
            return
        if lane.waits_for is not None:
            self._turns.discard(lane)
            self._held_back.discard(lane)
        lane.waits_for = message
        if message is not None:
            now = self._clock.monotonic()
            free_at = max(lane.not_before, self._pacing.chat_free_at(lane.chat_id, now))
            if free_at <= now:
                self._turns.add(lane, message.client, message.priority)
            else:
                self._held_back.set(lane, free_at)
        elif lane.is_idle:
            self._lanes.pop(lane.chat_id, None)

    def _go_on(self) -> None:
        """Do what is due, give the free places to those whose turn it is, and set the timer for what comes next."""
        if not self._loaded or self._closing.is_set():
            return
        now = self._clock.monotonic()
        for message_id in self._scheduled.take_due(now):
            pending = self._pending[message_id]
            lane = self._lane(pending.chat_id)
            lane.add(pending)
            self._place(lane)
        for message_id in self._expiry.take_due(now):
            self._expire(self._pending[message_id])
        for lane in self._held_back.take_due(now):
            lane.waits_for = None
            self._place(lane)
        while self._turns and self._may_begin(now):
            self._begin(self._turns.take(), now)
        self._set_timer(now)

    def _may_begin(self, now: float) -> bool:
        """Whether the bot may begin one more attempt now, for whatever chat."""
        return (
            self._loaded
            and self.bot_ok
            and not self._closing.is_set()
            and self.counts.sending < self._most_at_once
            and self._pacing.bot_free_at(now) <= now
        )

    def _set_timer(self, now: float) -> None:
        when = min(self._scheduled.next(), self._expiry.next(), self._held_back.next())
        if self._turns and self.bot_ok and self.counts.sending < self._most_at_once:
            when = min(when, self._pacing.bot_free_at(now))
        if self._timer and self._timer_at > when:
            self._timer.cancel()
            self._timer = None
        if not self._timer and when < inf:
            self._timer_at = when
            self._timer = asyncio.get_running_loop().call_later(max(0.0, when - now), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._go_on()

    def _monotonic(self, instant: datetime) -> float:
        """Return when, on the monotonic clock, an instant of the wall clock comes."""
        return self._clock.monotonic() + (instant - self._clock.now()).total_seconds()

    # Attempts.

    def _take_place(self, chat_id: int, now: float) -> None:
        self.counts.sending += 1
        self._pacing.take(chat_id, now)

    def _give_place_back(self, chat_id: int) -> None:
        self.counts.sending -= 1
        self._pacing.give_back(chat_id, self._clock.monotonic())

    def _begin(self, lane: Lane, now: float) -> None:
        lane.waits_for = None
        pending = lane.begin()
        self._expiry.discard(pending.id)
        if pending.expires_at <= self._clock.now():
            lane.busy = False
            self._expire(pending)
            return
        self._take_place(lane.chat_id, now)
        self.spawn(self._start(lane, pending))

    async def _start(self, lane: Lane, pending: Pending) -> None:
        """Have it kept that the attempt begins, then make it: a crash in between leaves a doubt, not a secret."""
        try:
            message = await self._store.start(pending.id, self._clock.now())
        except NotDurable:
            self._give_place_back(lane.chat_id)
            self._expiry.set(pending.id, self._monotonic(pending.expires_at))
            lane.not_before = self._clock.monotonic() + STORE_PAUSE
            self._release(lane)
            return
        if message is not None:
            self.waiting.changed(message)
            await self._attempt(lane, message, content.decode(message.content, lane.chat_id))
            return
        self._give_place_back(lane.chat_id)
        found = await self._found(pending)
        if found.state is State.SENDING:
            found = await self._keep(found, outcomes.refused(found, Unanswered(), self._clock.now(), self._chance))
        self._settle(found)
        self._after(lane, found)

    async def _attempt(self, lane: Lane, message: Message, draft: Draft) -> None:
        ids, failure = await self._send(draft)
        now = self._clock.now()
        self.counts.sending -= 1
        self._pacing.answered(lane.chat_id, self._clock.monotonic())
        if failure is None:
            self.counts.attempts["delivered"] += 1
            outcome = outcomes.delivered(message, ids, now)
        else:
            failure = await self._cause_of(failure, lane.chat_id)
            self.counts.attempts[outcomes.CAUSES[type(failure)]] += 1
            outcome = outcomes.refused(message, failure, now, self._chance)
            self._react(lane, failure, outcome[0].due_at - now)
        kept = await self._keep(message, outcome)
        if isinstance(failure, ChatRefused):
            await self._fail_queue(lane, failure)
        self._after(lane, kept)

    async def _send(self, draft: Draft) -> tuple[tuple[int, ...], BotFailure | None]:
        try:
            return await self._bot.send_message(draft), None
        except BotFailure as failure:
            return (), failure
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not leave a message in SENDING for ever
            _report("an attempt stumbled", bug)
            return (), Unanswered()

    async def _cause_of(self, failure: BotFailure, chat_id: int) -> BotFailure:
        """Tell a refused chat from a refused message: Telegram's code is 400 for both, its wording no contract."""
        if type(failure) is not Refused or failure.code != 400:
            return failure
        try:
            answers = await self._bot.chat_answers(chat_id)
        except BotFailure:
            return failure
        return failure if answers else ChatRefused(failure.code, failure.description)

    def _react(self, lane: Lane, failure: BotFailure, pause: timedelta) -> None:
        """Do what a failure asks for beyond its message."""
        if isinstance(failure, RateLimited):
            now = self._clock.monotonic()
            whole_bot = self._pacing.refused(lane.chat_id, now, pause.total_seconds())
            self.counts.rate_limited["bot" if whole_bot else "chat"] += 1
        elif isinstance(failure, BotRefused):
            self.bot_refused()

    def _after(self, lane: Lane, kept: Message) -> None:
        """Let the lane's head go when it is final, and otherwise have it wait for its next attempt."""
        if kept.state.is_final:
            lane.end()
        else:
            lane.head = self._pending[kept.id] = _slim(kept)
            lane.not_before = self._monotonic(kept.due_at)
            self._expiry.set(kept.id, self._monotonic(kept.expires_at))
        self._release(lane)

    def _release(self, lane: Lane) -> None:
        lane.busy = False
        self._place(lane)
        self._go_on()

    # Ends without an attempt.

    def _expire(self, pending: Pending) -> None:
        self._withdraw(pending)
        self.spawn(self._conclude(pending, outcomes.expired))

    async def _fail_queue(self, lane: Lane, why: ChatRefused) -> None:
        """Fail what waits behind a message for which Telegram refused the chat; what comes later tries it anew."""
        for pending in list(lane):
            self._withdraw(pending)
            await self._conclude(pending, lambda message, now: outcomes.chat_closed(message, why, now))

    async def _conclude(self, pending: Pending, end: Callable[[Message, datetime], Outcome]) -> None:
        """Bring a message that waits to its end."""
        message = await self._found(pending)
        if message.state.is_final:
            self._settle(message)
        else:
            await self._keep(message, end(message, self._clock.now()))

    async def _found(self, pending: Pending) -> Message:
        message = await self._durably(lambda: self._store.get(pending.id))
        if message is None:
            raise LookupError(f"message {pending.id} is gone from the store")
        return message

    async def _keep(self, before: Message, outcome: Outcome) -> Message:
        """Keep an outcome, however long that takes, and only then tell who waits for it."""
        message, record = outcome
        kept = await self._durably(lambda: self._store.save(message, (before.state, before.attempts), record))
        if kept is None:
            kept = await self._durably(lambda: self._store.get(before.id)) or message
        self._settle(kept)
        return kept

    async def _durably(self, work: Callable[[], Awaitable[_Kept]]) -> _Kept:
        """Have the store do something, again and again until it is done."""
        while True:
            try:
                return await work()
            except NotDurable:
                await asyncio.sleep(STORE_PAUSE)

    # Beginnings.

    async def _load(self) -> None:
        """Take up what is kept: what was on its way when an earlier run ended has got no answer."""
        rows = await self._durably(self._store.unfinished)
        now = self._clock.now()
        since = now - timedelta(seconds=MINUTE + LONGEST_ANSWER)
        for chat_id, began_at in await self._durably(lambda: self._store.recent_attempts(since)):
            self._pacing.recall(chat_id, self._monotonic(began_at), self._clock.monotonic())
        pendings = [pending if pending.state is not State.SENDING else await self._recover(pending) for pending in rows]
        self._loaded = True
        for pending in [*filter(None, pendings), *self._early.values()]:
            self._admit(pending)
            if pending.state is State.RETRY_WAIT:
                # The chat's pause outlives its message, which may be cancelled or expire first.
                self._pacing.hold(pending.chat_id, self._monotonic(pending.due_at))
        self._early.clear()
        for lane in list(self._lanes.values()):
            self._place(lane)
        self._go_on()

    async def _recover(self, pending: Pending) -> Pending | None:
        message = await self._found(pending)
        self.counts.attempts[outcomes.CAUSES[Unanswered]] += 1
        kept = await self._keep(message, outcomes.refused(message, Unanswered(), self._clock.now(), self._chance))
        return None if kept.state.is_final else _slim(kept)

    async def _restore_bot(self) -> None:
        """Ask until Telegram takes the token, which may be replaced meanwhile, then go on."""
        while not self.bot_ok:
            try:
                await asyncio.wait_for(self._closing.wait(), BOT_PAUSE)
                return
            except TimeoutError:
                pass
            try:
                await self._bot.identify()
            except BotFailure:
                continue
            self.bot_ok = True
            self._on_bot_state(True)
            self._go_on()


def _slim(message: Message) -> Pending:
    return Pending(
        seq=message.seq,
        id=message.id,
        client=message.client,
        chat_id=message.chat_id,
        priority=message.priority,
        due_at=message.due_at,
        expires_at=message.expires_at,
        state=message.state,
    )


def _report(what: str, error: BaseException) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
