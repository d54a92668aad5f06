"""Refusals that wait while others are served, in virtual time: threat row 27."""

from __future__ import annotations

import asyncio

from gateway.access.slow_lane import BUSY, PATIENCE, PLACES, REST, SlowLane
from tests.support.virtual_time import VirtualClock, virtual

Task = asyncio.Task[None]
A, B, C = "192.0.2.1", "192.0.2.2", "2001:db8::1"
STEP, LONG = REST.total_seconds(), BUSY.total_seconds()


class Scene:
    """A lane, and who got its answer when."""

    def __init__(self, places: int = PLACES) -> None:
        self.lane = SlowLane(VirtualClock(), places=places)
        self.answered: list[tuple[str, float]] = []

    def refuse(self, *addresses: str) -> list[Task]:
        return [asyncio.create_task(self._refuse(address)) for address in addresses]

    async def _refuse(self, address: str) -> None:
        await self.lane.turn(address)
        self.answered.append((address, round(VirtualClock().monotonic() / STEP, 3)))


@virtual
async def test_nobody_waits_while_nobody_is_served() -> None:
    scene = Scene()
    await asyncio.gather(*scene.refuse(*[A] * 100))
    assert scene.answered == [(A, 0)] * 100


@virtual
async def test_row_27_while_anybody_is_served_answers_go_one_after_another() -> None:
    scene = Scene()
    scene.lane.served()
    await asyncio.gather(*scene.refuse(*[A] * 5))
    assert scene.answered == [(A, 0), (A, 1), (A, 2), (A, 3), (A, 4)]
    await asyncio.sleep(10 * STEP)
    await asyncio.gather(*scene.refuse(B, B))
    assert scene.answered[5:] == [(B, 14), (B, 15)]


@virtual
async def test_row_27_who_asks_again_when_it_is_answered_is_answered_no_more_often() -> None:
    scene = Scene()
    scene.lane.served()

    async def again_and_again() -> None:
        while True:
            await asyncio.gather(*scene.refuse(A))

    attackers = [asyncio.create_task(again_and_again()) for _ in range(64)]
    await asyncio.sleep(99.5 * STEP)
    assert len(scene.answered) == 100
    for attacker in attackers:
        attacker.cancel()


@virtual
async def test_row_27_one_that_crowds_its_address_is_in_nobody_elses_way() -> None:
    scene = Scene()
    scene.lane.served()
    await asyncio.gather(*scene.refuse(*[A] * 5, B, *["2001:db8::1", "2001:db8::2"]))
    assert [address for address, _ in scene.answered] == [A, A, B, "2001:db8::1", A, "2001:db8::2", A, A]


@virtual
async def test_the_lane_is_slow_for_a_while_after_somebody_was_served() -> None:
    scene = Scene()
    scene.lane.served()
    await asyncio.sleep(LONG - 1.5 * STEP)
    begun = (LONG - 1.5 * STEP) / STEP
    await asyncio.gather(*scene.refuse(*[A] * 50))
    assert [round(at - begun, 1) for _, at in scene.answered] == [0, 1] + [2] * 48
    await asyncio.gather(*scene.refuse(*[A] * 50))
    assert [round(at - begun, 1) for _, at in scene.answered[50:]] == [2] * 50


@virtual
async def test_who_goes_away_leaves_its_place() -> None:
    scene = Scene()
    scene.lane.served()
    calls = scene.refuse(A, A, A, B, C)
    await asyncio.sleep(0)
    assert scene.lane.waiting == 4
    calls[1].cancel()
    calls[3].cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert scene.answered == [(A, 0), (A, 1), (C, 2)]
    calls = scene.refuse(A)
    await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.sleep(5 * STEP)
    assert scene.lane.waiting == 0
    await asyncio.gather(*scene.refuse(B))
    assert scene.answered[3:] == [(B, 7)]


@virtual
async def test_who_goes_away_at_its_turn_stops_nobody() -> None:
    scene = Scene()
    scene.lane.served()
    calls = scene.refuse(A, A, A)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(STEP, calls[1].cancel)
    await asyncio.gather(*calls, return_exceptions=True)
    assert scene.answered[0] == (A, 0)
    assert scene.answered[-1] == (A, 2)
    assert scene.lane.waiting == 0


@virtual
async def test_no_answer_waits_for_longer_than_the_patience() -> None:
    scene = Scene(places=10_000)
    scene.lane.served()
    await asyncio.gather(*scene.refuse(*[A] * 5000))
    waits = [at * STEP for _, at in scene.answered]
    assert max(waits) == PATIENCE.total_seconds()
    assert scene.lane.waiting == 0


@virtual
async def test_as_many_wait_as_there_are_places_and_all_are_answered_within_the_patience() -> None:
    scene = Scene()
    scene.lane.served()
    await asyncio.gather(*scene.refuse(*[A] * (PLACES + 11)))
    assert [at for _, at in scene.answered[:11]] == [0] * 11
    assert [at for _, at in scene.answered[11:]] == list(range(1, PLACES + 1))
    assert scene.answered[-1][1] * STEP < PATIENCE.total_seconds()


@virtual
async def test_at_the_end_everybody_is_let_go_and_nobody_waits_any_more() -> None:
    scene = Scene()
    scene.lane.served()
    calls = scene.refuse(*[A] * 20, *[B] * 20)
    await asyncio.sleep(0)
    assert scene.lane.waiting == 39
    calls[7].cancel()
    scene.lane.end()
    await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.gather(*scene.refuse(C, C, C))
    assert {at for _, at in scene.answered} == {0}
    assert len(scene.answered) == 42
    assert scene.lane.waiting == 0
    await asyncio.sleep(5 * STEP)
