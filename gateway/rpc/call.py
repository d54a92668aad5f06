"""One call, from its headers to its status."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc

from gateway.addresses import AddressRanges
from gateway.errors import Unauthenticated
from gateway.model import Caller, Origin
from gateway.operators import Operator
from gateway.rpc import peer

MAX_RECORDED_METHOD = 128
"""Characters of a method's name that are kept: a stranger may send any."""

MAX_WAIT = timedelta(seconds=30)
MAX_MARGIN = timedelta(milliseconds=250)
"""What is left of the client's deadline for the way back of the answer; of a short deadline, a fifth."""

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True, kw_only=True)
class Call:
    """What is known of a call so far.

    Attributes:
        id: Names the call in the log, the audit and the trailer `x-request-id`.
        known_method: The method's name if the gateway has it, `unknown` otherwise: for what counts by method.
        authorization: The values of `authorization`.
        forwarded: The values of `x-forwarded-for`.
        proofs: The entries with which an operator proves that a call is meant, each with its values.
    """

    id: str
    method: str
    known_method: str
    started: float
    origin: Origin = field(default_factory=Origin)
    caller: Caller | None = None
    operator: Operator | None = None
    authorization: list[str | bytes] = field(default_factory=list, repr=False)
    forwarded: list[str] = field(default_factory=list)
    proofs: dict[str, list[str]] = field(default_factory=dict, repr=False)
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    error_id: str = ""
    context: Context = field(init=False, repr=False)

    def arrive(self, context: Context, trusted_proxies: AddressRanges) -> None:
        """Take in what gRPC tells only after the headers: the peer."""
        self.context = context
        address = peer.client_of(context.peer(), self.forwarded, trusted_proxies)
        self.origin = Origin(method=self.method[:MAX_RECORDED_METHOD], address=address, call_id=self.id)

    def require_caller(self) -> Caller:
        """Return who calls; raises `Unauthenticated` in a call that was let in without a credential."""
        if self.caller is None:
            raise Unauthenticated("missing_token", verified=False)
        return self.caller

    def require_operator(self) -> Operator:
        """Return who administers; raises `Unauthenticated` in a call that was let in without a credential."""
        if self.operator is None:
            raise Unauthenticated("missing_token", verified=False)
        return self.operator

    def certificate(self) -> bytes | None:
        """Return the certificate that the connection was made with, in PEM, if gRPC asked for one and checked it."""
        return next(iter(self.context.auth_context().get("x509_pem_cert", ())), None)

    def time_remaining(self) -> timedelta | None:
        """Return how long the client will wait for an answer; None: for ever."""
        seconds: float | None = self.context.time_remaining()
        return None if seconds is None else timedelta(seconds=seconds)

    def time_to_answer(self) -> timedelta:
        """Return how long an answer may be waited for, so that it reaches a client that waits as long as it does."""
        remaining = self.time_remaining()
        if remaining is None:
            return MAX_WAIT
        return max(timedelta(0), min(MAX_WAIT, remaining - min(MAX_MARGIN, remaining / 5)))


_current: ContextVar[Call] = ContextVar("call")
# gRPC runs the interceptors and the handler of one call in one task, so all of them see the same value.


def begin(call: Call) -> None:
    """Make `call` the current one of this task."""
    _current.set(call)


def current() -> Call:
    """Return the call that this task serves."""
    return _current.get()
