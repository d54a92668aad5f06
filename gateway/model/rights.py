"""Who calls, and what that opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from gateway.addresses import AddressRanges


class Permission(Enum):
    """What may be done in a chat."""

    WRITE = "write"
    READ = "read"
    MODERATE = "moderate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a call comes from and what it asks for: known before anybody is authenticated.

    Attributes:
        method: The full name of the RPC, such as `/chatkey.v1.MessagingGateway/SendMessage`.
        address: The client's IP address, `unix` for a local socket, or empty if it can't be told. Behind a trusted
            proxy, what that says.
        call_id: Names this call in the log, the audit and the trailers.
    """

    method: str = ""
    address: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What may be done in one chat, or in one forum topic of it if `message_thread_id` is set.

    Attributes:
        withheld: Why nothing may be done there for now, whatever the token says: the cause of a refusal. Then there
            are no permissions.
    """

    chat_id: int
    permissions: frozenset[Permission]
    message_thread_id: int | None = None
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A token that another one was narrowed from: whatever revokes the one revokes the other."""

    token_id: str
    key_id: str
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client during one call: what its verified token says, and from where it calls.

    Attributes:
        grants: The chats that it opens, each once.
        address_ranges: From where alone it may be used; None: from anywhere.
        certificate_thumbprint: `x5t#S256` (RFC 8705) of the one client certificate that it may be used with; empty:
            with none or any.
        generation: Of the client's credentials; None: the token says none.
        ancestors: The tokens that it was narrowed from, its parent first.
    """

    client: str
    token_id: str
    key_id: str
    issuer: str
    grants: tuple[Grant, ...]
    issued_at: datetime
    expires_at: datetime
    address_ranges: AddressRanges | None = None
    certificate_thumbprint: str = ""
    generation: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    origin: Origin = Origin()

    @property
    def chat_ids(self) -> tuple[int, ...]:
        """The chats that it opens."""
        return tuple(grant.chat_id for grant in self.grants)

    @property
    def sole_chat_id(self) -> int | None:
        """The chat that it opens, if it is one."""
        return self.grants[0].chat_id if len(self.grants) == 1 else None

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The ids of the tokens that it was narrowed from, its parent first."""
        return tuple(ancestor.token_id for ancestor in self.ancestors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What a holder asks of a child. What is left out is as the parent has it.

    Attributes:
        grants: The chats, each once, all of them the parent's. Without permissions: with those that the parent has
            there; without a topic: in the one that the parent is for, if it is for one.
        ttl: How long, whole seconds from 1 s; never beyond the parent's end.
        address_ranges: From where alone, of what the parent allows.
    """

    grants: tuple[Grant, ...] = ()
    ttl: timedelta | None = None
    address_ranges: AddressRanges | None = None
