"""Many messages over one call: what is handed in, and what of it has no answer yet and is sent again after a break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self
from uuid import uuid4

from chatkey.messages import WaitFor
from chatkey.requests import SendOptions, send_request
from chatkey.v1 import messaging_gateway_pb2 as wire

AHEAD = 256
"""How many messages are taken from their source before they have an answer."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One of many messages to send.

    Attributes:
        text: 1 to 4096 characters after its markup is parsed.
        chat_id: The chat; if left out, the only one that the token opens.
        request_id: A name for this message that is used once; made up if left out.
        options: See `SendOptions`; `wait_for` is `ACCEPTANCE` unless it says otherwise.
    """

    text: str
    chat_id: int | None = None
    request_id: str = field(default_factory=lambda: str(uuid4()))
    options: SendOptions = field(default_factory=SendOptions)

    def request(self, chat_id: int) -> wire.SendMessagesRequest:
        """Build the request for a chat; raises `ValueError`."""
        options = SendOptions(wait_for=WaitFor.ACCEPTANCE)
        options.update(self.options)
        return wire.SendMessagesRequest(message=send_request(self.text, chat_id, self.request_id, options))


class Backlog:
    """The requests without an answer, in order, for threads: gRPC sends from one of its own."""

    def __init__(self, source: Iterable[Outgoing], build: Callable[[Outgoing], wire.SendMessagesRequest]) -> None:
        """Take messages from `source` as they can be sent."""
        self._source = iter(source)
        self._build = build
        self._lock = Lock()
        self._waiting: dict[int, wire.SendMessagesRequest] = {}
        self._taken = self._answered = 0
        self._ended = False
        self._failure: Exception | None = None

    def done(self) -> bool:
        """Return whether everything is answered; raises what the source has raised."""
        if self._failure is not None and not self._waiting:
            raise self._failure
        return self._ended and not self._waiting

    def requests(self) -> Iterator[wire.SendMessagesRequest]:
        """Yield what has no answer, and then what the source brings, for one attempt of the call."""
        position = self._answered
        while self._has(position):
            yield self._waiting[position]
            position += 1

    def answered(self) -> wire.SendMessagesRequest:
        """Return the first request that had no answer, which has one now."""
        self._answered += 1
        return self._waiting.pop(self._answered - 1)

    def _has(self, position: int) -> bool:
        # An earlier attempt's thread may still wait for the source: what it gets then is for this attempt.
        with self._lock:
            if position == self._taken and not self._ended:
                try:
                    self._waiting[position] = self._build(next(self._source))
                    self._taken += 1
                except StopIteration:
                    self._ended = True
                except Exception as failure:  # noqa: BLE001 - raised where the caller is, after the answers so far
                    self._failure, self._ended = failure, True
            return position in self._waiting


class AsyncBacklog:
    """The same for an event loop."""

    def __init__(
        self,
        source: Iterable[Outgoing] | AsyncIterable[Outgoing],
        build: Callable[[Outgoing], Awaitable[wire.SendMessagesRequest]],
    ) -> None:
        """Take messages from `source`, a few ahead, for as long as the block lasts."""
        self._source = source
        self._build = build
        self._waiting: dict[int, wire.SendMessagesRequest] = {}
        self._taken = self._answered = 0
        self._places = asyncio.Semaphore(AHEAD)
        self._changed = asyncio.Event()
        self._taking: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        """Begin to take."""
        # A task of its own: a broken call must not end a source that is waited for.
        self._taking = asyncio.ensure_future(self._take())
        self._taking.add_done_callback(lambda _: self._changed.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take no more."""
        self._taking.cancel()
        await asyncio.gather(self._taking, return_exceptions=True)

    def done(self) -> bool:
        """Return whether everything is answered; raises what the source has raised."""
        if self._waiting or not self._taking.done():
            return False
        self._taking.result()
        return True

    async def requests(self) -> AsyncIterator[wire.SendMessagesRequest]:
        """Yield what has no answer, and then what the source brings, for one attempt of the call."""
        position = self._answered
        while True:
            while position < self._taken:
                yield self._waiting[position]
                position += 1
            if self._taking.done():
                return
            self._changed.clear()
            await self._changed.wait()

    def answered(self) -> wire.SendMessagesRequest:
        """Return the first request that had no answer, which has one now."""
        self._answered += 1
        self._places.release()
        return self._waiting.pop(self._answered - 1)

    async def _take(self) -> None:
        async for outgoing in _each(self._source):
            await self._places.acquire()
            self._waiting[self._taken] = await self._build(outgoing)
            self._taken += 1
            self._changed.set()


async def _each(source: Iterable[Outgoing] | AsyncIterable[Outgoing]) -> AsyncIterator[Outgoing]:
    if isinstance(source, AsyncIterable):
        async for outgoing in source:
            yield outgoing
    else:
        for outgoing in source:
            yield outgoing
