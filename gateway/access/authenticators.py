"""Enrolling operators with an authenticator app, and looking at their codes. Done on the host alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.access.one_time_codes import Verdict, judged
from gateway.clock import Clock
from gateway.errors import RequestInvalid, StateConflict, StepUpRequired
from gateway.model import Record
from gateway.operators import PREFIX, is_operator_name
from gateway.store.second_factors import Authenticator, SecondFactorStore


class Authenticators:
    """The authenticators of operators.

    Every method raises `NotDurable` when the storage fails; then nothing was changed.
    """

    def __init__(self, store: SecondFactorStore, clock: Clock) -> None:
        """Keep them in `store`."""
        self._store = store
        self._clock = clock

    async def enroll(self, operator: str, secret: str, code: str, *, by: str, replaces: bool = False) -> Authenticator:
        """Take an operator's app, which proves by a code that it has the secret.

        Args:
            operator: Whose it is.
            secret: What the app was given, in base32.
            code: What it shows.
            by: Who asks, for the audit log.
            replaces: Whether it may take the place of one that is enrolled.

        Raises:
            RequestInvalid: the name is none, or the code is not of this secret; nothing was kept.
            StateConflict: the operator has one, and it is not to be replaced.
        """
        if not is_operator_name(operator):
            raise RequestInvalid([("operator", "must be 1 to 48 characters of A-Z a-z 0-9 . _ @ -")])
        now = self._clock.now()
        new = Authenticator(operator=operator, secret=secret, last_step=-1, enrolled_by=by, enrolled_at=now)
        verdict, proven = judged(new, code, now)
        if verdict is not Verdict.GOOD:
            raise RequestInvalid(
                [("code", "is not what the app shows for this secret now: check the clock, try again")]
            )

        def enrolled(before: Authenticator | None) -> tuple[Authenticator, Record]:
            if before is not None and not replaces:
                raise StateConflict(f"{operator} has an authenticator: give --replace if the app was lost")
            return proven, _record("operator.enrolled", operator, by, now, replaces=before is not None)

        await self._store.change_authenticator(operator, enrolled)
        return proven

    async def remove(self, operator: str, *, by: str) -> bool:
        """Forget an operator's app, who can do nothing critical from now on; return whether there was one."""
        was_there = False

        def removed(before: Authenticator | None) -> tuple[None, Record | None]:
            nonlocal was_there
            was_there = before is not None
            return None, _record("operator.unenrolled", operator, by, self._clock.now()) if was_there else None

        await self._store.change_authenticator(operator, removed)
        return was_there

    async def require(self, operator: str, code: str) -> None:
        """Return if it is a code of the operator's app, which it is once; it is used up before this returns.

        Raises:
            StepUpRequired: it is not, or the operator has no app, or too many codes were wrong lately.
        """
        now, verdict = self._clock.now(), None

        def used(before: Authenticator | None) -> tuple[Authenticator | None, Record | None]:
            nonlocal verdict
            if before is None:
                return None, None
            verdict, after = judged(before, code, now)
            is_locked_now = after.locked_until is not None and after.locked_until != before.locked_until
            return after, _locked(operator, now) if is_locked_now else None

        await self._store.change_authenticator(operator, used)
        if verdict is None:
            raise StepUpRequired("second_factor_missing")
        if verdict is not Verdict.GOOD:
            raise StepUpRequired(verdict.value)


def _locked(operator: str, now: datetime) -> Record:
    record = _record("operator.locked", operator, PREFIX + operator, now)
    return replace(record, decision="deny", reason="too_many_wrong_codes", client=PREFIX + operator)


def _record(event: str, operator: str, by: str, now: datetime, **facts: bool) -> Record:
    return Record(at=now, event=event, decision="allow", facts={"by": by, "operator": operator, **facts})
