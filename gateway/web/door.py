"""The HTTP door: for probes, for Prometheus, and for whoever checks our tokens. It has no secret to give away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.errors import ConfigInvalid
from gateway.web.connections import MOST_PROBES, Connection, Connections

KEPT_S = 75
"""Seconds that a connection is kept for a next request."""


@asynccontextmanager
async def open_web(
    listen: str,
    *,
    registry: CollectorRegistry,
    not_ready: Callable[[], str | None],
    jwks: Callable[[], Mapping[str, Any]],
    note: Callable[[], str | None] = lambda: None,
) -> AsyncIterator[int]:
    """Serve until the block is left; yields the port.

    Args:
        listen: `HOST:PORT`; port 0 takes a free one.
        registry: The metrics to publish.
        not_ready: Why no message can be delivered now, in one line, or None.
        jwks: The public keys, as a JWK set (RFC 7517).
        note: What is wrong though messages can be delivered, in one line, or None.

    Raises:
        ConfigInvalid: the address is in use or not ours.
    """
    pages = _Pages(registry, not_ready, jwks, note)
    # Whoever is let in is soon done: a probe gets in beside those who only hold a connection.
    connections = Connections(lambda _why, _address: None, MOST_PROBES, makes_room=True)

    @web.middleware
    async def asked(request: web.Request, handler: Handler) -> web.StreamResponse:
        connections.asked(request.transport)
        return await handler(request)

    app = web.Application(client_max_size=1024, middlewares=[asked])
    app.add_routes(
        [
            web.get("/healthz", pages.healthz),
            web.get("/readyz", pages.readyz),
            web.get("/metrics", pages.metrics),
            web.get("/.well-known/jwks.json", pages.jwks),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1, keepalive_timeout=KEPT_S)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    try:
        listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(connections, _server_of(runner)()), host.strip("[]"), int(port), backlog=MOST_PROBES
        )
    except OSError as error:
        await runner.cleanup()
        raise ConfigInvalid(f"CHATKEY_HTTP_LISTEN: can't listen on {listen}: {error.strerror}.") from None
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await runner.cleanup()
        await listener.wait_closed()


def _server_of(runner: web.AppRunner) -> web.Server:
    assert runner.server is not None  # noqa: S101 - it is set up
    return runner.server


class _Pages:
    def __init__(
        self,
        registry: CollectorRegistry,
        not_ready: Callable[[], str | None],
        jwks: Callable[[], Mapping[str, Any]],
        note: Callable[[], str | None],
    ) -> None:
        self._registry = registry
        self._not_ready = not_ready
        self._jwks = jwks
        self._note = note

    async def healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        why_not = self._not_ready()
        note = self._note()
        ready = f"ready\n{note}" if note else "ready"
        return web.Response(text=f"{why_not or ready}\n", status=503 if why_not else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self._jwks(), headers={"Cache-Control": "public, max-age=300"})
