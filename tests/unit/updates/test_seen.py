"""Chats of which was heard are known by what they are called, without a write for each update."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.store.updates import SeenChat
from gateway.updates import seen as module
from gateway.updates.intake import Intake
from gateway.updates.retention import Retention
from gateway.updates.seen import AGAIN_AFTER, Seen
from tests.support.virtual_time import VirtualClock, virtual
from tests.unit.updates.room import Room


def told(chat_id: int, **chat: Any) -> dict[str, Any]:
    return {"id": chat_id, "type": "group"} | chat


async def names(room: Room) -> list[tuple[int, str]]:
    return [(chat.chat_id, chat.title) for chat in await room.store.updates.seen(100)]


@virtual
async def test_a_chat_is_known_by_its_title_or_its_person_s_name() -> None:
    room = Room()
    seen = Seen(room.store.updates, VirtualClock())
    intake = Intake(room.store.updates, VirtualClock(), on_kept=lambda _: None, on_chat=seen.heard_of)
    chats = [
        told(-1, title="Ops"),
        told(7, type="private", first_name="Ann", last_name="Lee"),
        told(8, type="private", first_name="B\0ob", username="bob"),
        told(-2, title=""),
        told(-3, title=5),
        told(-4, type="other", title="?"),
        told(-5, type=None, title="?"),
    ]
    await intake.take([{"update_id": number, "message": {"chat": chat}} for number, chat in enumerate(chats)])
    await intake.take([{"update_id": 9, "callback_query": {"id": "1", "message": {"chat": told(-9, title="Nine")}}}])
    await seen.flush()
    assert sorted(await names(room)) == [(-9, "Nine"), (-3, ""), (-2, ""), (-1, "Ops"), (7, "Ann Lee"), (8, "Bob")]


@virtual
async def test_only_what_is_new_is_written() -> None:
    room = Room()
    seen = Seen(room.store.updates, VirtualClock())
    noting = asyncio.create_task(seen.run())
    seen.heard_of(told(-1, title="Ops"), -1)
    await asyncio.sleep(2)
    room.store.updates.seen_chats.clear()
    seen.heard_of(told(-1, title="Ops"), -1)
    await asyncio.sleep(2)
    assert await names(room) == []
    seen.heard_of(told(-1, title="Ops 2"), -1)
    await asyncio.sleep(2)
    assert await names(room) == [(-1, "Ops 2")]
    room.store.updates.seen_chats.clear()
    await asyncio.sleep(AGAIN_AFTER.total_seconds())
    seen.heard_of(told(-1, title="Ops 2"), -1)
    await asyncio.sleep(2)
    assert await names(room) == [(-1, "Ops 2")]
    noting.cancel()


@virtual
async def test_a_storage_that_fails_is_tried_again_and_what_is_known_has_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    room = Room()
    seen = Seen(room.store.updates, VirtualClock())
    noting = asyncio.create_task(seen.run())
    room.store.is_failing = True
    for chat_id in range(1, 6):
        seen.heard_of(told(chat_id, title=str(chat_id)), chat_id)
    await asyncio.sleep(5)
    room.store.is_failing = False
    await asyncio.sleep(2)
    assert len(await names(room)) == 5
    assert len(seen._noted) <= 3
    noting.cancel()


@virtual
async def test_names_are_forgotten_with_what_was_written() -> None:
    room = Room()
    seen = Seen(room.store.updates, VirtualClock())
    seen.heard_of(told(7, type="private", first_name="Ann"), 7)
    await seen.flush()
    await asyncio.sleep(3600)
    seen.heard_of(told(8, type="private", first_name="Bob"), 8)
    await seen.flush()
    await asyncio.sleep(1800)
    await Retention(room.store.updates, VirtualClock(), timedelta(hours=1)).forget()
    assert await names(room) == [(8, "Bob")]


@virtual
async def test_what_is_called_otherwise_while_it_is_kept_is_kept_next() -> None:
    room = Room()
    seen = Seen(room.store.updates, VirtualClock())
    right = room.store.updates.see

    async def slowly(chats: Sequence[SeenChat]) -> None:
        await right(chats)
        if chats[0].title == "old":
            seen.heard_of(told(-1, title="new"), -1)

    room.store.updates.see = slowly  # type: ignore[method-assign]
    seen.heard_of(told(-1, title="old"), -1)
    await seen.flush()
    await seen.flush()
    assert await names(room) == [(-1, "new")]
