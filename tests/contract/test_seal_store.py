"""What `gateway.store.seals` promises, of every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model import Record
from gateway.store.seals import Checkpoint, Head
from gateway.store.sqlite import SqliteStore, open_sqlite, open_sqlite_in_memory

NOW = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite-memory":
            yield await stack.enter_async_context(open_sqlite_in_memory())
        elif request.param == "postgres":
            yield await stack.enter_async_context(request.getfixturevalue("postgres").opened())
        else:
            yield await stack.enter_async_context(open_sqlite(tmp_path / "data" / "chatkey.db"))


def link(seq: int) -> bytes:
    return bytes([seq]) * 32


def a_checkpoint(number: int, seq: int) -> Checkpoint:
    at = NOW + timedelta(minutes=number)
    return Checkpoint(number=number, at=at, seq=seq, link=link(seq), key_id="audit-1", signature=bytes([number]) * 64)


async def fill(store: SqliteStore, count: int = 6) -> None:
    """As many records, all of them sealed, and a checkpoint after each two."""
    await store.seals.head(lambda: "chain")
    await store.record([Record(at=NOW, event=f"e{number}", decision="deny") for number in range(1, count + 1)])
    await store.seals.seal([(seq, link(seq)) for seq in range(1, count + 1)])
    for number in range(1, count // 2 + 1):
        await store.seals.keep_checkpoint(a_checkpoint(number, 2 * number))


async def numbers(store: SqliteStore) -> list[int]:
    return [seq for seq, _ in await store.records()]


async def test_an_empty_log_has_no_chain_and_nothing_archived(store: SqliteStore) -> None:
    seals = store.seals
    assert (await seals.chain(), await seals.last_numbered(), await seals.last_checkpoint()) == (None, 0, 0)
    assert await seals.archived_until() == 0
    assert await seals.head(lambda: "first") == Head(chain="first", seq=0, link=None)
    assert await seals.head(lambda: "second") == Head(chain="first", seq=0, link=None)
    assert await seals.chain() == "first"


async def test_links_and_checkpoints_are_kept_as_given(store: SqliteStore) -> None:
    await fill(store)
    assert await store.seals.links(2, 3) == [(seq, link(seq)) for seq in (3, 4, 5)]
    assert await store.seals.checkpoints(1, 10) == [a_checkpoint(2, 4), a_checkpoint(3, 6)]
    assert await store.seals.last_checkpoint() == 3
    assert await store.seals.head(lambda: "") == Head(chain="chain", seq=6, link=link(6))


async def test_what_is_archived_is_gone_and_its_last_checkpoint_stays(store: SqliteStore) -> None:
    await fill(store)
    assert await store.seals.archive(0, a_checkpoint(2, 4))
    assert await store.seals.archived_until() == 2
    assert await numbers(store) == [5, 6]
    assert await store.seals.links(0, 10) == [(5, link(5)), (6, link(6))]
    assert await store.seals.checkpoints(0, 10) == [a_checkpoint(2, 4), a_checkpoint(3, 6)]
    assert await store.seals.last_numbered() == 6


async def test_the_chain_goes_on_where_it_was_when_all_of_it_is_archived(store: SqliteStore) -> None:
    await fill(store)
    assert await store.seals.archive(0, a_checkpoint(3, 6))
    assert await numbers(store) == []
    assert await store.seals.head(lambda: "another") == Head(chain="chain", seq=6, link=link(6))
    assert await store.seals.last_checkpoint() == 3
    await store.record([Record(at=NOW, event="e7", decision="deny")])
    assert await numbers(store) == [7]


async def test_only_one_of_two_who_archive_at_once_removes_anything(store: SqliteStore) -> None:
    await fill(store)
    assert await store.seals.archive(0, a_checkpoint(1, 2))
    assert not await store.seals.archive(0, a_checkpoint(2, 4))
    assert await numbers(store) == [3, 4, 5, 6]
    assert await store.seals.archive(1, a_checkpoint(2, 4))
    assert await numbers(store) == [5, 6]
