from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.delivery.halting import BOT_PAUSE
from gateway.errors import NotDurable
from gateway.model import Draft, Message, Priority, State, WhenUnknown
from gateway.telegram.failures import (
    BotRefused,
    ChatRefused,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, VirtualTimeLoop, virtual
from tests.unit.delivery.room import ScriptedBot, caller, open_room


async def never(_: Draft) -> tuple[int, ...]:
    return await asyncio.get_running_loop().create_future()


@virtual
async def test_a_chats_messages_go_in_the_order_of_acceptance() -> None:
    async with open_room() as room:
        messages = await asyncio.gather(*(room.accept(f"{number}") for number in range(10)))
        for message in messages:
            await room.settled(message)
        assert room.bot.texts == [f"{number}" for number in range(10)]


@virtual
async def test_a_retry_holds_back_its_own_chat_only() -> None:
    async with open_room() as room:
        room.bot.script = [ServerFailed(500, "restart"), ServerFailed(500, "restart"), ServerFailed(500, "restart")]
        first, second = await room.accept("one"), await room.accept("two")
        await asyncio.sleep(0.2)
        other = await room.accept("other", chat_id=2)
        for message in (first, second, other):
            await room.settled(message)
        assert room.bot.texts == ["one", "other", "one", "other", "one", "two"]


@virtual
async def test_a_429_is_waited_for_exactly_and_by_its_own_chat_only() -> None:
    async with open_room() as room:
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=10))]
        first = await room.accept("one")
        await asyncio.sleep(1)
        other = await room.settled(await room.accept("other", chat_id=2))
        assert other.finished_at == BEGINNING + timedelta(seconds=1.1)
        await room.settled(first)
        # The answer at 0.1 s, ten seconds, half of a tenth of them, and the way there.
        assert room.bot.sent[-1] == (pytest.approx(0.1 + 10 + 0.5 + 0.05), 1, "one")
        assert room.dispatcher.counts.rate_limited == {"chat": 1}


@virtual
async def test_two_429_at_once_pause_everybody() -> None:
    async with open_room() as room:
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=10))] * 2
        await room.accept("one", chat_id=1)
        await room.accept("two", chat_id=2)
        await asyncio.sleep(1)
        await room.settled(await room.accept("three", chat_id=3))
        assert room.bot.sent[-1][0] > 10
        assert room.dispatcher.counts.rate_limited == {"chat": 1, "bot": 1}


@virtual
async def test_a_message_with_a_time_of_its_own_holds_back_nobody() -> None:
    async with open_room() as room:
        later = await room.accept("later", send_at=BEGINNING + timedelta(minutes=5))
        assert later.state is State.QUEUED
        now = await room.settled(await room.accept("now"))
        assert now.state is State.DELIVERED
        message = await room.settled(later)
        assert room.bot.sent[-1] == (pytest.approx(300.05), 1, "later")
        assert message.expires_at == BEGINNING + timedelta(minutes=5, hours=24)


@virtual
async def test_a_message_expires_when_its_time_comes_whatever_the_chat_waits_for() -> None:
    async with open_room() as room:
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=60))]
        first = await room.accept("first")
        second = await room.accept("second", ttl=timedelta(seconds=5))
        message = await room.settled(second)
        assert (message.state, message.finished_at) == (State.EXPIRED, BEGINNING + timedelta(seconds=5))
        assert (await room.settled(first)).state is State.DELIVERED
        assert room.bot.texts == ["first", "first"]


@virtual
async def test_a_message_on_its_way_does_not_expire() -> None:
    async with open_room() as room:

        async def slowly(_: Draft) -> tuple[int, ...]:
            await asyncio.sleep(10)
            return (7,)

        room.bot.script = [slowly]
        message = await room.settled(await room.accept("hi", ttl=timedelta(seconds=1)))
        assert (message.state, message.telegram_message_ids) == (State.DELIVERED, (7,))


@virtual
async def test_a_retry_expires() -> None:
    async with open_room() as room:
        room.bot.of_chat[1] = NotSent()
        message = await room.settled(await room.accept("hi", ttl=timedelta(seconds=60)))
        assert (message.state, message.finished_at) == (State.EXPIRED, BEGINNING + timedelta(seconds=60))
        assert message.attempts > 3


@virtual
async def test_resend_says_that_the_chat_may_have_seen_it_twice() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered()]
        message = await room.settled(await room.accept("hi"))
        assert (message.state, message.possibly_duplicated, message.attempts) == (State.DELIVERED, True, 2)
        room.bot.of_chat[2] = Unanswered()
        message = await room.settled(await room.accept("hi", chat_id=2))
        assert (message.state, message.attempts) == (State.DELIVERY_UNKNOWN, 4)


