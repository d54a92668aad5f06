"""The door for Telegram: one address that takes updates, on a listener of its own, for it faces the internet.

Whoever does not know the secret gets the answer that every unknown address gets, before anything of a body is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiohttp import web

from gateway.errors import ConfigInvalid
from gateway.web.connections import Connection, Connections

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
MAX_BODY = 4 << 20
"""Bytes; what the Bot API server caps its longest answer at, of up to 100 updates."""
BODY_S = 10
"""Seconds that a body may take."""


class Taker(Protocol):
    """Decides what becomes of a request."""

    def admits(self, secrets: Sequence[str], address: str) -> bool:
        """Tell whether a request is Telegram's, by all values of the header that is for the secret."""

    def refuse(self, why: str, address: str) -> None:
        """Note a request that is not taken."""

    async def take(self, update: object) -> bool:
        """Keep an update; False: not now."""


@asynccontextmanager
async def open_webhook(listen: str, path: str, taker: Taker) -> AsyncIterator[int]:
    """Take updates until the block is left; yields the port.

    Args:
        listen: `HOST:PORT`; port 0 takes a free one.
        path: The address's path.
        taker: Who decides.

    Raises:
        ConfigInvalid: the address is in use or not ours.
    """
    connections = Connections(taker.refuse)
    server = web.Server(_Door(path, taker, connections).handle)

    def speaker() -> _Speaker:
        loop = asyncio.get_running_loop()
        return _Speaker(taker, server, loop=loop, access_log=None, lingering_time=1, keepalive_timeout=75)

    host, _, port = listen.rpartition(":")
    try:
        listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(connections, speaker()), host.strip("[]"), int(port)
        )
    except OSError as error:
        raise ConfigInvalid(f"CHATKEY_WEBHOOK_LISTEN: can't listen on {listen}: {error.strerror}.") from None
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        server.pre_shutdown()
        await server.shutdown(1)
        await listener.wait_closed()


class _Speaker(web.RequestHandler):
    """Speaks HTTP, and says no more to who does not than to any other stranger."""

    __slots__ = ("_taker",)

    def __init__(self, taker: Taker, server: web.Server, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._taker = taker

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        self._taker.refuse("not_http", request.remote or "")
        return _closing(status)


class _Door:
    def __init__(self, path: str, taker: Taker, connections: Connections) -> None:
        self._path = path
        self._taker = taker
        self._connections = connections

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self._connections.asked(request.transport)
        address = request.remote or ""
        if request.rel_url.raw_path != self._path:
            self._taker.refuse("unknown_path", address)
            return _nothing_here()
        if not self._taker.admits(request.headers.getall(SECRET_HEADER, []), address):
            return _nothing_here()
        return await self._take(request, address)

    async def _take(self, request: web.BaseRequest, address: str) -> web.Response:
        """Take what comes from Telegram, which is told plainly what is wrong with it."""
        if request.method != "POST":
            return self._refused("wrong_method", address, 405)
        if request.content_type != "application/json":
            return self._refused("wrong_content_type", address, 415)
        try:
            async with asyncio.timeout(BODY_S):
                body = await _read(request)
        except TimeoutError:
            return self._refused("slow_body", address, 408)
        except web.RequestPayloadError:
            return self._refused("broken_body", address, 400)  # not compressed as its headers say
        if body is None:
            return self._refused("large_body", address, 413)
        try:
            # Read once, and written anew from what was read: who reads it after us can't see another update in it.
            update = json.loads(body)
        except (ValueError, RecursionError):
            return self._refused("not_json", address, 400)
        return _answer(200) if await self._taker.take(update) else _closing(503)

    def _refused(self, why: str, address: str, status: int) -> web.Response:
        self._taker.refuse(why, address)
        return _closing(status)


async def _read(request: web.BaseRequest) -> bytes | None:
    """Return the body, or None where it is longer than any may be."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _nothing_here() -> web.Response:
    return _closing(404)


def _closing(status: int) -> web.Response:
    """Answer, and take nothing more of this connection: what is left of a body is not read."""
    response = _answer(status)
    response.force_close()
    return response


def _answer(status: int) -> web.Response:
    """Answer without a word, not even on what serves here."""
    return web.Response(status=status, headers={"Server": "chatkey"})
