"""`chatkey serve`: a gateway until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable

from gateway.app.building import running
from gateway.config import Config
from gateway.errors import Unavailable
from gateway.telemetry import logger

_log = logger(__name__)


async def serve(config: Config, announce: Callable[[str], None]) -> None:
    """Run a gateway until SIGTERM or SIGINT; a second signal ends it at once.

    Args:
        announce: Told in one line for people, once calls are taken.

    Raises:
        ConfigInvalid: it can't start.
        Unavailable: a bug has ended it.
    """
    # The store's threads hand the interpreter back this soon; the usual 5 ms is longer than a whole delivery.
    sys.setswitchinterval(0.0005)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with running(config) as app:
        # What is there now stays: looking through it for garbage again and again holds up every call for 30 ms.
        gc.freeze()
        gc.set_threshold(10_000)
        grpc = _at(config.grpc_listen, app.grpc_port)
        http = f"http://{config.http_listen.rpartition(':')[0]}:{app.http_port}"
        admin = "" if app.admin_port is None else f", administration at {_at(config.admin_listen, app.admin_port)}"
        announce(f"Chatkey serves gRPC at {grpc}, health and metrics at {http}{admin}.")
        await _either(stop, app.broken)
        _log.info("server.stopping", meaning="No new calls; those under way may end.")
    _log.info("server.stopped")
    if app.broken.is_set():
        raise Unavailable("A part of the server has stopped, and with it the whole; its log says why.")


def _at(listen: str, port: int) -> str:
    return f"{listen.rpartition(':')[0]}:{port}" if port else listen


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
