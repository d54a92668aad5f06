"""What happens in a chat is told to those who may read it, and answered by those who may write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.desk.updates import MAX_NOTICE, Following
from gateway.errors import (
    CallRefused,
    CursorExpired,
    MethodUnknown,
    PermissionDenied,
    RequestInvalid,
    ResourceNotFound,
    ShuttingDown,
    TokenExpired,
    Unauthenticated,
)
from gateway.model import AnswerPress, Caller, Grant, Permission, Update, UpdateKind
from tests.support.open_house import CHAT, House, open_house

OTHER, THIRD = CHAT - 1, CHAT - 2
READ, WRITE = frozenset({Permission.READ}), frozenset({Permission.WRITE})
OLDEST = Following(from_oldest=True)
SOON = timedelta(seconds=5)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def holder(house: House, *grants: Grant) -> Caller:
    return house.desk.authenticate([f"Bearer {house.minted(*grants)}"])


def reader(house: House, *chat_ids: int, topic: int | None = None) -> Caller:
    return holder(house, *(Grant(chat_id=each, permissions=READ, message_thread_id=topic) for each in chat_ids))


def written(number: int, chat_id: int = CHAT, topic: int | None = None) -> dict[str, Any]:
    placed = {} if topic is None else {"message_thread_id": topic, "is_topic_message": True}
    message = {"message_id": number, "chat": {"id": chat_id}, "date": 1, "text": f"hello {number}"}
    return {"update_id": number, "message": message | placed}


def pressed(number: int, chat_id: int = CHAT, topic: int | None = None) -> dict[str, Any]:
    query = {"id": f"press-{number}", "from": {"id": 7}, "message": written(number, chat_id, topic)["message"]}
    return {"update_id": number, "callback_query": query}


async def seen(house: House, caller: Caller, following: Following, last: int) -> list[int]:
    """Return the numbers of what is told, up to the last that is expected."""
    numbers = []
    async with aclosing(house.desk.stream_updates(caller, following)) as followed:
        async for update, _ in followed:
            if update is not None:
                numbers.append(update.update_id)
                if update.update_id == last:
                    break
    return numbers


async def rest(house: House, caller: Caller, following: Following = OLDEST) -> None:
    async with aclosing(house.desk.stream_updates(caller, following)) as followed:
        async for _ in followed:
            continue


# Who is told of what.


async def test_row_54_everybody_is_told_of_the_chats_that_they_may_read_and_of_no_other(house: House) -> None:
    await house.happen(*(written(number, (CHAT, OTHER, THIRD)[number % 3]) for number in range(30)))
    both = reader(house, CHAT, OTHER)
    assert await seen(house, reader(house, CHAT), OLDEST, 27) == [*range(0, 30, 3)]
    assert await seen(house, reader(house, OTHER), OLDEST, 28) == [*range(1, 30, 3)]
    assert await seen(house, both, OLDEST, 28) == [number for number in range(30) if number % 3 != 2]


async def test_a_grant_that_is_not_for_reading_tells_nothing(house: House) -> None:
    await house.happen(written(1, OTHER), written(2))
    caller = holder(house, Grant(chat_id=CHAT, permissions=READ), Grant(chat_id=OTHER, permissions=WRITE))
    assert await seen(house, caller, OLDEST, 2) == [2]
    for chat_ids in ([OTHER], [CHAT, OTHER]):
        with pytest.raises(PermissionDenied) as refused:
            await anext(house.desk.stream_updates(caller, Following(chat_ids=chat_ids)))
        assert refused.value.cause == "missing_permission"
    with pytest.raises(PermissionDenied):
        await rest(house, house.caller())


async def test_row_54_whoever_may_read_one_topic_is_told_of_this_topic(house: House) -> None:
    await house.happen(written(1), written(2, topic=7), written(3, topic=8), written(4, OTHER, 7), written(5, topic=7))
    assert await seen(house, reader(house, CHAT, topic=7), OLDEST, 5) == [2, 5]


async def test_the_chats_that_are_asked_for_only_narrow(house: House) -> None:
    await house.happen(written(1, OTHER), written(2), written(3, THIRD), written(4, OTHER))
    caller = reader(house, CHAT, OTHER)
    assert await seen(house, caller, replace(OLDEST, chat_ids=[OTHER, OTHER]), 4) == [1, 4]
    for chat_ids in ([THIRD], [CHAT, THIRD], [0]):
        with pytest.raises(PermissionDenied) as refused:
            await rest(house, caller, replace(OLDEST, chat_ids=chat_ids))
        assert refused.value.cause == "chat_mismatch"


async def test_the_kinds_that_are_asked_for_are_told(house: House) -> None:
    await house.happen(written(1), pressed(2), written(3), pressed(4))
    wish = replace(OLDEST, kinds=[UpdateKind.CALLBACK_QUERY])
    assert await seen(house, reader(house, CHAT), wish, 4) == [2, 4]


# Where it begins and goes on.


async def test_without_a_cursor_one_comes_first_that_goes_on_from_now(house: House) -> None:
    await house.happen(written(1))
    caller = reader(house, CHAT)
    async with aclosing(house.desk.stream_updates(caller, Following())) as followed:
        nothing, beginning = await anext(followed)
        await house.happen(written(2))
        update, cursor = await anext(followed)
    assert nothing is None
    assert isinstance(update, Update)
    assert update.update_id == 2
    await house.happen(written(3))
    assert await seen(house, caller, Following(cursor=beginning), 3) == [2, 3]
    assert await seen(house, caller, Following(cursor=cursor), 3) == [3]


async def test_from_the_oldest_that_is_kept_a_cursor_comes_first_too(house: House) -> None:
    await house.happen(written(1))
    caller = reader(house, CHAT)
    async with aclosing(house.desk.stream_updates(caller, OLDEST)) as followed:
        nothing, beginning = await anext(followed)
    assert nothing is None
    assert await seen(house, caller, Following(cursor=beginning), 1) == [1]


@pytest.mark.parametrize(
    ("following", "paths"),
    [
        (Following(cursor="x", from_oldest=True), ["from_oldest"]),
        (Following(malformed=[("9", "is not a field of this version")]), ["9"]),
        (Following(cursor="never given out"), ["cursor"]),
    ],
)
async def test_what_is_not_sound_is_refused(house: House, following: Following, paths: list[str]) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await rest(house, reader(house, CHAT), following)
    assert [path for path, _ in refused.value.violations] == paths


async def test_whether_a_chat_is_the_callers_is_decided_before_anything_else(house: House) -> None:
    unsound = Following(cursor="x", from_oldest=True, chat_ids=[THIRD], malformed=[("9", "?")])
    with pytest.raises(PermissionDenied):
        await rest(house, reader(house, CHAT), unsound)


async def test_a_cursor_behind_which_something_is_forgotten_is_refused(house: House) -> None:
    await house.happen(written(1))
    caller = reader(house, CHAT)
    async with aclosing(house.desk.stream_updates(caller, OLDEST)) as followed:
        _, beginning = await anext(followed)
    await house.store.updates.forget(house.clock.now() + timedelta(seconds=1), 10)
    with pytest.raises(CursorExpired):
        await rest(house, caller, Following(cursor=beginning))


async def test_a_gateway_that_takes_no_updates_says_so_to_those_who_may_ask() -> None:
    async with open_house(takes_updates=False) as house:
        with pytest.raises(MethodUnknown, match="CHATKEY_UPDATES"):
            await rest(house, reader(house, CHAT))
        with pytest.raises(MethodUnknown, match="CHATKEY_UPDATES"):
            await house.desk.answer_callback(house.caller(), AnswerPress(callback_id="1"), SOON)
        with pytest.raises(PermissionDenied):
            await rest(house, house.caller())


# How it ends.


@pytest.mark.parametrize(
    ("change", "error", "cause"),
    [
        (lambda does, caller: does.suspend_chat(OTHER), PermissionDenied, "chat_suspended"),
        (lambda does, caller: does.authorize_chat(OTHER, {Permission.WRITE}), PermissionDenied, "missing_permission"),
        (lambda does, caller: does.revoke_token(caller.token_id), Unauthenticated, "revoked_jti"),
        (lambda does, caller: does.disable_client(caller.client), PermissionDenied, "client_disabled"),
    ],
)
async def test_a_stream_ends_when_one_of_its_chats_may_not_be_read_any_more(
    house: House, change: Any, error: type[CallRefused], cause: str
) -> None:
    caller = reader(house, CHAT, OTHER)
    if cause == "missing_permission":
        await house.administration.authorize_chat(CHAT, {Permission.READ})
    following = asyncio.create_task(rest(house, caller))
    await asyncio.sleep(0)
    await change(house.administration, caller)
    await house.registry.refresh()
    with pytest.raises(error) as refused:
        await following
    assert refused.value.cause == cause


async def test_nothing_is_told_after_the_end_of_a_right_not_even_what_was_in_hand(house: House) -> None:
    await house.happen(written(1), written(2))
    caller = reader(house, CHAT)
    async with aclosing(house.desk.stream_updates(caller, OLDEST)) as followed:
        assert [(await anext(followed))[0] is None, (await anext(followed))[0] is None] == [True, False]
        await house.administration.suspend_chat(CHAT)
        await house.registry.refresh()
        with pytest.raises(PermissionDenied):
            await anext(followed)


async def test_a_stream_outlives_a_chat_that_it_does_not_cover(house: House) -> None:
    caller = reader(house, CHAT, OTHER)
    async with aclosing(house.desk.stream_updates(caller, Following(chat_ids=[CHAT]))) as followed:
        await anext(followed)
        await house.administration.suspend_chat(OTHER)
        await house.registry.refresh()
        await house.happen(written(1))
        update, _ = await anext(followed)
        assert update is not None


async def test_a_stream_ends_with_the_token_and_with_the_gateway(house: House) -> None:
    following = asyncio.create_task(rest(house, reader(house, CHAT)))
    await asyncio.sleep(0)
    house.desk.drain()
    with pytest.raises(ShuttingDown):
        await following
    following = asyncio.create_task(rest(house, reader(house, CHAT)))
    await asyncio.sleep(0)
    house.clock.ahead = timedelta(hours=2)
    with pytest.raises(TokenExpired):
        await following


# Presses on buttons.


async def answer(house: House, caller: Caller, number: int, **fields: Any) -> None:
    await house.desk.answer_callback(caller, AnswerPress(callback_id=f"press-{number}", **fields), SOON)


async def test_a_press_is_answered_where_the_caller_may_write(house: House) -> None:
    await house.happen(pressed(1), pressed(2, topic=7))
    await answer(house, house.caller(), 1, text="x" * MAX_NOTICE, show_alert=True)
    await answer(house, holder(house, Grant(chat_id=CHAT, permissions=WRITE, message_thread_id=7)), 2)
    assert house.telegram.done == [
        AnswerPress(callback_id="press-1", text="x" * MAX_NOTICE, show_alert=True, chat_id=CHAT),
        AnswerPress(callback_id="press-2", chat_id=CHAT, message_thread_id=7),
    ]


async def test_row_54_what_is_no_press_of_the_callers_is_the_same_as_none(house: House) -> None:
    await house.happen(pressed(1, OTHER), pressed(2, topic=8), pressed(3), pressed(4, THIRD))
    grants = (
        Grant(chat_id=CHAT, permissions=WRITE, message_thread_id=7),
        Grant(chat_id=THIRD, permissions=READ),
    )
    told = set()
    for number in (1, 2, 3, 4, 5):
        with pytest.raises(ResourceNotFound) as refused:
            await answer(house, holder(house, *grants), number)
        told.add((str(refused.value), *refused.value.facts.items()))
    assert len(told) == 1
    assert house.telegram.done == []


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        (AnswerPress(callback_id=""), ["callback_id"]),
        (AnswerPress(callback_id="1" * 65), ["callback_id"]),
        (AnswerPress(callback_id="1\x00"), ["callback_id"]),
        (AnswerPress(callback_id="1", text="x" * 201), ["text"]),
        (AnswerPress(callback_id="", text="x" * 201), ["callback_id", "text"]),
    ],
)
async def test_an_answer_that_is_not_sound_is_refused(house: House, asked: AnswerPress, paths: list[str]) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.answer_callback(house.caller(), asked, SOON)
    assert [path for path, _ in refused.value.violations] == paths


async def test_who_may_write_nowhere_answers_nothing(house: House) -> None:
    await house.happen(pressed(1))
    with pytest.raises(PermissionDenied):
        await answer(house, reader(house, CHAT), 1)
