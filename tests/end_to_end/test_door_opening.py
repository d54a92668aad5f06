from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1 import messaging_gateway_pb2_grpc
from gateway.errors import ConfigInvalid
from gateway.rpc import policy
from gateway.rpc.certificates import Certificates, Tls
from gateway.rpc.server import Door, open_door
from tests.support.certificates import certificate
from tests.support.open_door import CountedCalls, refusal_of
from tests.support.open_house import CHAT, House, open_house

HELLO = pb.SendMessageRequest(chat_id=CHAT, text="hello")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def door_at(house: House, listen: str, tls: Tls | None = None) -> AbstractAsyncContextManager[Door]:
    return open_door(
        house.desk,
        listen=listen,
        tls=Certificates(tls) if tls else None,
        clock=house.clock,
        new_id=lambda: "id",
        metrics=CountedCalls(),
    )


async def refused_to_open(door: AbstractAsyncContextManager[Door]) -> str:
    with pytest.raises(ConfigInvalid) as refused:
        await door.__aenter__()
    return str(refused.value)


async def test_row_42_a_port_is_not_shared_with_another_process(house: House) -> None:
    async with door_at(house, "127.0.0.1:0") as first:
        address = f"127.0.0.1:{first.port}"
        assert address in await refused_to_open(door_at(house, address))
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with pytest.raises(OSError, match="in use"):
                thief.bind(("127.0.0.1", first.port))


async def test_row_32_plaintext_does_not_leave_the_machine(house: House) -> None:
    for listen in ("0.0.0.0:0", "[::]:0", "localhost:0", ":0"):
        assert listen in await refused_to_open(door_at(house, listen))


async def test_a_traced_gateway_does_not_start(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_TRACE", "all")
    assert "GRPC_TRACE" in await refused_to_open(door_at(house, "127.0.0.1:0"))


async def test_a_gateway_with_an_rpc_beside_the_policy_does_not_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = {method: needs for method, needs in policy.POLICY.items() if not method.endswith("SendMessage")}
    monkeypatch.setattr(policy, "POLICY", lacking)
    with pytest.raises(LookupError, match="SendMessage"):
        await door_at(house, "127.0.0.1:0").__aenter__()


async def test_a_socket_file_will_do(house: House, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/grpc.sock"
    async with door_at(house, address), grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await messaging_gateway_pb2_grpc.MessagingGatewayStub(channel).SendMessage(HELLO)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert [record.address for record in await house.refusals()] == ["unix"]


async def test_a_door_with_tls_speaks_it_and_nothing_else(house: House, tmp_path: Path) -> None:
    made = certificate(tmp_path)
    async with door_at(house, "0.0.0.0:0", Tls(cert_file=made.cert_file, key_file=made.key_file)) as door:
        address = f"127.0.0.1:{door.port}"
        metadata = (("authorization", f"Bearer {house.token()}"),)
        trust = grpc.ssl_channel_credentials(made.cert_file.read_bytes())
        async with grpc.aio.secure_channel(address, trust) as channel:
            stub = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
            reply = await stub.SendMessage(HELLO, metadata=metadata)
        assert reply.message.state == pb.STATE_DELIVERED
        async with grpc.aio.insecure_channel(address) as channel:
            stub = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.SendMessage(HELLO, metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_door_with_a_client_ca_lets_nobody_in_without_a_certificate_of_it(house: House, tmp_path: Path) -> None:
    made = certificate(tmp_path)
    tls = Tls(cert_file=made.cert_file, key_file=made.key_file, client_ca_file=made.cert_file)
    metadata = (("authorization", f"Bearer {house.token()}"),)
    async with door_at(house, "127.0.0.1:0", tls) as door:
        root, key = made.cert_file.read_bytes(), made.key_file.read_bytes()
        known = grpc.ssl_channel_credentials(root, key, root)
        async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", known) as channel:
            stub = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
            assert (await stub.SendMessage(HELLO, metadata=metadata)).message.state == pb.STATE_DELIVERED
        async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", grpc.ssl_channel_credentials(root)) as channel:
            stub = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.SendMessage(HELLO, metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_at_a_stop_waiting_calls_are_answered_and_streams_end(house: House) -> None:
    house.telegram.answers.clear()
    metadata = (("authorization", f"Bearer {house.token()}"),)
    opening = door_at(house, "127.0.0.1:0")
    door = await opening.__aenter__()
    door.set_serving(True)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel:
        stub = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await health.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch = stub.WatchMessages(pb.WatchMessagesRequest(), metadata=metadata)
        assert not (await watch.read()).HasField("message")
        sending = asyncio.ensure_future(stub.SendMessage(HELLO, metadata=metadata))
        change = await watch.read()
        assert change.message.state == pb.STATE_SENDING
        closing = asyncio.ensure_future(opening.__aexit__(None, None, None))
        assert (await sending).message.state == pb.STATE_SENDING
        assert (await health.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        door.set_serving(True)
        refusal = await refusal_of(_to_its_end(watch))
        assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        assert (await refusal_of(health.read())).info.reason == "SHUTTING_DOWN"
        await closing


async def _to_its_end(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        continue
