"""Whoever may read a chat is told everything that happens there, in order, from where they left off; others nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

import pytest

from gateway.delivery import tokens
from gateway.errors import CursorExpired, NotDurable, RequestInvalid, ShuttingDown
from gateway.model import Permission, UpdateKind
from gateway.store.updates import UpdatePage, UpdatePlace, UpdateStore
from gateway.updates.cursors import cursor_behind
from gateway.updates.feed import PAGE, POLL_S, Feed
from gateway.updates.retention import Retention
from tests.support.messages import NOW
from tests.support.updates import an_update, raw_message
from tests.support.virtual_time import VirtualClock, virtual
from tests.unit.updates.room import Room, reader, the_next


class Reads:
    """A store of updates that knows how many were asked for at once."""

    def __init__(self, store: UpdateStore) -> None:
        self._store = store
        self.limits: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        self.limits.append(limit)
        return await self._store.page(places, kinds, after, limit)


def ids(told: object) -> list[int]:
    return [update.update_id for update, _ in told]  # type: ignore[attr-defined]


@virtual
async def test_what_happens_is_told_in_order_and_with_where_to_go_on() -> None:
    room = Room()
    await room.intake.take([raw_message(1), raw_message(2), raw_message(3)])
    watch = room.feed.watch(reader(7), (), await room.feed.oldest())
    told = await the_next(watch, 2)
    assert ids(told) == [1, 2]
    again = room.feed.watch(reader(7), (), told[0][1])
    assert ids(await the_next(again, 2)) == [2, 3]


@virtual
async def test_long_updates_are_told_each_once_and_few_are_in_memory_at_once() -> None:
    room = Room()
    texts = ["a" * (50_000 if each % 7 else 10) for each in range(3 * PAGE)]
    await room.intake.take([raw_message(each, text=text) for each, text in enumerate(texts)])
    reads = Reads(room.store.updates)
    watch = Feed(cast(UpdateStore, reads)).watch(reader(7), (), await room.feed.oldest())
    told = await the_next(watch, len(texts))
    assert ids(told) == list(range(len(texts)))
    assert reads.limits[0] == PAGE
    assert max(reads.limits[1:]) <= 4


@virtual
async def test_who_waits_is_woken() -> None:
    room = Room()
    waiting = asyncio.ensure_future(anext(room.feed.watch(reader(7), (), "")))
    await asyncio.sleep(1)
    await room.intake.take([raw_message(1, chat_id=8), raw_message(2)])
    assert ids([await waiting]) == [2]


@virtual
async def test_without_a_cursor_and_from_the_latest_only_what_is_new_is_told() -> None:
    room = Room()
    await room.intake.take([raw_message(1)])
    watches = [room.feed.watch(reader(7), (), cursor) for cursor in ("", await room.feed.latest())]
    waiting = [asyncio.ensure_future(anext(watch)) for watch in watches]
    await asyncio.sleep(1)
    await room.intake.take([raw_message(2)])
    assert ids(await asyncio.gather(*waiting)) == [2, 2]


@virtual
async def test_two_who_read_different_chats_hear_nothing_of_each_other() -> None:
    room = Room()
    await room.intake.take([raw_message(each, chat_id=7 + each % 2) for each in range(200)])
    seven = await the_next(room.feed.watch(reader(7), (), cursor_behind(0)), 100)
    eight = await the_next(room.feed.watch(reader(8), (), cursor_behind(0)), 100)
    assert ids(seven) == list(range(0, 200, 2))
    assert ids(eight) == list(range(1, 200, 2))


@virtual
async def test_a_topic_is_all_that_is_told_to_one_who_may_read_a_topic() -> None:
    room = Room()
    await room.intake.take([raw_message(1), raw_message(2, topic=4), raw_message(3, topic=5), raw_message(4, topic=4)])
    assert ids(await the_next(room.feed.watch(reader(7, topic=4), (), cursor_behind(0)), 2)) == [2, 4]


@virtual
async def test_who_may_only_write_is_told_nothing() -> None:
    room = Room()
    await room.intake.take([raw_message(1)])
    watch = room.feed.watch(reader(7, permission=Permission.WRITE), (), cursor_behind(0))
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(1)
    await room.intake.take([raw_message(2)])
    await asyncio.sleep(1)
    assert not waiting.done()
    waiting.cancel()


@virtual
async def test_only_the_kinds_that_are_asked_for_are_told() -> None:
    room = Room()
    await room.intake.take([raw_message(1), {"update_id": 2, "edited_message": {"chat": {"id": 7}}}, raw_message(3)])
    watch = room.feed.watch(reader(7), [UpdateKind.EDITED_MESSAGE], cursor_behind(0))
    assert ids(await the_next(watch, 1)) == [2]


@virtual
async def test_more_than_a_page_is_told_whole() -> None:
    room = Room()
    await room.intake.take([raw_message(each) for each in range(3 * PAGE)])
    assert ids(await the_next(room.feed.watch(reader(7), (), cursor_behind(0)), 3 * PAGE)) == list(range(3 * PAGE))


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        "=",
        cursor_behind(3),
        cursor_behind(2) + "=",
        cursor_behind(2)[:-1],
        cursor_behind(2) + "A",
        cursor_behind(2**64 - 1),
        tokens.resume_token(1),
    ],
)
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    @virtual
    async def refused() -> None:
        room = Room()
        await room.intake.take([raw_message(1), raw_message(2)])
        with pytest.raises(RequestInvalid) as refusal:
            await anext(room.feed.watch(reader(7), (), cursor))
        assert [path for path, _ in refusal.value.violations] == ["cursor"]

    refused()


@virtual
async def test_a_cursor_behind_which_something_is_forgotten_is_refused() -> None:
    room = Room()
    await room.store.updates.add([an_update(7, received_at=NOW), an_update(7, received_at=NOW)])
    await room.store.updates.forget(NOW + timedelta(hours=1), 1)
    with pytest.raises(CursorExpired):
        await anext(room.feed.watch(reader(7), (), cursor_behind(0)))
    for cursor in (cursor_behind(1), await room.feed.oldest()):
        update, _ = await anext(room.feed.watch(reader(7), (), cursor))
        assert update.seq == 2


@virtual
async def test_a_chat_in_which_nothing_happened_has_lost_nothing() -> None:
    room = Room()
    await room.store.updates.add([an_update(7, message_thread_id=3) for _ in range(5)])
    await room.store.updates.forget(NOW + timedelta(hours=1), 100)
    await room.intake.take([raw_message(1, chat_id=8), raw_message(2, topic=4)])
    assert ids([await anext(room.feed.watch(reader(8), (), cursor_behind(2)))]) == [1]
    assert ids([await anext(room.feed.watch(reader(7, topic=4), (), cursor_behind(2)))]) == [2]
    with pytest.raises(CursorExpired):
        await anext(room.feed.watch(reader(7, topic=3), (), cursor_behind(2)))


@virtual
async def test_one_who_is_too_slow_learns_that_something_is_gone() -> None:
    room = Room()
    await room.store.updates.add([an_update(7) for _ in range(2 * PAGE)])
    watch = room.feed.watch(reader(7), (), cursor_behind(0))
    await the_next(watch, PAGE)
    await room.store.updates.forget(NOW + timedelta(hours=1), 2 * PAGE)
    with pytest.raises(CursorExpired):
        await anext(watch)


@virtual
async def test_one_who_waits_while_all_is_forgotten_has_missed_nothing() -> None:
    room = Room()
    watch = room.feed.watch(reader(7), (), "")
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(1)
    await room.store.updates.add([an_update(8)])
    await room.store.updates.forget(NOW + timedelta(hours=1), 10)
    await room.intake.take([raw_message(100)])
    assert ids([await waiting]) == [100]


@virtual
async def test_what_another_gateway_keeps_is_told_within_a_moment() -> None:
    room = Room()
    looking = asyncio.create_task(room.feed.run())
    other = Room(room.store)
    for each in range(1, 4):
        waiting = asyncio.ensure_future(anext(room.feed.watch(reader(7), (), "")))
        await asyncio.sleep(10)
        await other.intake.take([raw_message(each)])
        async with asyncio.timeout(POLL_S + 0.01):
            assert ids([await waiting]) == [each]
        await asyncio.sleep(10)
    looking.cancel()


@virtual
async def test_a_storage_that_fails_for_a_while_delays_the_news_of_others_and_loses_none() -> None:
    room = Room()
    looking = asyncio.create_task(room.feed.run())
    waiting = asyncio.ensure_future(anext(room.feed.watch(reader(7), (), "")))
    await asyncio.sleep(5)
    await Room(room.store).intake.take([raw_message(1)])
    room.store.is_failing = True
    await asyncio.sleep(5)
    room.store.is_failing = False
    await asyncio.sleep(2 * POLL_S)
    assert ids([await waiting]) == [1]
    looking.cancel()


@virtual
async def test_whoever_asks_while_the_storage_fails_is_told() -> None:
    room = Room()
    room.store.is_failing = True
    with pytest.raises(NotDurable):
        await anext(room.feed.watch(reader(7), (), ""))


@virtual
async def test_a_gateway_that_shuts_down_ends_every_watch_after_what_is_kept() -> None:
    room = Room()
    await room.intake.take([raw_message(1)])
    watch = room.feed.watch(reader(7), (), cursor_behind(0))
    assert ids([await anext(watch)]) == [1]
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(1)
    room.feed.close()
    with pytest.raises(ShuttingDown):
        await waiting
    with pytest.raises(ShuttingDown):
        await anext(room.feed.watch(reader(7), (), ""))


@virtual
async def test_a_watch_that_is_left_is_forgotten() -> None:
    room = Room()
    watch = room.feed.watch(reader(7, 8), (), "")
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(1)
    assert set(room.feed._watches) == {7, 8}
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert room.feed._watches == {}


@virtual
async def test_a_press_is_found_by_its_id() -> None:
    room = Room()
    await room.intake.take([{"update_id": 1, "callback_query": {"id": "abc", "message": {"chat": {"id": 7}}}}])
    press = await room.feed.pressed("abc")
    assert press is not None
    assert (press.chat_id, press.kind) == (7, UpdateKind.CALLBACK_QUERY)
    assert await room.feed.pressed("abd") is None
    assert await room.feed.pressed("") is None


@virtual
async def test_updates_are_kept_for_as_long_as_the_operator_wants_and_no_longer() -> None:
    room = Room()
    clock = VirtualClock()
    sweeping = asyncio.create_task(Retention(room.store.updates, clock, timedelta(hours=24)).run())
    await room.intake.take([raw_message(each) for each in range(500)])
    await asyncio.sleep(12 * 3600)
    await room.intake.take([raw_message(1000)])
    await asyncio.sleep(11 * 3600)
    room.store.is_failing = True
    await asyncio.sleep(1800)
    room.store.is_failing = False
    assert len(await room.kept()) == 501
    await asyncio.sleep(1900)
    assert await room.kept() == [1000]
    sweeping.cancel()


@virtual
async def test_what_was_looked_at_is_not_looked_at_again() -> None:
    room = Room()
    looking = asyncio.create_task(room.feed.run())
    waiting = asyncio.ensure_future(anext(room.feed.watch(reader(7), [UpdateKind.CHAT_MEMBER], "")))
    await asyncio.sleep(1)
    for number in range(1, 4):
        await room.intake.take([raw_message(number)])
        await asyncio.sleep(2)
    assert room.store.updates.asked[0] == 0
    assert room.store.updates.asked[-1] == 2
    waiting.cancel()
    looking.cancel()
