"""One of several gateways on a database: who has the lease attempts messages, also those that the others accept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.clock import Clock
from gateway.delivery import usage
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.keeping import again
from gateway.delivery.quota import Quotas
from gateway.errors import NotDurable
from gateway.store.leases import Deposed, Feed, Lease

RENEW_S = 1.0
"""Seconds between two renewals of the lease."""
CAMPAIGN_S = 0.3
"""Seconds between two looks at whether the lease is free."""
POLL_S = 0.5
"""Seconds after which is looked for what others changed, should the doorbell be lost."""


class Replica:
    """Has a dispatcher attempt messages while the lease is held, and hear of what other gateways changed.

    A gateway that was deposed ends, for whoever watches over it to start it anew: what it has in memory is another
    gateway's now, and the store keeps nothing of it.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        quotas: Quotas,
        clock: Clock,
        lease: Lease,
        feed: Feed,
        on_deposed: Callable[[], None],
    ) -> None:
        """Take what it works with.

        Args:
            dispatcher: Who attempts messages; from now on it waits for the lease.
            quotas: What clients used up; from now on at the other gateways too.
            clock: Tells when that is heard of.
            lease: The right to do so.
            feed: What other gateways changed.
            on_deposed: Told once another gateway has the lease that was ours.
        """
        dispatcher.schedule.is_shared = dispatcher.schedule.is_elsewhere = quotas.is_shared = True
        self._dispatcher = dispatcher
        self._quotas = quotas
        self._clock = clock
        self._lease = lease
        self._feed = feed
        self._on_deposed = on_deposed
        self._began = asyncio.Event()
        self._taking_over: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Hear of what others changed, until cancelled; from now on the lease is asked for."""
        await again(self._feed.begin)
        self._began.set()
        while True:
            try:
                for pending in await self._feed.changed():
                    self._dispatcher.heard(pending)
                await usage.hear(self._quotas, self._feed, self._clock)
                await self._dispatcher.learn()
            except NotDurable:
                await asyncio.sleep(POLL_S)
            await self._feed.wait(POLL_S)

    async def keep_lease(self) -> None:
        """Take the lease when it is free and renew it, until cancelled: also while the dispatcher is drained."""
        await self._began.wait()
        while True:
            try:
                await self._hold()
            except Deposed:
                self._on_deposed()
                return
            except NotDurable:
                await asyncio.sleep(CAMPAIGN_S)
            await asyncio.sleep(RENEW_S if self._lease.is_ours else CAMPAIGN_S)

    async def _hold(self) -> None:
        if self._lease.is_ours:
            await self._lease.renew()
        elif not self._dispatcher.is_closing and await self._lease.take():
            # Beside the renewals: there may be much to take up.
            self._taking_over = asyncio.create_task(self._dispatcher.take_over())
        if self._taking_over and self._taking_over.done():
            # What goes wrong there ends the gateway: it would hold the lease, and attempt nothing.
            self._taking_over.result()
