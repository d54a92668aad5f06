"""Several gateways on one database: what of this one holds only while it is its turn to attempt messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.app.notices import tell_deposed
from gateway.app.work import start
from gateway.clock import Clock
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.quota import Quotas
from gateway.delivery.replica import Replica
from gateway.errors import StateStale
from gateway.model import Message
from gateway.store.leases import Feed, Lease
from gateway.store.sqlite import SqliteStore
from gateway.telemetry import Metrics

if TYPE_CHECKING:
    from gateway.store.databases import AnyStore

MayLeave = Callable[[Message, int], str | None]


class Turn:
    """Whether it is this gateway's turn; on a database that no other gateway uses it always is."""

    def __init__(self, store: AnyStore) -> None:
        """Ask for the lease of a store that has one, once `share` is called."""
        self._lease: Lease | None = None
        self._feed: Feed | None = None
        if not isinstance(store, SqliteStore):
            self._lease, self._feed = store.share(), store.feed

    @property
    def is_ours(self) -> bool:
        """Whether it is our turn, and nobody can have taken over by now."""
        return self._lease is None or self._lease.is_valid

    @property
    def is_shared(self) -> bool:
        """Whether other gateways may use the database too."""
        return self._lease is not None

    def only_in_turn(self, may_leave: MayLeave) -> MayLeave:
        """Hold a message back, as the last thing before it would leave, that another gateway may be sending by now."""

        def ask(message: Message, chat_id: int) -> str | None:
            if not self.is_ours:
                raise StateStale
            return may_leave(message, chat_id)

        return ask

    async def share(
        self, stack: AsyncExitStack, broken: asyncio.Event, dispatcher: Dispatcher, quotas: Quotas, clock: Clock
    ) -> Callable[[], Coroutine[None, None, None]]:
        """Return the dispatcher's work. The lease is kept until what the stack gets from now on has ended."""
        if self._lease is None or self._feed is None:
            return dispatcher.run

        def deposed() -> None:
            tell_deposed()
            broken.set()

        replica = Replica(dispatcher, quotas, clock, self._lease, self._feed, deposed)
        await start(stack, broken, lease=replica.keep_lease())
        return replica.run

    async def end(self) -> None:
        """Let another gateway take over at once."""
        if self._lease is not None:
            await self._lease.give_up()

    def export(self, metrics: Metrics) -> None:
        """Have it counted whose turn it is."""
        metrics.gauge(
            "chatkey_leader", "1 while this gateway attempts messages; of several on one database one does.", self._led
        )

    def _led(self) -> float:
        return float(self.is_ours)
