"""What was handed in before, or elsewhere, uses up quotas too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from gateway.delivery import usage
from gateway.delivery.quota import DAY, MINUTE, PARTS, Quotas
from gateway.errors import QuotaExceeded
from gateway.store.registry import Quota
from gateway.telegram.failures import ChatRefused
from tests.support.messages import a_message, a_record
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, VirtualClock, virtual
from tests.unit.delivery.room import Room, ScriptedBot, caller, open_room


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime, monotonic: float = 0.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic


async def recalled(store: ModelStore, clock: SetClock | VirtualClock, **quota: int) -> Quotas:
    quotas = Quotas(Quota(**quota))
    await usage.recall(quotas, store, clock)
    return quotas


async def left(quotas: Quotas, room: Room, client: str = "ops") -> int:
    """Accept as many as there is room for and return how many those were."""
    room.outbox._quotas = quotas
    for count in range(100):
        try:
            await room.accept(f"{client} {count}", client=client)
        except QuotaExceeded:
            return count
    raise AssertionError("there is room without end")


@pytest.mark.parametrize(("name", "length"), [("per_minute", MINUTE), ("per_day", DAY)])
@virtual
async def test_a_restart_frees_nothing_before_its_time(name: str, length: float) -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        for number in range(3):
            await room.accept(f"{number}", request_id=f"r{number}")
            await room.accept(f"{number}", request_id=f"r{number}")
        await room.accept("another's", client="other")
        await asyncio.sleep(length - 1)
    async with open_room(store, bot) as room:
        assert await left(await recalled(store, room.clock, **{name: 4}), room, "other") == 3
        quotas = await recalled(store, room.clock, **{name: 4})
        assert await left(quotas, room) == 1
        await asyncio.sleep(length * (1 + 3 / PARTS))
        assert await left(quotas, room) == 4


@virtual
async def test_one_that_was_sent_again_counts_twice_over_a_restart_too() -> None:
    store, bot = ModelStore(), ScriptedBot()
    async with open_room(store, bot) as room:
        bot.script = [ChatRefused(403, "blocked")]
        message = await room.settled(await room.accept("one"))
        await asyncio.sleep(30)
        await room.outbox.retry(caller(), message.id)
    async with open_room(store, bot) as room:
        assert await left(await recalled(store, room.clock, per_minute=5), room) == 3
    async with open_room(store, bot) as room:
        await asyncio.sleep(33)
        assert await left(await recalled(store, room.clock, per_minute=5), room) == 1


async def kept(store: ModelStore, *instants: datetime) -> None:
    for at in instants:
        message = a_message(accepted_at=at)
        await store.add(message, a_record(message))


@pytest.mark.parametrize("back", [0, 1, 3600, 100_000])
async def test_a_clock_that_is_set_back_over_a_restart_frees_nothing_and_holds_nothing_for_longer(back: int) -> None:
    store = ModelStore()
    await kept(store, *(BEGINNING - number * timedelta(hours=1) for number in range(24)))
    quotas = await recalled(store, SetClock(BEGINNING - timedelta(seconds=back), 50.0), per_day=25)
    quotas.arrived(quotas.take("client", 0, 0, 50.0), 0)
    with pytest.raises(QuotaExceeded):
        quotas.take("client", 0, 0, 50.0)
    with pytest.raises(QuotaExceeded):
        quotas.take("client", 0, 0, 50.0 + 3600 - 1)
    for _ in range(25):
        quotas.arrived(quotas.take("client", 0, 0, 50.0 + DAY + 2 * DAY / PARTS), 0)


@pytest.mark.parametrize("monotonic", [0.0, 5.0, 1e6])
async def test_when_the_machine_was_started_does_not_matter(monotonic: float) -> None:
    store = ModelStore()
    await kept(store, BEGINNING - 23 * timedelta(hours=1), BEGINNING)
    quotas = await recalled(store, SetClock(BEGINNING, monotonic), per_day=2)
    with pytest.raises(QuotaExceeded) as refused:
        quotas.take("client", 0, 0, monotonic)
    part = DAY / PARTS
    assert 3600 <= refused.value.retry_after.total_seconds() <= 3600 + 2 * part
    quotas.take("client", 0, 0, monotonic + 3600 + 2 * part)


async def test_what_is_too_old_is_not_even_looked_at() -> None:
    store = ModelStore()
    await kept(store, BEGINNING - timedelta(days=1, minutes=30))
    quotas = await recalled(store, SetClock(BEGINNING), per_day=1)
    quotas.take("client", 0, 0, 0.0)
    assert quotas.heard_up_to == 1


@virtual
async def test_a_storage_that_fails_is_asked_until_it_answers() -> None:
    store = ModelStore()
    await kept(store, BEGINNING)
    store.is_failing = True
    asyncio.get_running_loop().call_later(10, setattr, store, "is_failing", False)
    quotas = await recalled(store, VirtualClock(), per_minute=1)
    with pytest.raises(QuotaExceeded):
        quotas.take("client", 0, 0, 10.0)


class OtherGateways:
    """A feed that tells what others accepted, all of one client."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    async def handed_in(self, after: int) -> tuple[int, Mapping[str, int]]:
        told = [seq for seq in self.seqs if seq > after]
        return max(self.seqs), {"client": len(told)} if told else {}


async def test_each_message_of_another_gateway_is_heard_of_once() -> None:
    store, feed, clock = ModelStore(), OtherGateways(), SetClock(BEGINNING)
    await kept(store, BEGINNING)
    quotas = await recalled(store, clock, per_minute=3)
    quotas.is_shared = True
    feed.seqs = [1, 2]
    for _ in range(3):
        await usage.hear(quotas, feed, clock)  # type: ignore[arg-type] - it has what is asked for
    quotas.arrived(quotas.take("client", 0, 0, 0.0), 3)
    feed.seqs = [1, 2, 3]
    await usage.hear(quotas, feed, clock)  # type: ignore[arg-type] - it has what is asked for
    with pytest.raises(QuotaExceeded):
        quotas.take("client", 0, 0, 59.0)
    quotas.take("client", 0, 0, 62.0)
