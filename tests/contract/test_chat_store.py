"""What `gateway.store.chats` promises, of every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import NotDurable
from gateway.model import Record
from gateway.store.base import Store
from gateway.store.chat_sqlite import open_chats
from gateway.store.chats import ChatStates, Closure, Move
from gateway.store.sqlite import open_sqlite, open_sqlite_in_memory
from tests.support.messages import NOW
from tests.support.model_store import ModelStore

MOVE = Move(chat_id=-5, new_chat_id=-1_000_000_000_005, approved=False, noticed_at=NOW)
CLOSURE = Closure(
    chat_id=7, closed_at=NOW, until=NOW + timedelta(minutes=15), description="Forbidden: blöcked", code=403
)


@pytest.fixture(params=["model", "sqlite-memory", "sqlite-file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "model":
                yield ModelStore()
            case "sqlite-memory":
                yield await stack.enter_async_context(open_sqlite_in_memory())
            case "postgres":
                yield await stack.enter_async_context(request.getfixturevalue("postgres").opened())
            case _:
                yield await stack.enter_async_context(open_sqlite(tmp_path / "data" / "chatkey.db"))


def record(event: str) -> Record:
    return Record(at=NOW, event=event, decision="allow", chat_id=-5)


async def log(store: Store) -> list[str]:
    return [record.event for _, record in await store.records()]


async def states(store: Store, after: int = -1) -> ChatStates:
    found = await store.chats.chat_states(after)
    assert found is not None
    return found


async def test_at_first_nothing_is_known_and_that_is_a_revision(store: Store) -> None:
    first = await states(store)
    assert (first.moves, first.closures) == ([], [])
    assert await store.chats.chat_states(first.revision) is None


async def test_a_move_is_kept_as_given_with_its_record(store: Store) -> None:
    before = await states(store)
    assert await store.chats.add_move(MOVE, record("chat.migrated")) == MOVE
    after = await states(store, before.revision)
    assert after.moves == [MOVE]
    assert after.revision > before.revision
    assert await log(store) == ["chat.migrated"]


async def test_the_first_move_of_a_chat_stays(store: Store) -> None:
    await store.chats.add_move(MOVE, record("chat.migrated"))
    elsewhere = replace(MOVE, new_chat_id=-1_000_000_000_006, approved=True)
    assert await store.chats.add_move(elsewhere, record("chat.migrated")) == MOVE
    found = await states(store)
    assert found.moves == [MOVE]
    assert await store.chats.chat_states(found.revision) is None
    assert len(await log(store)) == 1


async def test_a_move_is_approved_once(store: Store) -> None:
    await store.chats.add_move(MOVE, record("chat.migrated"))
    before = await states(store)
    approved = replace(MOVE, approved=True)
    assert await store.chats.approve_move(-5, record("chat.approved")) == approved
    assert (await states(store, before.revision)).moves == [approved]
    assert await store.chats.approve_move(-5, record("chat.approved")) is None
    assert await store.chats.approve_move(-6, record("chat.approved")) is None
    assert await log(store) == ["chat.migrated", "chat.approved"]


async def test_a_closure_is_kept_until_the_chat_is_opened(store: Store) -> None:
    await store.chats.close_chat(CLOSURE, record("chat.closed"))
    later = replace(CLOSURE, until=CLOSURE.until + timedelta(hours=1), code=400)
    await store.chats.close_chat(later, record("chat.closed"))
    found = await states(store)
    assert found.closures == [later]
    assert await store.chats.open_chat(7, record("chat.opened"))
    assert (await states(store, found.revision)).closures == []
    assert not await store.chats.open_chat(7, record("chat.opened"))
    assert await log(store) == ["chat.closed", "chat.closed", "chat.opened"]


async def test_chats_come_in_order(store: Store) -> None:
    for chat_id in (-3, -9, -6):
        await store.chats.add_move(replace(MOVE, chat_id=chat_id), record("chat.migrated"))
        await store.chats.close_chat(replace(CLOSURE, chat_id=chat_id), record("chat.closed"))
    found = await states(store)
    assert [move.chat_id for move in found.moves] == [-9, -6, -3]
    assert [closure.chat_id for closure in found.closures] == [-9, -6, -3]


async def test_a_store_that_was_closed_keeps_no_chats(store: Store) -> None:
    await store.close()
    with pytest.raises(NotDurable):
        await store.chats.chat_states()
    with pytest.raises(NotDurable):
        await store.chats.add_move(MOVE, record("chat.migrated"))
    with pytest.raises(NotDurable):
        await store.chats.open_chat(7, record("chat.opened"))


async def test_a_command_beside_the_server_changes_what_the_server_reads(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    async with open_sqlite(path) as server, open_chats(path) as command:
        await server.chats.add_move(MOVE, record("chat.migrated"))
        before = await states(server)
        assert await command.approve_move(-5, record("chat.approved")) is not None
        assert (await states(server, before.revision)).moves == [replace(MOVE, approved=True)]
        await server.chats.close_chat(CLOSURE, record("chat.closed"))
        assert [seq for seq, _ in await server.records()] == [1, 2, 3]
