"""A message in parts: one after the other with nothing between them, and none that has arrived is sent again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from gateway.delivery import outcomes
from gateway.delivery.parts import REST_OF_IT
from gateway.errors import RequestInvalid, StateConflict
from gateway.model import Button, Draft, Entity, Message, Part, State, WhenUnknown
from gateway.store.chats import Move
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from tests.support.model_store import ModelStore
from tests.support.virtual_time import virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

GROUP, SUPERGROUP = -7, -1_000_000_000_007
BOLD = Entity(kind="bold", offset=0, length=1)
PARTS = tuple(Part(text=text, entities=(BOLD,)) for text in ("1/3", "2/3", "3/3"))
TEXTS = [part.text for part in PARTS]
SLOW = RateLimited(429, "slow", timedelta(seconds=10))


async def accept(room: Room, **fields: Any) -> Message:
    return await room.accept("all of it", parts=PARTS, **fields)


async def arrived(room: Room, message: Message, parts: int) -> Message:
    """Return the message when so many of its parts are confirmed."""
    while len((kept := room.store.messages[message.id]).telegram_message_ids) < parts:  # noqa: ASYNC110 - virtual time
        await asyncio.sleep(0.01)
    return kept


def times(room: Room, texts: list[str]) -> list[float]:
    return [at for at, _, text in room.bot.sent if text in texts]


@virtual
async def test_parts_arrive_in_order_at_the_pace_of_their_chat_and_end_as_one_message() -> None:
    async with open_room() as room:
        message = await accept(room)
        assert message.parts == 3
        other = await room.accept("other")
        message = await room.settled(message)
        await room.settled(other)
        assert (message.state, message.telegram_message_ids, message.attempts) == (State.DELIVERED, (1, 2, 3), 3)
        assert room.bot.texts == [*TEXTS, "other"]
        assert all(later - earlier >= 1 for earlier, later in pairwise(at for at, _, _ in room.bot.sent))
        assert not message.possibly_duplicated


@virtual
async def test_each_part_is_durable_and_on_record_before_the_next() -> None:
    async with open_room() as room:
        message = await accept(room)
        for parts in (1, 2):
            kept = await arrived(room, message, parts)
            assert (kept.state, kept.failure, kept.telegram_message_ids) == (
                State.RETRY_WAIT,
                None,
                tuple(range(1, parts + 1)),
            )
            assert room.bot.texts == TEXTS[:parts]
        await room.settled(message)
        records = [record for record in room.store.log if record.message_id == message.id]
        assert [(record.event, record.reason, record.decision) for record in records] == [
            ("message.accepted", "", "allow"),
            ("message.retry_wait", outcomes.PART_DELIVERED, "allow"),
            ("message.retry_wait", outcomes.PART_DELIVERED, "allow"),
            ("message.delivered", "delivered", "allow"),
        ]
        assert [record.facts.get("parts") for record in records] == [3] * 4
        assert [record.facts.get("telegram_message_ids") for record in records] == [None, "1", "1 2", "1 2 3"]


@virtual
async def test_the_first_answers_the_last_has_the_buttons_and_the_rest_holds_for_all() -> None:
    drafts: list[Draft] = []

    async def keep(draft: Draft) -> tuple[int, ...]:
        drafts.append(draft)
        return (len(drafts),)

    async with open_room() as room:
        room.bot.of_chat[1] = keep
        rows = ((Button(text="x", url="https://e.org/"),),)
        fields = {"reply_to_message_id": 9, "buttons": rows, "silent": True, "message_thread_id": 4}
        await room.settled(await accept(room, **fields))
    assert [(draft.text, draft.entities) for draft in drafts] == [(part.text, part.entities) for part in PARTS]
    assert [draft.reply_to_message_id for draft in drafts] == [9, 0, 0]
    assert [draft.buttons for draft in drafts] == [(), (), rows]
    assert all((draft.silent, draft.message_thread_id) == (True, 4) for draft in drafts)


@virtual
async def test_other_chats_go_in_between() -> None:
    async with open_room() as room:
        message = await accept(room)
        await arrived(room, message, 1)
        await room.settled(await room.accept("other", chat_id=2))
        await room.settled(message)
        assert room.bot.texts == ["1/3", "other", "2/3", "3/3"]


@pytest.mark.parametrize("failure", [SLOW, NotSent(), ServerFailed(500, "x"), BotRefused(401, "x")])
@virtual
async def test_what_goes_wrong_with_a_part_concerns_that_part_alone(failure: BotFailure) -> None:
    async with open_room() as room:
        room.bot.script = [None, failure]
        message = await accept(room)
        other = await room.accept("other")
        message = await room.settled(message)
        await room.settled(other)
        assert (message.state, message.telegram_message_ids) == (State.DELIVERED, (1, 3, 4))
        assert room.bot.texts == ["1/3", "2/3", "2/3", "3/3", "other"]
        assert not message.possibly_duplicated
        if failure is SLOW:
            refused, again = times(room, ["2/3"])
            assert again - refused >= 10


@virtual
async def test_a_part_without_an_answer_is_sent_again_and_no_other() -> None:
    async with open_room() as room:
        room.bot.script = [None, Unanswered()]
        message = await room.settled(await accept(room))
        assert room.bot.texts == ["1/3", "2/3", "2/3", "3/3"]
        assert (message.state, message.telegram_message_ids) == (State.DELIVERED, (1, 3, 4))
        assert (message.attempts, message.unknown_attempts, message.possibly_duplicated) == (4, 1, True)


@virtual
async def test_each_part_has_its_own_resends() -> None:
    async with open_room() as room:
        lost = [Unanswered()] * outcomes.MOST_RESENDS
        room.bot.script = [*lost, None, *lost, None]
        message = await room.settled(await accept(room))
        assert (message.state, message.unknown_attempts) == (State.DELIVERED, 2 * outcomes.MOST_RESENDS)
        assert room.bot.texts == ["1/3"] * 4 + ["2/3"] * 4 + ["3/3"]


@virtual
async def test_with_give_up_a_part_without_an_answer_is_the_last() -> None:
    async with open_room() as room:
        room.bot.script = [None, Unanswered()]
        message = await room.settled(await accept(room, when_unknown=WhenUnknown.GIVE_UP))
        assert room.bot.texts == ["1/3", "2/3"]
        assert (message.state, message.telegram_message_ids) == (State.DELIVERY_UNKNOWN, (1,))
        assert not message.possibly_duplicated


@virtual
async def test_a_doubt_about_an_earlier_part_is_none_about_the_end() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered(), None, Refused(400, "Bad Request")]
        message = await room.settled(await accept(room))
        assert (message.state, message.telegram_message_ids) == (State.FAILED, (2,))
        assert message.possibly_duplicated


@virtual
async def test_a_crash_between_two_parts_repeats_none() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        message = await accept(room)
        await room.accept("other")
        await arrived(room, message, 1)
    async with open_room(store, bot) as room:
        message = await room.settled(message)
        assert (message.state, message.telegram_message_ids, message.unknown_attempts) == (
            State.DELIVERED,
            (1, 2, 3),
            0,
        )
        assert bot.texts == TEXTS
        assert not message.possibly_duplicated


@pytest.mark.parametrize("when_unknown", WhenUnknown)
@virtual
async def test_a_crash_during_a_part_leaves_a_doubt_about_that_one(when_unknown: WhenUnknown) -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        message = await accept(room, when_unknown=when_unknown)
        await arrived(room, message, 1)
        while store.messages[message.id].state is not State.SENDING:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.01)
    async with open_room(store, bot) as room:
        message = await room.settled(message)
        if when_unknown is WhenUnknown.GIVE_UP:
            assert (message.state, message.telegram_message_ids) == (State.DELIVERY_UNKNOWN, (1,))
        else:
            assert (message.state, message.possibly_duplicated) == (State.DELIVERED, True)
            assert len(message.telegram_message_ids) == 3
        assert bot.texts.count("1/3") == 1


@virtual
async def test_a_crash_frees_no_place_in_the_window_of_a_group() -> None:
    store, bot = ModelStore(), ScriptedBot()
    many = tuple(Part(text=f"{number}") for number in range(19))
    async with open_room(store, bot) as room:
        message = await room.accept("all of it", chat_id=GROUP, parts=many)
        await room.settled(message)
    async with open_room(store, bot) as room:
        await room.settled(await room.accept("other", chat_id=GROUP))
        await room.settled(await room.accept("one more", chat_id=GROUP))
    instants = [at for at, _, _ in bot.sent]
    assert instants[-1] - instants[0] >= 60


@virtual
async def test_it_goes_on_in_the_supergroup_that_its_group_became() -> None:
    async with open_room(follow_migration=True) as room:
        message = await accept(room, chat_id=GROUP)
        await arrived(room, message, 1)
        room.bot.of_chat[GROUP] = ChatMoved(400, "moved", SUPERGROUP)
        await room.accept("other", chat_id=SUPERGROUP)
        message = await room.settled(message)
        assert (message.state, len(message.telegram_message_ids)) == (State.DELIVERED, 3)
        sent = [(chat_id, text) for _, chat_id, text in room.bot.sent if text != "other"]
        assert sent == [(GROUP, "1/3"), (GROUP, "2/3"), (SUPERGROUP, "2/3"), (SUPERGROUP, "3/3")]
        # The first of its ids counts in the group, so it can't be touched any more.
        assert message.telegram_chat_id == GROUP
        with pytest.raises(StateConflict):
            await room.outbox.touchable(caller(chat_id=GROUP), message.id, message.kind)


@virtual
async def test_after_a_restart_what_has_begun_in_a_chat_goes_on_before_what_comes_from_its_old_id() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot, follow_migration=True) as room:
        first = await accept(room, chat_id=GROUP)
        await arrived(room, first, 1)
        bot.of_chat[GROUP] = NotSent()
        second = await room.accept("other", chat_id=SUPERGROUP, parts=(Part(text="a"), Part(text="b")))
        await arrived(room, second, 1)
        move = Move(chat_id=GROUP, new_chat_id=SUPERGROUP, approved=True, noticed_at=room.clock.now())
        await store.chats.add_move(move, store.log[0])
    async with open_room(store, bot, follow_migration=True) as room:
        await room.settled(first)
        await room.settled(second)
    assert [text for _, chat_id, text in bot.sent if chat_id == SUPERGROUP] == ["a", "b", "2/3", "3/3"]


@virtual
async def test_cancelled_between_two_parts_it_keeps_what_has_arrived() -> None:
    async with open_room() as room:
        message = await accept(room)
        await arrived(room, message, 1)
        cancelled = await room.outbox.cancel(caller(), message.id)
        assert (cancelled.state, cancelled.telegram_message_ids) == (State.CANCELLED, (1,))
        await room.settled(await room.accept("other"))
        assert room.bot.texts == ["1/3", "other"]


@virtual
async def test_what_has_begun_to_arrive_has_time_to_go_on() -> None:
    async with open_room() as room:
        room.bot.script = [None, RateLimited(429, "slow", REST_OF_IT - timedelta(minutes=10))]
        message = await room.settled(await accept(room, ttl=timedelta(seconds=1)), seconds=7200)
        assert message.state is State.DELIVERED
        room.bot.script = [None, RateLimited(429, "slow", REST_OF_IT + timedelta(minutes=10))]
        message = await room.settled(await accept(room, chat_id=2, ttl=timedelta(seconds=1)), seconds=7200)
        assert (message.state, len(message.telegram_message_ids)) == (State.EXPIRED, 1)
        assert message.finished_at is not None
        assert message.finished_at - message.accepted_at >= REST_OF_IT
        assert message.failure is not None
        assert message.failure.description == "Its time to live was over before part 2 of it could be sent."


@virtual
async def test_a_chat_that_closes_between_two_parts_fails_it_with_what_has_arrived() -> None:
    async with open_room() as room:
        room.bot.script = [None, ChatRefused(403, "blocked")]
        message = await room.settled(await accept(room))
        assert (message.state, message.telegram_message_ids) == (State.FAILED, (1,))
        assert message.failure is not None
        assert message.failure.reason == "CHAT_UNAVAILABLE"


@pytest.mark.parametrize("failure", [Refused(400, "Bad Request"), Unanswered()])
@virtual
async def test_a_retry_goes_on_with_the_part_that_is_missing(failure: BotFailure) -> None:
    async with open_room() as room:
        room.bot.script = [None, failure]
        message = await room.settled(await accept(room, when_unknown=WhenUnknown.GIVE_UP))
        again = await room.outbox.retry(caller(), message.id)
        assert (again.state, again.telegram_message_ids) == (State.QUEUED, (1,))
        message = await room.settled(message)
        assert (message.state, message.telegram_message_ids) == (State.DELIVERED, (1, 3, 4))
        assert room.bot.texts == ["1/3", "2/3", "2/3", "3/3"]
        assert message.possibly_duplicated is isinstance(failure, Unanswered)


@pytest.mark.parametrize("resolution", [State.DELIVERED, State.CANCELLED])
@virtual
async def test_a_doubt_about_a_part_is_settled_for_all_of_it_once(resolution: State) -> None:
    async with open_room() as room:
        room.bot.script = [None, Unanswered()]
        message = await room.settled(await accept(room, when_unknown=WhenUnknown.GIVE_UP))
        settled = await room.outbox.resolve(caller(), message.id, resolution)
        assert (settled.state, settled.telegram_message_ids) == (resolution, (1,))
        assert await room.outbox.resolve(caller(), message.id, resolution) == settled
        assert not settled.possibly_duplicated


@virtual
async def test_a_delete_takes_out_all_of_it_at_once() -> None:
    async with open_room() as room:
        message = await room.settled(await accept(room))
        room.bot.script = [Unanswered()]
        delete = await room.settled(await room.delete(message))
        assert (delete.state, delete.telegram_message_ids) == (State.DELIVERED, (1, 2, 3))
        assert room.bot.texts == [*TEXTS, "1 2 3: gone", "1 2 3: gone"]


@virtual
async def test_a_delete_waits_for_the_last_part() -> None:
    async with open_room() as room:
        message = await accept(room)
        await arrived(room, message, 1)
        delete = await room.settled(await room.delete(message))
        assert delete.state is State.DELIVERED
        assert room.bot.texts == [*TEXTS, "1 2 3: gone"]


@virtual
async def test_a_delete_takes_out_what_has_arrived_of_one_that_ended_before() -> None:
    async with open_room() as room:
        room.bot.script = [None, None, Refused(400, "Bad Request")]
        message = await room.settled(await accept(room))
        assert message.state is State.FAILED
        assert (await room.settled(await room.delete(message))).state is State.DELIVERED
        assert room.bot.texts == [*TEXTS, "1 2: gone"]


@pytest.mark.parametrize("settles", [None, State.DELIVERED])
@virtual
async def test_while_a_part_is_in_doubt_nothing_is_deleted(settles: State | None) -> None:
    async with open_room() as room:
        room.bot.script = [None, Unanswered()]
        message = await room.settled(await accept(room, when_unknown=WhenUnknown.GIVE_UP))
        if settles:
            await room.outbox.resolve(caller(), message.id, settles)
        with pytest.raises(StateConflict):
            await room.delete(message)


@virtual
async def test_what_was_not_sent_as_one_text_can_not_be_edited() -> None:
    async with open_room() as room:
        message = await accept(room)
        with pytest.raises(RequestInvalid, match="3 parts"):
            await room.edit(message, "other")
        document = await room.settled(await room.accept("how it begins", document="all of it"))
        with pytest.raises(RequestInvalid, match="document"):
            await room.edit(document, "other")
        assert (await room.settled(await room.delete(document))).state is State.DELIVERED


@virtual
async def test_whoever_waits_behind_parts_is_told_of_them() -> None:
    async with open_room() as room:
        first = await accept(room)
        behind = [await room.accept("a"), await accept(room), await room.accept("b"), await room.accept("c")]
        told = [room.outbox.estimated_wait(1, "ops", message.id).total_seconds() for message in behind]
        told.append(room.outbox.estimated_wait(1, "ops").total_seconds())
        assert [later - earlier for earlier, later in pairwise(told)] == pytest.approx([1.005, 3.015, 1.005, 1.005])
        assert 2 < told[0] < 4
        await room.outbox.cancel(caller(), behind[1].id)
        assert room.outbox.estimated_wait(1, "ops").total_seconds() == pytest.approx(told[-1] - 3.015)
        began = asyncio.get_running_loop().time()
        await room.settled(behind[-1])
        assert times(room, ["c"])[0] - began == pytest.approx(told[-2] - 3.015, abs=1)
        assert (await room.settled(first)).state is State.DELIVERED
