"""Words of administration over the network: who administers, and with which rights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeGuard

from gateway.addresses import AddressRanges
from gateway.model import Ancestor, Origin

PREFIX = "operator:"
"""What stands before an operator's name where clients are named too: in the registry and in the audit log."""

NOWHERE = Origin()

# With its prefix within the 64 characters that the audit log keeps of a fact.
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,48}")


def is_operator_name(value: object) -> TypeGuard[str]:
    """Whether `value` can be the name of an operator: 1 to 48 of `[A-Za-z0-9._@-]`."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


class AdminRight(Enum):
    """What an operator's token may do; none of them includes another."""

    READ = "read"
    CREDENTIALS = "credentials"
    KEYS = "keys"
    CLIENTS = "clients"
    CHATS = "chats"
    AUDIT = "audit"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who administers, during one call: what the verified token says, and from where the call comes.

    Attributes:
        name: The token's `sub`.
        rights: What its `scope` says.
        authenticated_at: When its holder last proved a second factor to whoever issued it; None: not that it says.
        address_ranges: From where alone it may be used; None: from anywhere.
        certificate_thumbprint: `x5t#S256` (RFC 8705) of the one client certificate that it may be used with; empty:
            with none or any.
    """

    name: str
    token_id: str
    key_id: str
    issuer: str
    rights: frozenset[AdminRight]
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime | None = None
    address_ranges: AddressRanges | None = None
    certificate_thumbprint: str = ""
    origin: Origin = NOWHERE

    @property
    def client(self) -> str:
        """The name that revokes or disables it in the registry, and stands as `by` in the audit log."""
        return PREFIX + self.name

    @property
    def generation(self) -> int | None:
        """None: it lives too short to have one."""
        return None

    @property
    def ancestors(self) -> tuple[Ancestor, ...]:
        """None: it can't be narrowed."""
        return ()
