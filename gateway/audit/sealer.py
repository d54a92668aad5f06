"""Links what was recorded into the chain, behind the answers: nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from gateway.audit import chain
from gateway.clock import Clock
from gateway.errors import AuditUnavailable
from gateway.store.base import AuditReader
from gateway.store.seals import Checkpoint, SealStore

EVERY = timedelta(seconds=1)
BATCH = 1000
"""Records from one checkpoint to the next at most."""
TURN = 100
"""Records that are linked in one go, between which the event loop does other things."""
IDLE = 60.0
"""Seconds after which there is a checkpoint, also when nothing happened."""


class Signer(Protocol):
    """Signs checkpoints."""

    key_id: str

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a text."""


def _nobody(checkpoint: Checkpoint) -> None:
    """Tell nobody."""


def _always() -> bool:
    return True


class Sealer:
    """Seals the audit log: every record gets its link, every minute and every thousand records a checkpoint."""

    def __init__(
        self,
        log: AuditReader,
        store: SealStore,
        signer: Signer,
        clock: Clock,
        new_chain: Callable[[], str],
        on_checkpoint: Callable[[Checkpoint], None] = _nobody,
        may_seal: Callable[[], bool] = _always,
    ) -> None:
        """Take what it works with.

        Args:
            log: The records.
            store: Keeps their chain.
            new_chain: Names a chain that has no name yet.
            on_checkpoint: Told of each checkpoint once it is kept, so that a copy can be put out of reach of whoever
                may write the database.
            may_seal: Whether it is this gateway that seals: of several on one database, one does.
        """
        self._log = log
        self._store = store
        self._signer = signer
        self._clock = clock
        self._new_chain = new_chain
        self._on_checkpoint = on_checkpoint
        self._may_seal = may_seal
        self._due_at = 0.0
        self._since = 0
        self._sealing = asyncio.Lock()

    async def run(self, every: timedelta = EVERY) -> None:
        """Seal what is recorded, again and again, until cancelled. A storage that fails is tried again."""
        while True:
            try:
                await self.seal(checkpoint=self._clock.monotonic() >= self._due_at)
            except AuditUnavailable:
                self._due_at = 0.0
            await asyncio.sleep(every.total_seconds())

    async def close(self) -> None:
        """Seal everything, with a checkpoint at the end, if the storage takes it."""
        try:
            await self.seal(checkpoint=True)
        except AuditUnavailable:
            return

    async def seal(self, *, checkpoint: bool) -> None:
        """Seal what is recorded, and write a checkpoint if asked to or after a thousand records, if it may seal.

        Raises:
            AuditUnavailable: the storage failed; what is sealed is sealed, the rest will be.
        """
        if not self._may_seal():
            return
        async with self._sealing:
            head = await self._store.head(self._new_chain)
            seq, link = head.seq, head.link or chain.beginning(head.chain)
            while records := await self._log.records(after=seq, limit=TURN):
                sealed = list(chain.links(link, records))
                seq, link = sealed[-1]
                await self._store.seal(sealed)
                self._since += len(sealed)
                if self._since >= BATCH:
                    await self._check(head.chain, seq, link)
            if checkpoint:
                await self._check(head.chain, seq, link)

    async def _check(self, name: str, seq: int, link: bytes) -> None:
        unsigned = Checkpoint(
            number=await self._store.last_checkpoint() + 1,
            at=self._clock.now(),
            seq=seq,
            link=link,
            key_id=self._signer.key_id,
            signature=b"",
        )
        signed = replace(unsigned, signature=self._signer.sign(chain.signed_text(name, unsigned)))
        await self._store.keep_checkpoint(signed)
        self._since = 0
        self._due_at = self._clock.monotonic() + IDLE
        self._on_checkpoint(signed)
