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
    """Where the chain ends: its name, the last record that has a link (0 for none), and that link.

    What was moved to archive files counts.
    """

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

    async def archived_until(self) -> int:
        """Return the number of the checkpoint up to which all is in archive files; 0: nothing is.

        That checkpoint stays, and is the lowest; records and links up to its `seq` are gone.
        """


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

    async def archive(self, before: int, until: Checkpoint) -> bool:
        """Remove, all or nothing, what archive files hold: records and links up to `until`, checkpoints before it.

        Unless `archived_until` is `before`, nothing is removed, and False returned: somebody else moved it meanwhile.
        """
