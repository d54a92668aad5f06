"""Requests while somebody waits: what is made again, when, and what is told in the end."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta

import pytest

from gateway.errors import (
    ChatUnavailable,
    GatewayError,
    PermissionDenied,
    RequestInvalid,
    TelegramBusy,
    TelegramUnavailable,
)
from gateway.model import React, ShowAction
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
from tests.support.virtual_time import virtual
from tests.unit.moderation.room import CHAT, HANG, NEW, Room

PAUSED = RateLimited(429, "Too Many Requests", timedelta(seconds=7))
AGAIN = [NotSent("x"), Unanswered("x"), ServerFailed(500, "Internal Server Error: restart")]


async def failure_of(room: Room, seconds: float = 30) -> GatewayError:
    with pytest.raises(GatewayError) as failed:
        await room.moderation.get_chat(room.ask(seconds))
    return failed.value


@pytest.mark.parametrize("failure", AGAIN, ids=lambda failure: type(failure).__name__)
@virtual
async def test_what_need_not_have_been_done_is_asked_again(failure: BotFailure) -> None:
    room = Room()
    room.telegram.script = [failure, failure, failure]
    chat = await room.moderation.get_chat(room.ask())
    assert chat.id == CHAT
    assert room.telegram.instants == [0, 0.375, 1.125, 2.625], "with a pause that doubles"
    assert len(room.looked_at) == 4, "the right is looked at before each"


@pytest.mark.parametrize("failure", AGAIN, ids=lambda failure: type(failure).__name__)
@virtual
async def test_in_the_end_it_is_told_that_a_repeat_may_help(failure: BotFailure) -> None:
    room = Room()
    room.telegram.script = [failure] * 100
    told = await failure_of(room, 10)
    assert type(told) is TelegramUnavailable
    assert 8 < room.telegram.instants[-1] < 10
    assert asyncio.get_running_loop().time() < 10


@virtual
async def test_what_does_not_answer_is_not_waited_for_for_ever() -> None:
    room = Room()
    room.telegram.script = [HANG, None]
    await room.moderation.get_chat(room.ask())
    assert room.telegram.instants == [0, 12.375]


@virtual
async def test_a_caller_that_waits_for_less_is_answered_when_it_wants_to_be() -> None:
    room = Room()
    room.telegram.script = [HANG]
    told = await failure_of(room, 3)
    assert "may have been done" in str(told)
    assert asyncio.get_running_loop().time() == 3
    room.telegram.script = [HANG]
    assert type(await failure_of(room, 0)) is TelegramUnavailable


@virtual
async def test_a_pause_that_telegram_asks_for_is_kept_if_somebody_waits_so_long() -> None:
    room = Room()
    room.telegram.script = [PAUSED]
    await room.moderation.get_chat(room.ask())
    assert room.telegram.instants == [0, 7]


@virtual
async def test_a_longer_one_is_told_and_kept_for_everything_about_the_chat() -> None:
    room = Room()
    room.telegram.script = [PAUSED]
    told = await failure_of(room, 5)
    assert isinstance(told, TelegramBusy)
    assert (told.retry_after, told.facts) == (timedelta(seconds=7), {"telegramErrorCode": "429"})
    await asyncio.sleep(2)
    with pytest.raises(TelegramBusy) as busy:
        await room.moderation.gesture(room.ask(1), React(chat_id=CHAT, telegram_message_id=1, emoji="👍"))
    assert busy.value.retry_after == timedelta(seconds=5)
    assert len(room.telegram.asked) == 1
    await room.moderation.get_chat(room.ask(5, chat_id=-5))
    assert len(room.telegram.asked) == 2, "another chat is none of it"
    await room.moderation.get_chat(room.ask())
    assert room.telegram.instants[-1] == 7


@virtual
async def test_a_pause_of_no_length_is_a_second() -> None:
    room = Room()
    room.telegram.script = [RateLimited(429, "Too Many Requests", None)]
    await room.moderation.get_chat(room.ask())
    assert room.telegram.instants == [0, 1]


@virtual
async def test_chats_that_were_to_be_let_alone_are_forgotten() -> None:
    room = Room()
    for number in range(1500):
        room.telegram.script = [RateLimited(429, "Too Many Requests", timedelta(seconds=7))]
        with pytest.raises(TelegramBusy):
            await room.moderation.get_chat(room.ask(1, chat_id=-1 - number))
        await asyncio.sleep(0.1)
    assert len(room.moderation._asking._held_until) <= 1000


@virtual
async def test_a_bot_that_is_refused_asks_nothing_more_until_it_is_taken_again() -> None:
    room = Room()
    room.telegram.script = [BotRefused(401, "Unauthorized")]
    told = [await failure_of(room), await failure_of(room)]
    assert {type(each) for each in told} == {TelegramUnavailable}
    assert (len(room.telegram.asked), room.delivery.bot_ok) == (1, False)
    room.delivery.bot_ok = True
    await room.moderation.get_chat(room.ask())


@virtual
async def test_a_chat_that_moved_is_asked_under_its_new_id_if_that_is_believed() -> None:
    room = Room()
    room.telegram.script = [ChatMoved(400, "upgraded", NEW)]
    chat = await room.moderation.get_chat(room.ask())
    assert (chat.id, [what for _, what in room.telegram.asked]) == (CHAT, [CHAT, NEW])
    assert room.looked_at == [CHAT, NEW]
    await room.moderation.gesture(room.ask(), ShowAction(chat_id=CHAT, action=None))
    assert room.telegram.asked[-1][1].chat_id == NEW


@virtual
async def test_a_move_that_is_not_believed_or_not_approved_closes_the_chat() -> None:
    room = Room()
    room.delivery.believes = False
    room.telegram.script = [ChatMoved(400, "upgraded", NEW)]
    assert type(await failure_of(room)) is ChatUnavailable
    assert len(room.telegram.asked) == 1


@virtual
async def test_a_right_that_ends_during_a_pause_is_no_right() -> None:
    room = Room()
    room.telegram.script = [PAUSED]
    asking = asyncio.create_task(room.moderation.get_chat(room.ask()))
    await asyncio.sleep(1)
    room.refused_with = PermissionDenied("chat_suspended")
    with pytest.raises(PermissionDenied):
        await asking
    assert len(room.telegram.asked) == 1


@pytest.mark.parametrize(("is_there", "told"), [(True, RequestInvalid), (False, ChatUnavailable)])
@virtual
async def test_a_refused_request_is_told_from_a_refused_chat_by_asking(
    is_there: bool, told: type[GatewayError]
) -> None:
    room = Room()
    room.telegram.chat_is_there = is_there
    room.telegram.script = [Refused(400, "Bad Request: something new")]
    assert type(await failure_of(room)) is told
    assert (len(room.telegram.asked), room.telegram.answers_asked) == (1, 1)


@virtual
async def test_what_telegram_has_said_clearly_is_asked_no_second_time() -> None:
    for failure in (ChatRefused(403, "Forbidden: bot was kicked"), Refused(400, "Bad Request: CHAT_ADMIN_REQUIRED")):
        room = Room()
        room.telegram.script = [failure]
        await failure_of(room)
        assert (len(room.telegram.asked), room.telegram.answers_asked) == (1, 0)


@pytest.mark.parametrize(("clients", "most"), [(1, 4), (2, 8), (5, 16)])
@virtual
async def test_no_more_requests_are_under_way_than_there_are_connections_for(clients: int, most: int) -> None:
    room = Room()
    room.telegram.script = [HANG] * most
    asks = [room.ask(chat_id=-1 - n, client=f"client {n % clients}") for n in range(5 * clients)]
    asking = [asyncio.create_task(room.moderation.get_chat(ask)) for ask in asks]
    await asyncio.sleep(1)
    assert len(room.telegram.asked) == most
    await asyncio.gather(*asking)
    assert len(room.telegram.asked) == most + len(asks)
    del asking
    gc.collect()
    assert len(room.moderation._asking._gates) == 0, "nothing is kept of clients that ask nothing"


@virtual
async def test_at_the_end_nobody_is_kept_waiting_for_a_repeat() -> None:
    room = Room()
    room.telegram.script = [PAUSED, PAUSED]
    asking = asyncio.create_task(failure_of(room))
    await asyncio.sleep(1)
    room.moderation.end()
    room.telegram.script = [PAUSED]
    assert isinstance(await asking, TelegramBusy)
    assert asyncio.get_running_loop().time() == 1


@virtual
async def test_a_question_that_has_no_answer_leaves_the_refusal_as_it_is() -> None:
    room = Room()
    room.telegram.cannot_tell = True
    room.telegram.script = [Refused(400, "Bad Request: something new")]
    told = await failure_of(room)
    assert isinstance(told, RequestInvalid)
    assert told.violations == (("", "Bad Request: something new"),)


@virtual
async def test_nothing_that_is_asked_besides_keeps_a_caller_longer_than_it_waits() -> None:
    room = Room()
    room.telegram.is_silent = True
    room.telegram.script = [Refused(400, "Bad Request: something new")]
    assert type(await failure_of(room, 3)) is RequestInvalid
    assert asyncio.get_running_loop().time() == 3
    room.delivery.hangs = True
    room.telegram.script = [ChatMoved(400, "upgraded", NEW)]
    assert type(await failure_of(room, 3)) is ChatUnavailable
    assert asyncio.get_running_loop().time() == 6
