from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.delivery.inquiry import PAGE
from gateway.errors import (
    MessageNotFound,
    NotDurable,
    RequestIdReused,
    RequestInvalid,
    ShuttingDown,
    StateConflict,
)
from gateway.model import Draft, State, WhenUnknown
from gateway.telegram.failures import NotSent, RateLimited, Unanswered
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

NEVER = Exception("must not be sent")


@virtual
async def test_for_an_idle_chat_it_is_accepted_on_its_way_and_delivered() -> None:
    async with open_room() as room:
        accepted = await room.accept("hi")
        assert (accepted.state, accepted.attempts, accepted.attempted_at) == (State.SENDING, 1, accepted.accepted_at)
        message = await room.settled(accepted)
        assert (message.state, message.telegram_message_ids, message.attempts) == (State.DELIVERED, (1,), 1)
        assert room.store.messages[message.id] == message
        assert [record.event for record in room.store.log] == ["message.accepted", "message.delivered"]
        assert room.dispatcher.counts.waiting == 0


@virtual
async def test_who_accepted_from_where_is_on_record() -> None:
    async with open_room() as room:
        await room.accept("hi", client="billing", chat_id=-7)
        record = room.store.log[0]
        assert (record.client, record.chat_id, record.message_id) == ("billing", -7, "m1")
        assert (record.address, record.method, record.call_id) == (
            "192.0.2.1",
            "/chatkey.v1.MessagingGateway/SendMessage",
            "c1",
        )


@virtual
async def test_a_repeat_is_the_same_message() -> None:
    async with open_room() as room:
        first = await room.accept("hi", request_id="r1")
        again = await room.accept("hi", request_id="r1")
        assert again.id == first.id
        await room.settled(first)
        assert (await room.accept("hi", request_id="r1")).state is State.DELIVERED
        assert room.bot.texts == ["hi"]
        assert (room.dispatcher.counts.accepted, room.dispatcher.counts.replays) == (1, 2)
        await asyncio.sleep(2)
        other = await room.accept("next")
        assert other.state is State.SENDING, "a repeat leaves no place taken"


@virtual
async def test_a_reused_request_id_is_refused_and_names_the_message() -> None:
    async with open_room() as room:
        first = await room.accept("hi", request_id="r1")
        with pytest.raises(RequestIdReused) as refused:
            await room.accept("ho", request_id="r1")
        assert refused.value.facts == {"messageId": first.id}
        other = await room.accept("ho", request_id="r1", client="another")
        assert other.id != first.id


@virtual
async def test_what_is_not_kept_is_not_sent() -> None:
    async with open_room() as room:
        room.store.is_failing = True
        with pytest.raises(NotDurable):
            await room.accept("hi")
        room.store.is_failing = False
        await asyncio.sleep(60)
        assert room.bot.texts == []
        assert (await room.accept("ho")).state is State.SENDING, "a failed accept leaves no place taken"


@virtual
async def test_who_hangs_up_does_not_take_the_message_along() -> None:
    async with open_room() as room:
        call = asyncio.create_task(room.accept("hi"))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.sleep(60)
        assert room.store.messages["m1"].state is State.DELIVERED


@virtual
async def test_settled_tells_the_state_reached_in_time() -> None:
    async with open_room() as room:
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=30))]
        accepted = await room.accept("hi")
        assert (await room.settled(accepted, 0)).state is State.SENDING
        assert (await room.settled(accepted, 5)).state is State.RETRY_WAIT
        assert room.clock.monotonic() == pytest.approx(5)
        assert (await room.settled(accepted, 60)).state is State.DELIVERED
        assert (await room.settled(accepted, 60)).state is State.DELIVERED
        with pytest.raises(MessageNotFound):
            await room.outbox.settled("m99", timedelta(seconds=1))


@virtual
async def test_who_waits_while_the_room_begins_waits_for_messages_of_an_earlier_run() -> None:
    async with open_room() as room:
        room.bot.script = [NotSent()]
        accepted = await room.accept("hi")
        assert (await room.settled(accepted, 1)).state is State.RETRY_WAIT
    begins = Room(room.store, ScriptedBot(), "telegram")
    waiting = asyncio.create_task(begins.settled(accepted))
    await asyncio.sleep(0.1)
    running = asyncio.create_task(begins.dispatcher.run())
    assert (await waiting).state is State.DELIVERED
    again = Room(room.store, ScriptedBot(), "telegram")
    assert (await again.settled(accepted)).state is State.DELIVERED
    await begins.dispatcher.drain(timedelta())
    await running


