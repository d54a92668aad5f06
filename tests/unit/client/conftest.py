"""Both clients, tested by the same tests: the blocking one runs in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest

from chatkey import (
    BlockingClient,
    Change,
    ChatkeyError,
    Client,
    Credential,
    Explanation,
    Message,
    Narrowed,
    Outgoing,
    Resolution,
    Retries,
    Update,
)
from tests.unit.client.far_side import FarSide, serving


class InThread:
    """A blocking client behind the face of the other one."""

    def __init__(self, client: BlockingClient) -> None:
        self.client = client

    def __repr__(self) -> str:
        return repr(self.client)

    async def send(self, text: str, **options: Any) -> Message:
        return await asyncio.to_thread(self.client.send, text, **options)

    async def get(self, message_id: str, **options: Any) -> Message:
        return await asyncio.to_thread(self.client.get, message_id, **options)

    async def cancel(self, message_id: str, **options: Any) -> Message:
        return await asyncio.to_thread(self.client.cancel, message_id, **options)

    async def retry(self, message_id: str, **options: Any) -> Message:
        return await asyncio.to_thread(self.client.retry, message_id, **options)

    async def resolve(self, message_id: str, resolution: Resolution, **options: Any) -> Message:
        return await asyncio.to_thread(self.client.resolve, message_id, resolution, **options)

    async def explain(self, text: str, **options: Any) -> Explanation:
        return await asyncio.to_thread(self.client.explain, text, **options)

    async def list(self, **options: Any) -> AsyncIterator[Message]:
        for message in await asyncio.to_thread(lambda: [*self.client.list(**options)]):
            yield message

    async def send_many(self, messages: Iterable[Outgoing]) -> AsyncIterator[Message | ChatkeyError]:
        outcomes, end = self.client.send_many(messages), object()
        while (outcome := await asyncio.to_thread(next, outcomes, end)) is not end:
            assert isinstance(outcome, Message | ChatkeyError)
            yield outcome

    async def describe(self, **options: Any) -> Credential:
        return await asyncio.to_thread(self.client.describe, **options)

    async def narrow(self, **options: Any) -> Narrowed:
        return await asyncio.to_thread(self.client.narrow, **options)

    async def watch(self, resume_token: str = "") -> AsyncIterator[Change]:
        changes: Iterator[Change] = self.client.watch(resume_token)
        end = object()
        while (change := await asyncio.to_thread(next, changes, end)) is not end:
            assert isinstance(change, Change)
            yield change

    async def updates(self, *cursor: str, **options: Any) -> AsyncIterator[Update]:
        arrivals: Iterator[Update] = self.client.updates(*cursor, **options)
        end = object()
        while (update := await asyncio.to_thread(next, arrivals, end)) is not end:
            assert isinstance(update, Update)
            yield update

    async def answer_callback(self, callback_id: str, *text: str, **options: Any) -> None:
        await asyncio.to_thread(self.client.answer_callback, callback_id, *text, **options)

    async def close(self) -> None:
        await asyncio.to_thread(self.client.close)


Opened = Callable[..., Any]
"""Makes a client of a port and settings; closes it after the test."""


class Pauses:
    """The pauses between attempts, which take no time; `during` is called in each."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.during: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()

    async def pause(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.during()

    def sleep(self, seconds: float) -> None:
        asyncio.run_coroutine_threadsafe(self.pause(seconds), self._loop).result()


@pytest.fixture
async def pauses() -> Pauses:
    return Pauses()


@pytest.fixture(params=["asyncio", "blocking"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def opened(kind: str, pauses: Pauses) -> AsyncIterator[Opened]:
    clients: list[Any] = []

    def build(address: int | str, *, wait_for_quota: bool = False, **settings: Any) -> Any:
        address = f"127.0.0.1:{address}" if isinstance(address, int) else address
        retries = Retries(chance=lambda: 1.0, pause=pauses.pause, sleep=pauses.sleep, wait_for_quota=wait_for_quota)
        settings = {"retries": retries} | settings
        if "token_file" not in settings:
            settings = {"token": "a.b.c"} | settings
        clients.append(
            Client(address, **settings) if kind == "asyncio" else InThread(BlockingClient(address, **settings))
        )
        return clients[-1]

    yield build
    for client in clients:
        await client.close()


@pytest.fixture
async def far_side() -> FarSide:
    return FarSide()


@pytest.fixture
async def port(far_side: FarSide) -> AsyncIterator[int]:
    async with serving(far_side) as port:
        yield port


@pytest.fixture
def client(opened: Opened, port: int) -> Any:
    return opened(port)
