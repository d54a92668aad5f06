"""From a token's header to what was signed: the part of verifying that every kind of token has in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from jwt.utils import base64url_decode

from gateway.access.causes import refused
from gateway.access.compact import MAX_HEADER_BYTES
from gateway.access.issuers import Trust
from gateway.access.keys import KEY_ID, VerificationKey
from gateway.access.strict_json import JsonInvalid, read_object


@lru_cache(maxsize=64)
def header_members(header: bytes) -> Mapping[str, object]:
    """Return the members of a header, with `alg` and `kid` in it; raises `Unauthenticated`: `bad_header`.

    All tokens that are signed with one key have the same.
    """
    try:
        members = read_object(header, MAX_HEADER_BYTES)
    except JsonInvalid:
        raise refused("bad_header") from None
    algorithm, kid = members.get("alg"), members.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str) or KEY_ID.fullmatch(kid) is None:
        raise refused("bad_header")
    return members


def key_for(trust: Trust, header: Mapping[str, object]) -> VerificationKey:
    """Return the key that a header names; raises `Unauthenticated`: `unknown_key` or `wrong_algorithm`."""
    kid = str(header["kid"])
    key = trust.keys.find(kid)
    if key is None:
        if trust.on_unknown_key is not None:
            trust.on_unknown_key()
        raise refused("unknown_key", key_id=kid)
    if header["alg"] != key.algorithm:
        raise refused("wrong_algorithm", key_id=kid)
    return key


def require_signature(token: str, key: VerificationKey) -> None:
    """Return if the key signed the token's first two segments: of a text in its one spelling, as `compact` takes it.

    PyJWT would read the segments once more, character by character, which costs half as much as the signature.

    Raises:
        Unauthenticated: `bad_signature`.
    """
    signed, _, signature = token.rpartition(".")
    algorithm, public = key.public.Algorithm, key.public.key
    try:
        is_weak = algorithm.check_key_length(public) is not None
        holds = not is_weak and algorithm.verify(signed.encode(), public, base64url_decode(signature))
    except Exception:  # noqa: BLE001 - whatever a library raises about a stranger's text is a refusal
        holds = False
    if holds is not True:
        raise refused("bad_signature", key_id=key.kid)
