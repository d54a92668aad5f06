"""Proxies that ask for a password: HTTP CONNECT and SOCKS5 (RFC 1928, RFC 1929), each leading to one place."""

from __future__ import annotations

import asyncio
import base64
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

USER = "chatkey"
PASSWORD = "canary-of-the-proxy-password"


class Proxy(ABC):
    """Leads every connection to the same place, whatever name it was asked for, and keeps the names."""

    def __init__(self, target: str) -> None:
        """Take the URL of the place."""
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self.names: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await self.opens(reader, writer):
                await self._pipe(reader, writer)
        writer.close()

    @abstractmethod
    async def opens(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Say whether the client may go on, to it and to the caller."""

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


class HttpProxy(Proxy):
    """Speaks CONNECT."""

    scheme = "http"

    async def opens(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Say whether the client may go on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.names.append(head.split(" ", 2)[1].rpartition(":")[0])
        allowed = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() in head
        writer.write(b"HTTP/1.1 200 Go\r\n\r\n" if allowed else b"HTTP/1.1 407 No\r\n\r\n")
        return allowed


class SocksProxy(Proxy):
    """Speaks SOCKS5 with user and password."""

    scheme = "socks5"

    async def opens(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Say whether the client may go on."""
        methods = (await reader.readexactly(2))[1]
        await reader.readexactly(methods)
        writer.write(b"\x05\x02")
        await reader.readexactly(1)
        user, password = await _counted(reader), await _counted(reader)
        allowed = (user, password) == (USER, PASSWORD)
        writer.write(b"\x01\x00" if allowed else b"\x01\x01")
        if allowed:
            kind = (await reader.readexactly(4))[3]
            self.names.append(await _counted(reader) if kind == 3 else str(await reader.readexactly(4)))
            await reader.readexactly(2)
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
        return allowed


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[Proxy]:
    """Run a proxy on a free port of this machine."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


async def _counted(reader: asyncio.StreamReader) -> str:
    length = (await reader.readexactly(1))[0]
    return (await reader.readexactly(length)).decode()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
