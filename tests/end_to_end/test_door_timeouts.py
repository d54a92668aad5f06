"""Connections that keep silent, dawdle or stay for ever. The door's own limits are minutes; here they are moments."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.rpc import server
from gateway.rpc.admin import door as admin_door
from gateway.rpc.certificates import Certificates, Tls
from tests.support import http2
from tests.support.certificates import certificate
from tests.support.open_administration import open_offices, outside_offices
from tests.support.open_door import Outside, outside
from tests.support.open_house import CHAT

HELLO = pb.SendMessageRequest(chat_id=CHAT, text="hello")
LONGEST = {
    "grpc.max_connection_age_ms": 600_000,
    "grpc.max_connection_age_grace_ms": 60_000,
    "grpc.max_connection_idle_ms": 300_000,
    "grpc.keepalive_time_ms": 120_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.http2.ping_timeout_ms": 20_000,
    "grpc.server_handshake_timeout_ms": 10_000,
}


def test_row_36_every_limit_is_set_and_none_is_long() -> None:
    options = dict(server.OPTIONS)
    for name, longest in LONGEST.items():
        assert 0 < options[name] <= longest, name


def test_row_36_at_the_door_of_operators_no_connection_is_kept_for_long() -> None:
    options = dict(server.OPTIONS) | admin_door.LIMITS
    longest = {name: options[name] for name in LONGEST if "max_connection" in name or "handshake" in name}
    assert sum(longest.values()) <= 120_000


async def test_row_36_at_the_door_of_operators_too_who_asks_for_nothing_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_door, "LIMITS", {**admin_door.LIMITS, "grpc.max_connection_idle_ms": 200})
    async with open_offices(tmp_path) as offices, outside_offices(offices) as view:
        reader, writer = await asyncio.open_connection("127.0.0.1", view.door.port)
        writer.write(http2.PREFACE + http2.frame(http2.SETTINGS))
        assert b"connection idle" in await closed(reader)
        writer.close()


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Set the limits that a test names to a fifth of a second."""
    short = dict.fromkeys(request.param, 200)
    monkeypatch.setattr(server, "OPTIONS", tuple((dict(server.OPTIONS) | short).items()))


@pytest.fixture
async def view(moments: None) -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


async def closed(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the server hangs up."""
    received = b""
    async with asyncio.timeout(30):
        try:
            while data := await reader.read(1 << 16):
                received += data
        except ConnectionError:
            pass
    return received


async def is_served(view: Outside) -> None:
    reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED


@pytest.mark.parametrize("moments", [["grpc.server_handshake_timeout_ms"]], indirect=True)
@pytest.mark.parametrize("said", [b"", http2.PREFACE[:10], http2.PREFACE], ids=["nothing", "half a hello", "no frame"])
async def test_row_36_who_does_not_say_hello_is_not_waited_for(view: Outside, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", view.door.port)
    writer.write(said)
    await closed(reader)
    writer.close()
    await is_served(view)


@pytest.mark.parametrize("moments", [["grpc.server_handshake_timeout_ms"]], indirect=True)
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "the beginning of a hello"])
async def test_row_36_a_handshake_that_does_not_end_is_not_waited_for(
    moments: None, tmp_path: Path, said: bytes
) -> None:
    made = certificate(tmp_path)
    tls = Certificates(Tls(cert_file=made.cert_file, key_file=made.key_file))
    async with outside(tls=tls) as view:
        reader, writer = await asyncio.open_connection("127.0.0.1", view.door.port)
        writer.write(said)
        await closed(reader)
        writer.close()


@pytest.mark.parametrize("moments", [["grpc.max_connection_idle_ms"]], indirect=True)
async def test_row_36_a_connection_without_a_call_is_let_go(view: Outside) -> None:
    async with http2.connection(view.door.port) as connection:
        await asyncio.wait_for(connection.first(http2.GOAWAY), 30)
    await is_served(view)


@pytest.mark.parametrize("moments", [["grpc.keepalive_time_ms", "grpc.http2.ping_timeout_ms"]], indirect=True)
async def test_row_36_a_peer_that_is_gone_is_noticed(view: Outside) -> None:
    async with http2.connection(view.door.port) as connection:
        asked = await asyncio.wait_for(connection.first(http2.PING), 30)
        assert asked.payload
        with pytest.raises(AssertionError, match="the server closed"):
            await asyncio.wait_for(connection.first(http2.DATA), 30)
    await is_served(view)


@pytest.mark.parametrize("moments", [["grpc.max_connection_age_ms"]], indirect=True)
async def test_row_36_no_connection_lasts_for_ever_and_no_call_fails_of_it(view: Outside) -> None:
    async with http2.connection(view.door.port) as connection:
        farewell = asyncio.ensure_future(asyncio.wait_for(connection.first(http2.GOAWAY), 30))
        while not farewell.done():
            await is_served(view)
        await farewell


async def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    tls = Certificates(Tls(cert_file=made.cert_file, key_file=made.key_file))
    async with outside(tls=tls) as view:
        for version, is_taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.set_alpn_protocols(["h2"])
            with warnings.catch_warnings(action="ignore"):  # that they are old
                context.minimum_version = context.maximum_version = version
            opening = asyncio.open_connection("127.0.0.1", view.door.port, ssl=context)
            if is_taken:
                _, writer = await opening
                writer.close()
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    await opening
