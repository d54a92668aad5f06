"""JSON that can be read in one way only, read in bounded work.

The standard library takes the last of two equal names, lone surrogates, NaN, and nesting until the stack ends;
two readers of such a text may see two things (RFC 8259, sections 4, 6 and 8). Here they are refused.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

MAX_DEPTH = 16
MAX_DIGITS = 20

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")


class JsonInvalid(ValueError):
    """This is not JSON, or not JSON with one meaning."""


def read_object(data: bytes, max_bytes: int) -> dict[str, object]:
    """Return the JSON object that is the whole of `data`.

    UTF-8 without a byte order mark; no name twice in an object, however it is escaped; integers of at most 20 digits
    and no other numbers; at most 16 levels.

    Raises:
        JsonInvalid: anything else; it holds nothing of the data.
    """
    if len(data) > max_bytes:
        raise JsonInvalid
    try:
        value = _read(data.decode("utf-8"))
    except ValueError:
        raise JsonInvalid from None
    if not isinstance(value, dict):
        raise JsonInvalid
    return value


def _read(text: str) -> object:
    _check_depth(text)
    value: object = _DECODER.decode(text)
    if "\\u" in text:
        # Lone surrogates come from escapes alone, and can't be encoded.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _check_depth(text: str) -> None:
    # Before the parser, which recurses: its RecursionError would come where the stack happens to end.
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise JsonInvalid


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonInvalid
    return members


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise JsonInvalid
    return int(digits)


def _refuse(_: str) -> NoReturn:
    raise JsonInvalid


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
