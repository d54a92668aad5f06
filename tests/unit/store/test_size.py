"""The database has a bound: what was freed is used again, and from a given size on no message is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import NotDurable
from gateway.model import Message, State
from gateway.store import operations
from gateway.store.base import Store
from gateway.store.opening import open_writing
from gateway.store.rows import message_row, microseconds, record_row
from gateway.store.sqlite import open_sqlite
from tests.support.messages import NOW, a_message, a_record

KIB = b"x" * 1024
LATER = NOW + timedelta(days=9)


async def add(store: Store, count: int, **fields: object) -> list[Message]:
    messages = [a_message(content=KIB, **fields) for _ in range(count)]
    return [await store.add(message, a_record(message)) for message in messages]


async def test_a_full_database_takes_no_message_and_goes_on_with_those_that_it_has(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "data" / "chatkey.db", max_bytes=1 << 20) as store:
        [first] = await add(store, 1, request_id="r1")
        with pytest.raises(NotDurable, match="as large as it may be"):
            await add(store, 2000)
        started = await store.start(first.id, NOW)
        assert started is not None
        repeat = a_message(request_id="r1")
        assert await store.add(repeat, a_record(repeat)) == started
        done = replace(started, state=State.DELIVERED, finished_at=NOW)
        assert await store.save(done, (State.SENDING, 1), a_record(done, event="message.delivered"))


async def test_a_database_that_was_full_is_full_at_the_next_start(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "data" / "chatkey.db") as store:
        await add(store, 100)
    async with open_sqlite(tmp_path / "data" / "chatkey.db", max_bytes=100_000) as store:
        with pytest.raises(NotDurable):
            await add(store, 1)


async def test_forgotten_messages_make_room(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "data" / "chatkey.db", max_bytes=1 << 20) as store:
        with pytest.raises(NotDurable):
            await add(store, 2000, state=State.DELIVERED, finished_at=NOW)
        while await store.forget(LATER, LATER, 100):
            pass
        await add(store, 100)


def test_what_was_settled_anew_since_it_was_found_is_not_removed() -> None:
    database = open_writing("")
    message = a_message(state=State.DELIVERED, finished_at=NOW)
    database.begin()
    added = operations.add(message_row(message), record_row(a_record(message)), database)
    assert isinstance(added, operations.Added)
    assert operations.forget(microseconds(NOW), [(added.seq,)], database) == 0
    assert operations.forget(microseconds(NOW) + 1, [(added.seq,)], database) == 1
    database.close()


async def test_the_file_does_not_grow_while_as_much_is_forgotten_as_comes(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    sizes = []
    for _ in range(4):
        async with open_sqlite(path) as store:
            await add(store, 500, state=State.DELIVERED, finished_at=NOW)
            while await store.forget(LATER, LATER, 200):
                pass
        sizes.append(path.stat().st_size)
    a_round_of_records = 500 * 600
    assert sizes[-1] - sizes[0] < 3 * a_round_of_records, "only the audit log grows"
