"""When clients and chats were last used: noted in memory, and written down now and then, never for a call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeVar

from gateway.errors import NotDurable
from gateway.store.registry import RegistryStore, Uses

EVERY = timedelta(seconds=30)
"""How much of this is lost in a crash, at most."""
MOST = 500
"""Clients and chats together that are noted; then they are written at once."""
MOST_WAITING = 10_000
"""Those that are noted while the storage fails; of others nothing is noted then."""

_Key = TypeVar("_Key", str, int)


class LastUse:
    """Notes the latest use of each client and chat. A clock that goes back makes none of them older."""

    def __init__(self, store: RegistryStore) -> None:
        """Write to `store`."""
        self._store = store
        self._seen: dict[str, tuple[datetime, str]] = {}
        self._denied: dict[str, tuple[datetime, str]] = {}
        self._accessed: dict[int, tuple[datetime, str]] = {}
        self._is_full = asyncio.Event()

    def seen(self, client: str, at: datetime, address: str) -> None:
        """Note that a client was authenticated."""
        self._note(self._seen, client, at, address)

    def denied(self, client: str, at: datetime, address: str) -> None:
        """Note that a client, known by a signature that holds, was refused."""
        self._note(self._denied, client, at, address)

    def accessed(self, chat_id: int, at: datetime) -> None:
        """Note that a token opened a chat."""
        self._note(self._accessed, chat_id, at, "")

    async def run(self, every: timedelta = EVERY) -> None:
        """Write what was noted, again and again, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(every.total_seconds()):
                    await self._is_full.wait()
            except TimeoutError:
                pass
            else:
                # Not again for each further one, should the storage fail.
                await asyncio.sleep(1)
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted; what the store does not take now is noted on."""
        uses = Uses(
            seen=self._seen, denied=self._denied, accessed={chat: at for chat, (at, _) in self._accessed.items()}
        )
        if not (uses.seen or uses.denied or uses.accessed):
            return
        self._seen, self._denied, self._accessed = {}, {}, {}
        self._is_full.clear()
        try:
            await self._store.note(uses)
        except NotDurable:
            self._again(self._seen, uses.seen)
            self._again(self._denied, uses.denied)
            self._again(self._accessed, {chat: (at, "") for chat, at in uses.accessed.items()})

    def _again(self, noted: dict[_Key, tuple[datetime, str]], uses: Mapping[_Key, tuple[datetime, str]]) -> None:
        for key, (at, address) in uses.items():
            self._note(noted, key, at, address)

    def _note(self, noted: dict[_Key, tuple[datetime, str]], key: _Key, at: datetime, address: str) -> None:
        before = noted.get(key)
        if before is not None:
            noted[key] = max(before, (at, address), key=itemgetter(0))
            return
        count = len(self._seen) + len(self._denied) + len(self._accessed)
        if count < MOST_WAITING:
            noted[key] = at, address
        if count + 1 >= MOST:
            self._is_full.set()
