"""Rotating the signing keys, on record: the ring is a file, the audit log a database, and no transaction holds both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from gateway.access.key_ring import OPERATORS, KeyRing, RingKey
from gateway.access.keys import KEY_ID
from gateway.clock import Clock
from gateway.errors import AuditUnavailable, ConfigInvalid, RequestInvalid, StateConflict
from gateway.model import Origin, Record
from gateway.store.base import AuditStore

NOWHERE = Origin()
INTENT = "key.change_intended"
REFUSED = "key.change_refused"
FAILED = "key.change_failed"
"""What the log says beside `key.prepared`, `key.activated`, `key.tainted` and `key.revoked`."""


def require_key_id(kid: str) -> None:
    """Return if it can be the name of a key; raises `RequestInvalid`."""
    if KEY_ID.fullmatch(kid) is None:
        raise RequestInvalid([("kid", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")])


class KeyAdministration:
    """Changes the ring on behalf of somebody.

    The intent is in the audit log before the ring changes, and what came of it after: `key.prepared` and its like where
    it was done, `key.change_refused` where it was not, `key.change_failed` where a file may be half way. After a crash
    an intent that nothing follows tells of a change that may have been made; `chatkey key list` shows whether it was.

    Every method does or refuses what that of `KeyRing` does and refuses, and raises besides:
        AuditUnavailable: the log can't be written; the text says whether the ring was changed.
    """

    def __init__(self, ring: KeyRing, log: AuditStore, clock: Clock, by: str, origin: Origin = NOWHERE) -> None:
        """Change `ring`.

        Args:
            ring: The keys.
            log: Where each change is recorded.
            by: Who asks: such as `os:alice`.
            origin: By which call, if it is one.
        """
        self._ring = ring
        self._log = log
        self._clock = clock
        self._by = by
        self._origin = origin

    async def prepare(self) -> RingKey:
        """Make a key and publish it."""
        return await self._on_record("prepare", "key.prepared", None, lambda: self._ring.prepare(self._clock.now()))

    async def activate(self, kid: str | None = None, *, at_once: bool = False) -> RingKey:
        """Sign with a prepared key from now on, or with the one that is prepared; the one that signed is tainted."""
        return await self._on_record(
            "activate",
            "key.activated",
            kid,
            lambda: self._ring.activate(kid, self._clock.now(), at_once=at_once),
            at_once=at_once,
        )

    async def taint(self, kid: str) -> RingKey:
        """Sign no more with a key, whose tokens stay good."""
        return await self._on_record("taint", "key.tainted", kid, lambda: self._ring.taint(kid, self._clock.now()))

    async def revoke(self, kid: str) -> RingKey:
        """Refuse every token of a key for ever, and remove its private half."""
        return await self._on_record("revoke", "key.revoked", kid, lambda: self._ring.revoke(kid, self._clock.now()))

    async def _on_record(
        self, verb: str, done: str, kid: str | None, change: Callable[[], RingKey], **facts: bool
    ) -> RingKey:
        if kid is not None:
            require_key_id(kid)
        whose = {"ring": OPERATORS} if self._ring.name == OPERATORS else {}
        record = partial(self._record, {"by": self._by, "verb": verb, **whose, **facts})
        # Whole, even if whoever asked is gone: a change that is made has its result in the log.
        return await asyncio.shield(asyncio.ensure_future(self._change(record, done, kid or "", change)))

    async def _change(
        self, record: Callable[..., Record], done: str, kid: str, change: Callable[[], RingKey]
    ) -> RingKey:
        await self._log.record([record(INTENT, "allow", kid)])
        try:
            key = await asyncio.to_thread(change)
        except (StateConflict, RequestInvalid, ConfigInvalid) as error:
            is_refusal = not isinstance(error, ConfigInvalid)
            event, decision = (REFUSED, "deny") if is_refusal else (FAILED, "error")
            # Whoever asks is told what is wrong with the ring, not with the log, which has the intent.
            with suppress(AuditUnavailable):
                await self._log.record([record(event, decision, kid, why=str(error))])
            raise
        try:
            await self._log.record([record(done, "allow", key.kid)])
        except AuditUnavailable as error:
            raise AuditUnavailable(
                f"{key.kid} is {key.state.value} now, and the audit log has the intent but could not take the result"
            ) from error
        return key

    def _record(
        self, facts: Mapping[str, str | int | bool], event: str, decision: str, kid: str, **more: str
    ) -> Record:
        return Record(
            at=self._clock.now(),
            event=event,
            decision=decision,
            key_id=kid,
            address=self._origin.address,
            method=self._origin.method,
            call_id=self._origin.call_id,
            facts={**facts, **more},
        )
