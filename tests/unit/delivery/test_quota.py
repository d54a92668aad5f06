from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.quota import DAY, MINUTE, PARTS, QUEUE_PAUSE, Quotas
from gateway.errors import QuotaExceeded, RequestIdReused
from gateway.model import State
from gateway.store.registry import Quota
from gateway.telegram.failures import ChatRefused, RateLimited
from tests.support.model_store import ModelStore
from tests.support.virtual_time import virtual
from tests.unit.delivery.room import ScriptedBot, caller, open_room


def refusal(quotas: Quotas, now: float = 0.0, client: str = "a", waiting: int = 0, everybody: int = 0) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refused:
        quotas.take(client, waiting, everybody, now)
    return refused.value


def take(quotas: Quotas, count: int = 1, now: float = 0.0, client: str = "a") -> None:
    for _ in range(count):
        quotas.arrived(quotas.take(client, 0, 0, now), 0)


def test_without_a_quota_there_is_none() -> None:
    take(Quotas(Quota(per_minute=0, per_day=0, queue_depth=0)), 10_000)
    take(Quotas(), 10_000)


@pytest.mark.parametrize(("name", "length"), [("per_minute", MINUTE), ("per_day", DAY)])
def test_so_many_and_no_more_until_the_first_are_long_enough_ago(name: str, length: float) -> None:
    quotas = Quotas(Quota(**{name: 5}))
    take(quotas, 5, now=1000)
    refused = refusal(quotas, now=1000)
    assert refused.facts == {"quota": name, "limit": "5"}
    wait = refused.retry_after.total_seconds()
    assert length <= wait <= length * (1 + 2 / PARTS)
    refusal(quotas, now=1000 + wait - 0.001)
    take(quotas, 5, now=1000 + wait)


def test_clients_have_nothing_to_do_with_each_other() -> None:
    quotas = Quotas(Quota(per_minute=1))
    take(quotas, client="a")
    take(quotas, client="b")
    refusal(quotas, client="a")


@given(
    limit=st.integers(1, 5),
    gaps=st.lists(st.floats(0, 40), max_size=60),
    length=st.sampled_from([("per_minute", MINUTE), ("per_day", DAY)]),
)
def test_never_more_than_the_limit_in_any_window_and_what_is_told_to_wait_is_enough(
    limit: int, gaps: list[float], length: tuple[str, float]
) -> None:
    name, seconds = length
    quotas, now, taken = Quotas(Quota(**{name: limit})), 0.0, list[float]()
    for gap in gaps:
        now += gap * seconds / MINUTE
        try:
            counted = quotas.take("a", 0, 0, now)
        except QuotaExceeded as refused:
            now += refused.retry_after.total_seconds() + 1e-6
            counted = quotas.take("a", 0, 0, now)
        quotas.arrived(counted, 0)
        taken.append(now)
    for last, at in enumerate(taken[limit:]):
        assert at - taken[last] >= seconds


def test_what_is_given_back_counts_no_more() -> None:
    quotas = Quotas(Quota(per_minute=1, per_day=1, queue_depth=1))
    for _ in range(10):
        quotas.give_back(quotas.take("a", 0, 0, 0.0))
    take(quotas)
    refusal(quotas)


def test_what_is_given_back_takes_no_other_along() -> None:
    quotas = Quotas(Quota(per_minute=2))
    slow = quotas.take("a", 0, 0, 0.0)
    take(quotas, now=30.0)
    quotas.give_back(slow)
    take(quotas, now=31.0)
    refusal(quotas, now=62.0)
    take(quotas, now=91.5)


def test_what_counts_no_more_is_not_given_back_again() -> None:
    quotas = Quotas(Quota(per_minute=1))
    slow = quotas.take("a", 0, 0, 0.0)
    take(quotas, now=62.0)
    quotas.give_back(slow)
    refusal(quotas, now=62.0)


