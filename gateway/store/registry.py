"""What the store promises of the registry: each promise has a test in `tests/contract/test_registry_store.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.addresses import AddressRanges
from gateway.model import Permission, Record


def token_digest(token_id: str) -> bytes:
    """Return the 16 bytes under which a revoked token is kept: whatever a token calls itself, it costs the same."""
    return hashlib.blake2b(token_id.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a client may use up; None: what holds for everybody, 0: as much as it likes.

    Attributes:
        per_minute: Messages in a minute.
        per_day: Messages in a day.
        queue_depth: Messages that wait at once.
    """

    per_minute: int | None = None
    per_day: int | None = None
    queue_depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClient:
    """What is kept of a client.

    Attributes:
        registered: Whether it was added; one that was not is here because it was disabled or revoked.
        chat_ids: The chats that any token of its may open; None: those that the token says.
        address_ranges: From where alone it may call; None: from anywhere.
        min_generation: Tokens of an earlier generation, or of none if this is above 0, are revoked.
        not_before: Tokens that were issued then or earlier are revoked.
        second_factor: Whether it needs one for critical functions: a certificate, to which its token is bound.
        label: For people.
        created_by: Who added it.
        last_seen_at: When it was last authenticated, as far as that is written down yet.
        last_denied_at: When one of its calls was last refused.
    """

    name: str
    registered: bool = False
    enabled: bool = True
    chat_ids: frozenset[int] | None = None
    address_ranges: AddressRanges | None = None
    quota: Quota = Quota()
    min_generation: int = 0
    not_before: datetime | None = None
    second_factor: bool = False
    label: str = ""
    created_by: str
    created_at: datetime
    last_seen_at: datetime | None = None
    last_seen_from: str = ""
    last_denied_at: datetime | None = None
    last_denied_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChat:
    """What is kept of a chat.

    Attributes:
        authorized: Whether it was; one that was not is here because it was suspended.
        permissions: The most that any token may do there.
        suspended: Whether every token is refused there for now.
        title: As it was when the chat was discovered.
        created_by: Who put it here.
        last_access_at: When a token last opened it, as far as that is written down yet.
    """

    chat_id: int
    authorized: bool = False
    permissions: frozenset[Permission] = frozenset(Permission)
    suspended: bool = False
    title: str = ""
    created_by: str
    created_at: datetime
    last_access_at: datetime | None = None


NARROWED = "token:"
"""What `issued_by` of a token begins with that was narrowed from another; the id of that one follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token that was issued here; never its text."""

    token_id: str
    client: str
    key_id: str
    chat_ids: tuple[int, ...]
    issued_at: datetime
    expires_at: datetime
    issued_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since a revision; what can't be many is here whole.

    Attributes:
        revision: Whose changes are all in it.
        not_before: Tokens that were issued then or earlier are revoked.
        swept_until: What was revoked of tokens that expired before may be forgotten.
        clients: Those that changed.
        chats: Those that changed.
        revoked_keys: All of them: issuer and `kid`.
        canaries: All of them: digests of tokens that nobody is to use.
    """

    revision: int
    not_before: datetime | None
    swept_until: datetime
    clients: Sequence[StoredClient]
    chats: Sequence[StoredChat]
    revoked_keys: Sequence[tuple[str, str]]
    canaries: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Uses:
    """The latest uses, by client and by chat, each with its instant and the address that it came from."""

    seen: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    denied: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    accessed: Mapping[int, datetime] = field(default_factory=dict)


ChangeClient = Callable[[StoredClient | None], StoredClient]
ChangeChat = Callable[[StoredChat | None], StoredChat]
"""Says what is to be kept instead of what is. May be called more than once, and raises what its caller is to hear."""


class RegistryReader(Protocol):
    """Finds in the registry. What it returns is on durable storage. Every method raises `NotDurable`."""

    async def changes(self, after: int) -> Changes | None:
        """Return what changed since a revision; None: nothing. From -1 on it is everything."""

    async def revoked_tokens(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return number and digest of the revoked tokens that are numbered above `after`, lowest first."""

    async def client(self, name: str) -> StoredClient | None:
        """Return what is kept of a client."""

    async def clients(self) -> Sequence[StoredClient]:
        """Return all clients by name."""

    async def chat(self, chat_id: int) -> StoredChat | None:
        """Return what is kept of a chat."""

    async def chats(self) -> Sequence[StoredChat]:
        """Return all chats by id."""

    async def issued_token(self, token_id: str) -> IssuedToken | None:
        """Return a token that was issued here and is not forgotten yet."""

    async def issued_tokens(
        self, client: str | None, limit: int, after: IssuedToken | None = None
    ) -> Sequence[IssuedToken]:
        """Return the tokens issued last, to this client or to all, the last one first; with `after`, those behind it.

        Of tokens that were issued at the same instant, the one with the greater id goes first.
        """

    async def is_revoked_token(self, token_id: str) -> bool:
        """Whether the token itself was revoked, and that is not forgotten yet."""

    async def is_canary_token(self, token_id: str) -> bool:
        """Whether nobody is to use the token."""


class RegistryStore(RegistryReader, Protocol):
    """Keeps the registry.

    Each change is on durable storage, together with its audit record, before the method returns; what changes nothing
    keeps no record either. Every method raises `NotDurable` when the storage fails; then nothing was kept.
    """

    async def change_client(self, name: str, change: ChangeClient, record: Record) -> StoredClient:
        """Keep what `change` makes of a client; when it was last seen and denied stays as it is."""

    async def change_chat(self, chat_id: int, change: ChangeChat, record: Record) -> StoredChat:
        """Keep what `change` makes of a chat; when it was last accessed stays as it is."""

    async def revoke_token(self, token_id: str, expires_at: datetime, record: Record) -> bool:
        """Revoke a token until it expires; return whether it was not revoked before."""

    async def mark_canary(self, token_id: str, record: Record) -> bool:
        """Keep for good that nobody is to use a token; return whether that is news."""

    async def revoke_key(self, issuer: str, key_id: str, record: Record) -> bool:
        """Revoke every token that a key of an issuer signed; return whether it was not revoked before."""

    async def revoke_all(self, not_before: datetime, record: Record) -> bool:
        """Revoke every token that was issued then or earlier; return whether that is later than it was before."""

    async def add_issued(self, token: IssuedToken, record: Record) -> None:
        """Keep that a token was issued."""

    async def note(self, uses: Uses) -> None:
        """Keep the latest uses of clients and chats that are here, unless later ones are kept. No change, no record."""

    async def sweep(self, until: datetime, limit: int) -> Sequence[bytes]:
        """Forget up to `limit` tokens that expired before `until`; return the digests of those that were revoked.

        From then on `swept_until` is no less than `until`.
        """
