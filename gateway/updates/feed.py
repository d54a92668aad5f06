"""Tells those who may read a chat what happens there: every update once kept, in order, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate

from gateway.errors import CursorExpired, NotDurable, ShuttingDown
from gateway.model import Caller, Permission, Update, UpdateKind
from gateway.store.updates import UpdatePlace, UpdateStore
from gateway.updates.cursors import cursor_behind, seq_from

PAGE = 20
"""How many updates are read at once for one who watches."""
PAGE_BYTES = 64 << 10
"""Of what is read at once, so much is kept, and one update at least: who reads slowly keeps it in our memory."""
POLL_S = 0.5
"""Seconds after which is looked for what other gateways kept."""


class Feed:
    """Reads updates for callers.

    The store is asked for the caller's places only: nothing of another chat is ever in the hands of who serves it.
    """

    def __init__(self, store: UpdateStore) -> None:
        """Read from `store`."""
        self._store = store
        # In the order in which they came, so that a simulation can be replayed.
        self._watches: dict[int, dict[asyncio.Event, None]] = {}
        self._seen: int | None = None
        self._is_closing = False

    # For callers.

    async def latest(self) -> str:
        """Return the cursor with which a watch goes on after what has happened so far; raises `NotDurable`."""
        return cursor_behind(await self._store.last())

    async def oldest(self) -> str:
        """Return the cursor with which a watch begins with the first that is still kept; raises `NotDurable`."""
        return cursor_behind(await self._store.oldest())

    async def watch(
        self, caller: Caller, kinds: Collection[UpdateKind], cursor: str
    ) -> AsyncIterator[tuple[Update, str]]:
        """Yield what happened in the places that the caller may read, with the cursor that goes on after it; no end.

        Args:
            caller: Whoever watches: the places are those of its grants with READ.
            kinds: Only these; empty: all.
            cursor: Where to go on; empty: with what happens from now on.

        Raises:
            RequestInvalid: The cursor was not given out here.
            CursorExpired: Something that would be yielded is forgotten: also while it is watched, by one who is slow.
            ShuttingDown: The gateway shuts down; the last cursor goes on after it.
            NotDurable: The store can't be read.
        """
        places = [
            UpdatePlace(grant.chat_id, grant.message_thread_id)
            for grant in caller.grants
            if Permission.READ in grant.permissions
        ]
        with self._news_of({place.chat_id for place in places}) as news:
            last = await self._store.last()
            after = seq_from(cursor, last) if cursor else last
            limit = PAGE
            while True:
                news.clear()
                page = await self._store.page(places, kinds, after, limit)
                if page.forgotten > after:
                    raise CursorExpired
                updates = _in_memory(page.updates)
                has_more = len(updates) < len(page.updates) or len(updates) == limit
                after = updates[-1].seq if has_more else page.upto
                # No more is read next time than about fits, so that little is read twice.
                limit = min(2 * len(updates), PAGE) if has_more else PAGE
                del page
                for update in updates:
                    yield update, cursor_behind(update.seq)
                if not has_more:
                    if self._is_closing:
                        raise ShuttingDown
                    await news.wait()

    async def pressed(self, callback_id: str) -> Update | None:
        """Return the press on a button that is answered by this id; raises `NotDurable`."""
        return await self._store.pressed(callback_id) if callback_id else None

    @contextmanager
    def _news_of(self, chat_ids: Collection[int]) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        for chat_id in chat_ids:
            self._watches.setdefault(chat_id, {})[news] = None
        try:
            yield news
        finally:
            for chat_id in chat_ids:
                del self._watches[chat_id][news]
                if not self._watches[chat_id]:
                    del self._watches[chat_id]

    # For those who bring news.

    def kept(self, updates: Sequence[Update]) -> None:
        """Wake those who watch the chats of these updates, which are durable."""
        self._wake({update.chat_id for update in updates})

    async def run(self) -> None:
        """Wake those who watch also for what other gateways keep, until cancelled."""
        while True:
            with suppress(NotDurable):
                await self._look()
            await asyncio.sleep(POLL_S)

    async def _look(self) -> None:
        if not self._watches:
            self._seen = None
        elif self._seen is None:
            # What was kept before this is known is looked for by all of them, once.
            self._seen = await self._store.last()
            self._wake(list(self._watches))
        else:
            self._seen, chat_ids = await self._store.chats_after(self._seen)
            self._wake(chat_ids)

    def close(self) -> None:
        """End every watch once it has told what is kept."""
        self._is_closing = True
        self._wake(list(self._watches))

    def _wake(self, chat_ids: Collection[int]) -> None:
        for chat_id in chat_ids:
            for news in self._watches.get(chat_id, ()):
                news.set()


def _in_memory(updates: Sequence[Update]) -> Sequence[Update]:
    """Return the first of some updates, as many as are kept in memory at once."""
    ends = accumulate(len(update.content) for update in updates)
    count = sum(end <= PAGE_BYTES for end in ends)
    return updates[: max(1, count)]
