"""Stands between two sides of a connection, and does with what passes what a bad network or machine does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

_SSL_REQUEST = 8  # bytes: https://www.postgresql.org/docs/current/protocol-message-formats.html
_Pass = Callable[[bytes], bytes]


class Relay:
    """Takes connections for a port of this machine.

    Attributes:
        port: Where they lead to.
        own_port: Where they are taken.
        asked: What becomes of what a client says; by default it stays as it is.
        answered: What becomes of what the other side says.
        taken: How many connections were taken.
        refuses: How many connections are refused from now on.
        tls: By which certificate connections are answered that ask for TLS; None: they are led on as they are.
        flows: Cleared, nothing passes any more, and both sides stay connected.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.own_port = 0
        self.asked: _Pass = bytes
        self.answered: _Pass = bytes
        self.taken = 0
        self.tls: SSLContext | None = None
        self.refuses = 0
        self.flows = asyncio.Event()
        self.flows.set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self._open: set[asyncio.StreamWriter] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        self.taken += 1
        self._open.add(writer)
        await self.flows.wait()
        if self.refuses:
            self.refuses -= 1
            writer.close()
            return
        if self.tls:
            await reader.readexactly(_SSL_REQUEST)
            writer.write(b"S")
            try:
                await writer.start_tls(self.tls)
            except OSError:
                return  # whoever asked did not like it
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        self._open.add(up_writer)
        await asyncio.gather(
            self._pass(reader, up_writer, lambda data: self.asked(data)),
            self._pass(up_reader, writer, lambda data: self.answered(data)),
        )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: _Pass) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                passed = change(data)
                await self.flows.wait()
                writer.write(passed)
        writer.close()

    def close(self) -> None:
        """Break all connections."""
        self.flows.set()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Relay]:
    """Give a relay that takes connections."""
    relay = Relay(port)
    async with await asyncio.start_server(relay._serve, "127.0.0.1", 0) as server:
        relay.own_port = server.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            # New ones are broken too: what was waiting to be let through has its other side only now.
            while any(not serving.done() for serving in relay._serving if serving):
                relay.close()
                await asyncio.sleep(0)
