"""Who may administer: decided here, and at one place, for every function of the admin desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.access import addresses, bearer, confirmation, outsiders
from gateway.access.buckets import Buckets
from gateway.addresses import AddressRanges
from gateway.audit.lines import tamed
from gateway.clock import Clock
from gateway.desk.admin.functions import Ask, Function, Needs
from gateway.desk.admin.rooms import OperatorRegistry, OperatorVerifier, SecondFactor
from gateway.desk.rooms import Failures, Lane, Ledger
from gateway.desk.stay import RECHECK, Stay
from gateway.errors import CallRefused, GatewayError, PermissionDenied, QuotaExceeded, Unauthenticated
from gateway.model import Origin, Record
from gateway.operators import Operator
from gateway.store.base import AuditStore

CALLS_PER_MINUTE = 600
"""How many calls a token may make in a minute, and as many at once: each is a record on the disk."""


def _nothing() -> None:
    """Find nothing wrong."""


class Entrance:
    """Lets operators in to the functions that their tokens are for."""

    def __init__(
        self,
        *,
        verifier: OperatorVerifier,
        registry: OperatorRegistry,
        second_factor: SecondFactor,
        own_factor: SecondFactor,
        ledger: Ledger,
        log: AuditStore,
        failures: Failures,
        lane: Lane,
        clock: Clock,
        allowed_addresses: AddressRanges | None = None,
        recheck: timedelta = RECHECK,
        calls_per_minute: int = CALLS_PER_MINUTE,
    ) -> None:
        """Keep the rooms that decide.

        Args:
            second_factor: Asks for what is needed to do something critical.
            own_factor: Asks for the operator's own part of that alone, and for no second person.
            ledger: Takes refusals, which wait for nothing.
            log: Takes what is about to be done, which waits for it.
            failures: Says how many tokens from one address may fail; not the one of another door, lest a flood there
                keep operators out.
            lane: Says when a refusal may be answered.
            allowed_addresses: From where alone anybody may call; None: from anywhere.
            recheck: How often an open stream looks at its token again.
            calls_per_minute: How many calls a token may make in a minute.
        """
        self._verifier = verifier
        self._registry = registry
        self._second_factor = second_factor
        self._own_factor = own_factor
        self._ledger = ledger
        self._log = log
        self._failures = failures
        self._lane = lane
        self._clock = clock
        self._allowed_addresses = allowed_addresses
        self._calls_per_minute = calls_per_minute
        self._calls = Buckets(clock, calls_per_minute)
        self.stay: Stay[Operator] = Stay(clock, recheck, self._require_standing)

    def authenticate(self, values: Sequence[str | bytes], origin: Origin) -> Operator:
        """Return who administers, and from where.

        Args:
            values: Those of the metadata `authorization`, in order.
            origin: From where the call comes.

        Raises:
            PermissionDenied: nobody may call from there, whatever the token; or the operator is disabled.
            Unauthenticated: there is no acceptable token, or it was revoked.
            TooManyFailures: too many tokens from this address were none; this one was not looked at.
        """
        if self._allowed_addresses is not None and origin.address not in self._allowed_addresses:
            raise outsiders.refusal(values, self._registry.is_canary, lambda: self._standing(values, origin))
        return self._standing(values, origin)

    def _standing(self, values: Sequence[str | bytes], origin: Origin) -> Operator:
        operator = replace(self._verified(bearer.token_from(values), origin.address), origin=origin)
        try:
            self._registry.require_operator(operator)
        except CallRefused as error:
            error.record.update(identity_of(operator), verified=True)
            raise
        return operator

    def _require_standing(self, operator: Operator) -> None:
        self._verifier.require_key(operator)
        self._registry.require_operator(operator)

    def _verified(self, token: str, address: str) -> Operator:
        if not self._verifier.remembers(token):
            self._failures.require_few(address)
        try:
            return self._verifier.verify(token)
        except Unauthenticated as error:
            # A bait that expired is refused as what it is, but not written down as that.
            if error.record.get("verified") and self._registry.is_canary(str(error.record.get("token_id"))):
                error.cause = "canary_used"
            self._failures.failed(address)
            raise

    def admit(self, operator: Operator, certificate: Callable[[], bytes | None]) -> None:
        """Return if the token may be used from where the call comes; first of all that a call asks for.

        Args:
            operator: Who administers, its `origin` included.
            certificate: Gives the peer's certificate, in PEM; asked only for a token that is bound to one.

        Raises:
            PermissionDenied: the token or the operator may not be used from this address.
            Unauthenticated: not without its certificate.
        """
        addresses.require(operator, [self._registry.address_ranges(operator.client)])
        confirmation.require(operator, certificate)

    def permit(self, operator: Operator, function: Function) -> None:
        """Return if the token has the right that a function asks for; raises `PermissionDenied`."""
        needs = function.value
        if needs.right not in operator.rights:
            raise PermissionDenied("missing_right", facts={"by": operator.client, "right": needs.right.value})

    async def begin(self, ask: Ask, function: Function, check: Callable[[], object] = _nothing) -> str:
        """Return on whose behalf a function is done, once it is in the audit log that it is: every function begins so.

        Args:
            ask: Who asks.
            function: For what.
            check: Looks at the form of the request, and at nothing that is stored: a mistake in it uses up no code, and
                what it says is in the contract anyway.

        Raises:
            PermissionDenied: the token has not the right.
            QuotaExceeded: it has made too many calls; one by one the log does not have them all, but their exact count.
            RequestInvalid: as `check`.
            StepUpRequired: the function is critical, and a second factor is missing or not good.
            ApprovalRequired: it is good, and a second person has to approve.
            StateStale: it can't be told whether the token was revoked.
            AuditUnavailable: it can't be written down, so it is not done.
        """
        needs, operator = function.value, ask.operator
        self.permit(operator, function)
        self._require_few(operator)
        self._registry.require_fresh()
        check()
        if needs.is_critical:
            await self._require_second_factor(ask, needs)
        await self._log.record([tamed(self._allowed(operator, needs))])
        return operator.client

    def _require_few(self, operator: Operator) -> None:
        if wait := self._calls.wait(operator.token_id):
            raise QuotaExceeded(
                "This token has made its share of calls for now.",
                retry_after=wait,
                quota="operator_calls_per_minute",
                limit=str(self._calls_per_minute),
            )
        self._calls.take(operator.token_id)

    async def _require_second_factor(self, ask: Ask, needs: Needs) -> None:
        # A certificate that the token does not name is anybody's who may call at all.
        is_bound = bool(ask.operator.certificate_thumbprint)
        try:
            await (self._own_factor if needs.is_approval else self._second_factor).require(
                ask.operator.name,
                needs.name,
                ask.request,
                one_time_code=ask.one_time_code,
                auth_time=ask.operator.authenticated_at,
                has_certificate=ask.has_certificate and is_bound,
                approval_id=ask.approval_id,
                parameters=ask.parameters,
            )
        except CallRefused as error:
            error.record["facts"] = {"by": ask.operator.client, "function": needs.name}
            raise

    def _allowed(self, operator: Operator, needs: Needs) -> Record:
        return Record(
            at=self._clock.now(),
            event="operator.call",
            decision="allow",
            client=operator.client,
            token_id=operator.token_id,
            key_id=operator.key_id,
            issuer=operator.issuer,
            address=operator.origin.address,
            method=operator.origin.method,
            call_id=operator.origin.call_id,
            facts={"by": operator.client, "function": needs.name},
        )

    def refused(self, error: GatewayError, origin: Origin, operator: Operator | None, error_id: str) -> None:
        """Write into the audit log that a call was refused, and why."""
        known = {} if operator is None else identity_of(operator)
        record = Record(
            at=self._clock.now(),
            event="operator.refused",
            decision="deny",
            reason=error.cause,
            verified=operator is not None,
            address=origin.address,
            method=origin.method,
            call_id=origin.call_id,
            error_id=error_id,
        )
        self._ledger.refused(replace(record, **known | error.record))

    def served(self) -> None:
        """Note that an operator's call was done."""
        self._lane.served()

    async def turn(self, origin: Origin) -> None:
        """Return once a call from there that was refused may be answered: those who are served come first."""
        await self._lane.turn(origin.address)

    def drain(self) -> None:
        """Let every stream end, and no answer wait."""
        self.stay.end()
        self._lane.end()


def identity_of(operator: Operator) -> dict[str, Any]:
    """Return what the audit log has of who administers."""
    return {
        "client": operator.client,
        "token_id": operator.token_id,
        "key_id": operator.key_id,
        "issuer": operator.issuer,
        "facts": {"by": operator.client},
    }
