"""What a critical function asks of an operator beside a token: to prove, just now, to be who the token names."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.access.approvals import Approvals
from gateway.access.authenticators import Authenticators
from gateway.access.claims import MAX_SKEW
from gateway.clock import Clock
from gateway.errors import StepUpRequired

FRESH = timedelta(minutes=5)
"""How long ago a person may have signed in (`auth_time`, RFC 9470) who calls with a client certificate."""


class SecondFactor:
    """Lets nothing critical through without one: whoever has none enrolled and no certificate is refused."""

    def __init__(self, authenticators: Authenticators, clock: Clock, approvals: Approvals | None = None) -> None:
        """Ask `authenticators` about codes, and `approvals`, if two persons are needed, about the second one."""
        self._authenticators = authenticators
        self._clock = clock
        self._approvals = approvals

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
        parameters: str = "",
    ) -> None:
        """Return if the operator has proven for this very request that it is meant.

        Args:
            operator: Who asks, by the token.
            method: What is asked for.
            request: Its content, in bytes that are the same for the same request.
            one_time_code: What the operator's authenticator app shows. A given code decides, whatever else there is.
            auth_time: When the person signed in, as the token says.
            has_certificate: Whether the connection was made with a client certificate that was checked.
            approval_id: Names what a second person approved.
            parameters: The content as the second person reads it.

        Raises:
            StepUpRequired: the proof is missing, wrong, used or too old.
            ApprovalRequired: it is good, and now a second person has to approve.
            NotDurable: it can't be written down that the proof is used, so it does not count.
        """
        if one_time_code is not None:
            await self._authenticators.require(operator, one_time_code)
        elif not (has_certificate and auth_time is not None):
            raise StepUpRequired("second_factor_missing")
        elif not -MAX_SKEW <= self._clock.now() - auth_time <= FRESH:
            raise StepUpRequired("second_factor_stale")
        if self._approvals is not None:
            await self._approvals.require(operator, method, request, approval_id, parameters=parameters)
