"""Edits and deletes: behind the message that they touch, in the order of its chat, and as often as it takes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.delivery import outcomes
from gateway.delivery.outcomes import MOST_ATTEMPTS
from gateway.errors import MessageNotFound, RequestIdReused, RequestInvalid, StateConflict
from gateway.model import Draft, Kind, Message, State, WhenUnknown
from gateway.telegram.failures import (
    BotRefused,
    ChatMoved,
    ChatRefused,
    MessageFixed,
    MessageGone,
    NotModified,
    RateLimited,
    Refused,
    Unanswered,
)
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room

GROUP, SUPERGROUP = -7, -1_000_000_000_007
SLOW = RateLimited(429, "slow", timedelta(seconds=10))


async def sent(room: Room, text: str = "one", **fields: object) -> Message:
    return await room.settled(await room.accept(text, **fields))


def why(message: Message) -> str:
    assert message.failure is not None
    return message.failure.reason


@virtual
async def test_an_edit_and_a_delete_go_to_the_message_by_telegrams_id_and_have_ids_of_their_own() -> None:
    async with open_room() as room:
        message = await sent(room)
        edit = await room.settled(await room.edit(message, "two"))
        assert (edit.kind, edit.target_id, edit.chat_id) == (Kind.EDIT, message.id, 1)
        assert (edit.state, edit.telegram_message_ids) == (State.DELIVERED, message.telegram_message_ids)
        delete = await room.settled(await room.delete(message))
        assert (delete.kind, delete.state) == (Kind.DELETE, State.DELIVERED)
        assert room.bot.texts == ["one", "1: two", "1: gone"]
        assert len({message.id, edit.id, delete.id}) == 3
        assert await room.outbox.get(caller(), message.id) == message
        accepted = [record for record in room.store.log if record.event == "message.accepted"]
        assert [record.facts for record in accepted] == [
            {},
            {"kind": "edit", "target_id": message.id},
            {"kind": "delete", "target_id": message.id},
        ]


@virtual
async def test_edits_keep_the_order_of_their_chat_and_its_pace() -> None:
    async with open_room() as room:
        first = await room.accept("first")
        room.bot.script = [SLOW]
        second = await room.accept("second")
        edit = await room.edit(second, "second, edited")
        last = await room.edit(first, "first, edited")
        third = await room.accept("third")
        for message in (edit, last, third):
            assert (await room.settled(message)).state is State.DELIVERED
        assert room.bot.texts[-4:] == ["second", "3: second, edited", "1: first, edited", "third"]
        instants = [at for at, _, _ in room.bot.sent]
        assert all(later - earlier >= 1 for earlier, later in pairwise(instants[1:]))


@virtual
async def test_an_edit_waits_behind_a_message_for_later_and_holds_back_nothing() -> None:
    async with open_room(learn_every=86_400) as room:
        later = await room.accept("later", send_at=BEGINNING + timedelta(days=20))
        edit = await room.edit(later, "edited", ttl=timedelta(hours=1))
        delete = await room.delete(later)
        assert edit.expires_at == BEGINNING + timedelta(days=20, hours=1)
        assert room.outbox.estimated_wait(1, "ops", edit.id) == room.outbox.estimated_wait(1, "ops", later.id)
        assert (await sent(room, "now")).state is State.DELIVERED
        assert (await room.settled(delete, 30 * 86400)).state is State.DELIVERED
        assert room.bot.texts == ["now", "later", "2: edited", "2: gone"]


@virtual
async def test_a_restart_forgets_neither_the_order_nor_what_waits_for_what() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        later = await room.accept("later", send_at=BEGINNING + timedelta(minutes=5))
        edit = await room.edit(later, "edited")
        bot.script = [RateLimited(429, "slow", timedelta(seconds=60))]
        now = await room.accept("now")
        other = await room.edit(now, "now, edited")
        await room.accept("then")
        await asyncio.sleep(1)
    async with open_room(store, bot) as room:
        assert (await room.settled(edit)).state is State.DELIVERED
        assert (await room.settled(other)).state is State.DELIVERED
    assert bot.texts == ["now", "now", "2: now, edited", "then", "later", "5: edited"]


@virtual
async def test_an_edit_whose_message_is_accepted_anew_before_it_waits_for_it() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        bot.script = [RateLimited(429, "slow", timedelta(seconds=30))]
        await room.accept("slow")
        message = await room.accept("bad")
        edit = await room.edit(message, "edited")
        await asyncio.sleep(1)
    # As if it had failed and been sent again while the edit was not yet told.
    store.messages[message.id] = replace(store.messages[message.id], seq=99)
    async with open_room(store, bot) as room:
        assert (await room.settled(edit)).state is State.DELIVERED
    assert bot.texts == ["slow", "slow", "bad", "3: edited"]


@pytest.mark.parametrize("end", ["failed", "expired", "cancelled", "unknown"])
@virtual
async def test_what_touches_a_message_that_does_not_arrive_fails_with_it(end: str) -> None:
    async with open_room() as room:
        room.bot.script = [SLOW]
        await room.accept("slow")
        fields = {
            "expired": {"ttl": timedelta(seconds=2)},
            "unknown": {"when_unknown": WhenUnknown.GIVE_UP},
        }
        message = await room.accept("bad", **fields.get(end, {}))
        edit = await room.edit(message, "edited")
        if end == "cancelled":
            await room.outbox.cancel(caller(), message.id)
        elif end != "expired":
            await asyncio.sleep(10)
            room.bot.script = [None, Refused(400, "bad") if end == "failed" else Unanswered()]
        ended = await room.settled(edit)
        assert (ended.state, why(ended), ended.attempts) == (State.FAILED, "MESSAGE_UNAVAILABLE", 0)
        assert (await room.settled(message)).finished_at == ended.finished_at
        assert not any("edited" in text for text in room.bot.texts)
        with pytest.raises(StateConflict):
            await room.edit(message, "again")


@virtual
async def test_what_was_settled_as_delivered_has_no_id_by_which_it_could_be_touched() -> None:
    async with open_room() as room:
        room.bot.script = [Unanswered()]
        message = await sent(room, "hi", when_unknown=WhenUnknown.GIVE_UP)
        with pytest.raises(StateConflict) as refused:
            await room.edit(message, "x")
        assert refused.value.facts == {"state": "DELIVERY_UNKNOWN"}
        await room.outbox.resolve(caller(), message.id, State.DELIVERED)
        with pytest.raises(StateConflict, match="not known"):
            await room.delete(message)


@virtual
async def test_only_a_message_of_the_callers_client_in_a_chat_of_the_caller_can_be_touched() -> None:
    async with open_room() as room:
        foreign = await sent(room, client="another")
        elsewhere = await sent(room, chat_id=2)
        own = await sent(room)
        edit = await room.settled(await room.edit(own, "two"))
        for message_id in (foreign.id, elsewhere.id, "no such id"):
            with pytest.raises(MessageNotFound):
                await room.touch(Draft(kind=Kind.EDIT, chat_id=0, target_id=message_id, text="x"))
        with pytest.raises(RequestInvalid, match="message_id"):
            await room.delete(edit)


@virtual
async def test_a_repeat_is_the_same_edit_whatever_became_of_its_message() -> None:
    async with open_room() as room:
        message = await room.accept("later", send_at=BEGINNING + timedelta(hours=1))
        edit = await room.edit(message, "edited", request_id="e1")
        assert (await room.edit(message, "edited", request_id="e1")).id == edit.id
        await room.outbox.cancel(caller(), message.id)
        await room.settled(edit)
        again = await room.edit(message, "edited", request_id="e1")
        assert (again.id, again.state) == (edit.id, State.FAILED)
        for draft in ({"text": "other", "request_id": "e1"}, {"text": "edited", "request_id": "e2"}):
            with pytest.raises(RequestIdReused if draft["request_id"] == "e1" else StateConflict):
                await room.edit(message, **draft)
        assert room.dispatcher.counts.replays == 3
        assert room.bot.texts == []


@virtual
async def test_row_8_a_repeat_with_a_token_of_another_chat_finds_nothing() -> None:
    async with open_room() as room:
        draft = Draft(kind=Kind.EDIT, chat_id=0, target_id=(await sent(room)).id, text="two", request_id="e1")
        edit = await room.settled(await room.touch(draft))
        assert (await room.touch(draft)).id == edit.id
        for other in (draft, replace(draft, text="other")):
            with pytest.raises(MessageNotFound):
                await room.touch(other, chat_id=2)


@virtual
async def test_what_is_as_asked_already_is_done() -> None:
    async with open_room() as room:
        message = await sent(room)
        room.bot.script = [Unanswered(), NotModified(400, "not modified")]
        edit = await room.settled(await room.edit(message, "two"))
        assert (edit.state, edit.attempts, edit.possibly_duplicated) == (State.DELIVERED, 2, False)
        room.bot.script = [MessageGone(400, "not found")]
        delete = await room.settled(await room.delete(message))
        assert (delete.state, delete.telegram_message_ids) == (State.DELIVERED, message.telegram_message_ids)


@pytest.mark.parametrize(
    ("failure", "of_edit", "of_delete"),
    [
        (MessageGone(400, "gone"), "MESSAGE_UNAVAILABLE", ""),
        (MessageFixed(400, "too old"), "MESSAGE_UNAVAILABLE", "MESSAGE_UNAVAILABLE"),
        (Refused(400, "can't parse entities"), "INVALID_REQUEST", "MESSAGE_UNAVAILABLE"),
        (Refused(409, "conflict"), "TELEGRAM_FAILED", "TELEGRAM_FAILED"),
    ],
)
@virtual
async def test_what_telegram_refuses_to_touch_fails(failure: Refused, of_edit: str, of_delete: str) -> None:
    async with open_room() as room:
        message = await sent(room)
        for touch, reason in ((room.edit(message, "two"), of_edit), (room.delete(message), of_delete)):
            room.bot.script = [failure]
            ended = await room.settled(await touch)
            assert ended.state is (State.FAILED if reason else State.DELIVERED)
            assert not reason or why(ended) == reason


@virtual
async def test_an_edit_without_an_answer_is_made_again_until_it_is_known() -> None:
    async with open_room() as room:
        message = await sent(room)
        room.bot.script = [Unanswered()] * 9
        edit = await room.settled(await room.edit(message, "two"))
        assert (edit.state, edit.attempts, edit.unknown_attempts) == (State.DELIVERED, 10, 9)
        room.bot.script = [Unanswered()] * (MOST_ATTEMPTS + 1)
        edit = await room.settled(await room.edit(message, "three"))
        assert (edit.state, edit.attempts) == (State.DELIVERY_UNKNOWN, MOST_ATTEMPTS + 1)
        again = await room.settled(await room.outbox.retry(caller(), edit.id))
        assert again.state is State.DELIVERED


@virtual
async def test_a_closed_chat_fails_edits_too_but_for_those_that_wait_for_a_later_message() -> None:
    async with open_room() as room:
        message = await sent(room)
        later = await room.accept("later", send_at=room.clock.now() + timedelta(hours=1))
        room.bot.script = [ChatRefused(403, "blocked")]
        assert why(await room.settled(await room.edit(message, "two"))) == "CHAT_UNAVAILABLE"
        assert why(await room.settled(await room.edit(message, "three"))) == "CHAT_UNAVAILABLE"
        edit = await room.edit(later, "edited")
        assert edit.state is State.QUEUED
        assert (await room.settled(edit, 7200)).state is State.DELIVERED


@virtual
async def test_what_a_group_wrote_is_not_looked_for_in_the_supergroup_that_it_became() -> None:
    async with open_room(follow_migration=True) as room:
        before = await sent(room, chat_id=GROUP)
        room.bot.script = [ChatMoved(400, "upgraded", SUPERGROUP)]
        draft = Draft(kind=Kind.EDIT, chat_id=0, target_id=before.id, text="two")
        edit = await room.settled(await room.touch(draft, GROUP))
        assert (edit.state, why(edit)) == (State.FAILED, "MESSAGE_UNAVAILABLE")
        with pytest.raises(StateConflict, match="supergroup"):
            await room.touch(draft, GROUP)
        after = await sent(room, "after", chat_id=GROUP)
        assert (after.chat_id, after.telegram_chat_id) == (GROUP, SUPERGROUP)
        edit = await room.settled(await room.touch(replace(draft, target_id=after.id), GROUP))
        assert edit.state is State.DELIVERED
        assert [(chat_id, text) for _, chat_id, text in room.bot.sent][-1] == (SUPERGROUP, "3: two")


@virtual
async def test_what_a_group_wrote_is_left_alone_before_its_move_is_approved_too() -> None:
    async with open_room() as room:
        before = await sent(room, chat_id=GROUP)
        room.bot.script = [ChatMoved(400, "upgraded", SUPERGROUP)]
        await room.accept("moving", chat_id=GROUP)
        await asyncio.sleep(2)
        with pytest.raises(StateConflict, match="supergroup"):
            await room.touch(Draft(kind=Kind.DELETE, chat_id=0, target_id=before.id, text=""), GROUP)


@virtual
async def test_an_edit_that_waits_while_its_group_moves_is_not_made_there() -> None:
    async with open_room(follow_migration=True) as room:
        before = await sent(room, chat_id=GROUP)
        room.bot.script = [ChatMoved(400, "upgraded", SUPERGROUP)]
        moving = await room.accept("moving", chat_id=GROUP)
        edit = await room.touch(Draft(kind=Kind.EDIT, chat_id=0, target_id=before.id, text="two"), GROUP)
        ended = await room.settled(edit)
        assert (ended.state, why(ended), ended.attempts) == (State.FAILED, "MESSAGE_UNAVAILABLE", 0)
        assert (await room.settled(moving)).state is State.DELIVERED
        assert room.bot.texts == ["one", "moving", "moving"]


@virtual
async def test_an_edit_of_what_is_no_longer_kept_fails() -> None:
    async with open_room() as room:
        message = await sent(room)
        room.bot.script = [SLOW]
        await room.accept("slow")
        edit = await room.edit(message, "two")
        del room.store.messages[message.id]
        ended = await room.settled(edit)
        assert (ended.state, why(ended)) == (State.FAILED, "MESSAGE_UNAVAILABLE")


@virtual
async def test_what_waits_behind_a_message_can_be_cancelled_and_expires() -> None:
    async with open_room() as room:
        room.bot.of_chat[1] = BotRefused(401, "Unauthorized")
        room.bot.identity_failure = BotRefused(401, "Unauthorized")
        message = await room.accept("one")
        doomed = await room.edit(message, "two", ttl=timedelta(seconds=5))
        cancelled = await room.edit(message, "three")
        assert (await room.outbox.cancel(caller(), cancelled.id)).state is State.CANCELLED
        assert (await room.settled(doomed)).state is State.EXPIRED
        room.bot.of_chat.clear()
        room.bot.identity_failure = None
        assert (await room.settled(message)).state is State.DELIVERED
        await asyncio.sleep(10)
        assert room.bot.texts[1:] == ["one"]
        assert len(room.dispatcher.schedule) == 0


def test_a_doubt_about_an_edit_is_told_in_other_words() -> None:
    words = {outcomes._DOUBT[kind] for kind in Kind}
    assert len(words) == len(Kind)
