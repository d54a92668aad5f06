"""How calls are made, attempt after attempt: with an event loop, and without one.

The two differ in `await` alone. What is asked is in `calls` and `streams`, when it is asked again in `retries`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TypeVar

import grpc
import grpc.aio

from chatkey.calls import Call, Stubs
from chatkey.connection import Connection
from chatkey.errors import ConfigurationError
from chatkey.refusals import error_from
from chatkey.retries import Attempts, Retries
from chatkey.streams import Stream
from chatkey.tokens import TokenSource

_Result = TypeVar("_Result")


class AsyncTransport:
    """Makes calls from one event loop."""

    def __init__(self, connection: Connection, token: TokenSource, retries: Retries) -> None:
        """Set up; the channel is opened by the first call, since only then there is an event loop to open it in."""
        self._connection = connection
        self._token = token
        self._retries = retries
        self._channel: grpc.aio.Channel | None = None
        self._stubs: Stubs | None = None
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
            finally:
                answers.cancel()
            await self._retries.pause(pause)

    def _opened(self) -> Stubs:
        if self._closed:
            raise ConfigurationError("the client is closed")
        if self._stubs is None:
            address, options = self._connection.address, self._connection.options
            self._channel = (
                grpc.aio.insecure_channel(address, options=options)
                if self._connection.is_plaintext
                else grpc.aio.secure_channel(address, self._connection.credentials(), options=options)
            )
            self._stubs = Stubs(self._channel)
        return self._stubs


class BlockingTransport:
    """Makes calls from threads."""

    def __init__(self, connection: Connection, token: TokenSource, retries: Retries) -> None:
        """Open the channel, which connects when there is a call.

        Raises:
            ConfigurationError: A certificate can't be read.
        """
        self._token = token
        self._retries = retries
        address, options = connection.address, connection.options
        self._channel = (
            grpc.insecure_channel(address, options=options)
            if connection.is_plaintext
            else grpc.secure_channel(address, connection.credentials(), options=options)
        )
        self._stubs = Stubs(self._channel)
        self._closed = False

    def close(self) -> None:
        """End every call and the connection."""
        self._closed = True
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
        return self._stubs
