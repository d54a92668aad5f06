"""Bugs, planted: each a plausible mistake that the simulation has to catch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.delivery import outcomes, touches
from gateway.delivery.attempts import slim
from gateway.delivery.chats import Chats
from gateway.delivery.courier import Courier
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.lanes import Lane
from gateway.delivery.outbox import Outbox
from gateway.delivery.outcomes import Chance, Outcome
from gateway.delivery.pacing import Pacing
from gateway.delivery.quota import Quotas, Taken
from gateway.delivery.retention import Retention
from gateway.delivery.schedule import Schedule
from gateway.errors import NotDurable
from gateway.model import Draft, Kind, Message, Record, State, WhenUnknown
from gateway.store.base import Pending
from gateway.telegram.failures import BotFailure, RateLimited, Unanswered
from tests.simulation.disk import Disk

Plant = Callable[[pytest.MonkeyPatch], None]


def resends_against_the_clients_word(patch: pytest.MonkeyPatch) -> None:
    """GIVE_UP is read as RESEND when no answer came."""
    right = outcomes.refused

    def wrong(message: Message, failure: BotFailure, now: datetime, chance: Chance) -> Outcome:
        return right(replace(message, when_unknown=WhenUnknown.RESEND), failure, now, chance)

    patch.setattr(outcomes, "refused", wrong)


def takes_a_crashed_attempt_for_one_not_made(patch: pytest.MonkeyPatch) -> None:
    """What is found in SENDING at the start is queued again."""

    async def wrong(self: Dispatcher, pending: Pending) -> Pending:
        message = await self._keeping.message(pending.id)
        await self._store.save(replace(message, state=State.QUEUED), (message.state, message.attempts))
        return replace(pending, state=State.QUEUED)

    patch.setattr(Dispatcher, "_recover", wrong)


def orders_by_id(patch: pytest.MonkeyPatch) -> None:
    """Ids are taken before messages are kept, so they say nothing about the order."""
    right = Lane.add

    def wrong(self: Lane, message: Pending) -> None:
        right(self, message)
        for each in sorted(self._queue.values(), key=lambda waiting: waiting.id):
            self._queue.move_to_end(each.id)

    patch.setattr(Lane, "add", wrong)


def lets_the_next_go_while_one_waits(patch: pytest.MonkeyPatch) -> None:
    """A message that is to be attempted again goes to the end of its lane."""

    def wrong(self: Dispatcher, lane: Lane, kept: Message, not_before: datetime | None = None) -> None:
        lane.end()
        if not kept.state.is_final:
            self.schedule.forget(kept.id)
            self.schedule._admit(replace(_slim(kept), state=State.QUEUED))
        self.schedule.release(lane)

    def _slim(message: Message) -> Pending:
        return slim(message)

    patch.setattr(Dispatcher, "_after", wrong)


def expires_what_is_on_its_way(patch: pytest.MonkeyPatch) -> None:
    """The time to live is watched during an attempt as well."""
    right = Dispatcher._attempt

    async def wrong(self: Dispatcher, lane: Lane, message: Message, draft: Draft, target: Message | None) -> None:
        schedule = self.schedule
        schedule._expiry.set(message.id, schedule._monotonic(message.expires_at))
        await right(self, lane, message, draft, target)

    patch.setattr(Dispatcher, "_attempt", wrong)


def has_no_timer(patch: pytest.MonkeyPatch) -> None:
    """What waits is looked at only when something else happens."""
    patch.setattr(Schedule, "_set_alarm", lambda self, now: None)


def counts_from_the_departure(patch: pytest.MonkeyPatch) -> None:
    """A place is free again a window after the attempt began, not after it was answered."""
    take, answered = Pacing.take, Pacing.answered

    def wrong(self: Pacing, chat_id: int, now: float) -> None:
        take(self, chat_id, now)
        answered(self, chat_id, now)

    patch.setattr(Pacing, "take", wrong)
    patch.setattr(Pacing, "answered", lambda self, chat_id, now: None)
    patch.setattr(Pacing, "give_back", lambda self, chat_id, now: None)


def forgets_the_windows_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    """A new run begins as if nothing had been sent."""
    patch.setattr(Pacing, "recall", lambda self, chat_id, arrived: None)


def forgets_the_quotas_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    """A new run begins as if nobody had handed in anything."""
    patch.setattr(Quotas, "recall", lambda self, number, minute, day: None)


def comes_back_too_soon(patch: pytest.MonkeyPatch) -> None:
    """A 429 is waited for with a growing pause of our own."""
    right = outcomes.refused

    def wrong(message: Message, failure: BotFailure, now: datetime, chance: Chance) -> Outcome:
        if isinstance(failure, RateLimited):
            failure = RateLimited(failure.code, failure.description, None)
        return right(message, failure, now, chance)

    patch.setattr(outcomes, "refused", wrong)


def tells_before_it_is_durable(patch: pytest.MonkeyPatch) -> None:
    """The outcome is told, then kept."""
    right = Dispatcher._keep

    async def wrong(self: Dispatcher, before: Message, outcome: Outcome) -> Message:
        self.waiting.changed(outcome[0])
        return await right(self, before, outcome)

    patch.setattr(Dispatcher, "_keep", wrong)


def answers_a_repeat_from_memory(patch: pytest.MonkeyPatch) -> None:
    """A repeat is answered while the first message is still on its way to the disk."""
    right = Disk.add

    async def wrong(self: Disk, message: Message, record: Record) -> Message:
        early: dict[tuple[str, str], Message] = self.__dict__.setdefault("early", {})
        # A request id may be the id of another message, so what has none gets a name that no request has.
        first = early.setdefault((message.client, message.request_id or f" {message.id}"), message)
        return first if first is not message else await right(self, message, record)

    patch.setattr(Disk, "add", wrong)


def drops_an_outcome_that_the_disk_refuses(patch: pytest.MonkeyPatch) -> None:
    """A disk that fails once is not tried again."""

    async def wrong(self: Dispatcher, before: Message, outcome: Outcome) -> Message:
        message, record = outcome
        with contextlib.suppress(NotDurable):
            await self._store.save(message, (before.state, before.attempts), record)
        self._settle(message)
        return message

    patch.setattr(Dispatcher, "_keep", wrong)


def goes_down_with_its_caller(patch: pytest.MonkeyPatch) -> None:
    """A caller that hangs up takes along the attempt that was reserved for its message."""
    right = Outbox._keep

    async def wrong(
        self: Outbox,
        message: Message,
        record: Record,
        draft: Draft,
        answer: asyncio.Future[Message],
        target: Message | None,
        taken: Taken,
    ) -> None:
        work = asyncio.current_task()
        answer.add_done_callback(lambda done: work is not None and done.cancelled() and work.cancel())
        await right(self, message, record, draft, answer, target, taken)

    patch.setattr(Outbox, "_keep", wrong)


def says_failed_of_what_may_have_arrived(patch: pytest.MonkeyPatch) -> None:
    """An end without delivery is told as it is, whatever went unanswered before."""
    right = outcomes._final

    def wrong(message: Message, state: State, now: datetime, why: Any) -> Message:
        known = right(replace(message, unknown_attempts=0), state, now, why)
        return replace(known, unknown_attempts=message.unknown_attempts)

    patch.setattr(outcomes, "_final", wrong)


def lets_later_messages_overtake_one_being_kept(patch: pytest.MonkeyPatch) -> None:
    """Whether a lane is idle is asked without looking at what is on its way into the store."""
    right = Schedule.enter

    def wrong(self: Schedule, chat_id: int, *, now_due: bool) -> bool:
        lane = self._lanes.of(chat_id)
        joining, lane.joining = lane.joining, 0
        try:
            return right(self, chat_id, now_due=now_due)
        finally:
            lane.joining += joining

    patch.setattr(Schedule, "enter", wrong)


def runs_past_send_at(patch: pytest.MonkeyPatch) -> None:
    """A message with a time of its own is sent at once after a restart."""
    right = Schedule._admit

    def wrong(self: Schedule, pending: Pending) -> None:
        right(self, replace(pending, due_at=self._clock.now() - timedelta(seconds=1)))

    patch.setattr(Schedule, "_admit", wrong)


def takes_two_at_a_time(patch: pytest.MonkeyPatch) -> None:
    """A chat's place is free as soon as the answer came, not a second later."""
    right = Pacing.chat_free_at
    patch.setattr(Pacing, "chat_free_at", lambda self, chat_id, now: min(now, right(self, chat_id, now)))


