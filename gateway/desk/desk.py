"""The desk: the product as plain Python. Every door asks here, so that no door can forget a rule."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.access import addresses, bearer, confirmation, grants, outsiders
from gateway.access.children import Children
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.slow_lane import SlowLane
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.desk.chats import Chats
from gateway.desk.messages import Messages
from gateway.desk.rooms import Failures, Lane, LastUse, Ledger, Outbox, Registry, Updates, Verifier
from gateway.desk.stay import RECHECK, Stay
from gateway.desk.updates import Inbound
from gateway.errors import CallRefused, GatewayError, MethodUnknown, Unauthenticated
from gateway.model import Caller, Narrowing, Origin, Permission, Record

NOWHERE = Origin()


class Desk(Messages, Inbound):
    """What a caller may ask for, one method per verb; those of messages are in `messages`, of updates in `updates`.

    Attributes:
        chats: The verbs of chats as such.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        registry: Registry,
        last_use: LastUse,
        outbox: Outbox,
        chats: Chats,
        ledger: Ledger,
        clock: Clock,
        failures: Failures | None = None,
        lane: Lane | None = None,
        children: Children | None = None,
        updates: Updates | None = None,
        allowed_addresses: AddressRanges | None = None,
        recheck: timedelta = RECHECK,
    ) -> None:
        """Keep the rooms that the desk hands on to.

        Args:
            failures: Says how many tokens from one address may fail; None: any number.
            lane: Says when a refusal may be answered; None: one that no other door shares.
            children: Makes what holders hand on; None: nothing is minted here.
            updates: Tells what happens in chats; None: this gateway does not know.
            allowed_addresses: From where alone anybody may call; None: from anywhere.
            recheck: How often an open stream looks at its credential again.
        """
        stay = Stay(clock, recheck, registry.standing)
        lane = lane or SlowLane(clock)
        Messages.__init__(self, registry=registry, last_use=last_use, outbox=outbox, lane=lane, clock=clock, stay=stay)
        Inbound.__init__(self, registry=registry, updates=updates, chats=chats, lane=lane, stay=stay)
        self.chats = chats
        self._verifier = verifier
        self._ledger = ledger
        self._failures = failures or FailedAttempts(clock, 0)
        self._children = children
        self._allowed_addresses = allowed_addresses

    def authenticate(self, values: Sequence[str | bytes], origin: Origin = NOWHERE) -> Caller:
        """Return who calls, with what is left of its right and from where.

        Args:
            values: Those of the metadata `authorization`, in order.
            origin: From where the call comes.

        Raises:
            PermissionDenied: nobody may call from there, whatever the token; or the client is disabled or unknown.
            Unauthenticated: there is no acceptable credential, or it was revoked.
            TooManyFailures: too many tokens from this address were none; this one was not looked at.
        """
        if self._allowed_addresses is not None and origin.address not in self._allowed_addresses:
            raise outsiders.refusal(values, self._registry.is_canary, lambda: self._standing(values, origin))
        return self._standing(values, origin)

    def _standing(self, values: Sequence[str | bytes], origin: Origin) -> Caller:
        caller = self._verified(bearer.token_from(values), origin.address)
        try:
            return replace(self._registry.standing(caller), origin=origin)
        except CallRefused as error:
            error.record.update(_identity(caller), verified=True)
            raise

    def _verified(self, token: str, address: str) -> Caller:
        # A token that was good before is not held up by what others do at its address.
        if not self._verifier.remembers(token):
            self._failures.require_few(address)
        try:
            return self._verifier.verify(token)
        except Unauthenticated as error:
            self._failures.failed(address)
            # A bait that expired is refused as what it is, but not written down as that.
            if error.record.get("verified") and self._registry.is_canary(str(error.record.get("token_id"))):
                error.cause = "canary_used"
            raise

    def permit(self, caller: Caller, needs: Permission) -> None:
        """Return if the caller may do in some chat what a call can't do without; raises `PermissionDenied`.

        That the call is allowed is counted for the audit log, which has what it changes besides.
        """
        grants.allowing(caller, needs)
        self._ledger.let_in(caller)

    def admit(self, caller: Caller, certificate: Callable[[], bytes | None]) -> None:
        """Return if the caller's credential may be used from where the call comes; first of all that a call asks for.

        Args:
            caller: Who calls, its `origin` included.
            certificate: Gives the peer's certificate, in PEM; asked only for a credential that is bound to one.

        Raises:
            PermissionDenied: the token or the client may not be used from this address.
            Unauthenticated: not without its certificate.
        """
        addresses.require(caller, [self._registry.address_ranges(caller.client)])
        confirmation.require(caller, certificate)
        self._last_use.seen(caller.client, self._clock.now(), caller.origin.address)

    async def while_open(self, caller: Caller, work: Coroutine[Any, Any, None]) -> None:
        """Do some work of a stream that writes for as long as its caller may go on; then it is cancelled.

        Raises:
            CallRefused, ShuttingDown: as `require_open`, or no chat is left to write to; noticed within the time of a
                recheck.
        """
        await self._stay.during(
            caller, work, lambda: grants.allowing(self._registry.standing(caller), Permission.WRITE)
        )

    def require_open(self, caller: Caller) -> None:
        """Return if the caller of a stream may go on.

        Raises:
            CallRefused: the credential has ended meanwhile.
            ShuttingDown: the gateway stops.
        """
        self._stay.require(caller)

    def drain(self) -> None:
        """Let every call end that waits: it is answered with what is reached, and later calls do not wait."""
        self._stay.end()
        self.chats.drain()
        self._lane.end()

    def served(self) -> None:
        """Note that a caller's call was done, or goes on."""
        self._lane.served()

    async def turn(self, origin: Origin) -> None:
        """Return once a call from there that was refused may be answered: those who are served come first."""
        await self._lane.turn(origin.address)

    def describe_credential(self, caller: Caller) -> Caller:
        """Return what the caller's own credential says. Needs no permission."""
        return caller

    async def narrow_credential(self, caller: Caller, wish: Narrowing) -> tuple[str, Caller]:
        """Return a child of the caller's credential, and what it says. Needs no permission.

        What is handed out is what the gateway itself takes, and it is in the audit log first.

        Raises:
            PermissionDenied: the caller's credential has not what is asked for, or is another issuer's.
            StepUpRequired: the client needs a second factor for this, and the credential has none.
            RequestInvalid: the wish is malformed, or nothing is left of it.
            MethodUnknown: no key signs here.
            QuotaExceeded: the client has had its share for now.
            AuditUnavailable: it can't be written down, so there is no child.
            StateStale: it can't be told whether the parent was revoked.
        """
        self._registry.require_fresh()
        self._registry.require_second_factor(caller)
        if self._children is None:
            raise MethodUnknown("this gateway holds no key to issue credentials with")
        return await self._children.make(caller, wish)

    def refused(self, error: GatewayError, origin: Origin, caller: Caller | None, error_id: str) -> None:
        """Write into the audit log that a call was refused, and why."""
        known: dict[str, Any] = {
            "reason": error.cause,
            "verified": caller is not None,
            "address": origin.address,
            "method": origin.method,
            "call_id": origin.call_id,
            "error_id": error_id,
        }
        if caller is not None:
            known |= _identity(caller)
        record = Record(at=self._clock.now(), event="call.refused", decision="deny", **known | error.record)
        self._ledger.refused(record)
        if isinstance(error, CallRefused) and record.verified and record.client:
            self._last_use.denied(record.client, record.at, record.address)


def _identity(caller: Caller) -> dict[str, Any]:
    return {
        "client": caller.client,
        "token_id": caller.token_id,
        "key_id": caller.key_id,
        "issuer": caller.issuer,
        "chat_id": caller.sole_chat_id,
    }
