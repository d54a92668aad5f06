"""Integers as TDLib reads them (tdutils/td/utils/misc.h): leniently from parameters, strictly from JSON fields."""

from __future__ import annotations

import re

_LENIENT = re.compile(r"-?[0-9]*")
_STRICT = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DIGITS = 1_000


def lenient_integer(text: str, bits: int = 64) -> int:
    """Read the leading digits, ignore the rest, wrap modulo 2^bits into a signed number; 0 when there are none."""
    found = _LENIENT.match(text)
    digits = found.group() if found else ""
    if digits in ("", "-"):
        return 0
    return wrap(_long_integer(digits), bits)


def strict_integer(text: str, bits: int = 64) -> int | None:
    """Read an integer in its only spelling; None when it is spelled otherwise or does not fit."""
    if len(text) > _DIGITS or not _STRICT.fullmatch(text) or text == "-0":
        return None
    number = int(text)
    return number if wrap(number, bits) == number else None


def wrap(number: int, bits: int) -> int:
    """The two's complement of so many bits."""
    half = 1 << (bits - 1)
    return (number + half) % (2 * half) - half


def _long_integer(digits: str) -> int:
    # int() refuses more than 4,300 digits; a request may hold a million of them.
    negative = digits[0] == "-"
    value = 0
    for start in range(negative, len(digits), _DIGITS):
        chunk = digits[start : start + _DIGITS]
        value = (value * 10 ** len(chunk) + int(chunk)) % (1 << 64)
    return -value if negative else value