@virtual
async def test_a_resend_that_was_not_sent_is_no_second_sight() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered(), NotSent(), RateLimited(429, "slow", timedelta(seconds=60))]
        message = await room.accept("hi")
        await asyncio.sleep(10)
        waiting = await room.outbox.get(caller(), message.id)
        assert (waiting.state, waiting.attempts, waiting.possibly_duplicated) == (State.RETRY_WAIT, 3, False)
        ended = await room.outbox.cancel(caller(), message.id)
        assert (ended.state, ended.possibly_duplicated) == (State.DELIVERY_UNKNOWN, False)
        room.bot.script = [Unanswered(), Unanswered(), Refused(400, "bad")]
        ended = await room.settled(await room.accept("again", chat_id=2))
        assert (ended.state, ended.possibly_duplicated) == (State.DELIVERY_UNKNOWN, True)


@virtual
async def test_give_up_makes_one_attempt() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered()]
        message = await room.settled(await room.accept("hi", when_unknown=WhenUnknown.GIVE_UP))
        assert (message.state, message.attempts) == (State.DELIVERY_UNKNOWN, 1)
        assert (await room.settled(await room.accept("next"))).state is State.DELIVERED
        assert room.bot.texts == ["hi", "next"]


@virtual
async def test_a_refused_chat_fails_its_queue() -> None:
    async with open_room() as room:
        room.bot.script = [ChatRefused(403, "Forbidden: bot was blocked by the user")]
        later = await room.accept("later", send_at=BEGINNING + timedelta(minutes=1))
        messages = [await room.accept(text) for text in ("one", "two", "three")]
        for message in messages:
            end = await room.settled(message)
            assert end.state is State.FAILED
            assert end.failure is not None
            assert (end.failure.reason, end.failure.telegram_error_code) == ("CHAT_UNAVAILABLE", 403)
        assert room.bot.texts == ["one"]
        assert (await room.settled(later)).state is State.FAILED, "by a few hundredths of a second"
        assert room.bot.texts == ["one"]


@virtual
async def test_an_unknown_chat_is_told_from_a_bad_message_by_asking() -> None:
    async with open_room() as room:
        room.bot.script = [Refused(400, "Bad Request: can't parse entities")]
        messages = [await room.accept("bad"), await room.accept("good")]
        ends = [await room.settled(message) for message in messages]
        assert [end.failure.reason if end.failure else "" for end in ends] == ["INVALID_REQUEST", ""]
        room.bot.unseen.add(2)
        room.bot.of_chat[2] = Refused(400, "Bad Request: can't parse entities")
        messages = [await room.accept("one", chat_id=2), await room.accept("two", chat_id=2)]
        ends = [await room.settled(message) for message in messages]
        assert [end.failure.reason if end.failure else "" for end in ends] == ["CHAT_UNAVAILABLE"] * 2
        assert room.bot.texts[2:] == ["one"]


@pytest.mark.parametrize("failure", [Refused(413, "too large"), Refused(400, "bad")])
@virtual
async def test_what_can_not_be_asked_is_the_messages_fault(failure: Refused) -> None:
    async with open_room() as room:
        room.bot.chat_failure = NotSent()
        room.bot.script = [failure]
        end = await room.settled(await room.accept("hi"))
        assert end.failure is not None
        assert end.failure.reason == "INVALID_REQUEST"


@virtual
async def test_a_refused_bot_stops_everything_and_loses_nothing() -> None:
    async with open_room() as room:
        room.bot.script = [BotRefused(401, "Unauthorized")] * 2
        room.bot.identity_failure = BotRefused(401, "Unauthorized")
        first, second = await room.accept("one"), await room.accept("two", chat_id=2)
        await asyncio.sleep(1)
        third = await room.accept("three", chat_id=3)
        assert third.state is State.QUEUED
        assert room.bot_states == [False]
        assert not room.dispatcher.bot_ok
        dying = await room.accept("four", chat_id=4, ttl=timedelta(seconds=20))
        assert (await room.settled(dying)).state is State.EXPIRED
        kept = await room.outbox.get(caller(), first.id)
        assert (kept.state, kept.attempts) == (State.QUEUED, 0)
        assert len(room.bot.texts) == 2
        room.bot.identity_failure = None
        ends = [await room.settled(message) for message in (first, second, third)]
        assert [(end.state, end.attempts) for end in ends] == [(State.DELIVERED, 1)] * 3
        assert room.bot_states == [False, True]


@virtual
async def test_a_bot_that_is_refused_at_the_start_is_as_one_refused_later() -> None:
    async with open_room() as room:
        room.dispatcher.bot_refused()
        room.dispatcher.bot_refused()
        message = await room.accept("hi")
        assert message.state is State.QUEUED
        assert (await room.settled(message)).state is State.DELIVERED
        assert room.bot_states == [False, True]


