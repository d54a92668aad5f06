"""As much of HTTP/2 (RFC 9113) and HPACK (RFC 7541) as it takes to be a rude client."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
WINDOW_UPDATE, CONTINUATION = 0x8, 0x9
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
MAX_CONCURRENT_STREAMS = 0x3
CANCEL = 0x8


@dataclass(frozen=True)
class Frame:
    """What came over the wire."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def call_headers(path: str | bytes, *more: tuple[str, str]) -> bytes:
    """Return the header block of a gRPC call."""
    fields: list[tuple[str, str | bytes]] = [(":method", "POST"), (":scheme", "http"), (":path", path)]
    fields += [(":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"), *more]
    return b"".join(b"\x00" + _string(name) + _string(value) for name, value in fields)


def _string(text: str | bytes) -> bytes:
    octets = text if isinstance(text, bytes) else text.encode()
    length, prefix = len(octets), b""
    if length < 127:
        return bytes([length]) + octets
    prefix, length = b"\x7f", length - 127
    while length >= 128:
        prefix, length = prefix + bytes([length % 128 + 128]), length // 128
    return prefix + bytes([length]) + octets


class Connection:
    """One connection, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, frames: Sequence[bytes]) -> None:
        self._writer.write(b"".join(frames))
        await self._writer.drain()

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield what comes until the server closes."""
        while True:
            try:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            yield Frame(head[3], head[4], int.from_bytes(head[5:], "big"), payload)

    async def first(self, kind: int) -> Frame:
        """Return the next frame of a kind."""
        async for each in self.frames():
            if each.kind == kind:
                return each
        raise AssertionError(f"the server closed before a frame of kind {kind}")


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Connection]:
    """Connect and say hello."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(PREFACE + frame(SETTINGS))
        yield Connection(reader, writer)
    finally:
        writer.close()
