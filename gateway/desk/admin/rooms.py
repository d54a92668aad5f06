"""What the admin desk asks of the rooms behind it, beside what `desk.rooms` has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.addresses import AddressRanges
from gateway.audit.proof import Verdict
from gateway.operators import Operator


class OperatorVerifier(Protocol):
    """Tells who holds an operator's token."""

    def remembers(self, token: str) -> bool:
        """Whether a token was good when it was last used."""

    def verify(self, token: str) -> Operator:
        """Return whom the token names; raises `Unauthenticated` or `TokenExpired`."""

    def require_key(self, operator: Operator) -> None:
        """Return if the key that signed the operator's token is still good; raises `Unauthenticated`."""


class OperatorRegistry(Protocol):
    """Holds what was revoked."""

    def require_operator(self, operator: Operator) -> None:
        """Return if the operator's token is still good; raises `CallRefused`."""

    def is_canary(self, token_id: str) -> bool:
        """Whether nobody is to use a token."""

    def address_ranges(self, client: str) -> AddressRanges | None:
        """Return from where alone somebody may call; None: from anywhere."""

    def require_fresh(self) -> None:
        """Return if it can be told what was revoked; raises `StateStale`."""


class SecondFactor(Protocol):
    """Asks for more than a token."""

    async def require(
        self,
        operator: str,
        method: str,
        request: bytes,
        *,
        one_time_code: str | None,
        auth_time: datetime | None,
        has_certificate: bool,
        approval_id: str | None,
        parameters: str,
    ) -> None:
        """Return if the operator has proven for this very request that it is meant.

        Raises:
            StepUpRequired: not yet, or not any more.
            ApprovalRequired: it is proven, and now a second person has to approve.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChat:
    """A chat in which the bot saw something happen; `title` is a person's name where it is no group."""

    chat_id: int
    type: str
    title: str


Discover = Callable[[], Awaitable[Sequence[SeenChat]]]
"""Asks Telegram for the chats in which the bot saw something lately; raises `TelegramUnavailable`."""

Prove = Callable[[Mapping[int, bytes]], Awaitable[Verdict]]
"""Looks through the whole audit log, for links too that were kept elsewhere; raises `AuditUnavailable`."""
