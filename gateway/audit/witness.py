"""The head of the chain, once a day, in a chat: a copy out of reach of whoever may write the database and the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

from gateway.audit.lines import timestamp
from gateway.errors import GatewayError, RequestIdReused
from gateway.store.seals import Checkpoint


class Witness:
    """Posts the first checkpoint of each day of UTC."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._last: Checkpoint | None = None
        self._told: date | None = None
        self._news = asyncio.Event()

    def notice(self, checkpoint: Checkpoint) -> None:
        """Take note of a checkpoint. Never waits and never fails."""
        self._last = checkpoint
        if checkpoint.at.date() != self._told:
            self._news.set()

    async def run(self, post: Callable[[str, str], Awaitable[object]], on_failure: Callable[[str], None]) -> None:
        """Post what is to be told, until cancelled.

        Args:
            post: Sends a text under a request id, which says so with `RequestIdReused` where the day was told of before
                the gateway was started anew. Any other `GatewayError`: the next checkpoint is tried.
            on_failure: Told why it was not sent.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            if self._last is not None:
                await self._tell(self._last, post, on_failure)

    async def _tell(
        self,
        checkpoint: Checkpoint,
        post: Callable[[str, str], Awaitable[object]],
        on_failure: Callable[[str], None],
    ) -> None:
        day = checkpoint.at.date()
        try:
            await post(text_of(checkpoint), f"audit-head-{day}")
        except RequestIdReused:
            self._told = day
        except GatewayError as error:
            on_failure(str(error))
        else:
            self._told = day


def text_of(checkpoint: Checkpoint) -> str:
    """Say where the chain stood, as `chatkey audit verify --expect SEQ:LINK` takes it."""
    return (
        "The head of the audit log today. Whoever changes what came before it changes this:\n"
        f"chatkey audit verify --expect SEQ:LINK\n\nSEQ  {checkpoint.seq}\nLINK {checkpoint.link.hex()}\n"
        f"at   {timestamp(checkpoint.at)}"
    )
