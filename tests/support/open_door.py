"""The gRPC door in front of a house, and what a client outside sees of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from chatkey.v1 import (
    chat_service_pb2_grpc,
    credential_self_pb2_grpc,
    messaging_gateway_pb2_grpc,
    update_service_pb2_grpc,
)
from gateway.rpc.server import Door, open_door
from tests.support.open_house import House, open_house

SEND = "/chatkey.v1.MessagingGateway/SendMessage"


@dataclass
class CountedCalls:
    """Metrics in two counters; `quiet` is set while every call that began has ended."""

    began: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def started(self, method: str, kind: str = "unary") -> None:
        self.quiet.clear()
        self.began[method, kind] += 1

    def handled(self, method: str, code: str, seconds: float, kind: str = "unary") -> None:
        assert seconds >= 0
        self.ended[method, code, kind] += 1
        if self.ended.total() == self.began.total():
            self.quiet.set()


@dataclass
class Outside:
    """A client's view of the door, and the house behind it."""

    house: House
    door: Door
    metrics: CountedCalls
    channel: grpc.aio.Channel

    @property
    def messaging(self) -> Any:
        return messaging_gateway_pb2_grpc.MessagingGatewayStub(self.channel)

    @property
    def updates(self) -> Any:
        return update_service_pb2_grpc.UpdateServiceStub(self.channel)

    @property
    def chats(self) -> Any:
        return chat_service_pb2_grpc.ChatServiceStub(self.channel)

    @property
    def credential_self(self) -> Any:
        return credential_self_pb2_grpc.CredentialSelfStub(self.channel)

    def bearer(self, token: str | None = None, *more: tuple[str, str]) -> Sequence[tuple[str, str]]:
        return (("authorization", f"Bearer {token or self.house.token()}"), *more)

    async def raw(self, method: str, body: bytes = b"", metadata: Sequence[tuple[str, str | bytes]] = ()) -> bytes:
        """Call a method by any name with any bytes."""
        call: Any = self.channel.unary_unary(method)
        reply: bytes = await call(body, metadata=metadata)
        return reply


@dataclass(frozen=True)
class Refusal:
    """What a caller learns of a refusal."""

    code: grpc.StatusCode
    text: str
    status: Status
    trailers: dict[str, str | bytes]

    @property
    def info(self) -> ErrorInfo:
        (info,) = self.details(ErrorInfo)
        return info

    @property
    def violations(self) -> dict[str, str]:
        (bad_request,) = self.details(BadRequest)
        return {violation.field: violation.description for violation in bad_request.field_violations}

    def details(self, kind: type[Any]) -> list[Any]:
        found: list[Message] = []
        for packed in self.status.details:
            detail = kind()
            if packed.Unpack(detail):
                found.append(detail)
        return found

    @property
    def wire(self) -> tuple[object, ...]:
        """Everything that is not random by design."""
        random = ("chatkey-error-id", "x-request-id")
        return self.code, self.text, tuple((key, value) for key, value in self.trailers.items() if key not in random)


async def refusal_of(call: Any) -> Refusal:
    """Await a call that must be refused."""
    try:
        reply = await call
    except grpc.aio.AioRpcError as error:
        trailers = dict(error.trailing_metadata())
        status = Status.FromString(trailers["grpc-status-details-bin"])
        if (status.code, status.message) != (error.code().value[0], error.details()):
            raise AssertionError(f"the status says one thing and its details another: {error}") from error
        return Refusal(error.code(), str(error.details()), status, trailers)
    raise AssertionError(f"not refused: {reply}")


@asynccontextmanager
async def outside(
    house: House | None = None, metrics: CountedCalls | None = None, **door_options: Any
) -> AsyncIterator[Outside]:
    """Open a house with a door on a free port, and a channel to it."""
    if house is None:
        async with open_house() as opened, outside(opened, metrics, **door_options) as view:
            yield view
        return
    metrics, ids = metrics or CountedCalls(), count(1)
    async with open_door(
        house.desk,
        listen="127.0.0.1:0",
        clock=house.clock,
        new_id=lambda: f"id-{next(ids)}",
        metrics=metrics,
        **door_options,
    ) as door:
        door.set_serving(True)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel:
            yield Outside(house, door, metrics, channel)
