"""Handlers of every shape as one: a coroutine from a request's bytes, or a stream of them, to an answer's, or to None
after a stream.

gRPC parses a request before it calls a handler and answers what it can't parse with its own words. So requests and
answers pass gRPC as bytes and are parsed here, where a failure is a refusal like any other.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Route:
    """What serves an RPC, and its shape: `unary`, `server_stream` or `bidi_stream`, as go-grpc-prometheus has it."""

    handle: Handle
    kind: str

    def handler(self, around: Around) -> Handler:
        """Return what gRPC calls: what serves, with something around it."""
        return _MAKERS[self.kind](around(self.handle))


_MAKERS: Mapping[str, Callable[..., Handler]] = {
    "unary": grpc.unary_unary_rpc_method_handler,
    "server_stream": grpc.unary_stream_rpc_method_handler,
    "bidi_stream": grpc.stream_stream_rpc_method_handler,
}


def routes_of(service: ServiceDescriptor, servicer: object) -> dict[str, Route]:
    """Return what serves each RPC of a service, by the RPC's full name.

    The servicer has a method for each, called with the request, or an iterator of the requests, and the `Call`. It
    returns the answer, or yields the answers.
    """
    return {
        f"/{service.full_name}/{method.name}": _route(method, getattr(servicer, method.name))
        for method in service.methods
    }


def refusing(around: Around) -> Handler:
    """Return the handler of calls that `around` refuses: the headers were enough.

    As the handler of a stream it never waits for a request, so a client that sends headers and nothing else holds
    nothing open. The caller sees a status, whatever the shape of its method.
    """
    make: Callable[..., Handler] = grpc.stream_stream_rpc_method_handler
    return make(around(_nothing))


def _route(method: MethodDescriptor, serve: Callable[..., Any]) -> Route:
    request_type = GetMessageClass(method.input_type)
    if method.client_streaming:
        return Route(_pipe(request_type, serve), "bidi_stream")
    if method.server_streaming:
        return Route(_stream(request_type, serve), "server_stream")
    return Route(_once(request_type, serve), "unary")


def _once(request_type: type[M], serve: Callable[[M, Call], Awaitable[Message]]) -> Handle:
    async def handle(data: bytes, _context: Context) -> bytes:
        reply = await serve(_parsed(request_type, data), calls.current())
        return reply.SerializeToString()

    return handle


def _stream(request_type: type[M], serve: Callable[[M, Call], AsyncGenerator[Message, None]]) -> Handle:
    async def handle(data: bytes, context: Context) -> None:
        async with aclosing(serve(_parsed(request_type, data), calls.current())) as replies:
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


def _parsed(request_type: type[M], data: bytes) -> M:
    try:
        return request_type.FromString(data)
    except DecodeError:
        raise RequestInvalid([("", f"the request is not a {request_type.DESCRIPTOR.full_name}")]) from None
