"""What a client does with messages that it has handed in: list, send again, settle, ask how long they wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.delivery.outbox import Outbox
from gateway.errors import MessageNotFound, NotDurable, RequestInvalid, ShuttingDown, StateConflict
from gateway.model import Caller, Grant, Message, Permission, State, WhenUnknown
from gateway.telegram.failures import BotRefused, RateLimited, Refused, Unanswered
from tests.support.model_store import ModelStore
from tests.support.virtual_time import virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

WRITE = frozenset({Permission.WRITE})
MANY = replace(caller(), grants=tuple(Grant(chat_id=chat_id, permissions=WRITE) for chat_id in range(1, 6)))


async def failed(room: Room, text: str = "bad", **fields: object) -> Message:
    room.bot.script.append(Refused(400, "Bad Request"))
    return await room.settled(await room.accept(text, **fields))  # type: ignore[arg-type]


async def unknown(room: Room, text: str = "lost") -> Message:
    room.bot.script.append(Unanswered())
    return await room.settled(await room.accept(text, when_unknown=WhenUnknown.GIVE_UP))


# Sent again.


@virtual
async def test_what_failed_is_sent_again_under_its_id_with_its_time_to_live_anew() -> None:
    async with open_room() as room:
        message = await failed(room, ttl=timedelta(minutes=5))
        await asyncio.sleep(3600)
        again = await room.outbox.retry(caller(), message.id)
        assert (again.id, again.state, again.failure, again.finished_at) == (message.id, State.QUEUED, None, None)
        assert (again.attempts, again.accepted_at) == (1, message.accepted_at)
        assert (again.due_at, again.expires_at) == (again.accepted_at, room.clock.now() + timedelta(minutes=5))
        delivered = await room.settled(again)
        assert (delivered.state, delivered.attempts) == (State.DELIVERED, 2)
        assert room.bot.texts == ["bad", "bad"]


@virtual
async def test_the_time_to_live_of_what_was_sent_at_a_time_of_its_own_is_counted_from_the_retry() -> None:
    async with open_room() as room:
        late = room.clock.now() + timedelta(days=3)
        message = await failed(room, ttl=timedelta(minutes=5), send_at=late)
        assert message.state is State.QUEUED
        message = await room.settled(message, 4 * 86400)
        assert message.state is State.FAILED
        again = await room.outbox.retry(caller(), message.id)
        assert again.expires_at == room.clock.now() + timedelta(minutes=5)


@virtual
async def test_it_goes_to_the_end_of_its_queue_and_stays_there_over_a_restart() -> None:
    async with open_room() as room:
        message = await failed(room)
        waiting = [await room.accept(f"text {number}") for number in range(2)]
        await room.outbox.retry(caller(), message.id)
        await room.accept("text 2")
    async with open_room(room.store, room.bot) as later:
        await later.settled(waiting[-1])
        await asyncio.sleep(60)
        assert later.bot.texts == ["bad", "text 0", "text 1", "bad", "text 2"]


@virtual
async def test_it_is_on_record_who_sent_it_again_and_with_which_token() -> None:
    async with open_room() as room:
        message = await failed(room)
        other = replace(caller(), token_id="t2", key_id="k2", issued_at=room.clock.now())
        again = await room.outbox.retry(other, message.id)
        assert (again.token_id, again.key_id, again.issued_at) == ("t2", "k2", other.issued_at)
        (record,) = [record for record in room.store.log if record.event == "message.retried"]
        assert (record.client, record.token_id, record.address) == ("ops", "t2", "192.0.2.1")
        assert (record.message_id, record.facts) == (message.id, {"before": "FAILED", "attempts": 1})


@virtual
async def test_what_is_on_its_way_is_returned_unchanged_and_sent_once() -> None:
    async with open_room() as room:
        message = await failed(room)
        again = await asyncio.gather(*(room.outbox.retry(caller(), message.id) for _ in range(5)))
        assert {each.state for each in again} == {State.QUEUED}
        await room.settled(message)
        await asyncio.sleep(60)
        assert room.bot.texts == ["bad", "bad"]
        assert [record.event for record in room.store.log].count("message.retried") == 1
        assert room.dispatcher.counts.waiting == 0


@virtual
async def test_what_was_delivered_or_cancelled_is_not_sent_again() -> None:
    async with open_room() as room:
        delivered = await room.settled(await room.accept("hi"))
        with pytest.raises(StateConflict) as conflict:
            await room.outbox.retry(caller(), delivered.id)
        assert conflict.value.facts == {"state": "DELIVERED"}
        waiting = await room.accept("later", send_at=room.clock.now() + timedelta(days=1))
        await room.outbox.cancel(caller(), waiting.id)
        with pytest.raises(StateConflict):
            await room.outbox.retry(caller(), waiting.id)


@virtual
async def test_what_expired_or_got_no_answer_is_sent_again_and_may_then_be_there_twice() -> None:
    async with open_room() as room:
        lost = await unknown(room)
        assert lost.state is State.DELIVERY_UNKNOWN
        assert (await room.settled(await room.outbox.retry(caller(), lost.id))).possibly_duplicated
        held = [await room.accept(f"text {number}", ttl=timedelta(seconds=1)) for number in range(4)]
        last = await room.settled(held[-1])
        assert last.state is State.EXPIRED
        assert (await room.settled(await room.outbox.retry(caller(), last.id))).state is State.DELIVERED


@virtual
async def test_of_strangers_nothing_is_sent_again_settled_or_listed() -> None:
    async with open_room() as room:
        message = await unknown(room)
        for stranger in (caller("other"), caller(chat_id=2)):
            with pytest.raises(MessageNotFound):
                await room.outbox.retry(stranger, message.id)
            with pytest.raises(MessageNotFound):
                await room.outbox.resolve(stranger, message.id, State.DELIVERED)
            assert await room.outbox.list(stranger) == ([], "")


@virtual
async def test_what_can_not_be_kept_is_not_sent_again_and_what_is_closed_sends_nothing_again() -> None:
    async with open_room() as room:
        message = await failed(room)
        reading = room.store.get

        async def fails_to_write(message_id: str) -> Message | None:
            room.store.is_failing = False
            found = await reading(message_id)
            room.store.is_failing = True
            return found

        room.store.get = fails_to_write  # type: ignore[method-assign]
        with pytest.raises(NotDurable):
            await room.outbox.retry(caller(), message.id)
        room.store.get, room.store.is_failing = reading, False  # type: ignore[method-assign]
        await asyncio.sleep(60)
        assert room.bot.texts == ["bad"]
        assert (await room.outbox.get(caller(), message.id)).state is State.FAILED
        assert (await room.settled(await room.accept("next"))).state is State.DELIVERED
        await room.dispatcher.drain(timedelta(seconds=1))
        with pytest.raises(ShuttingDown):
            await room.outbox.retry(caller(), message.id)


@virtual
async def test_a_caller_that_hangs_up_has_its_message_sent_again_all_the_same() -> None:
    async with open_room() as room:
        message = await failed(room)
        asking = asyncio.ensure_future(room.outbox.retry(caller(), message.id))
        while room.dispatcher.schedule.pending == {} and not asking.done():
            await asyncio.sleep(0)
            asking.cancel()
        assert (await room.settled(message)).state in (State.DELIVERED, State.FAILED)
        await asyncio.sleep(60)
        assert (await room.accept("next")).state is State.SENDING


# Settled.


@virtual
@pytest.mark.parametrize("resolution", [State.DELIVERED, State.CANCELLED])
async def test_what_got_no_answer_is_settled_by_who_knows_once(resolution: State) -> None:
    async with open_room() as room:
        message = await unknown(room)
        settled = await room.outbox.resolve(caller(), message.id, resolution)
        assert (settled.state, settled.failure, settled.finished_at) == (resolution, None, room.clock.now())
        await asyncio.sleep(5)
        assert await room.outbox.resolve(caller(), message.id, resolution) == settled
        (other,) = {State.DELIVERED, State.CANCELLED} - {resolution}
        with pytest.raises(StateConflict):
            await room.outbox.resolve(caller(), message.id, other)
        records = [record for record in room.store.log if record.event == "message.resolved"]
        assert [record.facts for record in records] == [{"resolution": resolution.value}]


@virtual
async def test_what_telegram_confirmed_or_was_cancelled_by_its_client_is_not_to_be_settled() -> None:
    async with open_room() as room:
        delivered = await room.settled(await room.accept("hi"))
        cancelled = await room.accept("later", send_at=room.clock.now() + timedelta(days=1))
        await room.outbox.cancel(caller(), cancelled.id)
        with pytest.raises(StateConflict):
            await room.outbox.resolve(caller(), delivered.id, State.DELIVERED)
        with pytest.raises(StateConflict):
            await room.outbox.resolve(caller(), cancelled.id, State.CANCELLED)


@virtual
async def test_who_watches_sees_it_settled() -> None:
    async with open_room() as room:
        message = await unknown(room)
        changes = room.outbox.watch(caller(), await room.outbox.latest())
        upcoming = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(1)
        settled = await room.outbox.resolve(caller(), message.id, State.DELIVERED)
        assert (await upcoming)[0] == settled


# Listed.


async def pages(outbox: Outbox, caller: Caller, **search: object) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        page, token = await outbox.list(caller, after=token, limit=2, **search)  # type: ignore[arg-type]
        found += [message.id for message in page]
        if not token:
            return found


@virtual
async def test_a_list_is_of_all_that_a_credential_opens_or_of_one_chat_of_it() -> None:
    async with open_room() as room:
        for number in range(6):
            await room.accept("hi", chat_id=number + 1)
            await asyncio.sleep(1)
        assert await pages(room.outbox, MANY) == ["m5", "m4", "m3", "m2", "m1"]
        assert await pages(room.outbox, MANY, chat_id=2) == ["m2"]
        assert await pages(room.outbox, MANY, chat_id=6) == []
        assert await pages(room.outbox, MANY, states={State.QUEUED}) == []
        accepted_at = (await room.outbox.get(MANY, "m3")).accepted_at
        assert await pages(room.outbox, MANY, accepted_from=accepted_at) == ["m5", "m4", "m3"]
        assert await pages(room.outbox, MANY, accepted_until=accepted_at) == ["m2", "m1"]


@virtual
async def test_a_list_shows_to_the_holder_of_a_topic_what_is_in_it() -> None:
    async with open_room() as room:
        for number in range(6):
            await room.accept("hi", message_thread_id=number % 2 + 1)
        topic = replace(caller(), grants=(Grant(chat_id=1, permissions=WRITE, message_thread_id=1),))
        assert await pages(room.outbox, topic) == ["m5", "m3", "m1"]


@virtual
async def test_a_page_goes_on_from_a_token_of_the_same_list_only() -> None:
    async with open_room() as room:
        for _ in range(3):
            await room.accept("hi")
        _, token = await room.outbox.list(caller(), limit=1)
        for other in ({"states": {State.QUEUED}}, {"accepted_from": room.clock.now()}, {"chat_id": 2}):
            with pytest.raises(RequestInvalid, match="otherwise"):
                await room.outbox.list(caller(), after=token, **other)  # type: ignore[arg-type]
        far = "cDF_________" + token[12:]
        for bad in ("x", "é", token + "=", token[:-2], far, await room.outbox.latest()):
            with pytest.raises(RequestInvalid, match="gave out"):
                await room.outbox.list(caller(), after=bad)


# How long it waits.


@virtual
@pytest.mark.parametrize("chat_id", [1, -1])
async def test_what_is_said_of_the_wait_comes_about_as_it_was_said(chat_id: int) -> None:
    async with open_room() as room:
        said = [0.0]
        await room.accept("0", chat_id=chat_id)
        for number in range(1, 50):
            said.append(room.outbox.estimated_wait(chat_id, "ops").total_seconds())
            message = await room.accept(str(number), chat_id=chat_id)
            assert room.outbox.estimated_wait(chat_id, "ops", message.id).total_seconds() == said[-1]
        await room.settled(message)
        first = room.bot.sent[0][0]
        for (arrived, _, text), expected in zip(room.bot.sent, said, strict=True):
            assert expected == pytest.approx(arrived - first, rel=0.2, abs=2), text
        assert room.outbox.estimated_wait(chat_id, "ops").total_seconds() > 0
        await asyncio.sleep(60)
        assert room.outbox.estimated_wait(chat_id, "ops") == timedelta()


@virtual
async def test_where_the_whole_bot_is_busy_a_light_client_waits_for_its_share() -> None:
    async with open_room() as room:
        for chat_id in range(1, 301):
            await room.accept("hi", client="heavy", chat_id=chat_id)
        heavy = room.outbox.estimated_wait(1000, "heavy").total_seconds()
        light = room.outbox.estimated_wait(1000, "light").total_seconds()
        assert heavy == pytest.approx(10, rel=0.2)
        assert light < 2


@virtual
async def test_a_wait_lasts_as_long_as_the_pause_that_telegram_asked_for_or_until_the_time_to_send() -> None:
    async with open_room() as room:
        room.bot.script.append(RateLimited(429, "Too Many Requests", timedelta(seconds=20)))
        await room.accept("first")
        await asyncio.sleep(1)
        second = await room.accept("second")
        assert 18 < room.outbox.estimated_wait(1, "ops", second.id).total_seconds() < 25
        timed = await room.accept("timed", send_at=room.clock.now() + timedelta(hours=1))
        assert room.outbox.estimated_wait(1, "ops", timed.id) == timedelta(hours=1)
        head = (await room.outbox.get(caller(), "m1")).id
        assert room.outbox.estimated_wait(1, "ops", head) <= room.outbox.estimated_wait(1, "ops", second.id)
        await room.accept("third")
        assert room.outbox.estimated_wait(1, "ops", second.id) < room.outbox.estimated_wait(1, "ops")


@virtual
async def test_without_limits_nothing_waits() -> None:
    async with open_room(mode="off") as room:
        await room.accept("hi", chat_id=-1)
        assert room.outbox.estimated_wait(-1, "ops") == timedelta()


@virtual
async def test_what_is_sent_again_waits_for_no_clock_that_was_set_back() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        message = await failed(room)
        bot.identity_failure = BotRefused(401, "Unauthorized")
        room.dispatcher.bot_refused()
        await room.outbox.retry(caller(), message.id)
        await room.accept("next")
    for each in store.messages.values():
        instants = {name: getattr(each, name) + timedelta(hours=1) for name in ("accepted_at", "due_at", "expires_at")}
        store.messages[each.id] = replace(each, **instants)
    bot.identity_failure = None
    async with open_room(store, bot) as room:
        assert (await room.settled(message)).state is State.DELIVERED
        await asyncio.sleep(5)
        assert bot.texts == ["bad", "bad", "next"]
