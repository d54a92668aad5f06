"""Work that goes on for as long as the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack

from gateway.telemetry import logger

_log = logger(__name__)


async def start(stack: AsyncExitStack, broken: asyncio.Event, **work: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(one, name=name) for name, one in work.items()]

    def ended(task: asyncio.Task[None]) -> None:
        # Nobody waits for it, so nobody would learn of it.
        if not task.cancelled() and (bug := task.exception()):
            _log.critical("server.bug", exc_info=bug, task=task.get_name())
            broken.set()

    for task in tasks:
        task.add_done_callback(ended)

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)
