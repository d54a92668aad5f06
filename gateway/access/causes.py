"""Why a call was not authenticated: for the audit log, never for the caller."""

from __future__ import annotations

from typing import Literal, get_args

from gateway.errors import Unauthenticated

Cause = Literal[
    "missing_token",
    "several_tokens",
    "wrong_scheme",
    "malformed_token",
    "bad_header",
    "wrong_type",
    "unknown_key",
    "wrong_algorithm",
    "bad_signature",
    "malformed_claims",
    "missing_claim",
    "unknown_claim",
    "wrong_issuer",
    "wrong_audience",
    "bad_subject",
    "bad_token_id",
    "several_pins",
    "bad_chat",
    "bad_details",
    "bad_thread",
    "bad_scope",
    "bad_addresses",
    "bad_confirmation",
    "bad_generation",
    "bad_ancestors",
    "bad_time",
    "lifetime_too_long",
    "not_yet_valid",
    "token_expired",
    "ancestor_untrusted",
    "certificate_mismatch",
    "canary_used",
    "revoked_before",
    "revoked_key",
    "revoked_jti",
    "revoked_client",
    "old_generation",
]

CAUSES: frozenset[str] = frozenset(get_args(Cause))


def refused(cause: Cause, **record: object) -> Unauthenticated:
    """Make the refusal; its record is unverified unless `record` says otherwise."""
    return Unauthenticated(cause, **{"verified": False, **record})
