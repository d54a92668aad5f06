"""What is attempted next and when: lanes, turns, pacing and times brought together, with nothing that waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from gateway.clock import Clock
from gateway.delivery.agenda import Agenda
from gateway.delivery.alarm import Alarm
from gateway.delivery.counts import Counts
from gateway.delivery.lanes import Lane, Lanes
from gateway.delivery.pacing import Pacing
from gateway.delivery.touches import Behind
from gateway.delivery.turns import Turns
from gateway.model import State
from gateway.store.base import Pending


class Schedule:
    """Holds a slim entry for each message that waits, and says when one is to begin or to expire.

    Nothing is polled: there is one timer, set to the next instant at which something is due.

    Attributes:
        pending: Every message that is known and not final, by its id.
        waiting_of: How many of them each client has.
        is_open: Whether what is due happens at all; closed until `load` and after `close`.
        is_elsewhere: Whether another gateway attempts what is kept: nothing of it waits here.
        is_shared: Whether other gateways accept messages too.
        is_halted: Whether no attempt may begin for now, while times to live go on.
    """

    def __init__(
        self,
        clock: Clock,
        pacing: Pacing,
        turns: Turns,
        counts: Counts,
        most_at_once: int,
        begin: Callable[[Lane, Pending], None],
        expire: Callable[[Pending], None],
    ) -> None:
        """Begin with no message.

        Args:
            clock: Tells when a message is due (wall clock) and when Telegram may be written to (monotonic).
            pacing: Says when a chat and the bot may be written to.
            turns: Says which lane goes first.
            counts: Where `waiting` and `sending` are kept up to date.
            most_at_once: How many attempts may be under way at once.
            begin: Called to attempt a message, whose lane is busy until `release`.
            expire: Called to end a message, which has been taken out.
        """
        self.pending: dict[str, Pending] = {}
        self.waiting_of: Counter[str] = Counter()
        self.is_open = False
        self.is_elsewhere = self.is_shared = False
        self.is_halted = False
        self._clock = clock
        self._pacing = pacing
        self._turns = turns
        self._counts = counts
        self._most_at_once = most_at_once
        self._begin_attempt = begin
        self._expire = expire
        self._early: dict[str, Pending] = {}
        self._behind = Behind()
        self._lanes = Lanes()
        self._held_back: Agenda[Lane] = Agenda()
        self._scheduled: Agenda[str] = Agenda()
        self._expiry: Agenda[str] = Agenda()
        self._alarm = Alarm(self.go_on)

    def __len__(self) -> int:
        """Return how many messages wait here."""
        return len(self.pending) + len(self._early)

    def load(self, kept: Iterable[Pending]) -> None:
        """Take up what an earlier run left, in the order of `seq`, with what came in meanwhile, and open."""
        self.is_open = True
        # What has begun to arrive in a chat goes on there before what another id of the chat has brought.
        for pending in sorted([*kept, *self._early.values()], key=lambda each: not self._has_begun(each)):
            self._admit(pending)
            if pending.state is State.RETRY_WAIT:
                # The chat's pause outlives its message, which may be cancelled or expire first.
                self._pacing.hold(self._lanes.of(pending.chat_id).chat_id, self._monotonic(pending.due_at))
        self._early.clear()
        for lane in self._lanes:
            self._place(lane)
        self.go_on()

    def close(self) -> None:
        """Let nothing begin or expire any more."""
        self.is_open = False
        self._alarm.stop()

    def knows(self, message_id: str) -> bool:
        """Whether a message is here and not final."""
        return message_id in self.pending or message_id in self._early

    def wait(self, chat_id: int, client: str, message_id: str = "") -> float:
        """Return about how many seconds pass until a client's message is attempted.

        The one that waits under this id, or else one that comes now; as if what is before it went as fast as the limits
        allow, and nothing went wrong.
        """
        now = self._clock.monotonic()
        pending = self.pending.get(message_id) or self._early.get(message_id)
        if pending and self.knows(pending.target_id):
            return self.wait(chat_id, client, pending.target_id)
        if pending and pending.due_at > self._clock.now():
            return self._monotonic(pending.due_at) - now
        lane = self._lanes.imagined(chat_id)
        ahead, begins = lane.ahead_of(message_id), max(now, lane.not_before)
        turns = (ahead + 1) * (self._turns.before(client) + 1) - 1
        return (
            max(self._pacing.chat_turn_at(lane.chat_id, ahead, begins), self._pacing.bot_turn_at(turns, begins)) - now
        )

    # Messages come and go.

    def enter(self, chat_id: int, *, now_due: bool) -> bool:
        """Announce that a message is about to be kept, and reserve its attempt if that may begin at once.

        Every call is followed by one of `left`, `joined` and `took` for this chat. Whoever reserved an attempt goes
        first in the chat, so messages have to be handed to the store in the order in which they are announced.
        """
        lane = self._lanes.of(chat_id)
        now = self._clock.monotonic()
        is_free = lane.is_idle and not self._lanes.is_held(lane)
        may_begin = now_due and is_free and not self._turns and self._may_begin(now)
        reserved = may_begin and self._pacing.chat_free_at(lane.chat_id, now) <= now
        if reserved:
            lane.busy = True
            self._take_place(lane.chat_id, now)
        lane.joining += 1
        return reserved

    def left(self, chat_id: int, *, reserved: bool) -> None:
        """Say that the announced message was not kept."""
        lane = self._lanes.of(chat_id)
        lane.joining -= 1
        if reserved:
            self.not_made(lane)
            self.release(lane)
        else:
            self._place(lane)

    def joined(self, pending: Pending) -> None:
        """Say that the announced message is kept and waits."""
        lane = self._lanes.of(pending.chat_id)
        lane.joining -= 1
        self._take_in(pending)
        self._place(lane)
        self.go_on()

    def adopt(self, pending: Pending) -> None:
        """Say that another gateway has kept a message that waits."""
        self._take_in(pending)
        self._place(self._lanes.of(pending.chat_id))
        self.go_on()

    def _take_in(self, pending: Pending) -> None:
        if self.is_open:
            self._admit(pending)
        elif not self.is_elsewhere:
            self._early[pending.id] = pending

    def took(self, pending: Pending) -> Lane:
        """Say that the announced message is kept and takes the attempt that was reserved for it; return its lane."""
        lane = self._lanes.of(pending.chat_id)
        lane.joining -= 1
        lane.head = pending
        self._know(pending)
        return lane

    def ended(self, pending: Pending) -> None:
        """Say that the announced message is kept and ends without an attempt; it is known until `forget`."""
        lane = self._lanes.of(pending.chat_id)
        lane.joining -= 1
        self._know(pending)
        self._place(lane)

    def withdraw(self, pending: Pending) -> None:
        """Take a message out of wherever it waits; it stays known until `forget`."""
        self._scheduled.discard(pending.id)
        self._expiry.discard(pending.id)
        self._behind.discard(pending)
        if lane := self._lanes.found(pending.chat_id):
            lane.remove(pending.id)
            self._place(lane)

    def freed(self, message_id: str) -> list[Pending]:
        """Return what waited behind a message, in order, to be given another place by `line_up` or `withdraw`."""
        return self._behind.take(message_id)

    def wait_behind(self, lane: Lane, pending: Pending) -> None:
        """Have the lane's head, whose attempt is not made after all, wait for the message that it touches."""
        self.not_made(lane)
        lane.end()
        self._expiry.set(pending.id, self._monotonic(pending.expires_at))
        self._line_up(pending)
        self.release(lane)

    def line_up(self, pending: Pending) -> None:
        """Give a message that was `freed` its place."""
        self._line_up(pending)
        self._place(self._lanes.of(pending.chat_id))

    def forget(self, message_id: str) -> bool:
        """Know a message no longer, for it is final; return whether it was known."""
        pending = self.pending.pop(message_id, None)
        if pending is None:
            return False
        self._expiry.discard(message_id)
        self._counts.waiting -= 1
        self.waiting_of[pending.client] -= 1
        if not self.waiting_of[pending.client]:
            del self.waiting_of[pending.client]
        return True

    # Chats move.

    def hold(self, chat_id: int) -> None:
        """Begin nothing in a chat until it moves."""
        self._lanes.hold(chat_id)
        if lane := self._lanes.found(chat_id):
            self._place(lane)

    def move(self, chat_id: int, new_chat_id: int) -> None:
        """Have what is for a chat go to another one: what waits for both stands in one order from now on."""
        if lane := self._lanes.move(chat_id, new_chat_id):
            self._place(lane)
        self.go_on()

    # Attempts end.

    def not_made(self, lane: Lane) -> None:
        """Say that an attempt is not made after all: its places are free at once."""
        self._counts.sending -= 1
        self._pacing.give_back(lane.chat_id, self._clock.monotonic())

    def answered(self, lane: Lane) -> None:
        """Say that an attempt has its answer, whatever it is."""
        self._counts.sending -= 1
        self._pacing.answered(lane.chat_id, self._clock.monotonic())

    def again(self, lane: Lane, pending: Pending, due_at: datetime) -> None:
        """Have the lane's head wait for another attempt."""
        lane.head = self.pending[pending.id] = pending
        lane.not_before = self._monotonic(due_at)
        self._expiry.set(pending.id, self._monotonic(pending.expires_at))

    def release(self, lane: Lane) -> None:
        """Let a lane go on after an attempt."""
        lane.busy = False
        self._place(lane)
        self.go_on()

    def go_on(self) -> None:
        """Do what is due, give the free places to those whose turn it is, and set the timer for what comes next."""
        if not self.is_open:
            return
        now = self._clock.monotonic()
        for message_id in self._scheduled.take_due(now):
            pending = self.pending[message_id]
            lane = self._lanes.of(pending.chat_id)
            lane.add(pending)
            self._place(lane)
        for message_id in self._expiry.take_due(now):
            pending = self.pending[message_id]
            self.withdraw(pending)
            self._expire(pending)
        for lane in self._held_back.take_due(now):
            lane.waits_for = None
            self._place(lane)
        while self._turns and self._may_begin(now):
            self._begin(self._turns.take(), now)
        self._set_alarm(now)

    # Within.

    def _admit(self, pending: Pending) -> None:
        """Know a message from now on, and put it where it waits."""
        if pending.id in self.pending:
            return
        self._know(pending)
        self._expiry.set(pending.id, self._monotonic(pending.expires_at))
        self._line_up(pending)

    def _line_up(self, pending: Pending) -> None:
        """Put a message where it waits: behind the one that it touches, apart until its own time, or in its lane."""
        lane = self._lanes.of(pending.chat_id)
        if self.knows(pending.target_id):
            self._behind.add(pending)
        elif pending.state is State.RETRY_WAIT and lane.head is None:
            lane.head, lane.not_before = pending, self._monotonic(pending.due_at)
        elif pending.due_at > pending.accepted_at and pending.due_at > self._clock.now():
            # It has a time of its own: where it has none, it is due whatever the clock was set to meanwhile.
            self._scheduled.set(pending.id, self._monotonic(pending.due_at))
        else:
            lane.add(pending)

    def _has_begun(self, pending: Pending) -> bool:
        """Whether some of its parts are in the chat that its lane writes to, and the next one may follow."""
        is_next = pending.state is State.RETRY_WAIT and pending.telegram_chat_id is not None
        return is_next and pending.telegram_chat_id == self._lanes.imagined(pending.chat_id).chat_id

    def _know(self, pending: Pending) -> None:
        self.pending[pending.id] = pending
        self._counts.waiting += 1
        self.waiting_of[pending.client] += 1

    def _place(self, lane: Lane) -> None:
        """Let a lane wait where its next message belongs: for a turn, or for the instant at which it may have one."""
        if self._lanes.has_moved(lane) and not lane.busy:
            self._displace(lane)
            lane = self._lanes.merged(lane)
        message = None if lane.busy or self._lanes.is_held(lane) else lane.next()
        if message is lane.waits_for and message is not None:
            return
        self._displace(lane)
        lane.waits_for = message
        if message is not None:
            now = self._clock.monotonic()
            free_at = max(lane.not_before, self._pacing.chat_free_at(lane.chat_id, now))
            if free_at <= now:
                self._turns.add(lane, message.client, message.priority)
            else:
                self._held_back.set(lane, free_at)
        elif lane.is_idle:
            self._lanes.drop(lane)

    def _displace(self, lane: Lane) -> None:
        if lane.waits_for is not None:
            self._turns.discard(lane)
            self._held_back.discard(lane)

    def _begin(self, lane: Lane, now: float) -> None:
        lane.waits_for = None
        pending = lane.begin()
        if pending.expires_at <= self._clock.now():
            lane.busy = False
            self.withdraw(pending)
            self._expire(pending)
            return
        self._expiry.discard(pending.id)
        self._take_place(lane.chat_id, now)
        self._begin_attempt(lane, pending)

    def _take_place(self, chat_id: int, now: float) -> None:
        self._counts.sending += 1
        self._pacing.take(chat_id, now)

    def _may_begin(self, now: float) -> bool:
        """Whether the bot may begin one more attempt now, for whatever chat."""
        return (
            self.is_open
            and not self.is_halted
            and self._counts.sending < self._most_at_once
            and self._pacing.bot_free_at(now) <= now
        )

    def _set_alarm(self, now: float) -> None:
        when = min(self._scheduled.next(), self._expiry.next(), self._held_back.next())
        if self._turns and not self.is_halted and self._counts.sending < self._most_at_once:
            when = min(when, self._pacing.bot_free_at(now))
        self._alarm.set(when, now)

    def _monotonic(self, instant: datetime) -> float:
        """Return when, on the monotonic clock, an instant of the wall clock comes."""
        return self._clock.monotonic() + (instant - self._clock.now()).total_seconds()
