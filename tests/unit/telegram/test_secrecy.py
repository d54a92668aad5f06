"""The bot token is on the wire and nowhere else: not in a log, an error, a repr or a local of a traceback."""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.connector import Connection

from gateway.model import Draft
from gateway.telegram.body import Body
from gateway.telegram.connector import Connector
from gateway.telegram.failures import BotFailure
from gateway.telegram.token import from_value
from gateway.telegram.wire import PLACEHOLDER, Call, SigningRequest
from tests.support.telegram_peer import (
    Exchange,
    Peer,
    Step,
    closes,
    drips,
    http,
    is_silent,
    raw,
    refused,
    resets,
    result,
    sent,
)

DRAFT = Draft(chat_id=5, text="canary-of-the-text")
LOUD = ("", "telegram", "telegram.Bot", "telegram.BaseRequest", "httpx", "httpcore", "aiohttp.client", "asyncio")

Opening = Callable[..., AbstractAsyncContextManager[Connector]]


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Turn every logger to DEBUG, and asyncio's own debugging on."""
    for name in LOUD:
        caplog.set_level(logging.DEBUG, name)
    logging.getLogger("telegram").debug("this is heard")
    yield
    gc.collect()  # what was not awaited or closed complains now
    records = [record for phase in ("setup", "call", "teardown") for record in caplog.get_records(phase)]
    assert "this is heard" in {record.getMessage() for record in records}
    for record in records:
        assert "canary" not in record.getMessage()
        assert "canary" not in repr(vars(record))


def leaks(error: BaseException) -> bool:
    """Tell whether an error shows a secret to a crash reporter that collects locals."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "canary" in "".join([*told.format(), repr(error), str(error), repr(error.args), repr(vars(error))])


def frames_of(error: BaseException | None) -> str:
    """Return the files that an error and what caused it came through."""
    if error is None:
        return ""
    own = " ".join(frame.filename for frame in traceback.extract_tb(error.__traceback__))
    return own + frames_of(error.__context__) + frames_of(error.__cause__)


def echoes(answer: Callable[[str], bytes]) -> Step:
    async def step(exchange: Exchange) -> None:
        await raw(answer(exchange.request.path))(exchange)

    return step


def as_refusal(path: str) -> bytes:
    body = b'{"ok":false,"error_code":400,"description":"no such path ' + path.encode() + b'"}'
    return b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def as_page(path: str) -> bytes:
    return b"HTTP/1.1 502 " + path.encode() + b"\r\nContent-Length: 100\r\nServer: " + path.encode() + b"\r\n\r\n<html>"


def as_header_junk(path: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + path.encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "step",
    [
        refused(429, "x", {"retry_after": 3}),
        refused(429, "x"),
        refused(400, "can't parse entities"),
        refused(400, "x", {"migrate_to_chat_id": -1001}),
        refused(401, "Unauthorized"),
        refused(403, "x"),
        refused(404, "Not Found"),
        refused(409, "x"),
        refused(413, "x"),
        refused(500, "x"),
        http(502, b"<html></html>"),
        http(200, b'{"ok":true,"result":{'),
        http(307, b"", headers="Location: /x\r\n"),
        result({"no": "message"}),
        raw(b"junk\r\n\r\n", close=True),
        resets,
        closes,
        is_silent,
        drips,
        echoes(as_refusal),
        echoes(as_page),
        echoes(as_header_junk),
    ],
)
async def test_no_failure_shows_the_token(connector: Connector, peer: Peer, step: Step) -> None:
    peer.then(step)
    with pytest.raises(BotFailure) as failed:
        await connector.send_message(Draft(chat_id=5, text="hello"))
    assert not leaks(failed.value)
    assert "aiohttp" not in frames_of(failed.value)
    assert failed.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    ["https://nowhere.invalid", "http://127.0.0.1:1", "https://127.0.0.1:1", "http://[::1]:1", "http://127.0.0.1:0"],
)
async def test_no_failure_to_connect_shows_the_token(opening: Opening, url: str) -> None:
    async with opening(base_url=url) as connector:
        with pytest.raises(BotFailure) as failed:
            await connector.send_message(Draft(chat_id=5, text="hello"))
    assert not leaks(failed.value)


async def test_a_broken_tls_handshake_does_not_show_the_token(opening: Opening, peer: Peer) -> None:
    peer.resets_at_once = True
    async with opening(base_url=peer.url.replace("http:", "https:")) as connector:
        with pytest.raises(BotFailure) as failed:
            await connector.send_message(Draft(chat_id=5, text="hello"))
    assert not leaks(failed.value)


async def test_a_cancelled_send_does_not_show_the_token(connector: Connector, peer: Peer) -> None:
    peer.then(is_silent)
    send = asyncio.create_task(connector.send_message(Draft(chat_id=5, text="hello")))
    await peer.has_received(1)
    send.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await send
    assert not leaks(cancelled.value)
    assert "aiohttp" not in frames_of(cancelled.value)


async def test_a_send_out_of_time_does_not_show_the_token(connector: Connector, peer: Peer) -> None:
    peer.then(is_silent)
    with pytest.raises(TimeoutError) as late:
        async with asyncio.timeout(0.1):
            await connector.send_message(Draft(chat_id=5, text="hello"))
    assert not leaks(late.value)
    assert "aiohttp" not in frames_of(late.value)


async def test_a_proxy_password_is_not_shown(opening: Opening) -> None:
    url = "socks5://user:canary-password@127.0.0.1:1"
    async with opening(base_url="https://telegram.invalid", proxy=url) as connector:
        del url
        with pytest.raises(BotFailure) as failed:
            await connector.send_message(Draft(chat_id=5, text="hello"))
    assert not leaks(failed.value)


async def test_neither_token_nor_text_is_logged_when_all_goes_well(connector: Connector, peer: Peer) -> None:
    asyncio.get_running_loop().set_debug(True)
    asyncio.get_running_loop().slow_callback_duration = 0
    peer.then(sent(), result({"id": 123456789, "is_bot": True, "first_name": "Chatkey"}), result({"id": 5}))
    await connector.send_message(DRAFT)
    await connector.identify()
    await connector.chat_answers(5)


async def test_no_part_of_the_connector_shows_the_token(connector: Connector) -> None:
    parts = [connector, *vars(connector).values(), *vars(connector._transport).values()]
    for part in parts:
        assert "canary" not in f"{part!r} {part}"


async def test_the_http_library_sees_a_placeholder_only(peer: Peer, token: str) -> None:
    requests: list[SigningRequest] = []

    class Kept(SigningRequest):
        async def send(self, conn: Connection) -> ClientResponse:
            requests.append(self)
            return await super().send(conn)

    call = Call(Body(b"{}"), from_value(token).read)
    async with (
        ClientSession(request_class=Kept) as session,
        session.post(f"{peer.url}/bot{PLACEHOLDER}/sendMessage", data=call) as response,
    ):
        assert "canary" not in f"{response!r} {response.url} {response.real_url}"
    assert "canary" not in f"{requests[0].url} {requests[0].original_url}"
    assert peer.requests[0].token == token


async def test_nothing_but_a_call_is_signed(peer: Peer) -> None:
    async with ClientSession(request_class=SigningRequest) as session:
        with pytest.raises(TypeError):
            await session.post(f"{peer.url}/bot{PLACEHOLDER}/sendMessage", data=b"{}")
    assert peer.requests == []