@virtual
async def test_an_outcome_that_can_not_be_kept_is_told_to_nobody_until_it_is() -> None:
    async with open_room() as room:

        async def then_the_disk_is_full(_: Draft) -> tuple[int, ...]:
            room.store.is_failing = True
            return (7,)

        room.bot.script = [then_the_disk_is_full]
        message = await room.accept("one")
        settling = asyncio.create_task(room.settled(message))
        await asyncio.sleep(10)
        assert not settling.done()
        with pytest.raises(NotDurable):
            await room.accept("two")
        assert room.bot.texts == ["one"]
        room.store.is_failing = False
        assert (await settling).telegram_message_ids == (7,)
        assert (await room.settled(await room.accept("two"))).state is State.DELIVERED
        assert room.bot.texts == ["one", "two"]


@virtual
async def test_what_can_not_be_marked_as_sending_is_not_sent() -> None:
    async with open_room() as room:
        first, second = await room.accept("one"), await room.accept("two")
        await room.settled(first)
        room.store.is_failing = True
        await asyncio.sleep(10)
        assert room.bot.texts == ["one"]
        room.store.is_failing = False
        assert (await room.settled(second)).attempts == 1


@virtual
async def test_a_start_that_was_kept_without_a_word_is_an_attempt_without_an_answer() -> None:
    class Deaf(ModelStore):
        """Keeps the first start, and says that it did not."""

        is_deaf = True

        async def start(self, message_id: str, at: object) -> Message | None:
            kept = await super().start(message_id, at)  # type: ignore[arg-type]
            if self.is_deaf:
                self.is_deaf = False
                raise NotDurable
            return kept

    async with open_room(Deaf()) as room:
        await room.accept("one")
        message = await room.settled(await room.accept("two"))
        assert (message.state, message.possibly_duplicated) == (State.DELIVERED, True)


@virtual
async def test_a_crash_in_sending_is_a_doubt() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        bot.script = [never, never]
        again = await room.accept("again")
        given_up = await room.accept("given up", chat_id=2, when_unknown=WhenUnknown.GIVE_UP)
        await asyncio.sleep(1)
    async with open_room(store, bot) as room:
        message = await room.settled(again)
        assert (message.state, message.possibly_duplicated, message.attempts) == (State.DELIVERED, True, 2)
        assert (await room.settled(given_up)).state is State.DELIVERY_UNKNOWN
        assert bot.texts.count("given up") == 1


@virtual
async def test_a_new_run_takes_up_the_queue_in_order() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        bot.script = [RateLimited(429, "slow", timedelta(seconds=20))]
        for number in range(5):
            await room.accept(f"{number}")
        await room.accept("later", send_at=BEGINNING + timedelta(seconds=10))
        await asyncio.sleep(3)
    async with open_room(store, bot) as room:
        early = await room.accept("5")
        assert early.state is State.QUEUED
        await room.settled(early)
        assert [text for text in bot.texts if text != "later"] == ["0", "0", "1", "2", "3", "4", "5"]
        assert bot.sent[1][0] > 20, "a pause outlives a restart"
        instants = [at for at, _, _ in bot.sent]
        assert all(later - earlier > 1 for earlier, later in pairwise(instants))


@virtual
async def test_a_clock_that_is_set_back_over_a_restart_makes_no_message_wait_for_it() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        bot.script = [BotRefused(401, "Unauthorized")]
        messages = [await room.accept("0")]
        await asyncio.sleep(0.5)
        messages += [await room.accept("1"), await room.accept("2")]
        later = await room.accept("later", send_at=room.clock.now() + timedelta(seconds=90))
    for message in store.messages.values():
        # As if these were the words of a clock that was an hour ahead.
        instants = {
            name: getattr(message, name) + timedelta(hours=1) for name in ("accepted_at", "due_at", "expires_at")
        }
        store.messages[message.id] = replace(message, **instants)
    async with open_room(store, bot) as room:
        last = await room.accept("3")
        for message in [*messages, last]:
            assert (await room.settled(message)).state is State.DELIVERED
        assert room.clock.monotonic() < 10
        assert [text for text in bot.texts if text != "later"][1:] == ["0", "1", "2", "3"]
        assert (await room.settled(later, 7200)).state is State.DELIVERED
        assert room.clock.monotonic() > 3600


@virtual
async def test_what_comes_in_before_the_queue_is_loaded_waits_behind_it() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        await room.accept("0")
        await room.accept("1")
    store.is_failing = True
    async with open_room(store, bot) as room:
        await asyncio.sleep(0.1)
        store.is_failing = False
        early = await room.accept("2")
        assert early.state is State.QUEUED
        assert (await room.settled(early)).state is State.DELIVERED
        assert bot.texts[-2:] == ["1", "2"]