def test_a_queue_has_its_depth_what_arrives_included() -> None:
    quotas = Quotas(Quota(queue_depth=3))
    counted = quotas.take("a", 1, 1, 0.0)
    quotas.take("a", 1, 1, 0.0)
    refused = refusal(quotas, waiting=1)
    assert (refused.facts["quota"], refused.retry_after) == ("queue_depth", QUEUE_PAUSE)
    quotas.arrived(counted, 0)
    quotas.take("a", 1, 1, 0.0)
    quotas.take("b", 0, 3, 0.0)


def test_all_queues_together_have_theirs() -> None:
    quotas = Quotas(Quota(), most_waiting=3)
    counted = quotas.take("a", 0, 1, 0.0)
    quotas.take("b", 0, 1, 0.0)
    assert refusal(quotas, client="c", everybody=1).facts["quota"] == "all_queues"
    quotas.give_back(counted)
    quotas.take("c", 0, 1, 0.0)


def test_a_client_may_have_a_quota_of_its_own() -> None:
    own = {"a": Quota(per_minute=2), "b": Quota(per_minute=0, queue_depth=7)}
    quotas = Quotas(Quota(per_minute=1, queue_depth=9), of=lambda client: own.get(client, Quota()))
    assert quotas.of("a") == Quota(per_minute=2, queue_depth=9)
    assert quotas.of("b") == Quota(per_minute=None, queue_depth=7)
    assert quotas.of("c") == Quota(per_minute=1, queue_depth=9)
    take(quotas, 2, client="a")
    refusal(quotas, client="a")
    take(quotas, 100, client="b")


def test_who_sends_nothing_for_a_day_is_forgotten() -> None:
    quotas = Quotas(Quota(per_day=10))
    for number in range(1000):
        take(quotas, client=f"c{number}")
    take(quotas, now=DAY + MINUTE * 60, client="late")
    assert list(quotas._windows) == ["late"]
    assert not quotas._arriving


# Of other gateways.


def shared(per_minute: int) -> Quotas:
    quotas = Quotas(Quota(per_minute=per_minute))
    quotas.is_shared = True
    return quotas


def test_what_other_gateways_accepted_counts_and_ours_counts_once() -> None:
    quotas = shared(per_minute=5)
    for number in (1, 3):
        quotas.arrived(quotas.take("a", 0, 0, 0.0), number)
    quotas.heard(4, {"a": 4}, 0.0)
    assert quotas.heard_up_to == 4
    quotas.arrived(quotas.take("a", 0, 0, 0.0), 5)
    refusal(quotas)
    quotas.heard(5, {"a": 1}, 30.0)
    refusal(quotas, now=59.0)
    take(quotas, 5, now=61.0, client="b")


def test_what_is_heard_of_before_it_has_arrived_counts_once_in_the_end() -> None:
    quotas = shared(per_minute=3)
    counted = quotas.take("a", 0, 0, 0.0)
    quotas.heard(2, {"a": 2}, 0.0)
    refusal(quotas)
    quotas.arrived(counted, 1)
    quotas.arrived(quotas.take("a", 0, 0, 0.0), 3)
    refusal(quotas)


def test_one_that_has_another_number_by_now_takes_nothing_from_the_others() -> None:
    quotas = shared(per_minute=4)
    for number in (1, 2):
        quotas.arrived(quotas.take("a", 0, 0, 0.0), number)
    quotas.heard(2, {"a": 1, "b": 4}, 0.0)
    refusal(quotas, client="b")
    for number in (3, 4):
        quotas.arrived(quotas.take("a", 0, 0, 0.0), number)
    refusal(quotas)


def test_who_sends_to_another_gateway_only_is_forgotten_as_well() -> None:
    quotas = shared(per_minute=1)
    quotas.heard(1, {"a": 1}, 0.0)
    quotas.heard(2, {"b": 1}, DAY + MINUTE * 60)
    assert list(quotas._windows) == ["b"]
    assert not quotas._ours


def test_alone_it_remembers_no_number() -> None:
    quotas = Quotas(Quota())
    quotas.arrived(quotas.take("a", 0, 0, 0.0), 7)
    assert not quotas._ours


