"""Who counts as served, so that refusals wait: whoever is let in to a chat by its own key, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.access.slow_lane import SlowLane
from gateway.clock import SystemClock
from gateway.desk.checks import Listing
from gateway.desk.updates import Following
from gateway.errors import PermissionDenied, RequestInvalid
from gateway.model import Draft, Origin, Permission
from tests.support.open_house import CHAT, House, open_house

HELLO = Draft(chat_id=CHAT, text="hello")
ORIGIN = Origin(address="192.0.2.1")


class TurnedClock(SystemClock):
    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def watching(house: House) -> AsyncGenerator[object, None]:
    return house.desk.watch_messages(house.caller(), "")


def following(house: House) -> AsyncGenerator[object, None]:
    return house.desk.stream_updates(house.caller(permissions={Permission.READ}), Following())


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def house(clock: TurnedClock) -> AsyncIterator[House]:
    lane = SlowLane(clock, rest=timedelta(hours=1), patience=timedelta(hours=1))
    async with open_house(lane=lane) as opened:
        yield opened


def a_refusal_waits(house: House) -> bool:
    """Whether the second of two refusals waits: asked without a turn of the loop, in which somebody could be served."""
    return [_waits(house), _waits(house)][1]


def _waits(house: House) -> bool:
    turn = house.desk.turn(ORIGIN)
    try:
        turn.send(None)
    except StopIteration:
        return False
    turn.close()
    return True


async def test_a_refusal_waits_as_soon_as_a_message_is_on_its_way(house: House) -> None:
    assert not a_refusal_waits(house)
    house.telegram.answers.clear()
    sending = asyncio.create_task(house.desk.send_message(house.caller(), HELLO, timedelta(minutes=1)))
    await house.telegram.asked.wait()
    assert a_refusal_waits(house)
    house.telegram.answers.set()
    await sending


async def test_whoever_is_refused_is_not_served(house: House) -> None:
    with pytest.raises(PermissionDenied):
        await house.desk.send_message(house.caller(), replace(HELLO, chat_id=CHAT + 1), None)
    with pytest.raises(PermissionDenied):
        await house.desk.list_messages(house.caller(permissions={Permission.READ}), Listing())
    with pytest.raises(RequestInvalid):
        await house.desk.send_message(house.caller(), replace(HELLO, chat_id=0), None)
    assert not a_refusal_waits(house)


@pytest.mark.parametrize("stream", [watching, following])
async def test_whoever_has_a_stream_open_is_served_all_the_while(
    house: House, clock: TurnedClock, stream: Callable[[House], AsyncGenerator[object, None]]
) -> None:
    async with aclosing(stream(house)) as opened:
        await anext(opened)
        assert not a_refusal_waits(house)
        upcoming = asyncio.ensure_future(anext(opened))
        async with asyncio.timeout(30):
            while not a_refusal_waits(house):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        clock.ahead += 2 * 3600
        assert not a_refusal_waits(house)
        async with asyncio.timeout(30):
            while not a_refusal_waits(house):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        upcoming.cancel()
        await asyncio.wait([upcoming])
