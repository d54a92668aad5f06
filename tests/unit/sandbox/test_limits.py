"""Flood limits: sliding windows over the messages that were let through."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox import Sandbox, running
from gateway.sandbox.errors import Refusal
from gateway.sandbox.limits import FloodLimits

from .conftest import CHANNEL, GROUP, PERSON, Client, Clock, new_sandbox

GROUPS = st.sampled_from([-1, -2, 1, 2])


@pytest.fixture
async def strict(clock: Clock) -> AsyncIterator[tuple[Client, Sandbox]]:
    sandbox = new_sandbox(clock, "telegram")
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        yield Client(url, session), sandbox


async def test_one_message_a_second_in_a_chat(strict: tuple[Client, Sandbox], clock: Clock) -> None:
    client, sandbox = strict
    assert (await client.call("sendMessage", chat_id=PERSON, text="1")).status == 200
    clock.now += 0.999
    reply = await client.call("sendMessage", chat_id=PERSON, text="2")
    assert reply.status == 429
    assert reply.body == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    assert reply.headers["Retry-After"] == "1"
    clock.now += 0.001
    assert (await client.call("sendMessage", chat_id=PERSON, text="3")).status == 200
    assert [message["text"] for message in sandbox.messages(PERSON)] == ["1", "3"]


@pytest.mark.parametrize("chat_id", [GROUP, CHANNEL])
async def test_twenty_messages_a_minute_in_a_group(strict: tuple[Client, Sandbox], clock: Clock, chat_id: int) -> None:
    client, _ = strict
    for _ in range(20):
        assert (await client.call("sendMessage", chat_id=chat_id, text="x")).status == 200
        clock.now += 1
    reply = await client.call("sendMessage", chat_id=chat_id, text="x")
    assert reply.body["parameters"] == {"retry_after": 40}
    clock.now += 40
    assert (await client.call("sendMessage", chat_id=chat_id, text="x")).status == 200


async def test_thirty_messages_a_second_for_a_bot_and_bots_do_not_share(
    strict: tuple[Client, Sandbox], clock: Clock
) -> None:
    client, sandbox = strict
    for chat_id in range(100, 131):
        sandbox.add_chat(chat_id)
    statuses = [(await client.call("sendMessage", chat_id=i, text="x")).status for i in range(100, 131)]
    assert statuses == [200] * 30 + [429]
    assert (await client.call("sendMessage", token="2:other", chat_id=100, text="x")).status == 200


async def test_what_is_no_message_is_not_limited(strict: tuple[Client, Sandbox]) -> None:
    client, _ = strict
    for _ in range(40):
        assert (await client.call("sendChatAction", chat_id=PERSON, action="typing")).status == 200
        assert (await client.call("sendMessage", chat_id=PERSON, text="")).status == 400
    assert (await client.call("sendMessage", chat_id=PERSON, text="x")).status == 200


async def test_limits_none_lifts_them(client: Client) -> None:
    for _ in range(40):
        assert (await client.call("sendMessage", chat_id=GROUP, text="x")).status == 200


@given(st.lists(st.tuples(st.integers(0, 700), GROUPS), max_size=80))
def test_no_window_ever_holds_too_many_and_retry_after_is_enough(steps: list[tuple[int, int]]) -> None:
    limits = FloodLimits("telegram")
    now, passed = 0.0, []
    for milliseconds, chat in steps:
        now += milliseconds / 1000
        try:
            limits.take(chat, now)
        except Refusal as refused:
            wait = refused.retry_after or 0
            assert wait >= 1
            limits.take(chat, now := now + wait)
        passed.append((now, chat))
    for start, chat in passed:
        within = [c for t, c in passed if start <= t < start + 1]
        minute = [c for t, c in passed if start <= t < start + 60]
        assert len(within) <= 30
        assert within.count(chat) <= 1
        assert chat > 0 or minute.count(chat) <= 20


def test_retry_after_is_no_longer_than_needed() -> None:
    limits = FloodLimits("telegram")
    for second in range(20):
        limits.take(-1, float(second))
    with pytest.raises(Refusal) as refused:
        limits.take(-1, 30.5)
    assert refused.value.retry_after == math.ceil(60 - 30.5)