# In the room.


@virtual
async def test_a_client_over_its_quota_is_told_when_to_come_back_and_then_may() -> None:
    async with open_room(quotas=Quotas(Quota(per_minute=2))) as room:
        await room.accept("one")
        await room.accept("two")
        with pytest.raises(QuotaExceeded) as refused:
            await room.accept("three")
        assert len(room.store.messages) == 2
        await room.accept("another's", client="other")
        await asyncio.sleep(refused.value.retry_after.total_seconds())
        assert (await room.settled(await room.accept("three"))).state is State.DELIVERED


@virtual
async def test_a_repeat_is_answered_whatever_the_quota_and_counts_for_nothing() -> None:
    async with open_room(quotas=Quotas(Quota(per_minute=2))) as room:
        first = await room.accept("one", request_id="r1")
        for _ in range(20):
            assert (await room.accept("one", request_id="r1")).id == first.id
        await room.accept("two", request_id="r2")
        assert (await room.accept("one", request_id="r1")).id == first.id
        with pytest.raises(RequestIdReused):
            await room.accept("else", request_id="r1")
        with pytest.raises(QuotaExceeded):
            await room.accept("three", request_id="r3")
        assert room.dispatcher.counts.replays == 22


@virtual
async def test_what_could_not_be_kept_counts_for_nothing() -> None:
    async with open_room(quotas=Quotas(Quota(per_minute=1, queue_depth=1))) as room:
        room.store.is_failing = True
        for _ in range(3):
            with pytest.raises(Exception, match="durable"):
                await room.accept("one")
        room.store.is_failing = False
        await room.accept("one")
        room.store.is_failing = True
        with pytest.raises(Exception, match="durable"):
            await room.accept("one", request_id="r1")


@virtual
async def test_a_queue_empties_and_takes_more_over_a_restart_too() -> None:
    store, bot, quota = ModelStore(), ScriptedBot(), Quota(queue_depth=3)
    async with open_room(store, bot, quotas=Quotas(quota)) as room:
        bot.script = [RateLimited(429, "slow", timedelta(seconds=40))]
        messages = [await room.accept(f"{n}") for n in range(3)]
        with pytest.raises(QuotaExceeded):
            await room.accept("3")
        await room.outbox.cancel(caller(), messages[2].id)
        await room.accept("4")
        await asyncio.sleep(1)
    async with open_room(store, bot, quotas=Quotas(quota)) as room:
        await asyncio.sleep(1)
        with pytest.raises(QuotaExceeded):
            await room.accept("5")
        await room.settled(messages[0])
        await room.accept("6")


@virtual
async def test_a_heavy_client_fills_its_queue_and_not_the_memory() -> None:
    async with open_room(quotas=Quotas(Quota(queue_depth=100), most_waiting=150)) as room:
        refused = 0
        for number in range(1000):
            for client in ("heavy", "heavier"):
                try:
                    await room.accept(f"{client} {number}", client=client, chat_id=-1)
                except QuotaExceeded:
                    refused += 1
        assert room.dispatcher.counts.waiting == 150
        assert refused == 2000 - 150


@virtual
async def test_to_send_again_is_to_send() -> None:
    async with open_room(quotas=Quotas(Quota(per_minute=2))) as room:
        room.bot.script = [ChatRefused(403, "blocked")]
        message = await room.settled(await room.accept("one"))
        await room.outbox.retry(caller(), message.id)
        with pytest.raises(QuotaExceeded):
            await room.accept("two")


@virtual
async def test_an_edit_counts_like_a_message_and_its_repeat_does_not() -> None:
    async with open_room(quotas=Quotas(Quota(per_minute=2))) as room:
        message = await room.settled(await room.accept("one"))
        edit = await room.edit(message, "two", request_id="e1")
        with pytest.raises(QuotaExceeded):
            await room.delete(message)
        assert (await room.edit(message, "two", request_id="e1")).id == edit.id
        await asyncio.sleep(62)
        assert (await room.settled(await room.delete(message))).state is State.DELIVERED
