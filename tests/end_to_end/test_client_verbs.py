"""The Python client's list, retry, resolve, explain and many messages, against the real gateway and the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import chatkey
from chatkey import BlockingClient, Message, Outgoing, Resolution, State, TextFormat, WaitFor, WhenUnknown
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.end_to_end.test_client_python import CHAT, OTHER_CHAT, Gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    sandbox = Sandbox(limits="none", chats=[{"id": CHAT}, {"id": OTHER_CHAT}])
    async with sandbox_running(sandbox) as url:
        gateway = Gateway(tmp_path, sandbox, url)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()


async def test_many_messages_arrive_in_their_order(gateway: Gateway) -> None:
    async with gateway.client() as client:
        found = [each async for each in client.send_many(Outgoing(str(number)) for number in range(500))]
        assert all(isinstance(each, Message) for each in found)
        last = await client.send("last")
        newest_first = [message.id async for message in client.list(page_size=7)]
        assert (len(newest_first), newest_first[0]) == (501, last.id)
    assert gateway.shown() == [*map(str, range(500)), "last"]


async def test_a_restart_between_many_messages_loses_and_repeats_nothing(gateway: Gateway) -> None:
    async with gateway.client() as client:

        async def source() -> AsyncIterator[Outgoing]:
            for number in range(300):
                if number == 100:
                    await gateway.stop()
                    await gateway.start()
                yield Outgoing(str(number), options={"wait_for": WaitFor.DELIVERY} if number == 299 else {})

        found = [each async for each in client.send_many(source())]
    assert len({each.id for each in found if isinstance(each, Message)}) == 300
    assert gateway.shown() == [*map(str, range(300))]


async def test_the_blocking_client_sends_many_too_and_a_refused_one_stops_no_other(gateway: Gateway) -> None:
    messages = [Outgoing("a"), Outgoing("x" * 5000), Outgoing("b", OTHER_CHAT), Outgoing("c")]
    with BlockingClient(gateway.address, gateway.token()) as client:
        first, long, foreign, last = await asyncio.to_thread(lambda: [*client.send_many(messages)])
    assert isinstance(first, Message)
    assert isinstance(long, chatkey.TextTooLong)
    assert isinstance(foreign, chatkey.PermissionDenied)
    assert foreign.error_id
    assert isinstance(last, Message)
    assert gateway.shown(OTHER_CHAT) == []


async def test_what_is_unknown_is_found_and_sent_again(gateway: Gateway) -> None:
    gateway.sandbox.add_fault("sendMessage", fault={"kind": "lost_reply"})
    async with gateway.client() as client:
        await client.send("hello", when_unknown=WhenUnknown.GIVE_UP)
        (unknown,) = [message async for message in client.list(states=[State.DELIVERY_UNKNOWN])]
        again = await client.retry(unknown.id)
        assert (again.id, again.state) == (unknown.id, State.QUEUED)
        while not (again := await client.get(unknown.id)).state.is_final:
            continue
        with pytest.raises(chatkey.StateConflict):
            await client.retry(unknown.id)
    assert (again.state, again.possibly_duplicated) == (State.DELIVERED, True)
    assert gateway.shown() == ["hello", "hello"]


async def test_an_unknown_delivery_is_settled(gateway: Gateway) -> None:
    gateway.sandbox.add_fault("sendMessage", fault={"kind": "lost_reply"})
    async with gateway.client() as client:
        unknown = await client.send("once", when_unknown=WhenUnknown.GIVE_UP)
        settled = await client.resolve(unknown.id, Resolution.DELIVERED)
        assert settled.state is State.DELIVERED
        assert await client.resolve(unknown.id, Resolution.DELIVERED) == settled
        with pytest.raises(chatkey.StateConflict):
            await client.resolve(unknown.id, Resolution.DROPPED)


async def test_it_is_told_what_would_become_of_a_message(gateway: Gateway) -> None:
    async with gateway.client() as client:
        said = await client.explain("**hello**", text_format=TextFormat.MARKDOWN)
        assert (said.allowed, said.rule, said.text_length, said.parts) == (True, "accepted", 5, 1)
        assert said.estimated_wait == timedelta()
        said = await client.explain("hello", chat_id=OTHER_CHAT)
        assert (said.allowed, said.rule) == (False, "pin")
        assert isinstance(said.error, chatkey.PermissionDenied)
        assert [message async for message in client.list()] == []
    assert gateway.shown() == []
