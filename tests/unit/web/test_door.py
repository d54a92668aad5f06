"""The HTTP door answers probes, Prometheus, and whoever checks our tokens."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from gateway.errors import ConfigInvalid
from gateway.web import connections as limits
from gateway.web.door import open_web


async def test_it_publishes_health_metrics_and_public_keys() -> None:
    registry = CollectorRegistry()
    Counter("apples", "Apples.", registry=registry).inc()
    why: list[str | None] = [None]
    async with (
        open_web("127.0.0.1:0", registry=registry, not_ready=lambda: why[0], jwks=lambda: {"keys": []}) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        assert (await http.get("/healthz")).status == 200
        assert (await http.get("/readyz")).status == 200
        why[0] = "Telegram refuses the bot token."
        refused = await http.get("/readyz")
        assert (refused.status, await refused.text()) == (503, "Telegram refuses the bot token.\n")
        assert "apples_total 1.0" in await (await http.get("/metrics")).text()
        assert await (await http.get("/.well-known/jwks.json")).json() == {"keys": []}
        assert (await http.get("/")).status == 404


async def test_a_port_in_use_is_said_in_one_line() -> None:
    arguments = {"registry": CollectorRegistry(), "not_ready": lambda: None, "jwks": dict}
    async with open_web("127.0.0.1:0", **arguments) as port:
        with pytest.raises(ConfigInvalid, match=rf"can't listen on 127.0.0.1:{port}: .*in use"):
            async with open_web(f"127.0.0.1:{port}", **arguments):
                pass


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the other side hangs up."""
    async with asyncio.timeout(30):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def test_row_36_who_holds_every_connection_holds_up_neither_probes_nor_the_process() -> None:
    arguments = {"registry": CollectorRegistry(), "not_ready": lambda: None, "jwks": dict}
    async with open_web("127.0.0.1:0", **arguments) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(limits.MOST_PROBES)]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/healthz")).status == 200
        (first, _), (last, writer) = held[0], held[-1]
        assert await ended(first) == b""
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await ended(last)).startswith(b"HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()


async def test_row_36_a_connection_that_asks_for_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_S", 0.1)
    arguments = {"registry": CollectorRegistry(), "not_ready": lambda: None, "jwks": dict}
    async with open_web("127.0.0.1:0", **arguments) as port:
        for beginning in (b"", b"GET /healthz HTTP/1.1\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(beginning)
            assert await ended(reader) == b""
            writer.close()
