"""Two-person approval: what one operator asks for, another one approves; then the first one asks again, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.errors import ApprovalRequired, RequestInvalid, ResourceNotFound, StateConflict, StepUpRequired
from gateway.model import Record
from gateway.operators import PREFIX
from gateway.store.second_factors import Approval, SecondFactorStore

LIFE = timedelta(minutes=5)
"""How long after it was asked for a request can be approved, and done."""
KEPT = timedelta(hours=1)
MOST_PENDING = 100
"""Requests of one operator that may wait; whoever holds a stolen token and codes can't bury the others."""


def _always(client: str, since: datetime) -> bool:
    """Withdraw nothing."""
    return True


class Approvals:
    """Requests that need a second person.

    Every method raises `NotDurable` when the storage fails; then nothing was changed.
    """

    def __init__(
        self,
        store: SecondFactorStore,
        clock: Clock,
        new_id: Callable[[], str],
        stands: Callable[[str, datetime], bool] = _always,
    ) -> None:
        """Keep them in `store`, each under an id that `new_id` makes.

        Args:
            stands: Whether an operator was neither disabled nor revoked since an instant.
        """
        self._stands = stands
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def require(
        self, operator: str, function: str, request: bytes, approval_id: str | None, *, parameters: str = ""
    ) -> None:
        """Return if somebody else approved this very request and it was not done yet; now it counts as done.

        Args:
            operator: Who asks.
            function: What is asked for.
            request: Its content, in bytes that are the same for the same request.
            approval_id: Under which it was approved; None: it is asked for the first time.
            parameters: Its content as the second person reads it.

        Raises:
            ApprovalRequired: without an id: the request waits for an approval now, under the id in its facts.
            StepUpRequired: the id is not of an approved request of this operator, of this content, that is neither
                done nor too old.
        """
        digest = digest_of(operator, function, request, parameters)
        if approval_id is None:
            raise ApprovalRequired(await self._ask(operator, function, digest, parameters))
        now, cause = self._clock.now(), ""

        def used(before: Approval | None) -> tuple[Approval | None, Record | None]:
            nonlocal cause
            # With what was read: a text that was changed meanwhile is not what somebody approved.
            read = before and digest_of(operator, function, request, before.parameters)
            cause = _refusal(before, digest if read == digest else b"", now)
            if before and not cause and not self._stands(PREFIX + before.approved_by, before.asked_at):
                cause = "approval_withdrawn"
            if before is None or cause:
                return before, None
            return replace(before, is_used=True), _record("approval.used", before, operator, now)

        await self._store.change_approval(approval_id, used)
        if cause:
            raise StepUpRequired(cause)

    async def pending(self) -> Sequence[Approval]:
        """Return the requests that wait for an approval, the first one first."""
        asked = await self._store.approvals(self._clock.now() - LIFE)
        return [approval for approval in asked if not approval.approved_by]

    async def get(self, approval_id: str) -> Approval:
        """Return a request that waits, or waited lately; raises `ResourceNotFound`."""
        for approval in await self._store.approvals(self._clock.now() - LIFE):
            if approval.approval_id == approval_id:
                return approval
        raise ResourceNotFound("no request of this id waits: each waits for five minutes")

    async def approve(self, approver: str, approval_id: str) -> Approval:
        """Approve a request of another operator; the approver has proven to be one before.

        Raises:
            RequestInvalid: there is no such request, or it is too old.
            StateConflict: it is the approver's own, or is approved by another person already.
        """
        now = self._clock.now()

        def approved(before: Approval | None) -> tuple[Approval, Record | None]:
            if before is None or not _is_young(before, now):
                raise RequestInvalid([("approval_id", "is not of a request that waits; it waits five minutes")])
            # Names that differ in nothing but case are one person's, as far as anybody can tell.
            if before.operator.casefold() == approver.casefold():
                raise StateConflict("nobody approves a request of their own: it needs a second person")
            if before.approved_by == approver:
                return before, None
            if before.approved_by:
                raise StateConflict("the request is approved already")
            return replace(before, approved_by=approver), _record("approval.given", before, approver, now)

        kept = await self._store.change_approval(approval_id, approved)
        assert kept is not None  # noqa: S101 - `approved` returns one or raises
        return kept

    async def _ask(self, operator: str, function: str, digest: bytes, parameters: str) -> str:
        now = self._clock.now()
        await self._store.forget_approvals(now - KEPT)
        if sum(approval.operator == operator for approval in await self.pending()) >= MOST_PENDING:
            raise StateConflict(f"{MOST_PENDING} requests of yours wait for an approval: have some approved first")
        asked = Approval(
            approval_id=self._new_id(),
            operator=operator,
            function=function,
            parameters=parameters,
            digest=digest,
            asked_at=now,
        )
        await self._store.change_approval(
            asked.approval_id, lambda _before: (asked, _record("approval.asked", asked, operator, now))
        )
        return asked.approval_id


def ends_at(approval: Approval) -> datetime:
    """Return when a request can neither be approved nor done any more."""
    return approval.asked_at + LIFE


def digest_of(operator: str, function: str, request: bytes, parameters: str) -> bytes:
    """Return what names a request and nothing else: who asks, for what, with which content, and how that is shown."""
    parts = [operator.encode(), function.encode(), request, parameters.encode()]
    # Each with its length before it, so that no two requests run into the same bytes.
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def _refusal(approval: Approval | None, digest: bytes, now: datetime) -> str:
    """Return why a request is not approved; empty: it is."""
    if approval is None or approval.digest != digest:
        return "approval_unknown"
    if not approval.approved_by:
        return "approval_missing"
    if approval.is_used:
        return "approval_used"
    return "" if _is_young(approval, now) else "approval_expired"


def _is_young(approval: Approval, now: datetime) -> bool:
    return now < ends_at(approval)


def _record(event: str, approval: Approval, by: str, now: datetime) -> Record:
    facts = {"by": PREFIX + by, "operator": approval.operator, "function": approval.function}
    facts["approval_id"] = approval.approval_id
    return Record(at=now, event=event, decision="allow", client=PREFIX + by, facts=facts)
