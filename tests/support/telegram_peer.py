"""A far side of the wire that answers with exactly the bytes a test scripts, and breaks off where it says."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

Step = Callable[["Exchange"], Awaitable[None]]
"""What is done with one request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """Return the path of the request line."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def token(self) -> str:
        """Return the bot token that the request was signed with."""
        return self.path.removeprefix("/bot").partition("/")[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the method."""
        parameters: dict[str, Any] = json.loads(self.body)
        return parameters


class Exchange:
    """One request and the connection it came on."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
        """Take what arrived."""
        self.request = request
        self.writer = writer
        self.closing = closing

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        """End the connection properly."""
        self.writer.close()

    def reset(self) -> None:
        """End the connection with an RST."""
        reset(self.writer)


class Peer:
    """Does the next scripted step for each request, and what it does otherwise when there is none.

    Attributes:
        otherwise: At first, to answer that a message was sent.
        resets_at_once: Whether connections are reset after their first byte.
    """

    def __init__(self) -> None:
        """Start without a script."""
        self.requests: list[Request] = []
        self.script: deque[Step] = deque()
        self.otherwise: Step = sent()
        self.connections = 0
        self.resets_at_once = False
        self.url = ""
        self.arrived = asyncio.Event()
        self.closing = asyncio.Event()
        self.writers: set[asyncio.StreamWriter] = set()

    def then(self, *steps: Step) -> None:
        """Add to the script."""
        self.script.extend(steps)

    async def has_received(self, requests: int) -> None:
        """Return when that many requests have arrived in all."""
        while len(self.requests) < requests:
            self.arrived.clear()
            await self.arrived.wait()

    async def close_connections(self) -> None:
        """Close every connection, as a server does with idle ones."""
        for writer in list(self.writers):
            writer.close()
            await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection until either side ends it."""
        self.connections += 1
        self.writers.add(writer)
        try:
            if self.resets_at_once:
                await reader.readexactly(1)
                reset(writer)
            while not writer.is_closing():
                request = await _read(reader)
                self.requests.append(request)
                self.arrived.set()
                step = self.script.popleft() if self.script else self.otherwise
                await step(Exchange(request, writer, self.closing))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()


@asynccontextmanager
async def peer_at(tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Run a peer on a free port of this machine."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    peer.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield peer
    finally:
        peer.closing.set()
        server.close()
        for writer in list(peer.writers):
            writer.transport.abort()
        await server.wait_closed()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with an RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def raw(data: bytes, *, close: bool = False) -> Step:
    """Answer with these bytes."""

    async def step(exchange: Exchange) -> None:
        await exchange.write(data)
        if close:
            exchange.close()

    return step


def http(status: int, body: bytes, *, content_type: str = "application/json", headers: str = "") -> Step:
    """Answer with an HTTP response."""
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return raw(head.encode() + body)


def result(value: object) -> Step:
    """Answer as the Bot API does when it did what was asked."""
    return http(200, json.dumps({"ok": True, "result": value}).encode())


def refused(
    code: int, description: str, parameters: Mapping[str, object] | None = None, *, status: int | None = None
) -> Step:
    """Answer as the Bot API does when it refuses."""
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters is not None:
        body["parameters"] = dict(parameters)
    return http(status or code, json.dumps(body).encode())


def sent(message_id: int = 7) -> Step:
    """Answer that the message was sent to the chat that was asked for."""

    async def step(exchange: Exchange) -> None:
        chat = {"id": exchange.request.parameters.get("chat_id", 0), "type": "private", "first_name": "Ada"}
        await result({"message_id": message_id, "date": 1, "chat": chat, "text": "x"})(exchange)

    return step


def only(*tokens: str, then: Step | None = None) -> Step:
    """Answer well to these tokens and with 401 to all others."""

    async def step(exchange: Exchange) -> None:
        known = exchange.request.token in tokens
        await ((then or sent()) if known else refused(401, "Unauthorized"))(exchange)

    return step


def held(until: asyncio.Event, then: Step | None = None) -> Step:
    """Answer only when told to."""

    async def step(exchange: Exchange) -> None:
        await until.wait()
        await (then or sent())(exchange)

    return step


async def resets(exchange: Exchange) -> None:
    """Break off with an RST after the whole request was read."""
    exchange.reset()


async def closes(exchange: Exchange) -> None:
    """Close without an answer after the whole request was read."""
    exchange.close()


async def is_silent(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.closing.wait()


async def drips(exchange: Exchange) -> None:
    """Begin an answer and never go on with it."""
    await exchange.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok":tr')
    await exchange.closing.wait()


async def floods(exchange: Exchange) -> None:
    """Answer without an end."""
    await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return Request(head, await reader.readexactly(length))
