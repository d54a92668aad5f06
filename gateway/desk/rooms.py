"""What the desk asks of the rooms behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

from gateway.model import Caller, Draft, Message, Record


class Verifier(Protocol):
    """Tells who holds a token."""

    def verify(self, token: str) -> Caller:
        """Return whom the token names; raises `Unauthenticated` or `TokenExpired`."""


class Outbox(Protocol):
    """Keeps messages until they are final."""

    async def accept(self, caller: Caller, draft: Draft, fingerprint: bytes) -> Message:
        """Put a message on durable storage, or find the one that an equal request made.

        Begun, it is done whole, even when the caller stops waiting for it.
        """

    async def settled(self, message_id: str, within: timedelta) -> Message:
        """Return the message once it is final, or as it is when `within` is over."""

    async def get(self, caller: Caller, message_id: str) -> Message:
        """Return a message of the caller."""

    async def cancel(self, caller: Caller, message_id: str) -> Message:
        """Cancel a message of the caller."""

    def watch(self, caller: Caller, resume_token: str) -> AsyncIterator[tuple[Message, str]]:
        """Yield each change of the caller's messages with the token that goes on after it, without an end."""


class Ledger(Protocol):
    """Keeps the audit log."""

    def refused(self, record: Record) -> None:
        """Note a refusal; never waits."""