@virtual
async def test_drain_lets_end_what_is_on_its_way_and_begins_nothing() -> None:
    async with open_room() as room:
        await room.accept("one")
        await room.accept("two")
        await room.dispatcher.drain(timedelta(seconds=10))
        assert [message.state for message in room.store.messages.values()] == [State.DELIVERED, State.QUEUED]
        await asyncio.sleep(60)
        assert room.bot.texts == ["one"]


@virtual
async def test_drain_has_a_bound() -> None:
    async with open_room() as room:
        room.bot.script = [never]
        message = await room.accept("one")
        waiting = asyncio.create_task(room.settled(message))
        await asyncio.sleep(0)
        await room.dispatcher.drain(timedelta(seconds=10))
        assert room.clock.monotonic() == pytest.approx(10)
        assert (await waiting).state is State.SENDING


@virtual
async def test_drain_does_not_wait_for_a_refused_bot() -> None:
    async with open_room() as room:
        room.bot.script = [BotRefused(401, "Unauthorized")]
        room.bot.identity_failure = BotRefused(401, "Unauthorized")
        await room.accept("one")
        await asyncio.sleep(5 * BOT_PAUSE)
        before = room.clock.monotonic()
        await room.dispatcher.drain(timedelta(seconds=10))
        assert room.clock.monotonic() == before


@virtual
async def test_a_bug_of_the_bot_is_an_attempt_without_an_answer() -> None:
    async with open_room() as room:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        room.bot.script = [ValueError("a bug")]
        message = await room.settled(await room.accept("hi", when_unknown=WhenUnknown.GIVE_UP))
        assert message.state is State.DELIVERY_UNKNOWN
        assert [str(each["exception"]) for each in loop.stumbles] == ["a bug"]
        loop.stumbles.clear()


@virtual
async def test_nothing_is_left_of_what_is_done() -> None:
    async with open_room() as room:
        for chat_id in range(1, 200):
            await room.settled(await room.accept("hi", chat_id=chat_id))
        schedule = room.dispatcher.schedule
        assert (len(schedule.pending), len([*schedule._lanes]), len(schedule._expiry)) == (0, 0, 0)
        assert room.dispatcher.counts.finished == {"DELIVERED": 199}
        assert not room.dispatcher.waiting._ends


@virtual
async def test_no_more_attempts_at_once_than_allowed() -> None:
    at_once = []

    async with open_room(mode="off", most_at_once=5) as room:
        messages = []
        for chat_id in range(1, 51):
            messages.append(await room.accept("hi", chat_id=chat_id))
            at_once.append(room.dispatcher.counts.sending)
        for message in messages:
            assert (await room.settled(message)).state is State.DELIVERED
        assert max(at_once) == 5


@virtual
async def test_the_limits_are_used_up_to_three_in_a_hundred() -> None:
    """3,000 messages to 100 people at 30/s, and 60 to one group at 20/min, in the time that these limits take."""
    async with open_room() as room:
        people = [await room.accept(f"{n}", chat_id=1 + n % 100) for n in range(3000)]
        for message in people:
            await room.settled(message)
        # The first 30 go at once; a place is free a second after an answer, so the way there and back costs a tenth.
        assert room.clock.monotonic() <= (3000 / 30 - 1) * 1.1 * 1.03
    async with open_room() as room:
        began = room.clock.monotonic()
        for message in [await room.accept(f"{n}", chat_id=-1) for n in range(60)]:
            await room.settled(message)
        assert room.clock.monotonic() - began <= (120 + 20 * 1.1) * 1.03


@virtual
async def test_a_light_client_is_served_beside_a_heavy_one() -> None:
    async with open_room() as room:
        for chat_id in range(1, 1001):
            await room.accept("bulk", chat_id=chat_id, client="heavy")
        await asyncio.sleep(5)
        light = [await room.accept("alert", chat_id=5000 + n, client="light") for n in range(10)]
        ends = [await room.settled(message) for message in light]
        assert max(end.finished_at for end in ends if end.finished_at) < BEGINNING + timedelta(seconds=8)


@virtual
async def test_the_urgent_go_before_the_bulk() -> None:
    async with open_room() as room:
        for chat_id in range(1, 301):
            await room.accept("bulk", chat_id=chat_id, priority=Priority.BULK)
        urgent = await room.settled(await room.accept("alert", chat_id=1000, priority=Priority.HIGH))
        assert urgent.finished_at is not None
        assert urgent.finished_at < BEGINNING + timedelta(seconds=2)
