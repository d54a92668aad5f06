"""A chat that Telegram refuses the bot is closed: what is for it fails at once, and costs Telegram nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.delivery.chats import FIRST_CLOSURE, LONGEST_CLOSURE, opened
from gateway.model import Message, State
from gateway.telegram.failures import ChatMoved, ChatRefused, Refused, Unanswered
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

BLOCKED = ChatRefused(403, "Forbidden: bot was blocked by the user")


async def closed(room: Room, chat_id: int = 1) -> None:
    """Have a chat closed by a message that it refuses."""
    room.bot.script = [BLOCKED]
    assert (await room.settled(await room.accept("refused", chat_id=chat_id))).state is State.FAILED
    await asyncio.sleep(0.1)


def why(message: Message) -> tuple[str, str, int]:
    assert message.failure is not None
    return message.failure.reason, message.failure.description, message.failure.telegram_error_code


def events(room: Room) -> list[tuple[str, str]]:
    return [(record.event, record.reason) for record in room.store.log if record.event.startswith("chat.")]


@virtual
async def test_what_comes_fails_at_once_in_telegrams_words_and_is_not_sent() -> None:
    async with open_room() as room:
        await closed(room)
        before = room.clock.monotonic()
        for number in range(50):
            accepted = await room.accept(f"{number}")
            assert (accepted.state, accepted.attempts) == (State.QUEUED, 0)
            end = await room.settled(accepted)
            assert (end.state, end.attempts) == (State.FAILED, 0)
            assert why(end) == ("CHAT_UNAVAILABLE", BLOCKED.description, 403)
        assert room.clock.monotonic() == before
        assert room.bot.texts == ["refused"]
        assert room.dispatcher.counts.waiting == 0
        assert (await room.settled(await room.accept("elsewhere", chat_id=2))).state is State.DELIVERED


@virtual
async def test_a_closed_chat_takes_no_place_of_the_bots() -> None:
    async with open_room() as room:
        await closed(room)
        await asyncio.sleep(2)
        for number in range(100):
            await room.accept(f"{number}")
        others = [await room.accept("hi", chat_id=chat_id) for chat_id in range(100, 130)]
        assert {message.state for message in others} == {State.SENDING}


@virtual
async def test_it_is_tried_anew_after_a_while_that_doubles_while_it_stays_closed() -> None:
    async with open_room() as room:
        pause = FIRST_CLOSURE
        room.bot.of_chat[1] = BLOCKED
        await room.settled(await room.accept("0"))
        for attempt in range(1, 7):
            await asyncio.sleep(pause.total_seconds() - 1)
            await room.settled(await room.accept("too early"))
            assert len(room.bot.texts) == attempt
            await asyncio.sleep(2)
            first, second = await room.accept("probe"), await room.accept("behind it")
            assert first.state is State.SENDING
            assert (await room.settled(second)).state is State.FAILED
            assert len(room.bot.texts) == attempt + 1, "one message tries it, and no more"
            pause = min(2 * pause, LONGEST_CLOSURE)
        await asyncio.sleep(LONGEST_CLOSURE.total_seconds() + 1)
        del room.bot.of_chat[1]
        assert (await room.settled(await room.accept("open"))).state is State.DELIVERED
        await asyncio.sleep(1)
        assert room.store.chats.closures == {}
        assert events(room)[-1] == ("chat.opened", "chat_wrote")
        await closed(room)
        await asyncio.sleep(FIRST_CLOSURE.total_seconds())
        assert (await room.accept("begins with the short pause again")).state is State.SENDING


@virtual
async def test_a_chat_that_writes_is_open() -> None:
    async with open_room() as room:
        await closed(room)
        room.dispatcher.chat_is_back(2)
        room.dispatcher.chat_is_back(1)
        await asyncio.sleep(1)
        assert (await room.settled(await room.accept("hi"))).state is State.DELIVERED
        assert events(room) == [("chat.closed", ""), ("chat.opened", "chat_wrote")]


@virtual
async def test_an_operator_opens_it_beside_the_server() -> None:
    async with open_room() as room:
        await closed(room)
        assert await room.store.chats.open_chat(1, opened(1, "operator", BEGINNING, by="root"))
        await asyncio.sleep(1.5)
        assert (await room.settled(await room.accept("hi"))).state is State.DELIVERED


@virtual
async def test_it_is_closed_over_a_restart_and_so_it_is_open() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        await closed(room, chat_id=1)
        await closed(room, chat_id=2)
    await store.chats.open_chat(2, opened(2, "operator", BEGINNING))
    async with open_room(store, bot) as room:
        await asyncio.sleep(0.1)
        assert (await room.settled(await room.accept("hi", chat_id=1))).state is State.FAILED
        assert (await room.settled(await room.accept("hi", chat_id=2))).state is State.DELIVERED
        assert bot.texts == ["refused", "refused", "hi"]


@virtual
async def test_a_clock_that_is_set_back_keeps_it_closed_no_longer() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        await closed(room)
    closure = store.chats.closures[1]
    day = timedelta(days=1)
    store.chats.closures[1] = replace(closure, closed_at=closure.closed_at + day, until=closure.until + day)
    async with open_room(store, bot) as room:
        await asyncio.sleep(FIRST_CLOSURE.total_seconds() + 1)
        assert (await room.settled(await room.accept("hi"))).state is State.DELIVERED


@virtual
async def test_what_was_sent_for_later_fails_when_its_time_comes_and_not_before() -> None:
    async with open_room() as room:
        await closed(room)
        soon = await room.accept("soon", send_at=BEGINNING + timedelta(seconds=30))
        later = await room.accept("later", send_at=BEGINNING + timedelta(minutes=5))
        end = await room.settled(soon)
        assert end.finished_at == BEGINNING + timedelta(seconds=30)
        assert end.state is State.FAILED
        assert (await room.settled(later)).state is State.DELIVERED
        assert room.bot.texts == ["refused", "later"]


@virtual
async def test_what_came_in_before_the_queue_was_loaded_fails_too() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        await closed(room)
    store.is_failing = True
    async with open_room(store, bot) as room:
        await asyncio.sleep(0.1)
        store.is_failing = False
        message = await room.accept("early")
        assert (await room.settled(message)).state is State.FAILED
        assert bot.texts == ["refused"]


@virtual
async def test_what_may_have_arrived_is_not_called_failed() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered(), BLOCKED]
        ends = [await room.settled(message) for message in [await room.accept("one"), await room.accept("two")]]
        assert [end.state for end in ends] == [State.DELIVERY_UNKNOWN, State.FAILED]


@pytest.mark.parametrize("failure", [Refused(400, "Bad Request: chat not found"), ChatMoved(400, "upgraded", -5)])
@virtual
async def test_an_unknown_chat_and_a_move_that_can_not_be_are_refused_chats(failure: Refused) -> None:
    async with open_room() as room:
        room.bot.unseen.add(1)
        room.bot.script = [failure]
        assert why(await room.settled(await room.accept("one")))[0] == "CHAT_UNAVAILABLE"
        assert why(await room.settled(await room.accept("two")))[0] == "CHAT_UNAVAILABLE"
        assert room.bot.texts == ["one"]


@virtual
async def test_a_refused_message_closes_no_chat() -> None:
    async with open_room() as room:
        room.bot.script = [Refused(400, "Bad Request: can't parse entities")]
        await room.settled(await room.accept("bad"))
        assert room.store.chats.closures == {}


@virtual
async def test_nothing_is_left_of_what_failed() -> None:
    async with open_room() as room:
        room.bot.script = [BLOCKED]
        messages = [await room.accept(text) for text in ("one", "two")]
        await room.settled(messages[1])
        messages.append(await room.accept("three"))
        assert [(await room.settled(message)).state for message in messages] == [State.FAILED] * 3
        assert room.dispatcher.counts.waiting == 0
        assert room.dispatcher.schedule.waiting_of == {}
        assert [*room.dispatcher.schedule._lanes] == []


@virtual
async def test_what_is_sent_again_into_a_closed_chat_finds_out_whether_it_still_is() -> None:
    async with open_room() as room:
        room.bot.script = [ChatRefused(403, "Forbidden: bot was blocked by the user")] * 2
        message = await room.settled(await room.accept("one"))
        again = await room.settled(await room.outbox.retry(caller(), message.id))
        assert (again.state, again.attempts) == (State.FAILED, 2)
        closed = [record.facts["seconds"] for record in room.store.log if record.event == "chat.closed"]
        assert closed == [60, 120], "one refusal after another"
        other = await room.settled(await room.accept("two"))
        assert (other.state, other.attempts) == (State.FAILED, 0), "nobody else tries it"
        again = await room.settled(await room.outbox.retry(caller(), message.id))
        assert again.state is State.DELIVERED
        assert (await room.settled(await room.accept("three"))).state is State.DELIVERED
        assert room.bot.texts == ["one", "one", "one", "three"]
