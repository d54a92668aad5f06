"""A sandbox over HTTP, and a client that adds nothing to what it is told to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import Sandbox, running

TOKEN = "123456:sandbox-test-token"
PERSON, GROUP, SUPERGROUP, CHANNEL = 7, -5, -1001234567890, -1009876543210


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reply:
    """What came back."""

    status: int
    body: Any
    headers: Any

    @property
    def description(self) -> str:
        return str(self.body["description"])

    @property
    def result(self) -> Any:
        assert self.body["ok"], self.body
        return self.body["result"]


class Client:
    """Talks to the sandbox at `url`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def call(self, method: str, token: str = TOKEN, **parameters: Any) -> Reply:
        return await self.send(f"/bot{token}/{method}", json=parameters)

    async def send(self, path: str, verb: str = "POST", **options: Any) -> Reply:
        async with self.session.request(verb, self.url + path, **options) as response:
            return Reply(response.status, await response.json(content_type=None), response.headers)

    async def control(self, verb: str, path: str, body: Any = None) -> Reply:
        return await self.send(f"/sandbox/{path}", verb, json=body)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    """A sandbox without flood limits, with one chat of each kind."""
    return new_sandbox(clock, "none")


def new_sandbox(clock: Clock, limits: Any) -> Sandbox:
    sandbox = Sandbox(limits=limits, clock=clock)
    sandbox.add_chat(PERSON, title="Ann")
    sandbox.add_chat(GROUP, title="Small")
    sandbox.add_chat(SUPERGROUP, type="supergroup", title="Ops", username="ops_room", topics=[42])
    sandbox.add_chat(CHANNEL, type="channel", title="News")
    return sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)
