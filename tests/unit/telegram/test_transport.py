"""What was written decides: nothing at all is NotSent, anything is Unanswered, and nothing is ever sent twice."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from aiohttp import ClientConnectionResetError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter

from gateway.model import Draft
from gateway.telegram.body import Body
from gateway.telegram.connector import Connector
from gateway.telegram.failures import NotSent, Unanswered
from gateway.telegram.token import from_value
from gateway.telegram.wire import Call
from tests.support.telegram_peer import (
    Peer,
    Step,
    closes,
    drips,
    floods,
    held,
    http,
    is_silent,
    peer_at,
    raw,
    resets,
)
from tests.support.telegram_proxies import PASSWORD, USER, HttpProxy, SocksProxy, running

DRAFT = Draft(chat_id=5, text="hello")
BRIEFLY = timedelta(milliseconds=200)

Opening = Callable[..., AbstractAsyncContextManager[Connector]]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port where connections are made and nobody ever answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(resets, id="reset after the request"),
        pytest.param(closes, id="closed after the request"),
        pytest.param(is_silent, id="no answer"),
        pytest.param(drips, id="slow drip"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), id="half a head"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", close=True), id="half a body"),
        pytest.param(raw(b"\x16\x03\x01 this is not HTTP\r\n\r\n", close=True), id="no HTTP"),
        pytest.param(http(200, b'{"ok":true,"result":{"message_id":7,'), id="truncated JSON"),
        pytest.param(http(502, b"<html>502 Bad Gateway</html>", content_type="text/html"), id="502 HTML"),
        pytest.param(http(307, b"", headers="Location: /elsewhere\r\n"), id="redirect"),
        pytest.param(http(303, b"", headers="Location: /elsewhere\r\n"), id="see other"),
        pytest.param(http(200, b"junk", headers="Content-Encoding: gzip\r\n"), id="compressed without being asked"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", close=True), id="bad chunk"),
    ],
)
async def test_a_request_that_was_written_is_unanswered_and_not_repeated(
    connector: Connector, peer: Peer, step: Step
) -> None:
    peer.then(step)
    with pytest.raises(Unanswered):
        await connector.send_message(DRAFT)
    assert len(peer.requests) == 1
    assert await connector.send_message(DRAFT) == (7,)


async def test_an_answer_without_an_end_is_not_read_to_it(opening: Opening, peer: Peer) -> None:
    peer.then(floods)
    async with opening(base_url=peer.url) as connector:
        with pytest.raises(Unanswered, match="longer than"):
            await connector.send_message(DRAFT)
        assert await connector.send_message(DRAFT) == (7,)


async def test_a_reset_in_the_middle_of_the_request_is_unanswered(connector: Connector, peer: Peer) -> None:
    peer.resets_at_once = True
    with pytest.raises(Unanswered):
        await connector.send_message(DRAFT)
    assert peer.connections == 1


async def test_a_reused_connection_that_breaks_is_unanswered_and_not_repeated(connector: Connector, peer: Peer) -> None:
    await connector.send_message(DRAFT)
    peer.then(closes)
    with pytest.raises(Unanswered):
        await connector.send_message(DRAFT)
    assert peer.connections == 1
    assert len(peer.requests) == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(
    connector: Connector, opening: Opening, peer: Peer
) -> None:
    await connector.send_message(DRAFT)
    await peer.close_connections()
    async with opening(base_url=peer.url) as other:
        await other.send_message(DRAFT)  # the closing was seen before this could be answered
    await connector.send_message(DRAFT)
    assert peer.connections == 3
    assert len(peer.requests) == 3


async def test_a_connection_that_closes_before_the_write_has_taken_nothing(peer: Peer, token: str) -> None:
    loop = asyncio.get_running_loop()
    port = int(peer.url.rpartition(":")[2])
    transport, protocol = await loop.create_connection(lambda: ResponseHandler(loop), "127.0.0.1", port)
    writer = StreamWriter(protocol, loop)
    call = Call(Body(b"{}"), from_value(token).read)
    transport.close()
    with pytest.raises(ClientConnectionResetError):
        await call.write_with_length(writer, None)
    assert not call.written


async def not_sent(opening: Opening, url: str, **options: object) -> str:
    async with opening(base_url=url, **options) as connector:
        with pytest.raises(NotSent) as failed:
            await connector.send_message(DRAFT)
    return str(failed.value)


async def test_a_name_that_is_not_resolved_sends_nothing(opening: Opening) -> None:
    assert "DNS" in await not_sent(opening, "https://nowhere.invalid")


async def test_a_refused_connection_sends_nothing(opening: Opening) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert "ECONNREFUSED" in await not_sent(opening, f"https://127.0.0.1:{port}")


async def test_a_certificate_that_nobody_vouches_for_sends_nothing(
    opening: Opening, server_tls: ssl.SSLContext
) -> None:
    async with peer_at(server_tls) as peer:
        assert "Certificate" in await not_sent(opening, peer.url)
        assert peer.requests == []


async def test_a_certificate_of_another_name_sends_nothing(
    opening: Opening, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with peer_at(server_tls) as peer:
        assert "Certificate" in await not_sent(opening, peer.url, tls=trusting)
        assert peer.requests == []


async def test_a_server_that_breaks_off_tls_sends_nothing(opening: Opening, peer: Peer) -> None:
    peer.resets_at_once = True
    await not_sent(opening, peer.url.replace("http:", "https:"))


async def test_a_server_that_never_answers_to_tls_sends_nothing(opening: Opening, deaf_port: int) -> None:
    assert "Timeout" in await not_sent(opening, f"https://127.0.0.1:{deaf_port}", connect_timeout=BRIEFLY)


async def test_a_request_that_gets_no_connection_sends_nothing(opening: Opening, peer: Peer) -> None:
    release = asyncio.Event()
    peer.then(held(release))
    async with opening(base_url=peer.url, connections=1, connect_timeout=BRIEFLY) as connector:
        first = asyncio.create_task(connector.send_message(DRAFT))
        await peer.has_received(1)
        with pytest.raises(NotSent):
            await connector.send_message(DRAFT)
        release.set()
        assert await first == (7,)
    assert len(peer.requests) == 1


async def test_a_hundred_requests_are_under_way_at_once(opening: Opening, peer: Peer) -> None:
    release = asyncio.Event()
    peer.otherwise = held(release)
    async with opening(base_url=peer.url) as connector:
        sends = [asyncio.create_task(connector.send_message(DRAFT)) for _ in range(100)]
        await peer.has_received(100)
        release.set()
        assert await asyncio.gather(*sends) == [(7,)] * 100


async def test_closing_lets_what_is_under_way_end_and_takes_nothing_new(opening: Opening, peer: Peer) -> None:
    release = asyncio.Event()
    peer.then(held(release))
    async with opening(base_url=peer.url) as connector:
        first = asyncio.create_task(connector.send_message(DRAFT))
        await peer.has_received(1)
        asyncio.get_running_loop().call_soon(release.set)
    assert await first == (7,)
    with pytest.raises(NotSent):
        await connector.send_message(DRAFT)


async def test_a_cancelled_send_leaves_the_connector_usable(connector: Connector, peer: Peer) -> None:
    peer.then(is_silent)
    send = asyncio.create_task(connector.send_message(DRAFT))
    await peer.has_received(1)
    send.cancel()
    with pytest.raises(asyncio.CancelledError):
        await send
    assert await connector.send_message(DRAFT) == (7,)


async def test_a_server_of_ones_own_may_be_below_a_path(opening: Opening, peer: Peer, token: str) -> None:
    async with opening(base_url=f"{peer.url}/the TOKEN/é/") as connector:
        await connector.send_message(DRAFT)
    assert peer.requests[0].path == f"/the%20TOKEN/%C3%A9/bot{token}/sendMessage"


async def test_the_environment_chooses_no_proxy(
    connector: Connector, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await connector.send_message(DRAFT) == (7,)


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_a_proxy_leads_to_the_server_and_resolves_its_name(
    opening: Opening, peer: Peer, kind: type[HttpProxy | SocksProxy]
) -> None:
    async with running(kind(peer.url)) as proxy:
        url = f"{kind.scheme}://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        async with opening(base_url="http://telegram.invalid", allow_plaintext=True, proxy=url) as connector:
            assert await connector.send_message(DRAFT) == (7,)
    assert proxy.names == ["telegram.invalid"]


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_tls_through_a_proxy_is_verified_for_the_server(
    opening: Opening, server_tls: ssl.SSLContext, trusting: ssl.SSLContext, kind: type[HttpProxy | SocksProxy]
) -> None:
    async with peer_at(server_tls) as peer, running(kind(peer.url)) as proxy:
        url = f"{kind.scheme}://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        async with opening(base_url="https://telegram.invalid", tls=trusting, proxy=url) as connector:
            assert await connector.send_message(DRAFT) == (7,)
        await not_sent(opening, "https://other.invalid", tls=trusting, proxy=url)
        assert len(peer.requests) == 1


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_a_proxy_that_refuses_sends_nothing_and_its_password_is_not_shown(
    opening: Opening, peer: Peer, kind: type[HttpProxy | SocksProxy]
) -> None:
    async with running(kind(peer.url)) as proxy:
        url = f"{kind.scheme}://{USER}:wrong-canary@127.0.0.1:{proxy.port}"
        text = await not_sent(opening, "http://telegram.invalid", allow_plaintext=True, proxy=url)
    assert "canary" not in text
    assert peer.requests == []
