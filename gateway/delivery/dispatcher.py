"""Brings what is kept to Telegram: one attempt at a time for each chat, as fast as the pacing allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from gateway.clock import Clock
from gateway.delivery import content, outcomes
from gateway.delivery.bot import Bot
from gateway.delivery.counts import Counts
from gateway.delivery.keeping import STORE_PAUSE, DeliveryStore, Keeping
from gateway.delivery.lanes import Lane
from gateway.delivery.outcomes import Chance, Outcome
from gateway.delivery.pacing import LONGEST_ANSWER, MINUTE, Pacing
from gateway.delivery.schedule import Schedule
from gateway.delivery.turns import Turns, equal_weight
from gateway.delivery.waiting import Waiting
from gateway.errors import NotDurable
from gateway.model import Draft, Message, State
from gateway.store.base import Pending
from gateway.telegram.failures import BotFailure, BotRefused, ChatRefused, RateLimited, Refused, Unanswered

BOT_PAUSE = 2.0
"""Seconds until a bot that Telegram refused is tried again."""
MOST_AT_ONCE = 80
"""Attempts under way at once: fewer than the connector has connections, so that none waits for one."""


def _nobody(bot_ok: bool) -> None:
    """Tell nobody."""


class Dispatcher:
    """Attempts what is kept, and keeps what came of it before anybody learns of it.

    Attributes:
        counts: What to export.
        waiting: Who waits for what becomes of a message.
        schedule: What waits, and when it is its turn.
        bot_ok: Whether Telegram takes the bot token, as far as is known.
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
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Take what it works with; nothing is attempted before `run`.

        Args:
            store: Where messages are kept.
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
        self.schedule = Schedule(clock, pacing, Turns(weight), self.counts, most_at_once, self._begin, self._expire)
        self.bot_ok = True
        self._store = store
        self._keeping = Keeping(store)
        self._bot = bot
        self._clock = clock
        self._chance = chance
        self._pacing = pacing
        self._on_bot_state = on_bot_state
        self._closing = asyncio.Event()
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
        self.schedule.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within.total_seconds())
        for task in self._tasks:
            task.cancel()
        self.waiting.close()

    @property
    def is_closing(self) -> bool:
        """Whether `drain` was called."""
        return self._closing.is_set()

    def bot_refused(self) -> None:
        """Say that Telegram refuses the bot token: nothing is attempted until it takes one again."""
        if self.bot_ok:
            self._tell_bot_state(False)
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

    def joined(self, message: Message) -> None:
        """Say that the message that was announced to the schedule is kept and waits for its turn."""
        self.schedule.joined(_slim(message))
        self.waiting.changed(message)

    async def attempt(self, message: Message, draft: Draft) -> None:
        """Attempt the message that was announced to the schedule and is kept in SENDING, and see the outcome kept."""
        lane = self.schedule.took(_slim(message))
        self.waiting.changed(message)
        await self._attempt(lane, message, draft)

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
        self.waiting.changed(message)

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
            await self._attempt(lane, message, content.decode(message.content, lane.chat_id))
            return
        self.schedule.not_made(lane)
        found = await self._keeping.message(pending.id)
        if found.state is State.SENDING:
            found = await self._keep(found, outcomes.refused(found, Unanswered(), self._clock.now(), self._chance))
        self._settle(found)
        self._after(lane, found)

    async def _attempt(self, lane: Lane, message: Message, draft: Draft) -> None:
        ids, failure = await self._send(draft)
        now = self._clock.now()
        self.schedule.answered(lane)
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
            whole_bot = self._pacing.refused(lane.chat_id, self._clock.monotonic(), pause.total_seconds())
            self.counts.rate_limited["bot" if whole_bot else "chat"] += 1
        elif isinstance(failure, BotRefused):
            self.bot_refused()

    def _after(self, lane: Lane, kept: Message) -> None:
        """Let the lane's head go when it is final, and otherwise have it wait for its next attempt."""
        if kept.state.is_final:
            lane.end()
        else:
            self.schedule.again(lane, _slim(kept), kept.due_at)
        self.schedule.release(lane)

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
            self._tell_bot_state(True)
            self.schedule.go_on()

    def _tell_bot_state(self, bot_ok: bool) -> None:
        self.bot_ok = bot_ok
        self.schedule.is_halted = not bot_ok
        self._on_bot_state(bot_ok)

    # Ends without an attempt.

    def _expire(self, pending: Pending) -> None:
        self.spawn(self._conclude(pending, outcomes.expired))

    async def _fail_queue(self, lane: Lane, why: ChatRefused) -> None:
        """Fail what waits behind a message for which Telegram refused the chat; what comes later tries it anew."""
        for pending in list(lane):
            self.schedule.withdraw(pending)
            await self._conclude(pending, lambda message, now: outcomes.chat_closed(message, why, now))

    async def _conclude(self, pending: Pending, end: Callable[[Message, datetime], Outcome]) -> None:
        """Bring a message that waits to its end."""
        message = await self._keeping.message(pending.id)
        if message.state.is_final:
            self._settle(message)
        else:
            await self._keep(message, end(message, self._clock.now()))

    # Beginnings.

    async def _load(self) -> None:
        """Take up what is kept: what was on its way when an earlier run ended has got no answer."""
        rows = await self._keeping.unfinished()
        now, monotonic = self._clock.now(), self._clock.monotonic()
        window, answer = timedelta(seconds=MINUTE), timedelta(seconds=LONGEST_ANSWER)
        async for chat_id, arrived_at in self._keeping.arrivals(now, window, answer):
            self._pacing.recall(chat_id, monotonic - (now - arrived_at).total_seconds())
        recovered = [each if each.state is not State.SENDING else await self._recover(each) for each in rows]
        self.schedule.load(filter(None, recovered))

    async def _recover(self, pending: Pending) -> Pending | None:
        message = await self._keeping.message(pending.id)
        self.counts.attempts[outcomes.CAUSES[Unanswered]] += 1
        kept = await self._keep(message, outcomes.refused(message, Unanswered(), self._clock.now(), self._chance))
        return None if kept.state.is_final else _slim(kept)


def _slim(message: Message) -> Pending:
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
    )


def _report(what: str, error: BaseException) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})
