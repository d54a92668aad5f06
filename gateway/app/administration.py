"""Administration over the network, where the configuration asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.access.failed_attempts import FailedAttempts
from gateway.access.keys import KeySet
from gateway.access.slow_lane import SlowLane
from gateway.app.keys import operator_keys
from gateway.app.metrics import export_operator_failures
from gateway.app.rooms import Rooms
from gateway.app.work import start
from gateway.clock import Clock
from gateway.config import Config
from gateway.rpc.certificates import Certificates
from gateway.rpc.server import Door
from gateway.telemetry import Metrics


@asynccontextmanager
async def open_administration(
    config: Config,
    clock: Clock,
    rooms: Rooms,
    *,
    lane: SlowLane,
    tls: Certificates | None,
    metrics: Metrics,
    broken: asyncio.Event,
) -> AsyncIterator[Door | None]:
    """Serve operators until the block is left; None where nobody is to."""
    if not config.admin_listen:
        yield None
        return
    # For those alone who use it: it costs a tenth of a second of the start, and 2 MiB.
    from gateway.app.admin_desk import admin_desk
    from gateway.rpc.admin.door import open_admin_door

    async with AsyncExitStack() as stack:
        keys = KeySet([])
        source = operator_keys(keys, rooms.keys, config, clock)
        await source.open()
        await start(stack, broken, operator_keys=source.run())
        # Not those of the other door, lest a flood there keep operators out.
        failures = FailedAttempts(clock, config.failures_per_minute)
        export_operator_failures(metrics, failures)
        yield await stack.enter_async_context(
            open_admin_door(
                admin_desk(
                    config, clock, rooms, keys=keys, are_keys_stale=source.is_stale, failures=failures, lane=lane
                ),
                listen=config.admin_listen,
                tls=tls,
                clock=clock,
                new_id=rooms.new_id,
                metrics=metrics,
                trusted_proxies=config.trusted_proxies,
                grace=config.drain,
            )
        )