def sends_before_the_approval(patch: pytest.MonkeyPatch) -> None:
    """What is for a group goes to the supergroup that it became, whatever the operator says."""
    patch.setattr(Dispatcher, "_follow", lambda self, move: self.schedule.move(move.chat_id, move.new_chat_id))


def turns_around_what_waits_when_a_chat_moves(patch: pytest.MonkeyPatch) -> None:
    """The lanes of both chats are put together without regard to the order."""

    def wrong(self: Lane, other: Lane) -> None:
        self.joining += other.joining
        self._queue.update((message.id, message) for message in reversed([*filter(None, [other.head]), *other]))

    patch.setattr(Lane, "absorb", wrong)


def writes_to_a_closed_chat(patch: pytest.MonkeyPatch) -> None:
    """A refusal is forgotten with its message."""
    patch.setattr(Chats, "refusal", lambda self, chat_id: None)


def asks_for_the_right_too_early(patch: pytest.MonkeyPatch) -> None:
    """Whether a message may leave is not asked again after it was accepted."""
    patch.setattr(Dispatcher, "_withheld", lambda self, message, chat_id: None)


def edits_what_its_group_has_left_behind(patch: pytest.MonkeyPatch) -> None:
    """An edit goes where its chat goes, and to a message there that has the same number."""
    right = touches.obstacle

    def wrong(target: Message | None, chat_id: int) -> str | None:
        return right(target and replace(target, telegram_chat_id=chat_id), chat_id)

    patch.setattr(touches, "obstacle", wrong)


