"""The tokens that holders hand on: minted, written down, and no more of them than the registry should have to keep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.access.buckets import Buckets
from gateway.access.issue import Issuer
from gateway.access.narrow import narrow
from gateway.clock import Clock
from gateway.errors import AuditUnavailable, NotDurable, QuotaExceeded
from gateway.model import Caller, Narrowing, Record
from gateway.store.registry import NARROWED, IssuedToken, RegistryStore


class Children:
    """Makes children of callers' tokens."""

    def __init__(
        self,
        issuer: Issuer,
        verify: Callable[[str], Caller],
        store: RegistryStore,
        clock: Clock,
        per_minute: int = 0,
    ) -> None:
        """Begin.

        Args:
            issuer: Signs them.
            verify: Reads a token as a call would: what is handed out is what the gateway itself takes.
            store: Keeps what was issued.
            per_minute: How many a client may have made in a minute; 0: any number.
        """
        self._issuer = issuer
        self._verify = verify
        self._store = store
        self._clock = clock
        self._per_minute = per_minute
        self._buckets = Buckets(clock, per_minute)

    async def make(self, caller: Caller, wish: Narrowing) -> tuple[str, Caller]:
        """Return a child of a caller's token, and what it says; it is among the issued ones and in the audit log first.

        Raises:
            PermissionDenied, RequestInvalid: as `narrow`.
            QuotaExceeded: the client has had its share for now.
            AuditUnavailable: it can't be written down, so there is no child.
        """
        if wait := self._buckets.wait(caller.client):
            raise QuotaExceeded(
                "The client has narrowed its share of tokens for now.",
                retry_after=wait,
                quota="narrowed_per_minute",
                limit=str(self._per_minute),
            )
        token = narrow(self._issuer, caller, wish).token
        self._buckets.take(caller.client)
        child = self._verify(token)
        try:
            await self._store.add_issued(_issued(caller, child), _narrowed(self._clock.now(), caller, child))
        except NotDurable as error:
            raise AuditUnavailable from error
        return token, child


def _issued(parent: Caller, child: Caller) -> IssuedToken:
    return IssuedToken(
        token_id=child.token_id,
        client=child.client,
        key_id=child.key_id,
        chat_ids=child.chat_ids,
        issued_at=child.issued_at,
        expires_at=child.expires_at,
        issued_by=f"{NARROWED}{parent.token_id}",
    )


def _narrowed(at: datetime, caller: Caller, child: Caller) -> Record:
    return Record(
        at=at,
        event="credential.narrowed",
        decision="allow",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        issuer=caller.issuer,
        address=caller.origin.address,
        method=caller.origin.method,
        call_id=caller.origin.call_id,
        chat_id=child.sole_chat_id,
        facts={
            "child_token_id": child.token_id,
            "child_chats": len(child.grants),
            "child_expires_at": int(child.expires_at.timestamp()),
        },
    )
