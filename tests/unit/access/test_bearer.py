from __future__ import annotations

import pytest

from gateway.access.bearer import token_from
from gateway.errors import Unauthenticated


def refused_as(values: list[str | bytes]) -> str:
    with pytest.raises(Unauthenticated) as caught:
        token_from(values)
    assert caught.value.record == {"verified": False}
    return caught.value.cause


@pytest.mark.parametrize("value", ["Bearer a.b-c_D.9", "bearer a.b-c_D.9", "BEARER a.b-c_D.9", b"bEaReR a.b-c_D.9"])
def test_one_value_with_the_bearer_scheme_gives_its_token(value: str | bytes) -> None:
    assert token_from([value]) == "a.b-c_D.9"


def test_a_token_may_have_4096_characters_and_no_more() -> None:
    assert token_from(["Bearer " + "x" * 4096]) == "x" * 4096
    assert refused_as(["Bearer " + "x" * 4097]) == "malformed_token"


def test_no_value_is_a_missing_token() -> None:
    assert refused_as([]) == "missing_token"


@pytest.mark.parametrize("second", ["Bearer a.b.c", "", "Basic x"])
def test_row_56_two_values_are_refused_even_if_equal(second: str) -> None:
    assert refused_as(["Bearer a.b.c", second]) == "several_tokens"
    assert refused_as([second, "Bearer a.b.c"]) == "several_tokens"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a.b.c",
        "Basic a.b.c",
        "Bearer",
        "Bearera.b.c",
        " Bearer a.b.c",
        "Bearer\ta.b.c",
        "Token a.b.c",
        "DPoP a.b.c",
    ],
)
def test_another_scheme_is_refused(value: str) -> None:
    assert refused_as([value]) == "wrong_scheme"


@pytest.mark.parametrize(
    "junk", ["", " ", " a.b.c", "a.b.c ", "a.b.c\n", "a.b.c=", "a+b", "a/b", "a,b", "a%2Eb", "é", "１"]
)
def test_any_other_character_is_refused(junk: str) -> None:
    assert refused_as([f"Bearer {junk}"]) == "malformed_token"
    assert refused_as([f"Bearer {junk}".encode()]) == "malformed_token"


def test_bytes_that_are_no_text_are_refused() -> None:
    assert refused_as([b"\xff\xfe"]) == "wrong_scheme"
    assert refused_as([b"Bearer \xff\xfe"]) == "malformed_token"
