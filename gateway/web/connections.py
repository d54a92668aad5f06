"""How many connections a listener takes, and how long a new one may keep silent: aiohttp bounds neither."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MOST = 200
"""Connections at once: Telegram makes 40, and a proxy may keep some. Others find no file left for the database else."""
MOST_PROBES = 64
"""The same, of those who look at the pages for people and machines that watch."""
HEAD_S = 10.0
"""Seconds until the first request on a connection has to be there."""


class Connections:
    """Counts and lets go."""

    def __init__(
        self, on_refusal: Callable[[str, str], None], most: int | None = None, *, makes_room: bool = False
    ) -> None:
        """Begin with none.

        Args:
            on_refusal: Told why, and of which address, a connection was not served.
            most: How many there may be at once; None: `MOST`.
            makes_room: Whether the oldest ends for a new one, which is not served else: where each is soon done with.
        """
        self._on_refusal = on_refusal
        self._most = most
        self._makes_room = makes_room
        self._open: dict[Connection, asyncio.Transport] = {}
        self._waiting: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    def made(self, connection: Connection, transport: asyncio.Transport) -> bool:
        """Tell whether to serve a connection."""
        address = _address_of(transport)
        if len(self._open) >= (self._most or MOST):
            self._on_refusal("too_many_connections", address)
            if not self._makes_room:
                return False
            self._open.pop(next(iter(self._open))).abort()
        self._open[connection] = transport

        def hang_up() -> None:
            self._on_refusal("slow_request", address)
            transport.abort()

        self._waiting[transport] = asyncio.get_running_loop().call_later(HEAD_S, hang_up)
        return True

    def asked(self, transport: asyncio.BaseTransport | None) -> None:
        """Take note that a request has come."""
        if transport is not None and (timer := self._waiting.pop(transport, None)):
            timer.cancel()

    def lost(self, connection: Connection, transport: asyncio.BaseTransport | None) -> None:
        """Take note that a connection is gone."""
        self._open.pop(connection, None)
        self.asked(transport)


class Connection(asyncio.Protocol):
    """Stands before the protocol that serves, and passes on."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        """Stand before `inner`."""
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass on a connection that is to be served, and end any other."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is one of a listener for streams
        if self._connections.made(self, transport):
            self._transport = transport
            self._inner.connection_made(transport)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on."""
        self._connections.lost(self, self._transport)
        if self._transport is not None:
            self._inner.connection_lost(error)


def _address_of(transport: asyncio.BaseTransport) -> str:
    name = transport.get_extra_info("peername")
    return str(name[0]) if name else ""
