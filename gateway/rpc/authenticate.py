"""What is decided on a call's headers alone: who calls, and whether there is such a method for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import grpc

from gateway.desk.desk import Desk
from gateway.errors import MethodUnknown
from gateway.model import Permission
from gateway.rpc.call import Call
from gateway.rpc.handlers import Handler
from gateway.rpc.observe import Observer
from gateway.rpc.policy import POLICY, Access


class Authenticate(grpc.aio.ServerInterceptor):
    """Lets a call through to its handler, or to the one that refuses.

    Authentication comes before the search for the method, so that nobody learns without a credential which methods
    there are. A method is known by its exact name: whatever else a path may be made to look like is unknown.
    """

    def __init__(self, *, desk: Desk, observer: Observer, handlers: Mapping[str, Handler], refuse: Handler) -> None:
        """Route to `handlers` by full method name, and to `refuse`."""
        self._desk = desk
        self._observer = observer
        self._handlers = handlers
        self._refuse = refuse

    async def intercept_service(
        self,
        _continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler of a call."""
        authorization: list[str | bytes] = []
        ids: list[str] = []
        forwarded: list[str] = []
        for key, value in details.invocation_metadata:
            if key == "authorization":
                authorization.append(value)
            elif key == "x-request-id":
                ids.append(str(value))
            elif key == "x-forwarded-for":
                forwarded.append(str(value))
        call = self._observer.begin(str(details.method), ids)
        call.forwarded = forwarded
        try:
            return self._route(call, authorization)
        except Exception as error:  # noqa: BLE001 - whatever it is, `Refusals` answers it
            call.refusal = error
            return self._refuse

    def _route(self, call: Call, authorization: list[str | bytes]) -> Handler:
        policy = POLICY.get(call.method)
        if policy is not Access.PUBLIC:
            call.caller = self._desk.authenticate(authorization)
        if isinstance(policy, Permission):
            self._desk.permit(call.require_caller(), policy)
        if policy is None:
            raise MethodUnknown()
        return self._handlers[call.method]
