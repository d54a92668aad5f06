"""The compact form of a signed token (RFC 7515, section 7.1), in its one spelling."""

from __future__ import annotations

import base64
import re

from gateway.access.causes import refused

MAX_TOKEN_LENGTH = 4096
MAX_HEADER_BYTES = 512

_THREE_SEGMENTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


def header_and_payload(token: str) -> tuple[bytes, bytes]:
    """Return the two decoded texts of a token, unverified, and see that the signature is spelled canonically.

    Padding, other characters and unused bits that are not zero are refused (RFC 8725bis, section 3.14), so that no two
    texts are the same token.

    Raises:
        Unauthenticated: `malformed_token`.
    """
    segments = _THREE_SEGMENTS.fullmatch(token) if len(token) <= MAX_TOKEN_LENGTH else None
    if segments is None:
        raise refused("malformed_token")
    header, payload, _ = (_decoded(segment) for segment in segments.groups())
    return header, payload


def _decoded(segment: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise refused("malformed_token") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise refused("malformed_token")
    return data
