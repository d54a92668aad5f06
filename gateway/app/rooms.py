"""What administration shares with the rest of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.access.issue import Issuer
from gateway.access.keys import KeySet
from gateway.access.registry import Registry
from gateway.access.tokens import Verifier
from gateway.audit.ledger import Ledger
from gateway.telegram.connector import Connector

if TYPE_CHECKING:
    from gateway.store.databases import AnyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What administration shares with the rest of the gateway."""

    store: AnyStore
    keys: KeySet
    verifier: Verifier
    registry: Registry
    ledger: Ledger
    connector: Connector
    issuer: Issuer | None
    public_keys: Sequence[bytes]
    new_id: Callable[[], str]
