"""Of which chats was heard, for whoever wants to authorize one: also of those from which nothing is kept.

Beside the way on which updates are confirmed: what is not noted now is noted with the next update of the chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import NotDurable
from gateway.store.updates import SeenChat, UpdateStore

AGAIN_AFTER = timedelta(hours=1)
"""So long it is enough that a chat was noted once, if it is called as it was."""
EVERY_S = 1.0
MOST = 10_000
"""Chats that are known at once."""
_LONGEST_TITLE = 256
_TYPES = frozenset({"private", "group", "supergroup", "channel"})


class Seen:
    """Notes chats."""

    def __init__(self, store: UpdateStore, clock: Clock) -> None:
        """Keep in `store`."""
        self._store = store
        self._clock = clock
        self._noted: dict[int, SeenChat] = {}
        self._waiting: dict[int, SeenChat] = {}
        self._news = asyncio.Event()

    def heard_of(self, chat: Mapping[str, object], chat_id: int) -> None:
        """Take note of Telegram's object of a chat. Never waits and never fails."""
        kind = chat.get("type")
        if not isinstance(kind, str) or kind not in _TYPES:
            return
        seen = SeenChat(chat_id=chat_id, type=kind, title=_title_of(chat), seen_at=self._clock.now())
        before = self._noted.get(chat_id)
        is_known = before is not None and (before.type, before.title) == (seen.type, seen.title)
        if before is None or not is_known or seen.seen_at - before.seen_at > AGAIN_AFTER:
            if len(self._noted) >= MOST:
                self._noted.clear()
            self._noted[chat_id] = self._waiting[chat_id] = seen
            self._news.set()

    async def run(self) -> None:
        """Keep what was noted, now and then, until cancelled."""
        while True:
            await self._news.wait()
            with suppress(NotDurable):
                await self.flush()
            await asyncio.sleep(EVERY_S)

    async def flush(self) -> None:
        """Keep what was noted; raises `NotDurable`."""
        waiting = list(self._waiting.values())
        await self._store.see(waiting)
        for chat in waiting:
            if self._waiting.get(chat.chat_id) is chat:
                del self._waiting[chat.chat_id]
        if not self._waiting:
            self._news.clear()


def _title_of(chat: Mapping[str, object]) -> str:
    """Return what a chat is called; without the character that not every database can keep."""
    names = [chat.get("title")] if chat.get("title") else [chat.get("first_name"), chat.get("last_name")]
    return " ".join(name for name in names if isinstance(name, str)).replace("\0", "")[:_LONGEST_TITLE]
