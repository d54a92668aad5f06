"""Which operators may come in: decided on a call's headers and where they come from, before its request is read."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway.addresses import AddressRanges
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Function
from gateway.errors import MethodUnknown
from gateway.rpc import call as calls
from gateway.rpc.admin.policy import POLICY
from gateway.rpc.call import Call, Context
from gateway.rpc.handlers import Handle
from gateway.rpc.policy import Access


class AuthenticateOperator:
    """Lets an operator's call through to its handler, or raises, in the order of `gateway.rpc.authenticate`."""

    def __init__(self, *, entrance: Entrance, trusted_proxies: AddressRanges) -> None:
        """Ask `entrance`; `x-forwarded-for` is believed of `trusted_proxies`."""
        self._entrance = entrance
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
        function = POLICY.get(call.method)
        if function is Access.PUBLIC:
            return
        values, call.authorization = call.authorization, []
        operator = call.operator = self._entrance.authenticate(values, call.origin)
        self._entrance.admit(operator, call.certificate)
        if not isinstance(function, Function):
            raise MethodUnknown()
        self._entrance.permit(operator, function)
