"""A group that becomes a supergroup: threat row 14. The pin stays what the credential says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.delivery.chats import approved
from gateway.errors import MessageNotFound
from gateway.model import Message, Record, State
from gateway.telegram.failures import ChatMoved, ChatRefused, RateLimited
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

GROUP = -5
SUPERGROUP = -1_000_000_000_005


def moved(to: int = SUPERGROUP) -> ChatMoved:
    return ChatMoved(400, "Bad Request: group chat was upgraded to a supergroup chat", to)


def upgraded() -> ScriptedBot:
    """Return a Telegram in which the group is a supergroup."""
    bot = ScriptedBot()
    bot.of_chat[GROUP] = moved()
    return bot


def sent(room: Room) -> list[tuple[int, str]]:
    return [(chat_id, text) for _, chat_id, text in room.bot.sent]


def on_record(store: ModelStore) -> list[Record]:
    return [record for record in store.log if record.event.startswith("chat.")]


async def delivered(room: Room, *messages: Message) -> None:
    for message in messages:
        assert (await room.settled(message)).state is State.DELIVERED


@virtual
async def test_followed_the_message_goes_on_at_once_and_all_later_ones_with_it() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        messages = [await room.accept(text, chat_id=GROUP) for text in ("one", "two", "three")]
        await delivered(room, *messages)
        await asyncio.sleep(5)
        fourth = await room.accept("four", chat_id=GROUP)
        assert fourth.state is State.SENDING
        await delivered(room, fourth)
        assert sent(room) == [(GROUP, "one"), *((SUPERGROUP, text) for text in ("one", "two", "three", "four"))]
        assert room.bot.sent[1][0] - room.bot.sent[0][0] == pytest.approx(0.1), "there is no pause in between"
        assert {message.chat_id for message in room.store.messages.values()} == {GROUP}
        [record] = on_record(room.store)
        assert (record.event, record.chat_id, record.message_id) == ("chat.migrated", GROUP, messages[0].id)
        assert record.facts == {"new_chat_id": SUPERGROUP, "approved": True}
        assert [*room.dispatcher.schedule._lanes] == []


@virtual
async def test_a_move_is_known_after_a_restart() -> None:
    store, bot = ModelStore(), upgraded()
    async with open_room(store, bot, follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        await room.accept("two", chat_id=GROUP)
    async with open_room(store, bot, follow_migration=False) as room:
        await delivered(room, await room.accept("three", chat_id=GROUP))
        assert sent(room)[1:] == [(SUPERGROUP, text) for text in ("one", "two", "three")]


@virtual
async def test_both_names_of_one_chat_share_its_limits_and_its_pauses() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        room.bot.script = [RateLimited(429, "slow", timedelta(seconds=40))]
        await asyncio.sleep(2)
        first = await room.accept("two", chat_id=SUPERGROUP)
        await asyncio.sleep(0.1)
        others = [await room.accept(f"{n}", chat_id=(GROUP, SUPERGROUP)[n % 2]) for n in range(22)]
        await delivered(room, first, *others)
        instants = [at for at, chat_id, _ in room.bot.sent if chat_id == SUPERGROUP]
        assert instants[2] - instants[1] >= 40
        assert all(later - earlier > 1 for earlier, later in pairwise(instants[2:]))
        assert instants[22] - instants[2] > 60
        assert [text for _, text in sent(room)][-22:] == [f"{n}" for n in range(22)], "in one order"


@virtual
async def test_what_waits_under_both_names_stands_in_one_order() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        room.bot.script = [
            RateLimited(429, "slow", timedelta(seconds=5)),
            RateLimited(429, "slow", timedelta(seconds=9)),
        ]
        texts = [f"{n}" for n in range(8)]
        messages = [await room.accept(text, chat_id=(GROUP, SUPERGROUP)[n % 2]) for n, text in enumerate(texts)]
        await delivered(room, *messages)
        assert [text for chat_id, text in sent(room) if chat_id == SUPERGROUP][1:] == ["1", "0", *texts[2:]]


@virtual
async def test_a_message_that_begins_at_once_looks_at_the_chat_by_both_names() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        await asyncio.sleep(5)
        await delivered(room, await room.accept("two", chat_id=SUPERGROUP))
        third = await room.accept("three", chat_id=GROUP)
        assert third.state is State.QUEUED
        await delivered(room, third)
        assert room.bot.sent[-1][0] - room.bot.sent[-2][0] > 1


@virtual
async def test_what_is_being_kept_while_the_chat_moves_goes_along() -> None:
    class Slow(ModelStore):
        async def add(self, message: Message, record: Record) -> Message:
            await asyncio.sleep(0.3)
            return await super().add(message, record)

    async with open_room(Slow(), upgraded(), follow_migration=True) as room:
        first = asyncio.ensure_future(room.accept("one", chat_id=GROUP))
        await asyncio.sleep(0.35)
        second = await room.accept("two", chat_id=GROUP)
        assert sent(room)[0] == (GROUP, "one")
        await delivered(room, await first, second)
        assert sent(room)[1:] == [(SUPERGROUP, "one"), (SUPERGROUP, "two")]
        assert [*room.dispatcher.schedule._lanes] == []


@virtual
async def test_the_pause_of_a_chat_that_moved_outlives_a_restart_and_its_message() -> None:
    store, bot = ModelStore(), upgraded()
    async with open_room(store, bot, follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        bot.script = [RateLimited(429, "slow", timedelta(seconds=40))]
        paused = await room.accept("two", chat_id=GROUP)
        await asyncio.sleep(3)
    async with open_room(store, bot, follow_migration=True) as room:
        await asyncio.sleep(1)
        await room.outbox.cancel(caller(chat_id=GROUP), paused.id)
        await delivered(room, await room.accept("three", chat_id=SUPERGROUP))
        assert bot.sent[-1][0] - bot.sent[-2][0] > 40


@virtual
async def test_an_attempt_in_the_new_chat_is_not_disturbed() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:

        async def slow(_: object) -> tuple[int, ...]:
            await asyncio.sleep(20)
            return (7,)

        room.bot.script = [slow]
        new = await room.accept("new", chat_id=SUPERGROUP)
        old = await room.accept("old", chat_id=GROUP)
        await delivered(room, old, new)
        assert sent(room) == [(SUPERGROUP, "new"), (GROUP, "old"), (SUPERGROUP, "old")]
        assert room.dispatcher.counts.waiting == room.dispatcher.counts.sending == 0


@virtual
async def test_unless_it_is_followed_the_queue_is_held_until_an_operator_approves() -> None:
    async with open_room(bot=upgraded()) as room:
        first, second = await room.accept("one", chat_id=GROUP), await room.accept("two", chat_id=GROUP)
        await asyncio.sleep(3600)
        waiting = await room.outbox.get(caller(chat_id=GROUP), first.id)
        assert waiting.state is State.RETRY_WAIT
        assert waiting.failure is not None
        assert "operator" in waiting.failure.description
        third = await room.accept("three", chat_id=GROUP)
        assert third.state is State.QUEUED
        assert (await room.outbox.cancel(caller(chat_id=GROUP), second.id)).state is State.CANCELLED
        assert sent(room) == [(GROUP, "one")]
        [move] = room.store.chats.moves.values()
        assert (move.chat_id, move.new_chat_id, move.approved) == (GROUP, SUPERGROUP, False)
        await room.store.chats.approve_move(GROUP, approved(GROUP, "root", room.clock.now()))
        await delivered(room, first, third)
        assert sent(room) == [(GROUP, "one"), (SUPERGROUP, "one"), (SUPERGROUP, "three")]
        assert [record.event for record in on_record(room.store)] == ["chat.migrated", "chat.migration_approved"]


@virtual
async def test_a_held_queue_that_is_empty_is_held_still() -> None:
    async with open_room(bot=upgraded()) as room:
        first = await room.accept("one", chat_id=GROUP)
        await asyncio.sleep(10)
        await room.outbox.cancel(caller(chat_id=GROUP), first.id)
        assert (await room.accept("two", chat_id=GROUP)).state is State.QUEUED
        await asyncio.sleep(3600)
        assert sent(room) == [(GROUP, "one")]


@virtual
async def test_a_queue_that_is_held_is_held_over_a_restart_and_may_expire() -> None:
    store, bot = ModelStore(), upgraded()
    async with open_room(store, bot) as room:
        first = await room.accept("one", chat_id=GROUP, ttl=timedelta(minutes=5))
        second = await room.accept("two", chat_id=GROUP)
        await asyncio.sleep(1)
    async with open_room(store, bot) as room:
        assert (await room.settled(first)).state is State.EXPIRED
        await asyncio.sleep(3600)
        assert (await room.accept("three", chat_id=GROUP)).state is State.QUEUED
        assert sent(room) == [(GROUP, "one")]
        await store.chats.approve_move(GROUP, approved(GROUP, "root", room.clock.now()))
        await delivered(room, second)
    await store.chats.approve_move(GROUP, approved(GROUP, "root", BEGINNING))
    assert len(on_record(store)) == 2


@virtual
async def test_an_approval_while_the_gateway_is_down_counts_from_its_start() -> None:
    store, bot = ModelStore(), upgraded()
    async with open_room(store, bot) as room:
        message = await room.accept("one", chat_id=GROUP)
        await asyncio.sleep(1)
    await store.chats.approve_move(GROUP, approved(GROUP, "root", BEGINNING))
    async with open_room(store, bot) as room:
        await delivered(room, message)
        assert sent(room) == [(GROUP, "one"), (SUPERGROUP, "one")]


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize(
    ("chat_id", "new_chat_id"),
    [
        (GROUP, -6),
        (GROUP, 7),
        (GROUP, -1_000_000_000_000),
        (GROUP, -1_997_852_516_352),
        (7, SUPERGROUP),
        (-1_000_000_000_007, SUPERGROUP),
    ],
)
@virtual
async def test_row_14_a_move_that_telegram_can_not_mean_is_refused(
    follows: bool, chat_id: int, new_chat_id: int
) -> None:
    async with open_room(follow_migration=follows) as room:
        room.bot.script = [moved(new_chat_id)]
        message = await room.settled(await room.accept("one", chat_id=chat_id))
        assert message.state is State.FAILED
        assert message.failure is not None
        assert message.failure.reason == "CHAT_UNAVAILABLE"
        assert room.store.chats.moves == {}
        assert sent(room) == [(chat_id, "one")]
        assert [record.event for record in on_record(room.store)] == ["chat.closed"]


@virtual
async def test_row_14_a_chain_of_two_is_refused() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        room.bot.of_chat[SUPERGROUP] = moved(-1_000_000_000_006)
        assert (await room.settled(await room.accept("two", chat_id=GROUP))).state is State.FAILED
        assert [move.new_chat_id for move in room.store.chats.moves.values()] == [SUPERGROUP]
        assert -1_000_000_000_006 not in {chat_id for chat_id, _ in sent(room)}


@virtual
async def test_row_14_a_second_answer_does_not_turn_the_first_around() -> None:
    store = ModelStore()
    async with open_room(store) as room:
        room.bot.script = [moved()]
        await room.accept("one", chat_id=GROUP)
        await asyncio.sleep(1)
        assert not room.dispatcher.chats.may_move(GROUP, -1_000_000_000_006)
        assert room.dispatcher.chats.may_move(GROUP, SUPERGROUP)


@virtual
async def test_row_14_nobody_gains_a_chat_by_a_move() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        old = await room.accept("old", chat_id=GROUP)
        new = await room.accept("new", chat_id=SUPERGROUP)
        await delivered(room, old, new)
        for theirs, other in ((caller(chat_id=GROUP), new), (caller(chat_id=SUPERGROUP), old)):
            with pytest.raises(MessageNotFound):
                await room.outbox.get(theirs, other.id)
            with pytest.raises(MessageNotFound):
                await room.outbox.cancel(theirs, other.id)
            assert other.id not in [message.id for message in (await room.outbox.list(theirs))[0]]


@virtual
async def test_row_14_only_an_answer_to_a_message_of_the_very_chat_moves_it() -> None:
    async with open_room(follow_migration=True) as room:
        room.dispatcher.chat_is_back(SUPERGROUP)
        await delivered(room, await room.accept("one", chat_id=GROUP))
        assert room.store.chats.moves == {}
        assert sent(room) == [(GROUP, "one")]


@virtual
async def test_the_supergroup_may_close_and_both_names_with_it() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        await delivered(room, await room.accept("one", chat_id=GROUP))
        room.bot.of_chat[SUPERGROUP] = ChatRefused(403, "Forbidden: bot was kicked")
        assert (await room.settled(await room.accept("two", chat_id=GROUP))).state is State.FAILED
        before = len(room.bot.sent)
        await asyncio.sleep(5)
        for chat_id in (GROUP, SUPERGROUP):
            assert (await room.settled(await room.accept("three", chat_id=chat_id))).state is State.FAILED
        assert len(room.bot.sent) == before


@pytest.mark.parametrize("follows", [True, False])
@virtual
async def test_what_a_call_learns_of_a_move_holds_for_messages_too(follows: bool) -> None:
    async with open_room(bot=upgraded(), follow_migration=follows) as room:
        await room.dispatcher.chat_moved(caller(chat_id=GROUP), GROUP, moved())
        assert room.dispatcher.present_id(GROUP) == (SUPERGROUP if follows else GROUP)
        message = await room.accept("one", chat_id=GROUP)
        await asyncio.sleep(60)
        assert sent(room) == ([(SUPERGROUP, "one")] if follows else [])
        [record] = on_record(room.store)
        assert (record.event, record.chat_id, record.client, record.message_id) == ("chat.migrated", GROUP, "ops", "")
        if not follows:
            await room.store.chats.approve_move(GROUP, approved(GROUP, "op", room.clock.now()))
        await delivered(room, message)
        assert room.dispatcher.present_id(GROUP) == SUPERGROUP


@virtual
async def test_row_14_a_move_that_can_not_be_is_not_learned_from_a_call() -> None:
    async with open_room(bot=upgraded(), follow_migration=True) as room:
        for chat_id, new in ((GROUP, -6), (GROUP, 7), (SUPERGROUP, SUPERGROUP - 1), (7, SUPERGROUP)):
            await room.dispatcher.chat_moved(caller(chat_id=chat_id), chat_id, moved(new))
            assert room.dispatcher.present_id(chat_id) == chat_id
        assert on_record(room.store) == []
