"""The room of updates on a store in memory, with a Telegram that is played, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.model import Caller, Grant, Permission, Update
from gateway.store.updates import UpdatePlace
from gateway.updates.feed import Feed
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.polling import Polling
from tests.support.model_store import ModelStore
from tests.support.telegram_updates import TelegramUpdates
from tests.support.virtual_time import BEGINNING, VirtualClock


@dataclass
class Room:
    """Everything of one gateway; the store and Telegram may be another one's too.

    Attributes:
        refused: How often Telegram did not take the bot token.
        is_our_turn: Whether it may fetch.
        on_kept: What happens as soon as something is kept, before anything else does.
    """

    store: ModelStore = field(default_factory=ModelStore)
    telegram: TelegramUpdates = field(default_factory=TelegramUpdates)
    clock: VirtualClock = field(default_factory=VirtualClock)
    refused: int = 0
    is_our_turn: bool = True
    on_kept: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.feed = Feed(self.store.updates)
        self.intake = Intake(self.store.updates, self.clock, on_kept=self._kept)
        self.patience = Patience(self.clock, lambda: 1.0, self._bot_refused)
        self.polling = Polling(
            self.telegram, self.intake, self.patience, self.clock, is_our_turn=lambda: self.is_our_turn
        )

    def _bot_refused(self) -> None:
        self.refused += 1

    def _kept(self, updates: Sequence[Update]) -> None:
        self.on_kept()
        self.feed.kept(updates)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Room]:
        """Fetch while the block lasts; then it is a crash."""
        polling = asyncio.create_task(self.polling.run())
        try:
            yield self
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def kept(self, chat_id: int = 7) -> list[int]:
        """Return the ids of what is kept of a chat, in order."""
        page = await self.store.updates.page([UpdatePlace(chat_id)], [], 0, 10_000)
        return [update.update_id for update in page.updates]


def crash() -> None:
    """End whoever fetches."""
    raise asyncio.CancelledError


def reader(*chat_ids: int, topic: int | None = None, permission: Permission = Permission.READ) -> Caller:
    """Return a caller who may read these chats, or a topic of them."""
    return Caller(
        client="svc:reader",
        token_id="t",
        key_id="k",
        issuer="chatkey",
        grants=tuple(
            Grant(chat_id=chat_id, permissions=frozenset({permission}), message_thread_id=topic) for chat_id in chat_ids
        ),
        issued_at=BEGINNING,
        expires_at=BEGINNING,
    )


async def the_next(watch: AsyncIterator[tuple[Update, str]], count: int) -> Sequence[tuple[Update, str]]:
    """Return the next of a watch."""
    return [await anext(watch) for _ in range(count)]
