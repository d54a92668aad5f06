"""A storage that fails: callers are told, nothing is half-written, and it works again once the fault is gone."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import apsw
import pytest

from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import State
from gateway.store.base import Store
from gateway.store.sqlite import SqliteStore, open_sqlite, open_sqlite_in_memory, read_sqlite
from tests.support.faulty_files import FaultyFiles
from tests.support.messages import NOW, a_message, a_record

_names = count()

FAULTS = [
    pytest.param(apsw.FullError, {"xWrite"}, id="disk full"),
    pytest.param(apsw.IOError, {"xWrite"}, id="write fails"),
    pytest.param(apsw.IOError, {"xSync"}, id="sync fails"),
    pytest.param(apsw.IOError, {"xWrite", "xSync", "xRead", "xTruncate", "xOpen"}, id="disk gone"),
    pytest.param(apsw.ReadOnlyError, {"xWrite", "xTruncate"}, id="read-only"),
]


@pytest.fixture
def files() -> Iterator[FaultyFiles]:
    files = FaultyFiles(f"faulty-{next(_names)}")
    yield files
    files.unregister()


@pytest.fixture
async def store(files: FaultyFiles, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(tmp_path / "chatkey.db", vfs=files.name) as store:
        yield store
        files.failing = ()


async def add(store: Store, request_id: str = "") -> str:
    message = a_message(request_id=request_id)
    return (await store.add(message, a_record(message))).id


async def add_until_refused(store: Store) -> None:
    for _ in range(1000):
        await add(store)


async def test_the_storage_is_said_to_work_again_once_it_has_taken_something(
    store: SqliteStore, files: FaultyFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.fault, files.failing = apsw.FullError, {"xWrite"}
    with pytest.raises(NotDurable):
        await add(store)
    assert await store.start("of no message", NOW) is None
    assert "the storage works again" not in caplog.text
    files.failing = ()
    await add(store)
    assert "the storage works again" in caplog.text


@pytest.mark.parametrize(("fault", "failing"), FAULTS)
async def test_a_fault_is_told_keeps_nothing_and_passes(
    store: SqliteStore, files: FaultyFiles, tmp_path: Path, fault: type[apsw.Error], failing: set[str]
) -> None:
    first = a_message()
    kept = await store.add(first, a_record(first))
    files.fault, files.failing = fault, failing
    for _ in range(3):
        with pytest.raises(NotDurable):
            await add(store, request_id="r1")
    with pytest.raises(NotDurable):
        await store.start(kept.id, NOW)
    with pytest.raises(NotDurable):
        await store.save(replace(kept, state=State.CANCELLED), (State.QUEUED, 0), a_record(kept))
    with pytest.raises(AuditUnavailable):
        await store.record([a_record(kept)])
    files.failing = ()
    assert await store.get(kept.id) == kept
    assert len(await store.records()) == 1
    last = await add(store, request_id="r1")
    assert [pending.id for pending in await store.unfinished()] == [kept.id, last]
    await store.close()
    async with read_sqlite(tmp_path / "chatkey.db") as again:
        assert [pending.seq for pending in await again.unfinished()] == [1, 2]
        assert [seq for seq, _ in await again.records()] == [1, 2]


async def test_all_callers_of_one_commit_are_told(store: SqliteStore, files: FaultyFiles) -> None:
    files.failing = {"xSync"}
    results = await asyncio.gather(*(add(store) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {NotDurable}
    files.failing = ()
    assert await store.unfinished() == []


async def test_the_operator_learns_of_a_fault_once_and_of_its_end(
    store: SqliteStore, files: FaultyFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.failing = {"xSync"}
    for _ in range(3):
        with pytest.raises(NotDurable):
            await add(store)
    files.failing = ()
    await add(store)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


async def test_a_read_fault_is_told_and_passes(files: FaultyFiles, tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "chatkey.db", vfs=files.name) as store:
        message_id = await add(store)
    async with open_sqlite(tmp_path / "chatkey.db", vfs=files.name) as store:
        files.failing = {"xRead"}
        with pytest.raises(NotDurable):
            await store.get(message_id)
        with pytest.raises(AuditUnavailable):
            await store.records()
        files.failing = ()
        assert await store.get(message_id) is not None


async def test_a_close_lets_go_although_the_storage_fails(files: FaultyFiles, tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "chatkey.db", vfs=files.name) as store:
        message_id = await add(store)
        files.failing = {"xWrite", "xSync", "xTruncate"}
    files.failing = ()
    async with open_sqlite(tmp_path / "chatkey.db", vfs=files.name) as store:
        assert await store.get(message_id) is not None


async def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    """The kernel refuses the write, as it does when a quota is used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with open_sqlite(tmp_path / "chatkey.db") as store:
        kept = await add(store)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            with pytest.raises(NotDurable):
                await add_until_refused(store)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        last = await add(store)
        unfinished = [pending.id for pending in await store.unfinished()]
        assert (unfinished[0], unfinished[-1]) == (kept, last)
        assert len(await store.records(limit=2000)) == len(unfinished)


async def test_a_database_that_may_not_grow_keeps_all_or_nothing() -> None:
    async with open_sqlite_in_memory() as store:
        await store._reader.run(lambda connection: connection.pragma("max_page_count", 60))
        with pytest.raises(NotDurable):
            await add_until_refused(store)
        kept = await store.unfinished()
        assert [pending.seq for pending in kept] == list(range(1, len(kept) + 1))
        assert [seq for seq, _ in await store.records(limit=2000)] == list(range(1, len(kept) + 1))
        await store._reader.run(lambda connection: connection.pragma("max_page_count", 1000))
        assert await add(store)


async def test_a_request_that_is_wrong_takes_no_other_along(store: SqliteStore) -> None:
    first = a_message()
    await store.add(first, a_record(first))
    twice = replace(first, request_id="another")
    results = await asyncio.gather(
        add(store, "r1"), store.add(twice, a_record(twice)), add(store, "r2"), return_exceptions=True
    )
    assert [type(result) for result in results] == [str, apsw.ConstraintError, str]
    assert [pending.seq for pending in await store.unfinished()] == [1, 2, 3]
    assert [seq for seq, _ in await store.records()] == [1, 2, 3]


async def test_a_caller_that_stops_waiting_takes_nothing_back(store: SqliteStore) -> None:
    adding = asyncio.ensure_future(add(store, "r1"))
    await asyncio.sleep(0)
    adding.cancel()
    await add(store, "r2")
    assert [pending.seq for pending in await store.unfinished()] == [1, 2]
