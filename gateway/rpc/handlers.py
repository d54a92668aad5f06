"""Handlers of every shape as one: a coroutine from a stream of requests, as bytes, to an answer's bytes, or to None
after a stream of answers.

gRPC calls the handler of a single request once it has read and parsed it: for a client that sends headers and nothing
else it waits for ever, and what it can't parse it answers with its own words. So to gRPC every request is a stream of
bytes. A handler is then called on the headers alone, takes the time that a request may take to come, and what can't be
parsed is a refusal like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import RequestInvalid
from gateway.rpc import call as calls
from gateway.rpc.call import Call, Context

Handle = Callable[[Any, Context], Awaitable[bytes | None]]
Around = Callable[[Handle], Handle]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
M = TypeVar("M", bound=Message)

PATIENCE = timedelta(seconds=10)
"""How long the one request of a call may take to come, once its headers are there."""
MAX_REQUEST = 64 * 1024
"""Bytes of a request."""


@dataclass(frozen=True, slots=True)
class Route:
    """What serves an RPC, and its shape: `unary`, `server_stream` or `bidi_stream`, as go-grpc-prometheus has it."""

    handle: Handle
    kind: str

    def handler(self, around: Around) -> Handler:
        """Return what gRPC calls: what serves, with something around it."""
        return _MAKERS[self.kind](around(self.handle))


_MAKERS: Mapping[str, Callable[..., Handler]] = {
    "unary": grpc.stream_unary_rpc_method_handler,
    "server_stream": grpc.stream_stream_rpc_method_handler,
    "bidi_stream": grpc.stream_stream_rpc_method_handler,
}


def routes_of(service: ServiceDescriptor, servicer: object, patience: timedelta = PATIENCE) -> dict[str, Route]:
    """Return what serves each RPC of a service, by the RPC's full name.

    The servicer has a method for each, called with the request, or an iterator of the requests, and the `Call`. It
    returns the answer, or yields the answers.
    """
    return {
        f"/{service.full_name}/{method.name}": _route(method, getattr(servicer, method.name), patience)
        for method in service.methods
    }


def handler_of_nothing(around: Around) -> Handler:
    """Return the handler of methods that there are not, every call of which `around` refuses."""
    make: Callable[..., Handler] = grpc.stream_stream_rpc_method_handler
    return make(around(_nothing))


def _route(method: MethodDescriptor, serve: Callable[..., Any], patience: timedelta) -> Route:
    request_type = GetMessageClass(method.input_type)
    if method.client_streaming:
        return Route(_pipe(request_type, serve), "bidi_stream")
    if method.server_streaming:
        return Route(_stream(request_type, serve, patience), "server_stream")
    return Route(_once(request_type, serve, patience), "unary")


def _once(request_type: type[M], serve: Callable[[M, Call], Awaitable[Message]], patience: timedelta) -> Handle:
    async def handle(_requests: object, context: Context) -> bytes:
        reply = await serve(await _only(request_type, context, patience), calls.current())
        return reply.SerializeToString()

    return handle


def _stream(
    request_type: type[M], serve: Callable[[M, Call], AsyncGenerator[Message, None]], patience: timedelta
) -> Handle:
    async def handle(_requests: object, context: Context) -> None:
        request = await _only(request_type, context, patience)
        async with aclosing(serve(request, calls.current())) as replies:
            async for reply in replies:
                await context.write(reply.SerializeToString())

    return handle


def _pipe(request_type: type[M], serve: Callable[[AsyncIterator[M], Call], AsyncGenerator[Message, None]]) -> Handle:
    async def handle(requests: AsyncIterator[bytes], context: Context) -> None:
        parsed = (_parsed(request_type, data) async for data in requests)
        async with aclosing(serve(parsed, calls.current())) as replies:
            async for reply in replies:
                await context.write(reply.SerializeToString())

    return handle


async def _nothing(_requests: object, _context: Context) -> None:
    """Serve nobody."""


async def _only(request_type: type[M], context: Context, patience: timedelta) -> M:
    """Return the request of a call that has one."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            data = await context.read()
    except TimeoutError:
        raise RequestInvalid([("", f"the request did not come within {patience.total_seconds():g} seconds")]) from None
    if not isinstance(data, bytes):
        raise RequestInvalid([("", "there is no request")])
    return _parsed(request_type, data)


def _parsed(request_type: type[M], data: bytes) -> M:
    if len(data) > MAX_REQUEST:
        raise RequestInvalid([("", f"the request has {len(data)} bytes, at most {MAX_REQUEST}")])
    try:
        return request_type.FromString(data)
    except DecodeError:
        raise RequestInvalid([("", f"the request is not a {request_type.DESCRIPTOR.full_name}")]) from None
