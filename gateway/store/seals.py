"""What the store promises about the chain over the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the chain was at an instant.

    Attributes:
        number: Rises by one from 1.
        seq: The number of the last record; 0 where there is none.
        link: The link of that record.
        key_id: Which key signed.
        signature: Over `audit.chain.signed_text`.
    """

    number: int
    at: datetime
    seq: int
    link: bytes
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the chain ends: its name, the last record that has a link (0 for none), and that link."""

    chain: str
    seq: int
    link: bytes | None


class SealReader(Protocol):
    """Reads the chain. Every method raises `AuditUnavailable` when the storage fails."""

    async def chain(self) -> str | None:
        """Return the chain's name; None while it has none."""

    async def links(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return number and link of the sealed records numbered above `after`, lowest first."""

    async def checkpoints(self, after: int, limit: int) -> Sequence[Checkpoint]:
        """Return the checkpoints numbered above `after`, lowest first."""

    async def last_numbered(self) -> int:
        """Return the number that was given to a record last."""


class SealStore(SealReader, Protocol):
    """Keeps the chain."""

    async def head(self, new_chain: Callable[[], str]) -> Head:
        """Return where the chain ends; a chain without a name gets one."""

    async def seal(self, links: Sequence[tuple[int, bytes]]) -> None:
        """Keep the links of records, all or none."""

    async def keep_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint."""

    async def last_checkpoint(self) -> int:
        """Return the number of the last checkpoint; 0 for none."""
