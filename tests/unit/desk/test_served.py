"""Who counts as served, so that refusals wait: whoever is let in to a chat by its own key, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from gateway.access.slow_lane import BUSY, SlowLane
from gateway.clock import SystemClock
from gateway.desk.checks import Listing
from gateway.desk.updates import Following, PressAnswer
from gateway.errors import GatewayError, PermissionDenied, RequestInvalid
from gateway.model import Draft, Origin, Permission, State
from tests.support.open_house import CHAT, House, open_house

ID = str(uuid4())
SECOND = timedelta(seconds=1)
ORIGIN = Origin(address="192.0.2.1")


class TurnedClock(SystemClock):
    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def watching(house: House) -> AsyncGenerator[object, None]:
    return house.desk.watch_messages(house.caller(), "")


def following(house: House) -> AsyncGenerator[object, None]:
    return house.desk.stream_updates(house.caller(permissions={Permission.READ}), Following())


async def begun(stream: AsyncGenerator[object, None]) -> None:
    async with aclosing(stream):
        await anext(stream)


VERBS: dict[str, Callable[[House], Awaitable[object]]] = {
    "send": lambda house: house.desk.send_message(house.caller(), Draft(chat_id=CHAT, text="hello"), None),
    "list": lambda house: house.desk.list_messages(house.caller(), Listing()),
    "get": lambda house: house.desk.get_message(house.caller(), ID),
    "cancel": lambda house: house.desk.cancel_message(house.caller(), ID),
    "retry": lambda house: house.desk.retry_message(house.caller(), ID),
    "resolve": lambda house: house.desk.resolve_message(house.caller(), ID, State.DELIVERED),
    "edit": lambda house: house.desk.touch_message(house.caller(), Draft(chat_id=0, text="", target_id=ID), None),
    "watch": lambda house: begun(watching(house)),
    "follow": lambda house: begun(following(house)),
    "answer": lambda house: house.desk.answer_callback(
        house.caller(), PressAnswer(callback_id="1"), timedelta(seconds=1)
    ),
}


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def house(clock: TurnedClock) -> AsyncIterator[House]:
    lane = SlowLane(clock, rest=timedelta(hours=1), patience=timedelta(hours=1))
    async with open_house(lane=lane) as opened:
        yield opened


async def a_refusal_waits(house: House) -> bool:
    await house.desk.turn(ORIGIN)
    second = asyncio.create_task(house.desk.turn(ORIGIN))
    await asyncio.sleep(0)
    waits = not second.done()
    second.cancel()
    return waits


@pytest.mark.parametrize("verb", VERBS)
async def test_a_refusal_waits_once_a_caller_was_let_in_to_its_chat(house: House, verb: str) -> None:
    assert not await a_refusal_waits(house)
    with suppress(GatewayError):
        await VERBS[verb](house)
    assert await a_refusal_waits(house)


async def test_whoever_is_refused_is_not_served(house: House) -> None:
    with pytest.raises(PermissionDenied):
        await house.desk.send_message(house.caller(), Draft(chat_id=CHAT + 1, text="hello"), None)
    with pytest.raises(PermissionDenied):
        await house.desk.list_messages(house.caller(permissions={Permission.READ}), Listing())
    with pytest.raises(RequestInvalid):
        await house.desk.send_message(house.caller(), Draft(chat_id=0, text="hello"), None)
    assert not await a_refusal_waits(house)


@pytest.mark.parametrize("stream", [watching, following])
async def test_whoever_has_a_stream_open_is_served_all_the_while(
    house: House, clock: TurnedClock, stream: Callable[[House], AsyncGenerator[object, None]]
) -> None:
    async with aclosing(stream(house)) as opened:
        await anext(opened)
        upcoming = asyncio.ensure_future(anext(opened))
        await asyncio.sleep(0)
        clock.ahead += 2 * BUSY.total_seconds()
        assert not await a_refusal_waits(house)
        async with asyncio.timeout(30):
            while not await a_refusal_waits(house):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        upcoming.cancel()
        await asyncio.wait([upcoming])
