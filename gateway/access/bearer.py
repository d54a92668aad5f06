"""The token as it comes with a call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.access.causes import refused
from gateway.access.compact import MAX_TOKEN_LENGTH

_SCHEME = re.compile(r"bearer ", re.IGNORECASE)
_TOKEN = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_TOKEN_LENGTH}}}")


def token_from(values: Sequence[str | bytes]) -> str:
    """Return the token in the values of the metadata entry `authorization`.

    There must be exactly one value: of two, a proxy might check the first and we read the last.

    Raises:
        Unauthenticated: `missing_token`, `several_tokens`, `wrong_scheme` or `malformed_token`.
    """
    if not values:
        raise refused("missing_token")
    if len(values) > 1:
        raise refused("several_tokens")
    value = _text(values[0])
    scheme = _SCHEME.match(value)
    if scheme is None:
        raise refused("wrong_scheme")
    token = value[scheme.end() :]
    if _TOKEN.fullmatch(token) is None:
        raise refused("malformed_token")
    return token


def _text(value: str | bytes) -> str:
    # Latin-1 maps every byte to a character; those beyond ASCII are refused by the patterns.
    return value.decode("latin-1") if isinstance(value, bytes) else value
