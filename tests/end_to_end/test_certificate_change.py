"""Certificates that are replaced under a gateway that serves."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1.messaging_gateway_pb2_grpc import MessagingGatewayStub
from gateway.rpc.certificates import Certificates, Tls
from gateway.rpc.server import open_door
from tests.support.certificates import Certificate, certificate
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import CountedCalls
from tests.support.open_house import CHAT, open_house
from tests.support.server import until

OPS = -1001


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Certificate]:
    def made(name: str) -> Certificate:
        (tmp_path / name).mkdir()
        return certificate(tmp_path / name, name)

    return made


async def shown_at(port: int) -> bytes:
    """Return the digest of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return hashlib.sha256(shown).digest()


def digest_of(made: Certificate) -> bytes:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.cert_file.read_text())).digest()


async def calls_without_end(running: Gateway, root: bytes, stop: asyncio.Event) -> int:
    """Call again and again, over one connection and each time over a new one; every call must succeed."""
    calls = 0
    metadata = (("authorization", f"Bearer {running.token(OPS)}"),)
    credentials = grpc.ssl_channel_credentials(root)
    own_connection = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(running.address, credentials) as old:
        while not stop.is_set():
            async with grpc.aio.secure_channel(running.address, credentials, options=own_connection) as new:
                for channel in (old, new):
                    await MessagingGatewayStub(channel).SendMessage(
                        pb.SendMessageRequest(chat_id=OPS, text="hello", wait_for=pb.WAIT_FOR_ACCEPTANCE),
                        metadata=metadata,
                    )
                    calls += 1
    return calls


async def test_a_new_certificate_is_shown_to_new_connections_and_no_call_fails(
    tmp_path: Path, make: Callable[[str], Certificate]
) -> None:
    own, first, second = (make(name) for name in ("own", "first", "second"))
    root = first.cert_file.read_bytes() + second.cert_file.read_bytes()
    own.cert_file.write_bytes(first.cert_file.read_bytes())
    own.key_file.write_bytes(first.key_file.read_bytes())
    settings = {"tls_cert_file": own.cert_file, "tls_key_file": own.key_file}
    async with gateway(tmp_path / "data", **settings) as running:
        stop = asyncio.Event()
        calling = asyncio.create_task(calls_without_end(running, root, stop))
        port = running.app.grpc_port
        assert await shown_at(port) == digest_of(first)
        own.key_file.write_bytes(second.key_file.read_bytes())
        assert await shown_at(port) == digest_of(first)
        own.cert_file.write_bytes(second.cert_file.read_bytes())

        async def is_new() -> bool:
            return await shown_at(port) == digest_of(second)

        await until(is_new, "the new certificate is shown")
        stop.set()
        assert await calling > 0


async def test_a_new_client_ca_decides_about_new_connections(make: Callable[[str], Certificate]) -> None:
    server, old, new = (make(name) for name in ("server", "old", "new"))
    ca_file = server.cert_file.with_name("ca.pem")
    ca_file.write_bytes(old.cert_file.read_bytes())
    certificates = Certificates(Tls(cert_file=server.cert_file, key_file=server.key_file, client_ca_file=ca_file))
    async with (
        open_house() as house,
        open_door(
            house.desk,
            listen="127.0.0.1:0",
            tls=certificates,
            clock=house.clock,
            new_id=lambda: "id",
            metrics=CountedCalls(),
        ) as door,
    ):

        async def code(client: Certificate) -> grpc.StatusCode:
            root = server.cert_file.read_bytes()
            shown = grpc.ssl_channel_credentials(root, client.key_file.read_bytes(), client.cert_file.read_bytes())
            own_connection = (("grpc.use_local_subchannel_pool", 1),)
            async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", shown, options=own_connection) as channel:
                call = MessagingGatewayStub(channel).SendMessage(
                    pb.SendMessageRequest(chat_id=CHAT, text="hello"),
                    metadata=(("authorization", f"Bearer {house.token()}"),),
                )
                return await call.code()

        assert [await code(client) for client in (old, new)] == [grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE]
        ca_file.write_bytes(new.cert_file.read_bytes())
        certificates.look()
        assert [await code(client) for client in (old, new)] == [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK]
