"""A store with a slow disk that fails and loses power: what was not answered may be kept or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from gateway.errors import Unavailable
from gateway.model import Message, Record, State, Update, UpdateKind
from gateway.store.base import HandedIn, Pending, Place, Search, Store
from gateway.store.chats import ChatStates, Closure, Move
from gateway.store.updates import SeenChat, UpdatePage, UpdatePlace

_Result = TypeVar("_Result")


class Disk:
    """One gateway's way to the store: writes and reads wait for one another's sync, in the order in which they came.

    A sync takes `slowness` seconds on average; `asked` is set whenever something is asked for.
    """

    def __init__(self, model: Store, random: Random, slowness: float) -> None:
        self._model = model
        self._random = random
        self._slowness = slowness
        self.asked = asyncio.Event()
        self.chats = DiskChats(self)
        self.updates = DiskUpdates(self)
        self._batch: list[tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._has_power = True

    async def lose_power(self) -> None:
        """Keep some of what was not answered, from the first on, and answer nothing any more."""
        self._has_power = False
        for work, _ in self._batch[: self._random.randint(0, len(self._batch))]:
            await _try(work)
        if self._syncing:
            self._syncing.cancel()

    async def add(self, message: Message, record: Record) -> Message:
        return await self._do(lambda: self._model.add(message, record))

    async def start(self, message_id: str, at: datetime) -> Message | None:
        return await self._do(lambda: self._model.start(message_id, at))

    async def save(self, message: Message, expected: tuple[State, int], record: Record | None = None) -> Message | None:
        return await self._do(lambda: self._model.save(message, expected, record))

    async def requeue(self, message: Message, expected: tuple[State, int], record: Record) -> Message | None:
        return await self._do(lambda: self._model.requeue(message, expected, record))

    async def list_messages(
        self, search: Search, after: Place | None, limit: int
    ) -> tuple[Sequence[Message], Place | None]:
        return await self._do(lambda: self._model.list_messages(search, after, limit))

    async def get(self, message_id: str) -> Message | None:
        return await self._do(lambda: self._model.get(message_id))

    async def find(self, client: str, request_id: str) -> Message | None:
        return await self._do(lambda: self._model.find(client, request_id))

    async def forget(self, finished_before: datetime, dead_before: datetime, limit: int) -> int:
        return await self._do(lambda: self._model.forget(finished_before, dead_before, limit))

    async def unfinished(self) -> Sequence[Pending]:
        return await self._do(self._model.unfinished)

    async def recent_attempts(self, since: datetime) -> Sequence[tuple[int, datetime]]:
        return await self._do(lambda: self._model.recent_attempts(since))

    async def handed_in(self, since: datetime, span: timedelta) -> tuple[int, Sequence[HandedIn]]:
        return await self._do(lambda: self._model.handed_in(since, span))

    async def changes(self, client: str, chat_ids: Collection[int], after: int, limit: int) -> Sequence[Message]:
        return await self._do(lambda: self._model.changes(client, chat_ids, after, limit))

    async def last_change(self) -> int:
        return await self._do(self._model.last_change)

    async def records(
        self, *, after: int = 0, limit: int = 100, newest_first: bool = False, **equal: str | int
    ) -> Sequence[tuple[int, Record]]:
        return await self._do(lambda: self._model.records(after=after, limit=limit, newest_first=newest_first, **equal))

    async def _do(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Result] = loop.create_future()
        self.asked.set()
        if self._has_power:
            self._batch.append((work, answer))
            if not self._syncing:
                self._syncing = loop.create_task(self._sync())
        return await answer

    async def _sync(self) -> None:
        while self._batch:
            await asyncio.sleep(min(0.5, self._random.expovariate(1 / self._slowness)))
            batch, self._batch = self._batch, []
            results = [await _try(work) for work, _ in batch]
            # Kept, and power may go before anybody is answered.
            await asyncio.sleep(self._random.uniform(0, self._slowness))
            for (_, answer), result in zip(batch, results, strict=True):
                if answer.done():
                    continue
                if isinstance(result, Unavailable):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)
        self._syncing = None


class DiskChats:
    """What is kept of chats, by the same disk."""

    def __init__(self, disk: Disk) -> None:
        self._do = disk._do
        self._model = disk._model.chats

    async def chat_states(self, after: int = -1) -> ChatStates | None:
        return await self._do(lambda: self._model.chat_states(after))

    async def add_move(self, move: Move, record: Record) -> Move:
        return await self._do(lambda: self._model.add_move(move, record))

    async def approve_move(self, chat_id: int, record: Record) -> Move | None:
        return await self._do(lambda: self._model.approve_move(chat_id, record))

    async def close_chat(self, closure: Closure, record: Record) -> None:
        await self._do(lambda: self._model.close_chat(closure, record))

    async def open_chat(self, chat_id: int, record: Record) -> bool:
        return await self._do(lambda: self._model.open_chat(chat_id, record))


class DiskUpdates:
    """What is kept of updates, by the same disk."""

    def __init__(self, disk: Disk) -> None:
        self._do = disk._do
        self._model = disk._model.updates

    async def add(self, updates: Sequence[Update]) -> Sequence[Update]:
        return await self._do(lambda: self._model.add(updates))

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        return await self._do(lambda: self._model.page(places, kinds, after, limit))

    async def last(self) -> int:
        return await self._do(self._model.last)

    async def oldest(self) -> int:
        return await self._do(self._model.oldest)

    async def chats_after(self, after: int) -> tuple[int, Collection[int]]:
        return await self._do(lambda: self._model.chats_after(after))

    async def pressed(self, callback_id: str) -> Update | None:
        return await self._do(lambda: self._model.pressed(callback_id))

    async def forget(self, received_before: datetime, limit: int) -> int:
        return await self._do(lambda: self._model.forget(received_before, limit))

    async def see(self, chats: Sequence[SeenChat]) -> None:
        await self._do(lambda: self._model.see(chats))

    async def seen(self, limit: int) -> Sequence[SeenChat]:
        return await self._do(lambda: self._model.seen(limit))

    async def forget_seen(self, seen_before: datetime, most: int) -> None:
        await self._do(lambda: self._model.forget_seen(seen_before, most))


async def _try(work: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await work()
    except Unavailable as failure:
        return failure
