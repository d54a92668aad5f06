"""`grpc.health.v1.Health`, for load balancers: the only thing that a call without a credential may ask.

Ours rather than the one of `grpcio-health-checking`, whose messages it speaks: its state is set without waiting, it
keeps nothing for a name that a stranger asks for, and its failures are refused like all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

import grpc
from grpc_health.v1 import health_pb2 as pb

from gateway.errors import ShuttingDown
from gateway.rpc.call import Call

MOST_WATCHERS = 256
"""Calls of `Watch` at once, which cost nobody a credential: some 15 KiB each."""


class HealthService:
    """Tells whether the gateway serves, as a whole (the empty name) and by service: all of them at once."""

    def __init__(self, services: Iterable[str]) -> None:
        """Know these services; none of them serves yet."""
        self._services = frozenset({"", *services})
        self._serving = False
        self._closed = False
        # One for each watcher, the oldest first, set when there is something to look at.
        self._watchers: dict[asyncio.Event, None] = {}

    def set_serving(self, serving: bool) -> None:
        """Say from now on that every service serves, or that none does."""
        self._serving = serving and not self._closed
        for news in self._watchers:
            news.set()

    def close(self) -> None:
        """Say that none serves, whatever is set later."""
        self._closed = True
        self.set_serving(False)

    async def Check(self, request: pb.HealthCheckRequest, call: Call) -> pb.HealthCheckResponse:
        """Return the state of a service; NOT_FOUND for one that is not known, as the health protocol has it."""
        if request.service not in self._services:
            call.code = grpc.StatusCode.NOT_FOUND
            await call.context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return pb.HealthCheckResponse(status=self._status(request.service))

    async def List(self, _request: pb.HealthListRequest, _call: Call) -> pb.HealthListResponse:
        """Return the state of every service."""
        statuses = {name: pb.HealthCheckResponse(status=self._status(name)) for name in sorted(self._services)}
        return pb.HealthListResponse(statuses=statuses)

    async def Watch(self, request: pb.HealthCheckRequest, call: Call) -> AsyncGenerator[pb.HealthCheckResponse, None]:
        """Yield the state of a service, now and whenever it changes.

        Of more watchers than there may be the oldest ends with UNAVAILABLE, and may come again.
        """
        news = self._enter()
        told: int | None = None
        try:
            while news in self._watchers:
                status = self._status(request.service)
                if status != told:
                    told = status
                    yield pb.HealthCheckResponse(status=status)
                if self._closed:
                    raise ShuttingDown()
                await news.wait()
                news.clear()
        finally:
            self._watchers.pop(news, None)
        call.code = grpc.StatusCode.UNAVAILABLE
        await call.context.abort(grpc.StatusCode.UNAVAILABLE, "too many watch: come again")

    def _enter(self) -> asyncio.Event:
        if len(self._watchers) >= MOST_WATCHERS:
            oldest = next(iter(self._watchers))
            del self._watchers[oldest]
            oldest.set()
        news = asyncio.Event()
        self._watchers[news] = None
        return news

    def _status(self, service: str) -> int:
        if service not in self._services:
            return int(pb.HealthCheckResponse.SERVICE_UNKNOWN)
        return int(pb.HealthCheckResponse.SERVING if self._serving else pb.HealthCheckResponse.NOT_SERVING)
