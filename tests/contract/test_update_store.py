"""What `gateway.store.updates` promises, of every store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import NotDurable
from gateway.model import Update, UpdateKind
from gateway.store.base import Store
from gateway.store.sqlite import open_sqlite, open_sqlite_in_memory
from gateway.store.updates import SeenChat, UpdatePlace
from tests.support.messages import NOW
from tests.support.model_store import ModelStore
from tests.support.updates import an_update, written_at

HOUR = timedelta(hours=1)
SEVEN = [UpdatePlace(7)]


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


async def read(store: Store, *places: UpdatePlace, after: int = 0, kinds: Sequence[UpdateKind] = ()) -> list[Update]:
    return list((await store.updates.page(places or SEVEN, kinds, after, 1000)).updates)


async def test_an_update_is_kept_as_given(store: Store) -> None:
    update = an_update(
        -1_001_234_567_890,
        update_id=2**40,
        kind=UpdateKind.CALLBACK_QUERY,
        message_thread_id=42,
        callback_id="4382bfdwdsb323b2d9",
        received_at=datetime(2031, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
        content=b'{"\\u0000\xff\x00' * 9000,
    )
    kept = await store.updates.add([update])
    assert kept == [replace(update, seq=1)]
    assert await read(store, UpdatePlace(update.chat_id)) == kept


async def test_numbers_rise_in_the_order_given_and_over_calls(store: Store) -> None:
    updates = [an_update(update_id=each) for each in (9, 3, 5)]
    first = await store.updates.add(updates)
    assert [(each.seq, each.update_id) for each in first] == [(1, 9), (2, 3), (3, 5)]
    assert [each.seq for each in await store.updates.add([an_update(update_id=1)])] == [4]
    assert await store.updates.last() == 4
    assert [each.update_id for each in await read(store)] == [9, 3, 5, 1]


async def test_what_is_there_already_is_neither_kept_twice_nor_changed(store: Store) -> None:
    await store.updates.add([an_update(update_id=1, content=b"first"), an_update(update_id=2)])
    new = await store.updates.add([an_update(update_id=1, content=b"second"), an_update(update_id=3)])
    assert [(each.seq, each.update_id) for each in new] == [(3, 3)]
    assert await store.updates.add([an_update(update_id=2)]) == []
    assert [each.content for each in await read(store)] == [b"first", b"{}", b"{}"]
    assert await store.updates.last() == 3


async def test_of_the_same_update_twice_in_one_call_the_first_is_kept(store: Store) -> None:
    new = await store.updates.add(
        [an_update(update_id=1, content=b"a"), an_update(update_id=2), an_update(update_id=1, content=b"b")]
    )
    assert [(each.update_id, each.content) for each in new] == [(1, b"a"), (2, b"{}")]


async def test_calls_at_the_same_time_leave_no_gap_and_keep_nothing_twice(store: Store) -> None:
    calls = [store.updates.add([an_update(update_id=each), an_update(update_id=1000)]) for each in range(20)]
    new = [update for kept in await asyncio.gather(*calls) for update in kept]
    assert sorted(each.seq for each in new) == list(range(1, 22))
    assert len({each.update_id for each in new}) == 21


async def test_nothing_of_another_chat_is_read(store: Store) -> None:
    await store.updates.add([an_update(7), an_update(8), an_update(-7), an_update(7)])
    assert [each.seq for each in await read(store)] == [1, 4]
    assert [each.seq for each in await read(store, UpdatePlace(8), UpdatePlace(-7))] == [2, 3]
    page = await store.updates.page([], [], 0, 10)
    assert (page.updates, page.upto, page.forgotten) == ([], 4, 0)


async def test_of_a_topic_only_what_belongs_to_it_is_read(store: Store) -> None:
    await store.updates.add(
        [an_update(7, message_thread_id=1), an_update(7), an_update(7, message_thread_id=2), an_update(8)]
    )
    assert [each.seq for each in await read(store, UpdatePlace(7, 2))] == [3]
    assert [each.seq for each in await read(store, UpdatePlace(7, 1), UpdatePlace(8))] == [1, 4]
    assert [each.seq for each in await read(store, UpdatePlace(7), UpdatePlace(7, 1), UpdatePlace(7))] == [1, 2, 3]


async def test_a_page_ends_at_its_limit_and_says_where_to_go_on(store: Store) -> None:
    await store.updates.add([an_update(chat) for chat in (7, 8, 7, 8, 7, 9)])
    both = [UpdatePlace(7), UpdatePlace(8), UpdatePlace(8, 3)]
    first = await store.updates.page(both, [], 0, 2)
    assert ([each.seq for each in first.updates], first.upto) == ([1, 2], 2)
    second = await store.updates.page(both, [], first.upto, 2)
    assert ([each.seq for each in second.updates], second.upto) == ([3, 4], 4)
    third = await store.updates.page(both, [], second.upto, 2)
    assert ([each.seq for each in third.updates], third.upto) == ([5], 6)


async def test_only_the_kinds_that_are_asked_for_are_read(store: Store) -> None:
    await store.updates.add([an_update(kind=kind) for kind in UpdateKind])
    asked = [UpdateKind.CALLBACK_QUERY, UpdateKind.CHAT_MEMBER]
    assert [each.kind for each in await read(store, kinds=asked)] == asked
    assert [each.kind for each in await read(store, kinds=list(UpdateKind))] == list(UpdateKind)
    assert [each.kind for each in await read(store)] == list(UpdateKind)


async def test_chats_are_told_of_what_is_new(store: Store) -> None:
    assert await store.updates.chats_after(0) == (0, set())
    await store.updates.add([an_update(chat) for chat in (7, 8, 7, 9)])
    assert await store.updates.chats_after(0) == (4, {7, 8, 9})
    assert await store.updates.chats_after(2) == (4, {7, 9})
    assert await store.updates.chats_after(4) == (4, set())


async def test_a_press_is_found_by_its_id(store: Store) -> None:
    press = an_update(kind=UpdateKind.CALLBACK_QUERY, callback_id="abc")
    kept = await store.updates.add([an_update(), press, an_update(kind=UpdateKind.CALLBACK_QUERY, callback_id="def")])
    assert await store.updates.pressed("abc") == kept[1]
    assert await store.updates.pressed("ab") is None


async def test_what_came_before_is_forgotten_in_order_and_in_bounded_steps(store: Store) -> None:
    await store.updates.add([written_at(NOW + each * HOUR) for each in range(5)])
    assert await store.updates.forget(NOW + 3 * HOUR, 2) == 2
    assert [each.seq for each in await read(store)] == [3, 4, 5]
    assert await store.updates.forget(NOW + 3 * HOUR, 2) == 1
    assert await store.updates.forget(NOW + 3 * HOUR, 2) == 0
    assert [each.seq for each in await read(store)] == [4, 5]
    assert await store.updates.oldest() == 3


async def test_nothing_is_forgotten_before_what_came_earlier_though_a_clock_went_back(store: Store) -> None:
    await store.updates.add([written_at(NOW), written_at(NOW + 9 * HOUR), written_at(NOW + HOUR)])
    assert await store.updates.forget(NOW + 2 * HOUR, 100) == 1
    assert [each.seq for each in await read(store)] == [2, 3]


async def test_a_number_is_not_given_again_when_all_is_forgotten(store: Store) -> None:
    assert (await store.updates.last(), await store.updates.oldest()) == (0, 0)
    await store.updates.add([an_update(update_id=1), an_update(update_id=2)])
    await store.updates.forget(NOW + HOUR, 100)
    assert (await store.updates.last(), await store.updates.oldest()) == (2, 2)
    assert [each.seq for each in await store.updates.add([an_update(update_id=1)])] == [3]
    assert await store.updates.oldest() == 2


async def test_it_is_known_of_each_place_and_kind_what_is_forgotten(store: Store) -> None:
    await store.updates.add(
        [
            an_update(7),
            an_update(8, kind=UpdateKind.CHANNEL_POST),
            an_update(7, message_thread_id=4),
            an_update(7, kind=UpdateKind.EDITED_MESSAGE),
            an_update(8),
        ]
    )

    async def forgotten(*places: UpdatePlace, kinds: Sequence[UpdateKind] = ()) -> int:
        return (await store.updates.page(places, kinds, 0, 10)).forgotten

    assert await forgotten(*SEVEN) == 0
    await store.updates.forget(NOW + HOUR, 4)
    assert await forgotten(*SEVEN) == 4
    assert await forgotten(*SEVEN, kinds=[UpdateKind.MESSAGE]) == 3
    assert await forgotten(UpdatePlace(7, 4)) == 3
    assert await forgotten(UpdatePlace(7, 5)) == 0
    assert await forgotten(UpdatePlace(8)) == 2
    assert await forgotten(UpdatePlace(8), UpdatePlace(7)) == 4
    assert await forgotten(UpdatePlace(9)) == 0
    await store.updates.forget(NOW + HOUR, 4)
    assert await forgotten(UpdatePlace(8)) == 5


def seen(chat_id: int, title: str = "Ops", minutes: int = 0) -> SeenChat:
    return SeenChat(chat_id=chat_id, type="group", title=title, seen_at=NOW + timedelta(minutes=minutes))


async def test_chats_of_which_was_heard_are_known_the_last_one_first(store: Store) -> None:
    await store.updates.see([seen(1), seen(2, minutes=1)])
    await store.updates.see([seen(1, "Öps", minutes=2), seen(3, minutes=-1)])
    assert await store.updates.seen(2) == [seen(1, "Öps", minutes=2), seen(2, minutes=1)]
    assert len(await store.updates.seen(10)) == 3


async def test_chats_of_which_nothing_was_heard_for_long_are_forgotten_and_those_that_are_too_many(
    store: Store,
) -> None:
    await store.updates.see([seen(each, minutes=each) for each in range(1, 7)])
    await store.updates.forget_seen(NOW + timedelta(minutes=3), 100)
    assert [chat.chat_id for chat in await store.updates.seen(10)] == [6, 5, 4, 3]
    await store.updates.forget_seen(NOW, 2)
    assert [chat.chat_id for chat in await store.updates.seen(10)] == [6, 5]


async def test_a_store_that_is_closed_keeps_and_tells_nothing(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "data" / "chatkey.db") as store:
        pass
    with pytest.raises(NotDurable):
        await store.updates.add([an_update()])
    with pytest.raises(NotDurable):
        await store.updates.page(SEVEN, [], 0, 10)


async def test_updates_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    async with open_sqlite(path) as store:
        kept = await store.updates.add([an_update(), an_update()])
    async with open_sqlite(path) as store:
        assert (await store.updates.page(SEVEN, [], 0, 10)).updates == kept


async def test_a_database_as_large_as_it_may_be_leaves_updates_at_telegram(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "data" / "chatkey.db", max_bytes=1) as store:
        with pytest.raises(NotDurable):
            await store.updates.add([an_update()])
