"""What the store promises of second factors. `tests/contract/test_second_factor_store.py` tests each promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """An operator's authenticator app (RFC 6238), as it is kept.

    Attributes:
        secret: What app and gateway share, in base32.
        last_step: The time step of the last code that was used; no code of it or of an earlier one is good.
        failures: How many codes were wrong since the last good one.
        locked_until: Until then no code is looked at; None: it was never locked, or has been used since.
        enrolled_by: Who enrolled it.
    """

    operator: str
    secret: str = field(repr=False)
    last_step: int
    failures: int = 0
    locked_until: datetime | None = None
    enrolled_by: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request of an operator that needs a second person.

    Attributes:
        operator: Who asks.
        function: What is asked for, such as `credentials.issue`.
        parameters: The request as people read it.
        digest: SHA-256 of the whole request, and of how it is shown: only that one is approved.
        approved_by: The other person; empty: nobody yet.
        is_used: Whether it has been done.
    """

    approval_id: str
    operator: str
    function: str
    parameters: str = ""
    digest: bytes
    asked_at: datetime
    approved_by: str = ""
    is_used: bool = False


ChangeAuthenticator = Callable[[Authenticator | None], tuple[Authenticator | None, Record | None]]
"""From what is kept to what is to be kept, and the audit record of that; it may be called more than once."""

ChangeApproval = Callable[[Approval | None], tuple[Approval | None, Record | None]]


class SecondFactorStore(Protocol):
    """Keeps second factors.

    A change reads what is kept and writes what becomes of it as one, also beside other processes: of two that use the
    same code, one finds it used. It is on durable storage before the method returns, its record with it; when the
    storage fails nothing is changed and `NotDurable` raised.
    """

    async def authenticators(self) -> Sequence[Authenticator]:
        """Return all of them by operator."""

    async def change_authenticator(self, operator: str, change: ChangeAuthenticator) -> Authenticator | None:
        """Keep what `change` makes of an operator's, nothing where it makes None, and return it."""

    async def approvals(self, asked_from: datetime) -> Sequence[Approval]:
        """Return those that were asked for then or later, the first one first."""

    async def change_approval(self, approval_id: str, change: ChangeApproval) -> Approval | None:
        """Keep what `change` makes of a request, nothing where it makes None, and return it."""

    async def forget_approvals(self, asked_before: datetime) -> None:
        """Remove those that were asked for earlier."""
