"""The door for Telegram waits for nobody, takes no more than it can, and reads nothing from strangers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.errors import ConfigInvalid
from gateway.web import connections as limits
from gateway.web import webhook
from gateway.web.webhook import SECRET_HEADER, open_webhook
from tests.support.server import until


class Taker:
    """Takes what says "friend", unless its storage fails."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []
        self.taken: list[object] = []
        self.is_failing = False

    def admits(self, secrets: Sequence[str], address: str) -> bool:
        if secrets != ["friend"]:
            self.refuse("wrong_secret", address)
        return secrets == ["friend"]

    def refuse(self, why: str, address: str) -> None:
        self.refused.append((why, address))

    async def take(self, update: object) -> bool:
        if not self.is_failing:
            self.taken.append(update)
        return not self.is_failing


HEAD = (
    b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + SECRET_HEADER.encode() + b": friend\r\n"
)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Taker, int]]:
    taker = Taker()
    async with open_webhook("127.0.0.1:0", "/hook", taker) as port:
        yield taker, port


async def said(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the door hangs up."""
    async with asyncio.timeout(30):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def test_an_update_is_answered_once_it_is_kept_and_not_while_the_storage_fails() -> None:
    async with opened() as (taker, port), aiohttp.ClientSession() as http:
        url, headers = f"http://127.0.0.1:{port}/hook", {SECRET_HEADER: "friend"}
        taker.is_failing = True
        assert (await http.post(url, json={"update_id": 1}, headers=headers)).status == 503
        taker.is_failing = False
        assert (await http.post(url, json={"update_id": 1}, headers=headers)).status == 200
        assert (taker.taken, taker.refused) == ([{"update_id": 1}], [])


async def test_row_53_a_stranger_s_body_is_not_waited_for() -> None:
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.replace(b"friend", b"foe") + b"Content-Length: 1000000\r\n\r\n")
        answer = await said(reader)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"aiohttp" not in answer
        assert taker.refused == [("wrong_secret", "127.0.0.1")]
        writer.close()


async def test_a_body_that_dawdles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "BODY_S", 0.1)
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b'Content-Length: 100\r\n\r\n{"upd')
        assert (await said(reader)).startswith(b"HTTP/1.1 408 ")
        assert (taker.refused, taker.taken) == ([("slow_body", "127.0.0.1")], [])
        writer.close()


async def test_a_body_that_is_not_compressed_as_its_headers_say_is_refused() -> None:
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}")
        answer = await said(reader)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"rror" not in answer
        assert (taker.refused, taker.taken) == ([("broken_body", "127.0.0.1")], [])
        writer.close()


async def test_row_53_what_is_no_http_learns_nothing_and_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"garbage\r\n\r\n")
        answer = await said(reader)
        assert b" 400 " in answer.splitlines()[0]
        assert b"aiohttp" not in answer
        assert (taker.refused, caplog.text) == ([("not_http", "127.0.0.1")], "")
        writer.close()


async def test_a_body_without_an_end_is_cut_off() -> None:
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(200):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        assert (await said(reader))[:13] in (b"HTTP/1.1 413 ", b"")
        assert (taker.refused, taker.taken) == ([("large_body", "127.0.0.1")], [])
        writer.close()


async def test_a_connection_without_a_request_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_S", 0.1)
    async with opened() as (taker, port):
        for beginning in (b"", HEAD):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(beginning)
            assert await said(reader) == b""
            writer.close()
        assert taker.refused == [("slow_request", "127.0.0.1")] * 2


async def test_a_connection_that_is_gone_is_not_taken_for_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_S", 0.1)
    async with opened() as (taker, port):
        _, gone = await asyncio.open_connection("127.0.0.1", port)
        gone.close()
        await gone.wait_closed()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await said(reader) == b""
        assert len(taker.refused) == 1
        writer.close()


async def test_a_connection_that_has_asked_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_S", 0.1)
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.2)
        assert (taker.taken, taker.refused) == ([{}, {}], [])
        writer.close()


async def test_connections_are_bounded_and_room_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    async with opened() as (taker, port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await said(reader) == b""
        writer.close()
        assert taker.refused == [("too_many_connections", "127.0.0.1")]
        held[0][1].close()

        async def is_served() -> bool:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
            answer = await said(reader)
            writer.close()
            return answer.startswith(b"HTTP/1.1 200 ")

        await until(is_served, "there is room again")
        for _, writer in held:
            writer.close()


async def test_what_is_no_http_is_answered_and_let_go() -> None:
    async with opened() as (taker, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert b"400" in (await said(reader)).split(b"\r\n")[0]
        assert taker.taken == []
        writer.close()


async def test_a_port_in_use_is_said_in_one_line() -> None:
    async with opened() as (_, port):
        with pytest.raises(ConfigInvalid, match=rf"CHATKEY_WEBHOOK_LISTEN: can't listen on 127.0.0.1:{port}: "):
            async with open_webhook(f"127.0.0.1:{port}", "/hook", Taker()):
                pass
