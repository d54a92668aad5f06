"""The keys that sign tokens: looked at, and rotated on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from gateway.access.key_administration import KeyAdministration, require_key_id
from gateway.access.key_advice import advice
from gateway.access.key_ring import KeyRing, RingKey
from gateway.clock import Clock
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.errors import ConfigInvalid, MethodUnknown, StateConflict
from gateway.store.base import AuditStore
from gateway.telemetry import logger

_log = logger(__name__)


class Keys:
    """The verbs of keys."""

    def __init__(
        self,
        entrance: Entrance,
        log: AuditStore,
        clock: Clock,
        *,
        ring: KeyRing | None,
        jwks: Callable[[], Mapping[str, object]],
        token_lifetime: timedelta,
    ) -> None:
        """Keep the rooms.

        Args:
            log: Where each change is announced and confirmed.
            ring: The keys; None: this gateway holds public ones only.
            jwks: Gives the public ones as a JWK set.
            token_lifetime: The longest life of a token, which says when a tainted key can go.
        """
        self._entrance = entrance
        self._log = log
        self._clock = clock
        self._ring = ring
        self._jwks = jwks
        self._token_lifetime = token_lifetime

    async def list(self, ask: Ask) -> Sequence[tuple[RingKey, str]]:
        """Return the keys, oldest first, each with what is to be done about it."""
        await self._entrance.begin(ask, Function.LIST_KEYS)
        with _explained():
            keys = await asyncio.to_thread(self._own_ring().read)
        advised = advice(keys, self._clock.now(), self._token_lifetime)
        return [(key, advised.get(key.kid, "")) for key in keys]

    async def jwks(self, ask: Ask) -> Mapping[str, object]:
        """Return the public keys as a JWK set."""
        await self._entrance.begin(ask, Function.GET_JWKS)
        return self._jwks()

    async def prepare(self, ask: Ask) -> tuple[RingKey, str]:
        """Make a key and publish it; raises `StateConflict` while one is prepared."""
        return await self._change(ask, Function.PREPARE_KEY, lambda keys: keys.prepare())

    async def activate(self, ask: Ask, kid: str, *, at_once: bool) -> tuple[RingKey, str]:
        """Sign with a prepared key (empty: whichever it is) from now on; raises as `KeyRing.activate`."""
        named = kid or None
        return await self._change(ask, Function.ACTIVATE_KEY, lambda keys: keys.activate(named, at_once=at_once), named)

    async def taint(self, ask: Ask, kid: str) -> tuple[RingKey, str]:
        """Sign no more with a key; raises as `KeyRing.taint`."""
        return await self._change(ask, Function.TAINT_KEY, lambda keys: keys.taint(kid), kid)

    async def revoke(self, ask: Ask, kid: str) -> tuple[RingKey, str]:
        """Refuse every token of a key for ever; raises as `KeyRing.revoke`."""
        return await self._change(ask, Function.REVOKE_KEY, lambda keys: keys.revoke(kid), kid)

    async def _change(
        self,
        ask: Ask,
        function: Function,
        change: Callable[[KeyAdministration], Awaitable[RingKey]],
        kid: str | None = None,
    ) -> tuple[RingKey, str]:
        ring = self._own_ring()
        by = await self._entrance.begin(ask, function, lambda: None if kid is None else require_key_id(kid))
        with _explained():
            key = await change(KeyAdministration(ring, self._log, self._clock, by, ask.operator.origin))
            keys = await asyncio.to_thread(ring.read)
        return key, advice(keys, self._clock.now(), self._token_lifetime).get(key.kid, "")

    def _own_ring(self) -> KeyRing:
        if self._ring is None:
            raise MethodUnknown("this gateway holds public keys only")
        return self._ring


@contextmanager
def _explained() -> Iterator[None]:
    """Tell whoever asks that the files are not as they should be, and the log on the host which ones and why."""
    try:
        yield
    except ConfigInvalid as error:
        _log.error("keys.unusable", why=str(error))
        raise StateConflict("the keys of this gateway can't be read or changed: its log says why") from None
