"""Who may come in: decided on a call's headers and where they come from, before any of its request is read."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway.addresses import AddressRanges
from gateway.desk.desk import Desk
from gateway.errors import MethodUnknown
from gateway.model import Permission
from gateway.rpc import call as calls
from gateway.rpc.call import Call, Context
from gateway.rpc.handlers import Handle
from gateway.rpc.policy import POLICY, Access


class Authenticate:
    """Lets a call through to its handler, or raises.

    Authentication comes before the search for the method, so that nobody learns without a credential which methods
    there are. A method is known by its exact name: whatever else a path may be made to look like is unknown.
    """

    def __init__(self, *, desk: Desk, trusted_proxies: AddressRanges) -> None:
        """Ask `desk`; `x-forwarded-for` is believed of `trusted_proxies`."""
        self._desk = desk
        self._trusted_proxies = trusted_proxies

    def around(self, handle: Handle) -> Handle:
        """Let those in to a handler who may."""

        def entering(requests: object, context: Context) -> Awaitable[bytes | None]:
            call = calls.current()
            call.arrive(context, self._trusted_proxies)
            self._enter(call)
            return handle(requests, context)

        return entering

    def _enter(self, call: Call) -> None:
        policy = POLICY.get(call.method)
        if policy is Access.PUBLIC:
            return
        # Let go of, since a stream may last for hours: no token is to lie in memory.
        values, call.authorization = call.authorization, []
        caller = call.caller = self._desk.authenticate(values, call.origin)
        # Before any other answer: to a token in the wrong place the door is the same for every call.
        self._desk.admit(caller, call.certificate)
        if isinstance(policy, Permission):
            self._desk.permit(caller, policy)
        if policy is None:
            raise MethodUnknown()
