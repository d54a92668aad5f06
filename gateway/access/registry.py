"""What is stored of clients, chats and revocations, held in memory: the effective right of a caller, at no wait.

Effective right = what the token says, and what is stored of the client allows, and what is stored of the chat allows.
The view follows the store, which other processes change too; how far it may lag behind has a bound, and beyond it
nothing is written for anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from math import inf

from gateway.access.revocation import Credential, Revocations, is_before
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.errors import NotDurable, PermissionDenied, StateStale, StepUpRequired, TokenExpired, Unauthenticated
from gateway.model import Caller, Grant, Message, Permission
from gateway.operators import Operator
from gateway.store.registry import Changes, Quota, RegistryStore, StoredChat, StoredClient
from gateway.telemetry import logger

POLL = timedelta(milliseconds=200)
"""How often the store is asked whether anything changed."""
MAX_STALENESS = timedelta(seconds=5)
SWEEP = timedelta(hours=1)
KEPT_AFTER_EXPIRY = timedelta(days=373)
"""How long a revocation outlives its token: as long as a message that the token brought may wait, `send_at` and `ttl`
together. So it also takes a clock that goes back by more than a year to make a forgotten token look alive."""

_PAGE = 10_000  # digests that are read, and put into the view, at once
_SWEPT = 1_000  # tokens that are forgotten in one transaction
_EVERYTHING = frozenset(Permission)
_DENIED = frozenset({"client_disabled", "client_unknown"})

_log = logger(__name__)


class Unknown(Enum):
    """What holds for a client that was not added, or for a chat that was not authorized."""

    AUTO = "auto"
    """The token decides while nothing is registered; then `DENY`."""
    ALLOW = "allow"
    DENY = "deny"


def _nobody(is_fresh: bool) -> None:
    """Tell nobody."""


class Registry:
    """Says what is left of a token's right, from memory and in constant time.

    Attributes:
        revocations: What was revoked by token, by key, and all before an instant.
    """

    def __init__(
        self,
        store: RegistryStore,
        clock: Clock,
        *,
        trusts: Callable[[str, str], bool],
        unknown_clients: Unknown = Unknown.AUTO,
        unknown_chats: Unknown = Unknown.AUTO,
        max_staleness: timedelta = MAX_STALENESS,
        on_freshness: Callable[[bool], None] = _nobody,
    ) -> None:
        """Begin with an empty view, which is stale until `load`.

        Args:
            store: What to follow.
            clock: Measures how old the view is, and tells which tokens expired long ago.
            trusts: Whether a key, by issuer and `kid`, is still good: for what was verified a while ago.
            unknown_clients: What holds for a client that was not added.
            unknown_chats: What holds for a chat that was not authorized.
            max_staleness: How old the view may be before nothing is written any more.
            on_freshness: Told False when it is older, and True when it is not any more.
        """
        self.revocations = Revocations()
        self._store = store
        self._clock = clock
        self._trusts = trusts
        self._unknown_clients = unknown_clients
        self._unknown_chats = unknown_chats
        self._max_staleness = max_staleness.total_seconds()
        self._on_freshness = on_freshness
        self._clients: dict[str, StoredClient] = {}
        self._chats: dict[int, StoredChat] = {}
        self._registered = self._authorized = 0
        self._revision = -1
        self._last_token = 0
        self._fresh_at = -inf
        self._told_fresh = True
        self._refreshing = asyncio.Lock()

    # What is left of a right.

    def standing(self, caller: Caller) -> Caller:
        """Return the caller with what its token may still do; a chat where it may do nothing is withheld, with why.

        Raises:
            Unauthenticated: the token was revoked, by whatever names it, its key, its client or its ancestors.
            TokenExpired: it expired so long ago that nothing is known of it any more, and the clock went back.
            PermissionDenied: `client_disabled` or `client_unknown`.
        """
        if caller.expires_at < self.revocations.swept_until:
            raise TokenExpired("token_expired")
        if cause := self._cause_of(caller):
            raise PermissionDenied(cause) if cause in _DENIED else Unauthenticated(cause)
        client = self._clients.get(caller.client)
        granted = tuple(self._narrowed(grant, client) for grant in caller.grants)
        return caller if granted == caller.grants else replace(caller, grants=granted)

    def require_operator(self, operator: Operator) -> None:
        """Return if an operator's token is not revoked.

        Neither whether the operator is registered is asked, since its token says who it is, nor whether its key is
        still good, which is none of those of callers.

        Raises:
            Unauthenticated: the token was revoked, by whatever names it, its key or its operator.
            PermissionDenied: `client_disabled`.
        """
        if cause := self._revoked(operator, self._clients.get(operator.client)):
            raise PermissionDenied(cause) if cause in _DENIED else Unauthenticated(cause)

    def stands(self, client: str, since: datetime) -> bool:
        """Whether a client or an operator was neither disabled nor revoked since an instant."""
        stored = self._clients.get(client)
        if stored is None:
            return True
        return stored.enabled and (stored.not_before is None or stored.not_before < since)

    def is_canary(self, token_id: str) -> bool:
        """Whether nobody is to use a token: for one that is refused for another reason."""
        return self.revocations.is_canary(token_id)

    def may_leave(self, message: Message, chat_id: int) -> str | None:
        """Return why the credential that brought a message must not send it any more; None: it may.

        Args:
            message: The message, with the chat that its credential names.
            chat_id: The chat that it would go to now: another one, where a group became a supergroup.

        Raises:
            StateStale: it can't be told.
        """
        self.require_fresh()
        if cause := self._cause_of(message):
            return cause
        if self.is_suspended(chat_id):
            return "chat_suspended"
        cause, permissions = self._right_in(message.chat_id, self._clients.get(message.client))
        if cause:
            return cause
        return None if Permission.WRITE in permissions else "missing_permission"

    def address_ranges(self, client: str) -> AddressRanges | None:
        """Return from where alone a client may call; None: from anywhere."""
        stored = self._clients.get(client)
        return None if stored is None else stored.address_ranges

    def require_second_factor(self, caller: Caller) -> None:
        """Return if the caller may do something critical: hand on a token, or moderate a chat.

        Raises:
            StepUpRequired: its client needs a second factor for that (`StoredClient.second_factor`), and the token is
                not bound to a client certificate, which is the one that a program has.
        """
        stored = self._clients.get(caller.client)
        if stored is not None and stored.second_factor and not caller.certificate_thumbprint:
            raise StepUpRequired("second_factor_missing")

    def quota_of(self, client: str) -> Quota:
        """Return what a client may use up; what is None there has no limit of its own."""
        stored = self._clients.get(client)
        return Quota() if stored is None else stored.quota

    def _cause_of(self, credential: Credential) -> str | None:
        client = self._clients.get(credential.client)
        if cause := self._ended(credential, client):
            return cause
        if self.denies_unknown_clients and not (client and client.registered):
            return "client_unknown"
        return None

    def _ended(self, credential: Credential, client: StoredClient | None) -> str | None:
        if not self._trusts(credential.issuer, credential.key_id):
            return "revoked_key"
        return self._revoked(credential, client)

    def _revoked(self, credential: Credential, client: StoredClient | None) -> str | None:
        if cause := self.revocations.cause_of(credential):
            return cause
        if client is not None:
            if is_before(credential, client.not_before):
                return "revoked_client"
            if (credential.generation or 0) < client.min_generation:
                return "old_generation"
            if not client.enabled:
                return "client_disabled"
        return None

    def _narrowed(self, grant: Grant, client: StoredClient | None) -> Grant:
        cause, permissions = self._right_in(grant.chat_id, client)
        if cause:
            return replace(grant, permissions=frozenset(), withheld=cause)
        if grant.permissions <= permissions:
            return grant
        return replace(grant, permissions=grant.permissions & permissions)

    def _right_in(self, chat_id: int, client: StoredClient | None) -> tuple[str, frozenset[Permission]]:
        """Return why a client may do nothing in a chat, and otherwise the most that it may do there."""
        if self.is_suspended(chat_id):
            return "chat_suspended", frozenset()
        if client is not None and client.chat_ids is not None and chat_id not in client.chat_ids:
            return "chat_not_allowed_for_client", frozenset()
        chat = self._chats.get(chat_id)
        if chat is not None and chat.authorized:
            return "", chat.permissions
        if self.denies_unknown_chats:
            return "chat_not_authorized", frozenset()
        return "", _EVERYTHING

    def is_suspended(self, chat_id: int) -> bool:
        """Whether nothing may be done in a chat, whatever a token says."""
        chat = self._chats.get(chat_id)
        return chat is not None and chat.suspended

    @property
    def denies_unknown_clients(self) -> bool:
        """Whether a client that was not added may do nothing."""
        return self._unknown_clients is Unknown.DENY or (self._unknown_clients is Unknown.AUTO and self._registered > 0)

    @property
    def denies_unknown_chats(self) -> bool:
        """Whether nothing may be done in a chat that was not authorized."""
        return self._unknown_chats is Unknown.DENY or (self._unknown_chats is Unknown.AUTO and self._authorized > 0)

    def is_wanted(self, chat_id: int) -> bool:
        """Whether a token could open a chat, were it not suspended: of any other nothing needs to be kept."""
        chat = self._chats.get(chat_id)
        return (chat is not None and chat.authorized) or not self.denies_unknown_chats

    # How fresh it is.

    @property
    def is_stale(self) -> bool:
        """Whether the view is too old to be relied on."""
        return self._clock.monotonic() - self._fresh_at > self._max_staleness

    def require_fresh(self) -> None:
        """Return if the view can be relied on; raises `StateStale`."""
        if self.is_stale:
            raise StateStale()

    async def load(self) -> None:
        """Read all; raises `NotDurable`."""
        await self.refresh()

    def tell(self) -> None:
        """Say in the log what holds for whom."""
        _log.info(
            "registry.loaded",
            clients=self._registered,
            chats=self._authorized,
            revoked_tokens=len(self.revocations.tokens),
            unknown_clients=_said(self.denies_unknown_clients, self._unknown_clients, "client is added"),
            unknown_chats=_said(self.denies_unknown_chats, self._unknown_chats, "chat is authorized"),
        )

    async def refresh(self) -> None:
        """Bring the view up to what the store has now; raises `NotDurable`, and then the view stays as it is."""
        async with self._refreshing:
            began = self._clock.monotonic()
            changes = await self._store.changes(self._revision)
            if changes is not None:
                await self._read_revoked()
                self._apply(changes)
            self._fresh_at = began

    async def run(self, every: timedelta = POLL) -> None:
        """Follow the store until cancelled."""
        pause = every.total_seconds()
        polling = asyncio.ensure_future(self._poll())
        try:
            while True:
                # A storage that hangs is as bad as one that fails: whoever waits for it must not hide that.
                await asyncio.wait({polling}, timeout=pause)
                self._tell_freshness()
                await asyncio.sleep(pause)
                if polling.done():
                    polling.result()
                    polling = asyncio.ensure_future(self._poll())
        finally:
            polling.cancel()

    async def run_sweeps(self, every: timedelta = SWEEP) -> None:
        """Forget what is of no use any more, again and again, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(every.total_seconds())

    async def sweep(self) -> None:
        """Forget tokens that expired so long ago that nothing of theirs can be waiting."""
        until = self._clock.now() - KEPT_AFTER_EXPIRY
        with suppress(NotDurable):
            while True:
                gone = await self._store.sweep(until, _SWEPT)
                self.revocations.swept_until = max(self.revocations.swept_until, until)
                self.revocations.tokens.discard(gone)
                if len(gone) < _SWEPT:
                    return

    async def _poll(self) -> None:
        with suppress(NotDurable):
            await self.refresh()

    async def _read_revoked(self) -> None:
        while True:
            page = await self._store.revoked_tokens(self._last_token, _PAGE)
            self.revocations.tokens.update(digest for _, digest in page)
            if page:
                self._last_token, _ = page[-1]
            if len(page) < _PAGE:
                return

    def _apply(self, changes: Changes) -> None:
        denied = self.denies_unknown_clients, self.denies_unknown_chats
        self.revocations.keys = frozenset(changes.revoked_keys)
        self.revocations.canaries = frozenset(changes.canaries)
        self.revocations.not_before = changes.not_before
        self.revocations.swept_until = changes.swept_until
        self._clients.update((client.name, client) for client in changes.clients)
        self._chats.update((chat.chat_id, chat) for chat in changes.chats)
        self._registered = sum(client.registered for client in self._clients.values())
        self._authorized = sum(chat.authorized for chat in self._chats.values())
        is_first, self._revision = self._revision < 0, changes.revision
        if not is_first and denied != (self.denies_unknown_clients, self.denies_unknown_chats):
            _log.warning(
                "registry.in_use",
                unknown_clients=_said(self.denies_unknown_clients, self._unknown_clients, "client is added"),
                unknown_chats=_said(self.denies_unknown_chats, self._unknown_chats, "chat is authorized"),
            )

    def _tell_freshness(self) -> None:
        is_fresh = not self.is_stale
        if is_fresh == self._told_fresh:
            return
        self._told_fresh = is_fresh
        if is_fresh:
            _log.info("registry.fresh", meaning="What was revoked is known again; messages are sent again.")
        else:
            _log.error("registry.stale", meaning="It can't be told what was revoked: nothing is accepted or sent.")
        self._on_freshness(is_fresh)


def _said(denied: bool, setting: Unknown, first: str) -> str:
    if denied:
        return "denied"
    return f"the token decides, until the first {first}" if setting is Unknown.AUTO else "the token decides"
