"""Who waits for what becomes of a message, and is told when it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gateway.model import Message
from gateway.store.base import Pending


class Waiting:
    """Those who wait for a message's end, and those who watch all changes of a client's messages in its chats."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._ends: dict[str, list[asyncio.Future[Message | None]]] = {}
        self._watches: dict[tuple[str, int], set[asyncio.Event]] = {}

    @contextmanager
    def end_of(self, message_id: str) -> Iterator[asyncio.Future[Message | None]]:
        """Give a future of the final message, for as long as the context lasts."""
        future: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        futures = self._ends.setdefault(message_id, [])
        futures.append(future)
        try:
            yield future
        finally:
            futures.remove(future)
            if not futures:
                self._ends.pop(message_id, None)

    @contextmanager
    def changes_of(self, client: str, chat_ids: Collection[int]) -> Iterator[asyncio.Event]:
        """Give an event that is set after each change, for as long as the context lasts."""
        event = asyncio.Event()
        watched = [(client, chat_id) for chat_id in chat_ids]
        for key in watched:
            self._watches.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            for key in watched:
                self._watches[key].remove(event)
                if not self._watches[key]:
                    del self._watches[key]

    def awaits(self, pending: Pending) -> bool:
        """Whether anybody waits for the end of a message, or watches it."""
        return pending.id in self._ends or (pending.client, pending.chat_id) in self._watches

    def changed(self, message: Message) -> None:
        """Tell that a message is kept as it is now."""
        if self._watches:
            for event in self._watches.get((message.client, message.chat_id), ()):
                event.set()
        if message.state.is_final:
            for future in self._ends.get(message.id, ()):
                if not future.done():
                    future.set_result(message)

    def close(self) -> None:
        """Wake everybody: nothing will change any more."""
        for watches in self._watches.values():
            for event in watches:
                event.set()
        for futures in self._ends.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)
