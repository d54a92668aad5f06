"""One call of `SendMessages`: read ahead, accept without waiting, answer in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import TypeAlias

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.desk.desk import Desk
from gateway.model import Caller, Message
from gateway.rpc import answers, convert
from gateway.rpc.call import Call
from gateway.rpc.refusals import Refusals

WINDOW = 256
"""How many requests of one call are in hand at once: read and not yet answered."""

_Upcoming: TypeAlias = "asyncio.Future[Message] | pb.SendMessagesResponse"


class SendStream:
    """Two things go on at once: requests are read and handed in, and answers are awaited and written.

    No request waits for another, and a task is made only for one whose delivery is waited for.
    """

    def __init__(self, desk: Desk, refusals: Refusals, call: Call, wait: timedelta) -> None:
        """Serve `call`; who waits for a delivery waits for `wait` at most."""
        self._desk = desk
        self._refusals = refusals
        self._call = call
        self._wait = wait
        self._upcoming: asyncio.Queue[_Upcoming | None] = asyncio.Queue()
        # One less than the window: a place for the next request is looked for after the one before was handed in.
        self._places = asyncio.Semaphore(WINDOW - 1)

    async def answers(
        self, requests: AsyncIterator[pb.SendMessagesRequest]
    ) -> AsyncGenerator[pb.SendMessagesResponse, None]:
        """Yield the answer to each request; what ends the call is raised after the answers to what was read before."""
        caller = self._call.require_caller()
        reading = asyncio.ensure_future(self._desk.while_open(caller, self._read(requests, caller)))
        reading.add_done_callback(lambda _: self._upcoming.put_nowait(None))
        try:
            while (upcoming := await self._upcoming.get()) is not None:
                yield await self._answer(upcoming)
                self._places.release()
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self._forget_the_rest()

    async def _read(self, requests: AsyncIterator[pb.SendMessagesRequest], caller: Caller) -> None:
        async for request in requests:
            self._desk.require_open(caller)
            self._upcoming.put_nowait(self._begin(request, caller))
            await self._places.acquire()

    def _begin(self, request: pb.SendMessagesRequest, caller: Caller) -> _Upcoming:
        try:
            draft, malformed = convert.draft_of_many(request)
            if request.message.validate_only:
                self._desk.validate_message(caller, draft, malformed)
                return pb.SendMessagesResponse(message=answers.checked_to(draft))
            accepted = asyncio.ensure_future(self._desk.accept_message(caller, draft, malformed))
        except Exception as error:  # noqa: BLE001 - one refusal among answers; `Refusals` knows what may be told
            return self._refused(error)
        if convert.waits(request.message, by_default=False):
            return asyncio.ensure_future(self._ended(accepted))
        return accepted

    async def _ended(self, accepted: asyncio.Future[Message]) -> Message:
        return await self._desk.message_ended(await accepted, self._wait)

    async def _answer(self, upcoming: _Upcoming) -> pb.SendMessagesResponse:
        if isinstance(upcoming, pb.SendMessagesResponse):
            return upcoming
        try:
            return pb.SendMessagesResponse(message=answers.message_to(await upcoming))
        except Exception as error:  # noqa: BLE001 - as above
            return self._refused(error)

    def _refused(self, error: Exception) -> pb.SendMessagesResponse:
        return pb.SendMessagesResponse(refusal=answers.refusal_to(*self._refusals.answer(error, self._call)))

    def _forget_the_rest(self) -> None:
        """Let go of what nobody will be told any more; the messages themselves go on."""
        while not self._upcoming.empty():
            upcoming = self._upcoming.get_nowait()
            if isinstance(upcoming, asyncio.Future):
                upcoming.cancel()
