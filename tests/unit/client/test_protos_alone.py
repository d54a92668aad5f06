"""What `clients/README.md` tells those who have the protos alone: its service config, by the stubs that gRPC makes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1 import messaging_gateway_pb2_grpc as pb_grpc
from tests.unit.client.far_side import FarSide, refuse

README = Path(__file__).parents[3] / "clients" / "README.md"
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
REQUEST = pb.SendMessageRequest(chat_id=1, text="hi", request_id="order-1")


def service_config() -> str:
    (block,) = re.findall(r"```json\n(.*?)```", README.read_text(), re.DOTALL)
    return json.dumps(json.loads(block))


@pytest.fixture
async def stub(port: int) -> AsyncIterator[pb_grpc.MessagingGatewayAsyncStub]:
    options = [("grpc.service_config", service_config()), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield pb_grpc.MessagingGatewayStub(channel)


async def test_grpc_repeats_what_was_not_available_under_the_same_request_id(
    stub: pb_grpc.MessagingGatewayAsyncStub, far_side: FarSide
) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, "NOT_DURABLE")] * 2
    answer = await stub.SendMessage(REQUEST, timeout=30)
    assert answer.message.request_id == "order-1"
    assert far_side.requests == [REQUEST] * 3


@pytest.mark.parametrize(
    ("reason", "pushback", "attempts"),
    [("NOT_DURABLE", "-1", 1), ("TELEGRAM_FAILED", "1", 4), ("SHUTTING_DOWN", "1", 4)],
)
async def test_grpc_repeats_as_often_as_it_may_and_the_reason_is_told(
    stub: pb_grpc.MessagingGatewayAsyncStub, far_side: FarSide, reason: str, pushback: str, attempts: int
) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, reason, trailers=[("grpc-retry-pushback-ms", pushback)])] * 9
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.SendMessage(REQUEST, timeout=30)
    trailers = dict(refused.value.trailing_metadata())
    (detail,) = status_pb2.Status.FromString(trailers["grpc-status-details-bin"]).details  # type: ignore[arg-type]
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    assert (info.domain, info.reason) == ("chatkey.v1", reason)
    assert far_side.requests == [REQUEST] * attempts


async def test_grpc_does_not_repeat_what_was_refused(
    stub: pb_grpc.MessagingGatewayAsyncStub, far_side: FarSide
) -> None:
    far_side.outcomes = [refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", retry_after=1)]
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.SendMessage(REQUEST, timeout=30)
    assert far_side.requests == [REQUEST]