@virtual
async def test_many_may_wait_and_some_may_go() -> None:
    async with open_room() as room:
        accepted = await room.accept("hi")
        waits = [asyncio.create_task(room.settled(accepted)) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        ends = await asyncio.gather(*waits, return_exceptions=True)
        assert isinstance(ends[0], asyncio.CancelledError)
        assert [end.state for end in ends[1:] if not isinstance(end, BaseException)] == [State.DELIVERED] * 2


@virtual
async def test_a_message_is_its_clients_in_its_chat() -> None:
    async with open_room() as room:
        message = await room.accept("hi")
        assert (await room.outbox.get(caller(), message.id)).id == message.id
        for stranger in (caller(client="other"), caller(chat_id=2)):
            with pytest.raises(MessageNotFound):
                await room.outbox.get(stranger, message.id)
            with pytest.raises(MessageNotFound):
                await room.outbox.cancel(stranger, message.id)
        with pytest.raises(MessageNotFound):
            await room.outbox.get(caller(), "m99")


@virtual
async def test_what_waits_can_be_cancelled_and_what_does_not_can_not() -> None:
    async with open_room() as room:
        first, second = await room.accept("one"), await room.accept("two")
        with pytest.raises(StateConflict) as refused:
            await room.outbox.cancel(caller(), first.id)
        assert refused.value.facts == {"state": "SENDING"}
        waiting = asyncio.create_task(room.settled(second))
        cancelled = await room.outbox.cancel(caller(), second.id)
        assert cancelled.state is State.CANCELLED
        assert await room.outbox.cancel(caller(), second.id) == cancelled
        assert await waiting == cancelled
        await room.settled(first)
        with pytest.raises(StateConflict):
            await room.outbox.cancel(caller(), first.id)
        await asyncio.sleep(10)
        assert room.bot.texts == ["one"]


@virtual
async def test_a_cancelled_retry_makes_way_and_the_pause_holds() -> None:
    async with open_room() as room:
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=30))]
        first, second = await room.accept("one"), await room.accept("two")
        await room.settled(first, 5)
        assert (await room.outbox.cancel(caller(), first.id)).state is State.CANCELLED
        await room.settled(second)
        assert room.bot.sent[-1][0] > 30


@virtual
async def test_what_may_have_arrived_is_not_called_cancelled() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered()]
        message = await room.accept("hi")
        await room.settled(message, 0.2)
        assert (await room.outbox.cancel(caller(), message.id)).state is State.DELIVERY_UNKNOWN
        await asyncio.sleep(60)
        assert room.bot.texts == ["hi"]


@virtual
async def test_a_cancelled_message_with_a_time_of_its_own_never_goes() -> None:
    async with open_room() as room:
        message = await room.accept("later", send_at=BEGINNING + timedelta(hours=1))
        await room.outbox.cancel(caller(), message.id)
        await asyncio.sleep(7200)
        assert room.bot.texts == []


@virtual
async def test_a_watch_sees_every_end_and_goes_on_where_it_ended() -> None:
    async with open_room() as room:
        watch = room.outbox.watch(caller(), "")
        first = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        message = await room.accept("one")
        assert (await first)[0].state is State.SENDING
        end, token = await anext(watch)
        assert (end.id, end.state) == (message.id, State.DELIVERED)
        await watch.aclose()
        await room.accept("other chat", chat_id=2)
        await room.accept("other client", client="other")
        await asyncio.sleep(60)
        later = await room.settled(await room.accept("two"))
        seen = [item async for item in up_to(room.outbox.watch(caller(), token), later.id)]
        assert [(each.id, each.state) for each, _ in seen] == [(later.id, State.DELIVERED)]


@virtual
async def test_a_watch_that_is_far_behind_catches_up() -> None:
    async with open_room(mode="off") as room:
        watch = room.outbox.watch(caller(), "")
        first = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        messages = [await room.accept(f"text {number}") for number in range(2 * PAGE + 1)]
        _, token = await first
        for message in messages:
            await room.settled(message)
        seen = {each.id: each.state async for each, _ in up_to(room.outbox.watch(caller(), token), messages[-1].id)}
        assert seen == {message.id: State.DELIVERED for message in messages}


@virtual
async def test_a_watch_ends_when_the_gateway_does() -> None:
    async with open_room() as room:
        watching = asyncio.ensure_future(anext(room.outbox.watch(caller(), "")))
        await asyncio.sleep(1)
        await room.dispatcher.drain(timedelta(seconds=1))
        with pytest.raises(ShuttingDown):
            await watching
        with pytest.raises(ShuttingDown):
            await room.accept("too late")


@pytest.mark.parametrize("token", ["x", "dzE", "dzEAAAAAAAAAAA", "dzF_________8", "é", "dzEAAAAAAAAAAQ==", "A" * 5000])
@virtual
async def test_a_token_that_was_not_given_out_is_refused(token: str) -> None:
    async with open_room() as room:
        if token == "dzEAAAAAAAAAAA":
            token += "A"
        with pytest.raises(RequestInvalid) as refused:
            await anext(room.outbox.watch(caller(), token))
        assert refused.value.violations[0][0] == "resume_token"


@virtual
async def test_an_accept_that_the_end_of_the_gateway_cuts_off_says_so() -> None:
    class Stuck:
        async def add(self, *_: object) -> object:
            return await asyncio.get_running_loop().create_future()

    async with open_room() as room:
        room.outbox._store = Stuck()  # type: ignore[assignment]
        call = asyncio.create_task(room.accept("hi"))
        await asyncio.sleep(0.1)
        await room.dispatcher.drain(timedelta(seconds=1))
        with pytest.raises(ShuttingDown):
            await call


async def up_to(watch, message_id):  # type: ignore[no-untyped-def]
    """Yield what a watch yields until a message is final."""
    async for message, token in watch:
        yield message, token
        if message.id == message_id and message.state.is_final:
            break
    await watch.aclose()


def test_a_draft_says_resend_unless_told_otherwise() -> None:
    assert Draft(chat_id=1, text="").when_unknown is WhenUnknown.RESEND
