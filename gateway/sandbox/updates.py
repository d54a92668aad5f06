"""The updates that wait for one bot, and who may fetch them: one long poll at a time, or a webhook."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from .errors import Refusal, refusal

UPDATE_TYPES = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
]
DEFAULT_TYPES = frozenset(UPDATE_TYPES) - {"chat_member", "message_reaction", "message_reaction_count"}

_OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"

Update = dict[str, Any]


class UpdateQueue:
    """Updates in order, until they are confirmed; beyond `limit` the oldest are forgotten."""

    def __init__(self, limit: int) -> None:
        self.allowed: frozenset[str] = DEFAULT_TYPES
        self._updates: deque[Update] = deque(maxlen=limit)
        self._next_id = 100_000_001
        self._poll: asyncio.Future[None] | None = None
        self._arrivals = asyncio.Event()

    def __len__(self) -> int:
        return len(self._updates)

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits for updates."""
        return self._poll is not None

    @property
    def allowed_by_choice(self) -> list[str]:
        """The kinds asked for; empty when nobody chose."""
        return [] if self.allowed == DEFAULT_TYPES else [kind for kind in UPDATE_TYPES if kind in self.allowed]

    def choose(self, kinds: Any) -> None:
        """Keep the choice of `allowed_updates`, a decoded JSON value; anything but a list of texts changes nothing."""
        if isinstance(kinds, list) and all(type(kind) is str for kind in kinds):
            chosen = frozenset(kind.lower() for kind in kinds) & frozenset(UPDATE_TYPES)
            self.allowed = chosen or DEFAULT_TYPES

    def add(self, kind: str, content: Any) -> bool:
        """Queue an update of a kind the bot wants; says whether it did."""
        if kind not in self.allowed:
            return False
        self._updates.append({"update_id": self._next_id, kind: content})
        self._next_id += 1
        self._arrivals.set()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        return True

    def peek(self, limit: int) -> list[Update]:
        """The oldest updates."""
        return [self._updates[i] for i in range(min(limit, len(self._updates)))]

    def confirm(self, offset: int) -> None:
        """Forget updates before `offset`; a negative one keeps that many of the newest."""
        if offset < 0:
            while len(self._updates) > -offset:
                self._updates.popleft()
            return
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()

    def clear(self) -> None:
        """Forget every update."""
        self._updates.clear()

    async def poll(self, offset: int, limit: int, timeout: float) -> Sequence[Update]:
        """Answer getUpdates; a poll that waits ends with a 409 when another begins."""
        self.end_poll(refusal(409, _OTHER_POLL))
        self.confirm(offset)
        if not self._updates and timeout > 0:
            await self._wait(timeout)
        return self.peek(limit)

    def end_poll(self, reason: Refusal | None = None) -> None:
        """End a waiting poll, with a refusal or with what there is."""
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            if reason is None:
                poll.set_result(None)
            else:
                poll.set_exception(reason)

    async def _wait(self, timeout: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await poll
        except TimeoutError:
            return
        finally:
            if self._poll is poll:
                self._poll = None

    async def arrival(self) -> None:
        """Return when there is an update."""
        while not self._updates:
            self._arrivals.clear()
            await self._arrivals.wait()
