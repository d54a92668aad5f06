"""Updates are fetched, kept, and only then confirmed: whatever fails, and whoever else fetches."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from gateway.telegram.failures import BotRefused, NotSent, RateLimited, Refused, ServerFailed, Unanswered
from gateway.updates.patience import CALM, LONGEST_S
from gateway.updates.polling import LIMIT
from tests.support.telegram_updates import OTHER_POLL
from tests.support.updates import raw_message
from tests.support.virtual_time import virtual
from tests.unit.updates.room import Room, crash


@virtual
async def test_what_is_fetched_is_kept_in_order_and_confirmed() -> None:
    room = Room()
    async with room.running():
        room.telegram.add(*(raw_message(each) for each in (5, 6, 7)))
        await asyncio.sleep(1)
        room.telegram.add(raw_message(8))
        await asyncio.sleep(1)
    assert await room.kept() == [5, 6, 7, 8]
    assert room.telegram.confirmed == [5, 6, 7, 8]
    assert room.telegram.calls == [
        ("deleteWebhook", None),
        ("getUpdates", None),
        ("getUpdates", 8),
        ("getUpdates", 9),
    ]


@virtual
async def test_nothing_is_confirmed_that_is_not_kept() -> None:
    room = Room()
    room.store.is_failing = True
    async with room.running():
        room.telegram.add(raw_message(1), raw_message(2))
        await asyncio.sleep(60)
        assert room.telegram.confirmed == []
        room.store.is_failing = False
        await asyncio.sleep(1)
    assert await room.kept() == [1, 2]
    assert room.telegram.confirmed == [1, 2]


@virtual
async def test_a_confirmation_that_fails_is_repeated() -> None:
    room = Room()
    room.on_kept = lambda: room.telegram.faults.extend([NotSent("x"), Unanswered("x")])
    room.telegram.add(raw_message(1))
    async with room.running():
        await asyncio.sleep(10)
        room.on_kept = lambda: None
        assert [offset for method, offset in room.telegram.calls if method == "getUpdates"] == [None, 2, 2, 2]
        room.telegram.add(raw_message(2))
        await asyncio.sleep(10)
    assert await room.kept() == [1, 2]
    assert room.intake.counts.totals == {"received": 2, "kept": 2, "repeated": 0}


@virtual
async def test_an_answer_that_was_lost_is_asked_for_again() -> None:
    room = Room()
    async with room.running():
        await asyncio.sleep(1)
        room.telegram.lost = 2
        room.telegram.add(raw_message(1))
        await asyncio.sleep(10)
        room.telegram.add(raw_message(2))
        await asyncio.sleep(10)
    assert [offset for method, offset in room.telegram.calls if method == "getUpdates"] == [None, None, None, 2, 3]
    assert await room.kept() == [1, 2]


@virtual
async def test_a_crash_between_keeping_and_confirming_neither_loses_nor_repeats() -> None:
    room = Room(on_kept=crash)
    room.telegram.add(raw_message(1), raw_message(2))
    async with room.running():
        await asyncio.sleep(60)
    assert await room.kept() == [1, 2]
    assert room.telegram.confirmed == []
    room.telegram.add(raw_message(3))
    async with Room(room.store, room.telegram).running():
        await asyncio.sleep(1)
    assert await room.kept() == [1, 2, 3]
    assert room.telegram.confirmed == [1, 2, 3]


@virtual
async def test_numbers_may_begin_anew_lower_after_a_week_of_silence() -> None:
    room = Room()
    async with room.running():
        room.telegram.add(raw_message(900_000))
        await asyncio.sleep(timedelta(days=8).total_seconds())
        room.telegram.add(raw_message(17))
        await asyncio.sleep(1)
        room.telegram.add(raw_message(18))
        await asyncio.sleep(1)
    assert await room.kept() == [900_000, 17, 18]
    assert room.telegram.confirmed == [900_000, 17, 18]


@virtual
async def test_what_can_t_be_read_is_confirmed_too_or_it_would_come_for_ever() -> None:
    room = Room()
    async with room.running():
        room.telegram.add({"update_id": 1, "message": "?"}, raw_message(2), {"update_id": 3, "poll": {}})
        await asyncio.sleep(1)
    assert await room.kept() == [2]
    assert room.telegram.confirmed == [1, 2, 3]
    assert room.intake.counts.dropped["malformed"] == room.intake.counts.dropped["other_kind"] == 1


@virtual
async def test_an_answer_without_any_number_is_not_asked_for_without_a_pause() -> None:
    room = Room()

    async def nonsense(_offset: int | None, _limit: int) -> list[object]:
        room.telegram.calls.append(("getUpdates", _offset))
        return [{"message": {}}, "?"]

    room.telegram.updates = nonsense  # type: ignore[method-assign]
    async with room.running():
        await asyncio.sleep(60)
    assert len(room.telegram.calls) < 70


@virtual
async def test_a_server_that_does_not_wait_is_asked_once_a_second() -> None:
    room = Room()

    async def at_once(_offset: int | None, _limit: int) -> list[object]:
        room.telegram.calls.append(("getUpdates", _offset))
        return []

    room.telegram.updates = at_once  # type: ignore[method-assign]
    async with room.running():
        await asyncio.sleep(60)
    assert 55 < len(room.telegram.calls) < 65


@virtual
async def test_failures_are_followed_by_ever_longer_pauses_up_to_a_minute() -> None:
    room = Room()
    room.telegram.faults = [ServerFailed(502, "Bad Gateway") for _ in range(12)]
    async with room.running():
        await asyncio.sleep(30.5)
        assert 12 - len(room.telegram.faults) == 5  # after 1, 3, 7 and 15 seconds
        await asyncio.sleep(7 * LONGEST_S)
        room.telegram.add(raw_message(1))
        await asyncio.sleep(LONGEST_S)
    assert await room.kept() == [1]


@virtual
async def test_a_success_makes_the_next_pause_short_again() -> None:
    room = Room()
    room.telegram.faults = [ServerFailed(502, "Bad Gateway") for _ in range(5)]
    async with room.running():
        await asyncio.sleep(60)
        room.telegram.add(raw_message(1))
        await asyncio.sleep(1)
        room.telegram.faults = [NotSent("x")]
        room.telegram.add(raw_message(2))
        await asyncio.sleep(2)
    assert await room.kept() == [1, 2]


@virtual
async def test_telegram_s_own_pause_is_kept() -> None:
    room = Room()
    room.telegram.faults = [RateLimited(429, "Too Many Requests", timedelta(seconds=100))]
    room.telegram.add(raw_message(1))
    async with room.running():
        await asyncio.sleep(99)
        assert await room.kept() == []
        await asyncio.sleep(2)
    assert await room.kept() == [1]


@virtual
async def test_a_refused_bot_is_told_of_and_fetched_for_again() -> None:
    room = Room()
    room.telegram.faults = [BotRefused(401, "Unauthorized"), BotRefused(401, "Unauthorized")]
    room.telegram.add(raw_message(1))
    async with room.running():
        await asyncio.sleep(10)
    assert room.refused == 2
    assert await room.kept() == [1]


@virtual
async def test_somebody_else_who_fetches_is_told_of_and_nothing_is_lost() -> None:
    room = Room()
    async with room.running():
        for _ in range(5):
            await asyncio.sleep(10)
            room.telegram.end_poll()
        assert room.patience.clashes
        room.telegram.add(raw_message(1))
        await asyncio.sleep(LONGEST_S)
        assert await room.kept() == [1]
        await asyncio.sleep(CALM.total_seconds())
        assert not room.patience.clashes


@virtual
async def test_a_webhook_that_somebody_sets_later_is_a_clash_and_is_not_fought_over() -> None:
    room = Room()
    async with room.running():
        await asyncio.sleep(1)
        await room.telegram.set_webhook("https://other.example/hook", "s")
        room.telegram.end_poll()
        await asyncio.sleep(300)
        assert room.patience.clashes
        assert room.telegram.url
    assert [method for method, _ in room.telegram.calls].count("deleteWebhook") == 1


@virtual
async def test_after_an_answer_that_can_t_be_read_few_are_asked_for_and_then_more_again() -> None:
    room = Room()
    async with room.running():
        await asyncio.sleep(1)
        room.telegram.faults = [Unanswered("the answer is longer than 4194304 bytes")]
        room.telegram.add(*(raw_message(each) for each in range(1, 4)))
        await asyncio.sleep(0)
        room.telegram.end_poll()
        await asyncio.sleep(60)
    assert room.telegram.limits[:4] == [LIMIT, LIMIT, 1, 2]
    assert await room.kept() == [1, 2, 3]


@virtual
async def test_of_several_gateways_the_one_fetches_whose_turn_it_is() -> None:
    one = Room()
    other = Room(one.store, one.telegram, is_our_turn=False)
    async with one.running(), other.running():
        one.telegram.add(raw_message(1))
        await asyncio.sleep(1)
        one.is_our_turn, other.is_our_turn = False, True
        one.telegram.end_poll()
        await asyncio.sleep(2)
        one.telegram.add(raw_message(2))
        await asyncio.sleep(60)
    assert (await one.kept(), one.telegram.confirmed) == ([1, 2], [1, 2])
    assert one.intake.counts.kept == other.intake.counts.kept == 1
    assert [method for method, _ in one.telegram.calls].count("deleteWebhook") == 2


@virtual
async def test_a_number_that_could_not_be_confirmed_is_not_sent_when_the_turn_comes_back() -> None:
    room = Room()
    room.on_kept = lambda: room.telegram.faults.append(NotSent("x"))
    room.telegram.add(raw_message(900))
    async with room.running():
        await asyncio.sleep(0.5)
        room.is_our_turn = False
        await asyncio.sleep(60)
        # Meanwhile another gateway has confirmed it, and Telegram numbers anew.
        room.telegram.confirm(901)
        room.telegram.add(raw_message(5))
        room.on_kept = lambda: None
        room.is_our_turn = True
        await asyncio.sleep(10)
    assert await room.kept() == [900, 5]


@virtual
async def test_two_that_believe_to_have_the_turn_keep_everything_once() -> None:
    one = Room()
    other = Room(one.store, one.telegram)
    async with one.running(), other.running():
        for number in range(1, 100):
            one.telegram.add(raw_message(number))
            await asyncio.sleep(3)
        await asyncio.sleep(2 * LONGEST_S)
    assert await one.kept() == list(range(1, 100))


def test_a_clash_is_told_plainly_and_not_again_and_again() -> None:
    @virtual
    async def clash() -> None:
        room = Room()
        for _ in range(100):
            room.patience.after(Refused(409, OTHER_POLL))
            await asyncio.sleep(1)

    with capture_logs() as lines:
        clash()
    (told,) = lines
    assert (told["event"], told["why"]) == ("updates.clash", OTHER_POLL)
    assert "A bot has one taker" in told["meaning"]
