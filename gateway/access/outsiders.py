"""Whoever calls from outside of the addresses from where alone anybody may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.access import bearer
from gateway.access.claims import is_token_id, members_of
from gateway.access.compact import header_and_payload
from gateway.errors import GatewayError, PermissionDenied, Unauthenticated


def refusal(
    values: Sequence[str | bytes], is_canary: Callable[[str], bool], authenticate: Callable[[], object]
) -> PermissionDenied:
    """Return what an outsider is refused with: the same whatever the token, which is not verified.

    A stranger is not to make us check signatures. Only what says that it is a canary is looked at, which nobody can
    write who does not hold one: that it is used is news from anywhere.

    Args:
        values: Those of the metadata `authorization`.
        is_canary: Whether nobody is to use a token of this id.
        authenticate: Does with the call what is done with one from inside.
    """
    try:
        if is_canary(_claimed_id(values)):
            authenticate()
    except GatewayError as error:
        if isinstance(error, Unauthenticated) and error.cause == "canary_used":
            return PermissionDenied(error.cause, **error.record)
    return PermissionDenied("address_denied", verified=False)


def _claimed_id(values: Sequence[str | bytes]) -> str:
    _, payload = header_and_payload(bearer.token_from(values))
    claimed = members_of(payload).get("jti")
    return str(claimed) if is_token_id(claimed) else ""
