"""What a token says, for people who hold one and wonder. Nothing of it may be relied on."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.access.compact import MAX_TOKEN_LENGTH, header_and_payload
from gateway.access.strict_json import JsonInvalid, read_object
from gateway.access.tokens import Verifier
from gateway.errors import RequestInvalid, Unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The texts inside a token, as anybody may have written them.

    Attributes:
        unverified_header: The JOSE header.
        unverified_claims: The claims.
        outcome: What a verifier says of it: `valid`, the cause of its refusal, or `not_checked` without a verifier.
    """

    unverified_header: dict[str, object]
    unverified_claims: dict[str, object]
    outcome: str


def describe(token: str, verifier: Verifier | None = None) -> Description:
    """Return what stands in a token.

    Raises:
        RequestInvalid: it is not a token; the text says nothing of it.
    """
    try:
        header, payload = header_and_payload(token)
        return Description(
            unverified_header=read_object(header, MAX_TOKEN_LENGTH),
            unverified_claims=read_object(payload, MAX_TOKEN_LENGTH),
            outcome="not_checked" if verifier is None else _outcome(token, verifier),
        )
    except (Unauthenticated, JsonInvalid):
        raise RequestInvalid([("token", "is not a signed token of three parts in JSON")]) from None


def _outcome(token: str, verifier: Verifier) -> str:
    try:
        verifier.verify(token)
    except Unauthenticated as error:
        return error.cause
    return "valid"
