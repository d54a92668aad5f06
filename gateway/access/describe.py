"""What a token says, for people who hold one and wonder. Nothing of it may be relied on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from gateway.access.claims import MAX_INSTANT
from gateway.access.compact import MAX_TOKEN_LENGTH, header_and_payload
from gateway.access.operator_tokens import OPERATOR_TOKEN_TYPE
from gateway.access.strict_json import JsonInvalid, read_object
from gateway.errors import RequestInvalid, Unauthenticated
from gateway.operators import is_operator_name

NOT_CHECKED = "not_checked"


class Verifies(Protocol):
    """Verifies tokens of one kind."""

    def verify(self, token: str) -> object:
        """Return if a token is good; raises `Unauthenticated`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The texts inside a token, as anybody may have written them.

    Attributes:
        unverified_header: The JOSE header.
        unverified_claims: The claims.
        outcome: What the verifier of its kind says: `valid`, the cause of its refusal, or `not_checked` without one.
    """

    unverified_header: dict[str, object]
    unverified_claims: dict[str, object]
    outcome: str

    @property
    def is_operators(self) -> bool:
        """Whether it says that it is an operator's token."""
        return self.unverified_header.get("typ") == OPERATOR_TOKEN_TYPE

    def of_operator(self) -> str:
        """Return in a line what an operator's token says, without anything in it that is not sound."""
        name, until = self.unverified_claims.get("sub"), self.unverified_claims.get("exp")
        whose = name if is_operator_name(name) else "nobody"
        ends = "nobody knows when"
        if type(until) is int and 0 <= until <= MAX_INSTANT:
            ends = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%dT%H:%M:%SZ}"
        return f"An operator's token: of {whose}, until {ends}; it opens no chat. {self.outcome}"


def describe(token: str, callers: Verifies | None = None, operators: Verifies | None = None) -> Description:
    """Return what stands in a token.

    Args:
        callers: Verifies it unless it says that it is an operator's.
        operators: Verifies it then.

    Raises:
        RequestInvalid: it is not a token; the text says nothing of it.
    """
    try:
        header, payload = header_and_payload(token)
        found = Description(
            unverified_header=read_object(header, MAX_TOKEN_LENGTH),
            unverified_claims=read_object(payload, MAX_TOKEN_LENGTH),
            outcome=NOT_CHECKED,
        )
    except (Unauthenticated, JsonInvalid):
        raise RequestInvalid([("token", "is not a signed token of three parts in JSON")]) from None
    verifier = operators if found.is_operators else callers
    return found if verifier is None else replace(found, outcome=_outcome(token, verifier))


def _outcome(token: str, verifier: Verifies) -> str:
    try:
        verifier.verify(token)
    except Unauthenticated as error:
        return error.cause
    return "valid"
