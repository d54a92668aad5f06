"""Numbers in parameters, which the real server reads more leniently than anybody expects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.integers import lenient_integer, strict_integer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("123", 123),
        ("-5", -5),
        ("123abc", 123),
        ("123.0", 123),
        ("18446744073709551739", 123),
        ("9223372036854775808", -(1 << 63)),
        ("+7", 0),
        (" 7", 0),
        ("-", 0),
        ("", 0),
        ("--7", 0),
        ("٧", 0),
    ],
)
def test_leading_digits_count_and_wrap(text: str, number: int) -> None:
    assert lenient_integer(text) == number


@given(
    st.integers(min_value=-(10**2500), max_value=10**2500), st.sampled_from([32, 64]), st.sampled_from(["", "x", ".5"])
)
def test_any_number_is_its_twos_complement(number: int, bits: int, tail: str) -> None:
    wrapped = lenient_integer(f"{number}{tail}", bits)
    assert (wrapped - number) % (1 << bits) == 0
    assert -(1 << bits - 1) <= wrapped < 1 << bits - 1


def test_a_million_digits_are_no_trouble() -> None:
    assert lenient_integer("0" * 1_000_000 + "7") == 7


@pytest.mark.parametrize("text", ["07", "+7", " 7", "7 ", "7x", "", "-0", "2147483648", "7.0"])
def test_json_fields_take_one_spelling_only(text: str) -> None:
    assert strict_integer(text, 32) is None


def test_json_fields_take_the_whole_range() -> None:
    assert strict_integer("-2147483648", 32) == -(1 << 31)
    assert strict_integer("9223372036854775807") == (1 << 63) - 1
