"""What the desk decides of chats as such, beside what the door shows of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from gateway.access.registry import Registry
from gateway.desk.chats import Chats
from gateway.errors import PermissionDenied, StateStale, StepUpRequired
from gateway.model import Ban, Caller, Chat, ChatAction, ChatType, Permission, React, ShowAction
from gateway.moderation.rooms import Ask
from tests.support.open_house import CHAT, CLIENT, House, open_house

NEW = -1_009_876_543_210
WAIT = timedelta(seconds=1)
BAN, REACT = Ban(chat_id=CHAT, user_id=1), React(chat_id=CHAT, telegram_message_id=1, emoji="👍")
TYPING = ShowAction(chat_id=CHAT, action=ChatAction.TYPING)


@dataclass
class Asked:
    """Takes what the desk hands on, and does nothing."""

    asks: list[Ask] = field(default_factory=list)

    async def get_chat(self, ask: Ask) -> Chat:
        self.asks.append(ask)
        return Chat(id=CHAT, type=ChatType.GROUP)

    async def moderate(self, ask: Ask, act: object) -> None:
        self.asks.append(ask)

    gesture = moderate


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def chats_of(house: House, registry: Registry | None = None) -> tuple[Chats, Asked]:
    asked: Any = Asked()
    registry = registry or house.registry
    return Chats(registry=registry, last_use=house.last_use, moderation=asked, clock=house.clock), asked


def moderator(house: House) -> Caller:
    return house.caller(permissions=frozenset(Permission))


async def test_where_a_group_went_to_a_suspended_chat_nothing_is_asked_there(house: House) -> None:
    chats, asked = chats_of(house)
    await chats.moderate(moderator(house), BAN, WAIT)
    (ask,) = asked.asks
    ask.still(CHAT)
    ask.still(NEW)
    await house.administration.suspend_chat(NEW)
    await house.registry.refresh()
    ask.still(CHAT)
    with pytest.raises(PermissionDenied) as denied:
        ask.still(NEW)
    assert (denied.value.cause, denied.value.record["chat_id"]) == ("chat_suspended", CHAT)


async def test_a_right_that_is_taken_away_ends_during_a_call(house: House) -> None:
    chats, asked = chats_of(house)
    for permission, asking in (
        (Permission.READ, lambda: chats.get_chat(moderator(house), CHAT, WAIT)),
        (Permission.MODERATE, lambda: chats.moderate(moderator(house), BAN, WAIT)),
        (Permission.WRITE, lambda: chats.gesture(moderator(house), REACT, WAIT)),
    ):
        await house.administration.authorize_chat(CHAT, frozenset(Permission))
        await house.registry.refresh()
        await asking()
        asked.asks[-1].still(CHAT)
        await house.administration.authorize_chat(CHAT, frozenset(Permission) - {permission})
        await house.registry.refresh()
        with pytest.raises(PermissionDenied):
            asked.asks[-1].still(CHAT)


async def test_while_the_registry_is_stale_a_chat_is_looked_at_and_nothing_done_there(house: House) -> None:
    chats, asked = chats_of(house, Registry(house.store.registry, house.clock, trusts=house.verifier.trusts))
    caller = moderator(house)
    await chats.get_chat(caller, CHAT, WAIT)
    for act in (
        chats.moderate(caller, BAN, WAIT),
        chats.gesture(caller, REACT, WAIT),
        chats.gesture(caller, TYPING, WAIT),
    ):
        with pytest.raises(StateStale):
            await act
    with pytest.raises(PermissionDenied):
        await chats.moderate(caller, Ban(chat_id=NEW, user_id=1), WAIT)
    assert len(asked.asks) == 1


async def test_the_second_factor_is_asked_before_the_request_is_looked_at(house: House) -> None:
    await house.administration.add_client(CLIENT, {"second_factor": True})
    await house.registry.refresh()
    chats, _ = chats_of(house)
    with pytest.raises(StepUpRequired):
        await chats.moderate(moderator(house), Ban(chat_id=CHAT, user_id=0), WAIT)


async def test_a_chat_that_was_asked_about_was_used(house: House) -> None:
    await house.administration.authorize_chat(CHAT, frozenset(Permission))
    await house.registry.refresh()
    chats, _ = chats_of(house)
    await chats.get_chat(moderator(house), CHAT, WAIT)
    await house.last_use.flush()
    (chat,) = await house.store.registry.chats()
    assert chat.last_access_at is not None
