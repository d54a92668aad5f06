"""Tokens that work only together with a client certificate: RFC 8705."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TypeGuard

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from gateway.access.causes import refused
from gateway.errors import Unauthenticated
from gateway.model import Caller
from gateway.operators import Operator

THUMBPRINT = "x5t#S256"
# 256 bits in 43 characters: the last one has two bits that are not used, and they are zero.
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


def thumbprint_from(claim: object) -> str:
    """Return the thumbprint in the claim `cnf`, which names a certificate and nothing else.

    Raises:
        Unauthenticated: `bad_confirmation`; also for what another kind of proof would need.
    """
    if not isinstance(claim, dict) or claim.keys() != {THUMBPRINT}:
        raise refused("bad_confirmation")
    thumbprint = claim[THUMBPRINT]
    if not is_thumbprint(thumbprint):
        raise refused("bad_confirmation")
    return thumbprint


def is_thumbprint(value: object) -> TypeGuard[str]:
    """Whether `value` can be the `x5t#S256` of a certificate."""
    return isinstance(value, str) and _THUMBPRINT.fullmatch(value) is not None


def thumbprint_of(certificate: bytes) -> str:
    """Return `x5t#S256` of a certificate in PEM.

    Raises:
        ValueError: it is none.
    """
    digest = load_pem_x509_certificate(certificate).fingerprint(SHA256())
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def require(caller: Caller | Operator, certificate: Callable[[], bytes | None]) -> None:
    """Return if the caller's token is bound to no certificate, or to the one that this connection was made with.

    Args:
        certificate: Gives the peer's certificate in PEM, or None; asked only for a token that is bound.

    Raises:
        Unauthenticated: `certificate_mismatch`: there is none, or another (RFC 8705, section 3).
    """
    if not caller.certificate_thumbprint:
        return
    pem = certificate()
    try:
        if pem and thumbprint_of(pem) == caller.certificate_thumbprint:
            return
    except ValueError:
        pass
    raise Unauthenticated("certificate_mismatch")
