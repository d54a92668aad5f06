from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.delivery.retention import BATCH, EVERY, PAUSE, SHORTEST, Retention
from gateway.model import State
from gateway.telegram.failures import ChatRefused
from tests.support.messages import a_message, a_record
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, VirtualClock, virtual
from tests.unit.delivery.room import caller, open_room

DAY = timedelta(days=1)


async def ended(store: ModelStore, count: int = 1, **fields: object) -> None:
    for _ in range(count):
        message = a_message(state=State.DELIVERED, **{"finished_at": BEGINNING, "ttl": DAY} | fields)
        await store.add(message, a_record(message))


@pytest.mark.parametrize(
    ("keep", "ttl", "kept_for"),
    [
        (SHORTEST, timedelta(seconds=1), DAY),
        (SHORTEST, 7 * DAY, 7 * DAY),
        (7 * DAY, timedelta(seconds=1), 7 * DAY),
        (30 * DAY, 7 * DAY, 30 * DAY),
    ],
)
@virtual
async def test_a_message_is_kept_as_long_as_set_and_as_it_could_have_lived(
    keep: timedelta, ttl: timedelta, kept_for: timedelta
) -> None:
    store = ModelStore()
    await ended(store, ttl=ttl)
    running = asyncio.create_task(Retention(store, VirtualClock(), keep).run())
    await asyncio.sleep(kept_for.total_seconds())
    assert len(store.messages) == 1
    await asyncio.sleep(EVERY.total_seconds() + 1)
    assert store.messages == {}
    assert len(store.log) == 1
    running.cancel()


@virtual
async def test_a_request_id_is_remembered_until_then_and_is_free_afterwards() -> None:
    async with open_room(learn_every=3600) as room:
        running = asyncio.create_task(Retention(room.store, room.clock, SHORTEST).run())
        first = await room.accept("hi", request_id="r1")
        await asyncio.sleep(23.9 * 3600)
        assert (await room.accept("hi", request_id="r1")).id == first.id
        await asyncio.sleep(3600)
        assert (await room.accept("hi", request_id="r1")).id != first.id
        running.cancel()


@virtual
async def test_what_waits_or_waits_again_is_never_removed() -> None:
    async with open_room(learn_every=3600) as room:
        running = asyncio.create_task(Retention(room.store, room.clock, SHORTEST).run())
        waiting = await room.accept("later", chat_id=2, send_at=BEGINNING + 5 * DAY)
        room.bot.script = [ChatRefused(403, "blocked")]
        failed = await room.settled(await room.accept("hi"))
        await asyncio.sleep(20 * 3600)
        await room.outbox.retry(caller(), failed.id)
        await asyncio.sleep(20 * 3600)
        assert (await room.settled(failed)).state is State.DELIVERED
        assert (await room.settled(waiting, 6 * 86_400)).state is State.DELIVERED
        running.cancel()


@virtual
async def test_it_goes_in_small_steps_with_time_for_others_in_between() -> None:
    steps = []

    class Watched(ModelStore):
        async def forget(self, *arguments: object) -> int:
            count = await super().forget(*arguments)  # type: ignore[arg-type]
            steps.append((asyncio.get_running_loop().time(), count))
            return count

    store = Watched()
    await ended(store, count=3 * BATCH + 1)
    await asyncio.sleep(8 * 86_400)
    assert await Retention(store, VirtualClock(), 7 * DAY).forget() == 3 * BATCH + 1
    assert [count for _, count in steps] == [BATCH, BATCH, BATCH, 1]
    assert steps[1][0] - steps[0][0] == pytest.approx(PAUSE.total_seconds())


@virtual
async def test_a_storage_that_fails_is_tried_again_later() -> None:
    store = ModelStore()
    await ended(store)
    running = asyncio.create_task(Retention(store, VirtualClock(), SHORTEST).run())
    store.is_failing = True
    await asyncio.sleep(3 * 86_400)
    store.is_failing = False
    await asyncio.sleep(EVERY.total_seconds() + 1)
    assert store.messages == {}
    running.cancel()


def test_no_request_id_is_forgotten_within_a_day() -> None:
    with pytest.raises(ValueError, match="remembered"):
        Retention(ModelStore(), VirtualClock(), timedelta(hours=23))
