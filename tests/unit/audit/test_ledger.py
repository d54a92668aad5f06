"""Refusals reach the log: each of them, in few lines, and whatever the storage does meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit import ledger, tallies
from gateway.audit.floods import FULL_OF_A_KIND, WINDOW
from gateway.audit.ledger import Ledger
from gateway.audit.lines import to_json_line
from gateway.audit.search import search, tail
from gateway.model import Caller, Grant, Origin, Permission, Record
from gateway.store.base import AuditReader
from gateway.store.sqlite import open_sqlite
from tests.support import virtual_time
from tests.support.model_store import ModelStore
from tests.support.virtual_time import VirtualClock

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.elapsed = timedelta()

    def now(self) -> datetime:
        return BEGIN + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed.total_seconds()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture
def book(store: ModelStore, clock: TurnedClock) -> Ledger:
    return Ledger(store, clock)


def refusal(at: datetime = BEGIN, **fields: str) -> Record:
    plain = Record(
        at=at,
        event="call.refused",
        decision="deny",
        reason="no_token",
        verified=False,
        address="192.0.2.1",
        method="/chatkey.v1.MessagingGateway/SendMessage",
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


async def every(store: AuditReader) -> list[Record]:
    return [record for _, record in await store.records(limit=1_000_000)]


async def test_refusals_are_written_in_order(book: Ledger, store: ModelStore) -> None:
    refusals = [refusal(error_id=f"e{number}") for number in range(7)]
    for record in refusals:
        book.refused(record)
    assert store.log == []
    await book.flush()
    assert store.log == refusals
    await book.flush()
    assert len(store.log) == 7


async def test_beyond_a_hundred_equal_ones_the_rest_is_one_record(
    book: Ledger, store: ModelStore, clock: TurnedClock
) -> None:
    for number in range(250):
        clock.elapsed = timedelta(milliseconds=number)
        book.refused(refusal(at=clock.now(), error_id=f"e{number}"))
    await book.flush()
    assert len(store.log) == FULL_OF_A_KIND
    clock.elapsed = WINDOW
    await book.flush()
    assert store.log[FULL_OF_A_KIND:] == [
        Record(
            at=BEGIN + timedelta(milliseconds=249),
            event="call.refused",
            decision="deny",
            reason="no_token",
            verified=False,
            address="192.0.2.1",
            method="/chatkey.v1.MessagingGateway/SendMessage",
            count=150,
            facts={
                "aggregated": True,
                "first_at": "2026-01-02T03:04:05.100Z",
                "last_at": "2026-01-02T03:04:05.249Z",
            },
        )
    ]


async def test_what_is_counted_stays_what_it_was(book: Ledger, store: ModelStore) -> None:
    for _ in range(FULL_OF_A_KIND + 2):
        book.refused(refusal(event="operator.refused"))
    await book.close()
    assert [(record.event, record.count) for record in store.log[-2:]] == [
        ("operator.refused", 1), ("operator.refused", 2),
    ]  # fmt: skip


async def test_the_next_window_begins_anew(book: Ledger, store: ModelStore, clock: TurnedClock) -> None:
    for _ in range(FULL_OF_A_KIND + 1):
        book.refused(refusal())
    clock.elapsed = WINDOW
    for _ in range(3):
        book.refused(refusal())
    await book.flush()
    assert [record.count for record in store.log] == [1] * (FULL_OF_A_KIND + 1) + [1] * 3
    assert Counter("aggregated" in record.facts for record in store.log) == {False: FULL_OF_A_KIND + 3, True: 1}


@pytest.mark.parametrize("field", ["address", "reason", "method", "event"])
async def test_the_first_of_every_kind_is_written_in_full(book: Ledger, store: ModelStore, field: str) -> None:
    for _ in range(1000):
        book.refused(refusal())
    other = refusal(**{field: "another"})
    book.refused(other)
    await book.flush()
    assert store.log[-1] == other


async def test_row_46_a_clients_flood_hides_no_refusal_of_another(book: Ledger, store: ModelStore) -> None:
    mine, other = refusal(client="svc:a"), refusal(client="svc:b")
    for _ in range(1000):
        book.refused(replace(mine, verified=True))
    book.refused(replace(other, verified=True))
    # Whoever only says that it is somebody is of one kind with everybody.
    for number in range(1000):
        book.refused(refusal(client=f"svc:{number}"))
    await book.close()
    assert replace(other, verified=True) in store.log
    counts = {(record.client, record.verified): record.count for record in store.log if record.facts}
    assert counts == {("svc:a", True): 1000 - FULL_OF_A_KIND, ("", False): 1000 - FULL_OF_A_KIND}


def a_caller(client: str = "svc:a", method: str = "/Get") -> Caller:
    return Caller(
        client=client,
        token_id=f"of {client}",
        key_id="k",
        issuer="iss",
        grants=(Grant(chat_id=-1001, permissions=frozenset(Permission)),),
        issued_at=BEGIN,
        expires_at=BEGIN + timedelta(hours=1),
        origin=Origin(method=method, address="192.0.2.1", call_id="c1"),
    )


async def test_calls_that_are_let_in_are_counted_by_who_called_what(
    book: Ledger, store: ModelStore, clock: TurnedClock
) -> None:
    book.let_in(a_caller("svc:b"))
    for _ in range(1000):
        clock.elapsed += timedelta(milliseconds=1)
        book.let_in(a_caller())
    await book.flush()
    assert store.log == []
    clock.elapsed = WINDOW
    book.let_in(a_caller())
    await book.flush()
    assert [(record.client, record.count) for record in store.log] == [("svc:b", 1), ("svc:a", 1000)]
    assert store.log[1] == Record(
        at=BEGIN + timedelta(seconds=1),
        event="call.allowed",
        decision="allow",
        client="svc:a",
        token_id="of svc:a",
        key_id="k",
        issuer="iss",
        address="192.0.2.1",
        method="/Get",
        chat_id=-1001,
        count=1000,
        facts={"aggregated": True, "first_at": "2026-01-02T03:04:05.001Z", "last_at": "2026-01-02T03:04:06.000Z"},
    )
    await book.close()
    assert store.log[2].count == 1


async def test_of_more_kinds_than_can_be_told_apart_the_number_is_known(book: Ledger, store: ModelStore) -> None:
    book.let_in(a_caller())
    await book.close()
    for number in range(2 * tallies.KINDS):
        book.let_in(a_caller(f"svc:{number}"))
    assert book.unwritten == 0
    await book.close()
    assert len(store.log) == 1 + tallies.KINDS + 1
    assert (store.log[-1].count, store.log[-1].reason, store.log[-1].verified) == (tallies.KINDS, "other", False)


async def test_row_46_a_flood_from_one_address_fills_no_disk_and_no_refusal_is_missing(
    store: ModelStore, clock: TurnedClock
) -> None:
    book = Ledger(store, clock)
    for _ in range(100_000):
        book.refused(refusal())
    await book.close()
    assert written(store.log) < 1_000_000
    assert sum(record.count for record in store.log) == 100_000


async def test_row_46_a_flood_from_everywhere_fills_no_disk_and_hides_nothing(tmp_path: Path) -> None:
    clock = TurnedClock()
    async with open_sqlite(tmp_path / "chatkey.db") as store:
        book = Ledger(store, clock)
        hidden = refusal(address="203.0.113.9", reason="chat_mismatch")
        for number in range(50_000):
            book.refused(refusal(address=f"2001:db8::{number % 20_000:x}", method=f"/{number}"))
            if number == 400:
                book.refused(hidden)
        for _ in range(50_000):
            book.refused(refusal(reason="bad_signature"))
        await book.close()
        log = await every(store)
    assert written(log) < 1_000_000
    assert sum(record.count for record in log) == 100_001
    assert hidden in log


def written(log: list[Record]) -> int:
    return sum(len(to_json_line(seq, record)) + 1 for seq, record in enumerate(log, 1))


async def test_while_the_storage_fails_refusals_are_kept_and_counted(
    book: Ledger, store: ModelStore, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "WAITING", 40)
    store.is_failing = True
    for number in range(5_000):
        clock.elapsed += timedelta(milliseconds=50)
        book.refused(refusal(at=clock.now(), address=f"192.0.2.{number % 8}"))
        if number % 10 == 0:
            await book.flush()
    assert store.log == []
    assert book.unwritten == 5_000
    store.is_failing = False
    await book.close()
    assert book.unwritten == 0
    assert sum(record.count for record in store.log) == 5_000
    assert len(store.log) < 100


async def test_whoever_asked_is_told_whether_the_log_can_be_written(store: ModelStore, clock: TurnedClock) -> None:
    told: list[bool] = []
    book = Ledger(store, clock, on_state=told.append)
    await book.flush()
    assert told == []
    store.is_failing = True
    book.refused(refusal())
    await book.flush()
    assert told == [False]
    store.is_failing = False
    await book.flush()
    assert told == [False, True]


async def test_a_cancelled_flush_writes_nothing_twice(tmp_path: Path, clock: TurnedClock) -> None:
    async with open_sqlite(tmp_path / "chatkey.db") as store:
        book = Ledger(store, clock)
        refusals = [refusal(error_id=f"e{number}") for number in range(50)]
        for record in refusals:
            book.refused(record)
        flushing = asyncio.ensure_future(book.flush())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        flushing.cancel()
        await book.close()
        assert await every(store) == refusals


def test_run_writes_what_waits_again_and_again(store: ModelStore) -> None:
    async def main() -> list[int]:
        book = Ledger(store, VirtualClock())
        running = asyncio.ensure_future(book.run(every=timedelta(seconds=1)))
        written = []
        for _ in range(3):
            book.refused(refusal())
            await asyncio.sleep(1.5)
            written.append(len(store.log))
        running.cancel()
        return written

    assert virtual_time.run(main()) == [1, 2, 3]


async def test_search_yields_the_newest_oldest_first(store: ModelStore) -> None:
    await store.record([refusal(client=f"c{number % 2}", error_id=f"e{number}") for number in range(10)])
    found = [(seq, record.error_id) async for seq, record in search(store, 3, client="c1")]
    assert found == [(6, "e5"), (8, "e7"), (10, "e9")]


async def test_tail_goes_on_with_what_comes(store: ModelStore) -> None:
    await store.record([refusal(error_id=f"e{number}") for number in range(5)])
    seen = []
    async for seq, _ in tail(store, 2, timedelta()):
        seen.append(seq)
        if seq == 5:
            await store.record([refusal()] * 1200)
        if seq == 1205:
            break
    assert seen == list(range(4, 1206))


async def test_tail_of_an_empty_log_waits(store: ModelStore) -> None:
    lines = tail(store, 10, timedelta())
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    await store.record([refusal()])
    assert (await first)[0] == 1
    await lines.aclose()
