"""Clients: registered, restricted, disabled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.access.administration import Administration
from gateway.access.soundness import require_client, require_terms
from gateway.clock import Clock
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.desk.admin.pages import Page
from gateway.errors import RequestInvalid, ResourceNotFound
from gateway.operators import PREFIX
from gateway.store.registry import RegistryStore, StoredClient


class Clients:
    """The verbs of clients."""

    def __init__(self, entrance: Entrance, store: RegistryStore, clock: Clock) -> None:
        """Keep the rooms."""
        self._entrance = entrance
        self._store = store
        self._clock = clock

    async def get(self, ask: Ask, name: str) -> StoredClient:
        """Return what is kept of a client; raises `ResourceNotFound` if nothing is."""
        await self._entrance.begin(ask, Function.GET_CLIENT)
        client = await self._store.client(name)
        if client is None:
            raise ResourceNotFound("nothing is known of a client of this name")
        return client

    async def list(
        self, ask: Ask, stale_for: timedelta | None, states: Collection[str], page: Page
    ) -> tuple[Sequence[StoredClient], str]:
        """Return a page of clients by name, and the token of the next page.

        Args:
            ask: Who asks.
            stale_for: Those that were not seen for so long; None: all.
            states: Those in one of these; empty: in any.
            page: Which page.
        """
        await self._entrance.begin(ask, Function.LIST_CLIENTS)
        clients = [
            client
            for client in await self._store.clients()
            if (not states or state_of(client) in states)
            and (stale_for is None or (client.last_seen_at or client.created_at) < self._clock.now() - stale_for)
        ]
        return page.of(clients, lambda client: client.name, stale_for, sorted(states))

    async def add(self, ask: Ask, name: str, terms: Mapping[str, Any]) -> StoredClient:
        """Register a client; as `Administration.add_client`."""
        by = await self._entrance.begin(ask, Function.ADD_CLIENT, lambda: _require_sound(name, terms))
        return await self._administration(ask, by).add_client(name, terms)

    async def update(self, ask: Ask, name: str, terms: Mapping[str, Any]) -> StoredClient:
        """Change terms of a client; as `Administration.set_client`."""
        by = await self._entrance.begin(ask, Function.UPDATE_CLIENT, lambda: _require_sound(name, terms))
        return await self._administration(ask, by).set_client(name, terms)

    async def disable(self, ask: Ask, name: str) -> StoredClient:
        """Refuse every call of a client; as `Administration.disable_client`."""
        by = await self._entrance.begin(ask, Function.DISABLE_CLIENT, lambda: require_client(name))
        return await self._administration(ask, by).disable_client(name)

    async def enable(self, ask: Ask, name: str) -> StoredClient:
        """Take back that a client was disabled; as `Administration.enable_client`."""
        by = await self._entrance.begin(ask, Function.ENABLE_CLIENT, lambda: _require_sound(name, {}))
        return await self._administration(ask, by).enable_client(name)

    def _administration(self, ask: Ask, by: str) -> Administration:
        return Administration(self._store, self._clock, by, ask.operator.origin)


def _require_sound(name: str, terms: Mapping[str, Any]) -> None:
    """Return if it can be a client that is not an operator, and these its terms; raises `RequestInvalid`.

    Over the network an operator can be stopped, and not be given anything back: that is done on the host.
    """
    require_client(name)
    if name.startswith(PREFIX):
        raise RequestInvalid([("name", f"must not begin with {PREFIX}, which is for operators: that is for the host")])
    require_terms(terms)


def state_of(client: StoredClient) -> str:
    """Return `disabled`, `enabled` or `unregistered`."""
    if not client.enabled:
        return "disabled"
    return "enabled" if client.registered else "unregistered"
