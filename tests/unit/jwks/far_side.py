"""Somebody else's web server, who answers as a test says; and a resolver that leads where a test says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult

from tests.support.certificates import certificate


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """Return the bytes of an HTTP answer."""
    size = len(body) if length is None else length
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


@dataclass
class Server:
    """What it answers, and what it was asked; while `silent` is set it answers nothing."""

    port: int
    ca_file: Path
    says: bytes = field(default_factory=answer)
    asked: list[str] = field(default_factory=list)
    silent: bool = False
    endless: bool = False
    met: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where its keys are."""
        return f"https://127.0.0.1:{self.port}/jwks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            self.met.set()
            if self.silent:
                await reader.read()
                return
            writer.write(self.says)
            while self.endless and not writer.is_closing():
                writer.write(b"[" * 4096)
                await writer.drain()
                await asyncio.sleep(0)  # a buffer with room left does not let others run
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Server]:
    """Run one on a free port of this machine, with a certificate of its own authority."""
    made = certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.cert_file, made.key_file)
    running = Server(0, made.cert_file)
    listening = await asyncio.start_server(running.serve, "127.0.0.1", 0, ssl=context)
    running.port = listening.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        listening.close()
        running.silent = running.endless = False


class Resolver(AbstractResolver):
    """Leads every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses: Sequence[str] = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass
