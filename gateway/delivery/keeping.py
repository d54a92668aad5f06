"""The store as this room needs it: what has to be kept is kept, however long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from gateway.delivery import outcomes
from gateway.delivery.outcomes import Outcome
from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import Message
from gateway.store.base import AuditReader, OutboxStore, Pending
from gateway.store.chats import ChatStore
from gateway.store.leases import Deposed
from gateway.telegram.failures import Unanswered

STORE_PAUSE = 0.5
"""Seconds until a storage that failed is tried again."""
MOST_ATTEMPTS = 2000
"""How many attempts without an answer, and parts, are looked back at: more than a group's or a second's limit needs."""

_Kept = TypeVar("_Kept")


class DeliveryStore(OutboxStore, AuditReader, Protocol):
    """Messages, what is on record about them, and what is kept of their chats."""

    @property
    def chats(self) -> ChatStore:
        """Chats that moved or are closed."""


class Keeping:
    """Reads and writes that do not give up."""

    def __init__(self, store: DeliveryStore) -> None:
        """Take the store."""
        self._store = store

    async def unfinished(self) -> Sequence[Pending]:
        """Return every message that is not final, in the order of `seq`."""
        return await again(self._store.unfinished)

    async def message(self, message_id: str) -> Message:
        """Return a message that is known to be there."""
        message = await self.found(message_id)
        if message is None:
            raise LookupError(f"message {message_id} is gone from the store")
        return message

    async def found(self, message_id: str) -> Message | None:
        """Return a message, if it is still there."""
        return await again(lambda: self._store.get(message_id))

    async def keep(self, before: Message, outcome: Outcome) -> Message:
        """Put what became of a message in the place of what it was, and return what is kept now."""
        message, record = outcome
        kept = await again(lambda: self._store.save(message, (before.state, before.attempts), record))
        return kept or await self.message(before.id)

    async def arrivals(
        self, now: datetime, window: timedelta, longest_answer: timedelta
    ) -> AsyncIterator[tuple[int, datetime]]:
        """Yield, for each attempt that may have arrived within `window`, its chat and the latest instant it may have.

        The store knows of each message's last attempt when it began; an earlier one counts if it got no answer, or was
        that of a part which arrived, and then it is on record when that was clear.
        """
        since = now - window - longest_answer
        for chat_id, began_at in await again(lambda: self._store.recent_attempts(since)):
            yield chat_id, min(began_at + longest_answer, now)
        for reason in (outcomes.CAUSES[Unanswered], outcomes.PART_DELIVERED):
            records = await again(partial(self._store.records, reason=reason, newest_first=True, limit=MOST_ATTEMPTS))
            for _, record in records:
                if record.chat_id is not None and record.at > now - window:
                    yield record.chat_id, min(record.at, now)


async def again(work: Callable[[], Awaitable[_Kept]]) -> _Kept:
    """Have the store do something, again and again until it is done; raises `Deposed`, which does not pass."""
    while True:
        try:
            return await work()
        except Deposed:
            raise
        except (NotDurable, AuditUnavailable):
            await asyncio.sleep(STORE_PAUSE)