def edits_nothing_and_says_done(patch: pytest.MonkeyPatch) -> None:
    """Whether a message has arrived is not asked before it is edited."""
    patch.setattr(touches, "obstacle", lambda target, chat_id: None)


def takes_an_unanswered_edit_for_done(patch: pytest.MonkeyPatch) -> None:
    """To repeat an edit does no harm, so it is left at one attempt, and called done."""
    right = Courier.carry

    async def wrong(self: Courier, kind: Kind, draft: Draft, ids: tuple[int, ...]) -> Any:
        found, failure = await right(self, kind, draft, ids)
        return (ids, None) if kind is Kind.EDIT and isinstance(failure, Unanswered) else (found, failure)

    patch.setattr(Courier, "carry", wrong)


def lets_an_older_edit_go_last(patch: pytest.MonkeyPatch) -> None:
    """What waited behind a message goes in the order in which it is found."""
    right = Lane.add

    def wrong(self: Lane, message: Pending) -> None:
        right(self, message)
        if message.target_id:
            self._queue.move_to_end(message.id, last=False)

    patch.setattr(Lane, "add", wrong)


def forgets_too_soon(patch: pytest.MonkeyPatch) -> None:
    """A message is kept for an hour after its end."""

    async def wrong(self: Retention) -> int:
        now = self._clock.now()
        return await self._store.forget(now - timedelta(hours=1), now + timedelta(days=9), 10_000)

    patch.setattr(Retention, "forget", wrong)


def keeps_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Nothing is removed."""

    async def wrong(self: Retention) -> int:
        return 0

    patch.setattr(Retention, "forget", wrong)


def begins_anew_after_a_crash(patch: pytest.MonkeyPatch) -> None:
    """Of a message that was on its way when the gateway died, all parts are sent again."""
    right = outcomes.refused

    def wrong(message: Message, failure: BotFailure, now: datetime, chance: Chance) -> Outcome:
        forgotten = replace(message, telegram_message_ids=())
        return right(forgotten if message.parts > 1 else message, failure, now, chance)

    async def recover(self: Dispatcher, pending: Pending) -> Pending | None:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(outcomes, "refused", wrong)
            return await recovered(self, pending)

    recovered = Dispatcher._recover
    patch.setattr(Dispatcher, "_recover", recover)


def lets_others_in_between_two_parts(patch: pytest.MonkeyPatch) -> None:
    """A part that has arrived ends its message's turn, and the next one stands last in the lane."""
    right = Dispatcher._after

    def wrong(self: Dispatcher, lane: Lane, kept: Message, not_before: datetime | None = None) -> None:
        if kept.state is not State.RETRY_WAIT or kept.failure is not None or not kept.telegram_message_ids:
            right(self, lane, kept, not_before)
            return
        pending = slim(replace(kept, state=State.QUEUED, seq=1_000_000 + kept.seq))
        lane.end()
        self.schedule.pending[kept.id] = pending
        lane.add(pending)
        self.schedule.release(lane)

    patch.setattr(Dispatcher, "_after", wrong)


PLANTED: dict[Plant, str] = {
    resends_against_the_clients_word: "I4",
    takes_a_crashed_attempt_for_one_not_made: "I4",
    orders_by_id: "I3",
    lets_the_next_go_while_one_waits: "I3",
    expires_what_is_on_its_way: "H",
    has_no_timer: "I1",
    counts_from_the_departure: "I6",
    forgets_the_windows_at_a_restart: "I6",
    forgets_the_quotas_at_a_restart: "Q",
    comes_back_too_soon: "I7",
    tells_before_it_is_durable: "I1",
    answers_a_repeat_from_memory: "I1",
    drops_an_outcome_that_the_disk_refuses: "I11",
    goes_down_with_its_caller: "I11",
    says_failed_of_what_may_have_arrived: "H",
    lets_later_messages_overtake_one_being_kept: "I3",
    runs_past_send_at: "I3",
    takes_two_at_a_time: "I6",
    sends_before_the_approval: "I2",
    turns_around_what_waits_when_a_chat_moves: "I3",
    writes_to_a_closed_chat: "C",
    asks_for_the_right_too_early: "I8",
    edits_what_its_group_has_left_behind: "E",
    edits_nothing_and_says_done: "H",
    takes_an_unanswered_edit_for_done: "H",
    lets_an_older_edit_go_last: "E",
    begins_anew_after_a_crash: "I4",
    lets_others_in_between_two_parts: "P",
    forgets_too_soon: "R",
    keeps_for_ever: "R",
}
"""Each bug with the invariant that it breaks."""
