"""How calls are made, attempt after attempt: with an event loop, and without one.

The two differ in `await`, and in what a channel is bound to: a loop, or a process. What is asked is in `calls` and
`streams`, when it is asked again in `retries`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from threading import Lock
from typing import TypeVar

import grpc
import grpc.aio

from chatkey.calls import Call, Stubs
from chatkey.connection import Connection
from chatkey.errors import ConfigurationError
from chatkey.refusals import closed, error_from
from chatkey.retries import Attempts, Retries
from chatkey.streams import Stream
from chatkey.tokens import TokenSource

_Result = TypeVar("_Result")


class AsyncTransport:
    """Makes calls from one event loop."""

    def __init__(self, connection: Connection, token: TokenSource, retries: Retries) -> None:
        """Set up; the channel is opened by the first call, since only then there is an event loop to open it in.

        Raises:
            ConfigurationError: A certificate can't be read.
        """
        self._connection = connection
        self._credentials = connection.credentials()
        self._token = token
        self._retries = retries
        self._channel: grpc.aio.Channel | None = None
        self._stubs: Stubs | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def close(self) -> None:
        """End every call and the connection."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def call(self, call: Call[_Result], attempts: Attempts) -> _Result:
        """Make a call until it is answered; raises `ChatkeyError` where no attempt is to follow."""
        while True:
            try:
                return call.read(await call.begin(self._opened(), attempts.remaining, self._token().metadata))
            except grpc.aio.AioRpcError as failed:
                pause = attempts.pause_after(error_from(failed, call.request_id))
            except asyncio.CancelledError:
                self._tell_if_closed(call.request_id)
                raise
            await self._retries.pause(pause)

    async def follow(self, stream: Stream[_Result]) -> AsyncGenerator[_Result]:
        """Yield what a stream brings, over as many attempts as it takes; raises as `call`."""
        attempts = Attempts(self._retries, None)
        while not stream.done():
            answers = stream.begin(self._opened(), self._token().metadata)
            try:
                async for answer in answers:
                    attempts.answered()
                    if (result := stream.take(answer)) is not None:
                        yield result
                if stream.done():
                    return
                pause = attempts.pause_after_end()
            except grpc.aio.AioRpcError as failed:
                pause = attempts.pause_after(stream.broken(failed))
            except asyncio.CancelledError:
                self._tell_if_closed()
                raise
            finally:
                answers.cancel()
            await self._retries.pause(pause)

    def _opened(self) -> Stubs:
        if self._closed:
            raise ConfigurationError("the client is closed")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigurationError("the client was used in another event loop: make one in each")
        if self._stubs is None:
            self._loop = loop
            address, options = self._connection.address, self._connection.options
            self._channel = (
                grpc.aio.insecure_channel(address, options=options)
                if self._credentials is None
                else grpc.aio.secure_channel(address, self._credentials, options=options)
            )
            self._stubs = Stubs(self._channel)
        return self._stubs

    def _tell_if_closed(self, request_id: str = "") -> None:
        # A channel that closes cancels who waits for it, which looks as if somebody had cancelled the task.
        task = asyncio.current_task()
        if self._closed and not (task and task.cancelling()):
            raise closed(request_id) from None


class BlockingTransport:
    """Makes calls from threads."""

    def __init__(self, connection: Connection, token: TokenSource, retries: Retries) -> None:
        """Set up; the channel is opened by the first call, so that a process may fork before it.

        Raises:
            ConfigurationError: A certificate can't be read.
        """
        self._connection = connection
        self._credentials = connection.credentials()
        self._token = token
        self._retries = retries
        self._opening = Lock()
        self._channel: grpc.Channel | None = None
        self._stubs: Stubs | None = None
        self._process = 0
        self._closed = False

    def close(self) -> None:
        """End every call and the connection."""
        self._closed = True
        # Of another process it may hang: the threads that would end it are there.
        if self._channel is not None and self._process == os.getpid():
            self._channel.close()

    def call(self, call: Call[_Result], attempts: Attempts) -> _Result:
        """Make a call until it is answered; raises `ChatkeyError` where no attempt is to follow."""
        while True:
            try:
                return call.read(call.begin(self._opened(), attempts.remaining, self._token().metadata))
            except grpc.RpcError as failed:
                pause = attempts.pause_after(error_from(failed, call.request_id))
            self._retries.sleep(pause)

    def follow(self, stream: Stream[_Result]) -> Generator[_Result]:
        """Yield what a stream brings, over as many attempts as it takes; raises as `call`."""
        attempts = Attempts(self._retries, None)
        while not stream.done():
            answers = stream.begin(self._opened(), self._token().metadata)
            try:
                for answer in answers:
                    attempts.answered()
                    if (result := stream.take(answer)) is not None:
                        yield result
                if stream.done():
                    return
                pause = attempts.pause_after_end()
            except grpc.RpcError as failed:
                pause = attempts.pause_after(stream.broken(failed))
            finally:
                answers.cancel()
            self._retries.sleep(pause)

    def _opened(self) -> Stubs:
        if self._closed:
            raise ConfigurationError("the client is closed")
        if self._stubs is None:
            with self._opening:
                self._stubs = self._stubs or self._open()
        if self._process != os.getpid():
            raise ConfigurationError(
                "the process has forked since the client's first call: make a client in each process"
            )
        return self._stubs

    def _open(self) -> Stubs:
        self._process = os.getpid()
        address, options = self._connection.address, self._connection.options
        self._channel = (
            grpc.insecure_channel(address, options=options)
            if self._credentials is None
            else grpc.secure_channel(address, self._credentials, options=options)
        )
        return Stubs(self._channel)
