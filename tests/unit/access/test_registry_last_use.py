"""The last use is written now and then, never for a call, and never goes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.access.last_use import EVERY, MOST, MOST_WAITING, LastUse
from gateway.errors import NotDurable
from gateway.store.registry import Uses
from tests.support.virtual_time import virtual
from tests.unit.access.forge import NOW

SECOND = timedelta(seconds=1)


class Notes:
    """A store that keeps what it is told, unless it fails."""

    def __init__(self) -> None:
        self.written: list[Uses] = []
        self.fails = False

    async def note(self, uses: Uses) -> None:
        if self.fails:
            raise NotDurable
        self.written.append(uses)


def noted() -> tuple[Notes, LastUse]:
    store = Notes()
    return store, LastUse(store)  # type: ignore[arg-type]


@virtual
async def test_a_thousand_calls_of_a_client_are_one_write() -> None:
    store, last_use = noted()
    running = asyncio.create_task(last_use.run())
    for number in range(1000):
        last_use.seen("svc:a", NOW + number * SECOND, "::1")
        last_use.accessed(-1001, NOW + number * SECOND)
    await asyncio.sleep(EVERY.total_seconds() - 1)
    assert store.written == []
    await asyncio.sleep(2)
    latest = NOW + 999 * SECOND
    assert store.written == [Uses(seen={"svc:a": (latest, "::1")}, denied={}, accessed={-1001: latest})]
    running.cancel()


@virtual
async def test_nothing_noted_is_nothing_written() -> None:
    store, last_use = noted()
    running = asyncio.create_task(last_use.run())
    await asyncio.sleep(10 * EVERY.total_seconds())
    await last_use.flush()
    assert store.written == []
    running.cancel()


@virtual
async def test_many_are_written_before_their_time() -> None:
    store, last_use = noted()
    running = asyncio.create_task(last_use.run())
    for number in range(MOST):
        last_use.denied(f"svc:{number}", NOW, "::1")
    await asyncio.sleep(2)
    assert [len(uses.denied) for uses in store.written] == [MOST]
    await asyncio.sleep(10 * EVERY.total_seconds())
    assert len(store.written) == 1
    running.cancel()


@virtual
async def test_it_ends_when_told_to_even_at_the_moment_in_which_it_is_full() -> None:
    for turns in range(4):
        _, last_use = noted()
        running = asyncio.create_task(last_use.run())
        await asyncio.sleep(1)
        for number in range(MOST):
            last_use.seen(f"svc:{number}", NOW, "::1")
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running], timeout=10 * EVERY.total_seconds())
        assert running.cancelled(), turns


@virtual
async def test_a_clock_that_goes_back_makes_no_use_older() -> None:
    store, last_use = noted()
    last_use.seen("svc:a", NOW, "::1")
    last_use.seen("svc:a", NOW - SECOND, "::2")
    await last_use.flush()
    assert store.written[0].seen == {"svc:a": (NOW, "::1")}


@virtual
async def test_what_could_not_be_written_is_written_later_unless_there_is_later_use() -> None:
    store, last_use = noted()
    store.fails = True
    for client in ("svc:a", "svc:b"):
        last_use.seen(client, NOW, "::1")
        last_use.denied(client, NOW, "::1")
    last_use.accessed(-1001, NOW)
    await last_use.flush()
    last_use.seen("svc:a", NOW + SECOND, "::2")
    store.fails = False
    await last_use.flush()
    assert store.written == [
        Uses(
            seen={"svc:a": (NOW + SECOND, "::2"), "svc:b": (NOW, "::1")},
            denied={"svc:a": (NOW, "::1"), "svc:b": (NOW, "::1")},
            accessed={-1001: NOW},
        )
    ]


@virtual
async def test_a_storage_that_fails_is_not_asked_for_each_call_and_memory_has_a_bound() -> None:
    store, last_use = noted()
    store.fails = True
    running = asyncio.create_task(last_use.run())
    for number in range(2 * MOST_WAITING):
        last_use.seen(f"svc:{number}", NOW, "::1")
    last_use.seen("svc:0", NOW + SECOND, "::1")
    await asyncio.sleep(5)
    store.fails = False
    await asyncio.sleep(2)
    (uses,) = store.written
    assert len(uses.seen) == MOST_WAITING
    assert uses.seen["svc:0"] == (NOW + SECOND, "::1")
    running.cancel()
