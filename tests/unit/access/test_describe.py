"""What is told of a token to whoever wonders: of an operator's in one line, in which a stranger writes nothing."""

from __future__ import annotations

import pytest

from gateway.access.describe import describe
from gateway.access.operator_tokens import OPERATOR_TOKEN_TYPE
from tests.unit.access import forge

HEADER = {"alg": "ES256", "kid": forge.KID, "typ": OPERATOR_TOKEN_TYPE}


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"sub": "alice", "exp": 0}, "of alice, until 1970-01-01T00:00:00Z"),
        ({"sub": "a\x1b[2J", "exp": True}, "of nobody, until nobody knows when"),
        ({"exp": "1"}, "of nobody, until nobody knows when"),
        ({"sub": "alice", "exp": 10**18}, "of alice, until nobody knows when"),
        ({"sub": ["alice"], "exp": -1}, "of nobody, until nobody knows when"),
    ],
)
def test_an_operators_token_is_told_in_a_line_whatever_is_in_it(claims: dict[str, object], told: str) -> None:
    found = describe(forge.token(HEADER, claims))
    assert found.is_operators
    assert found.of_operator() == f"An operator's token: {told}; it opens no chat. not_checked"
