"""JSON as the Bot API server reads it: the first of two equal keys counts, numbers keep their spelling.

The fields of an object are read as leniently as the server does: a number may stand for a string and the
other way round, but a boolean is a boolean (TDLib, tdutils/td/utils/JsonBuilder.cpp).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .errors import InvalidInput
from .integers import strict_integer

_SURROGATES = re.compile("[\ud800-\udfff]")


def is_utf8(text: str) -> bool:
    """Whether a text came from valid UTF-8 and holds no half of a surrogate pair."""
    return _SURROGATES.search(text) is None


class Number(str):
    """A JSON number, spelled as it came."""

    __slots__ = ()


def _first_wins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs)) if pairs else {}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=_first_wins,
    parse_int=Number,
    parse_float=Number,
    parse_constant=_refuse_constant,
    strict=False,
)


def decode(text: str) -> Any:
    """Decode a whole JSON text; raises `ValueError` when it is none."""
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


class Fields:
    """The fields of a JSON object; a field of a wrong type raises `InvalidInput` with TDLib's words."""

    def __init__(self, value: Any, complaint: str) -> None:
        if not isinstance(value, dict):
            raise InvalidInput(complaint)
        self._fields: dict[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def raw(self, name: str) -> Any:
        """The value as decoded, None when there is none."""
        return self._fields.get(name)

    def string(self, name: str) -> str:
        """A string or number; the empty string when absent or null."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidInput(f'Field "{name}" must be of type String')
        if not value.isascii() and not is_utf8(value):
            raise InvalidInput("Strings must be encoded in UTF-8")
        return str(value)

    def required_string(self, name: str) -> str:
        """Like `string`, but the field must be there."""
        if self._fields.get(name) is None:
            raise InvalidInput(f'Can\'t find field "{name}"')
        return self.string(name)

    def boolean(self, name: str) -> bool:
        """A boolean; false when absent or null."""
        value = self._fields.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise InvalidInput(f'Field "{name}" must be of type Boolean')
        return value

    def integer(self, name: str, *, bits: int = 32) -> int:
        """A signed integer of so many bits; 0 when absent or null."""
        value = self._fields.get(name)
        if value is None:
            return 0
        if not isinstance(value, str):
            raise InvalidInput(f'Field "{name}" must be of type Number')
        number = strict_integer(value, bits)
        if number is None:
            raise InvalidInput(f'Field "{name}" must be a valid Number')
        return number

    def required_integer(self, name: str, *, bits: int = 32) -> int:
        """Like `integer`, but the field must be there."""
        if self._fields.get(name) is None:
            raise InvalidInput(f'Can\'t find field "{name}"')
        return self.integer(name, bits=bits)

    def array(self, name: str) -> list[Any] | None:
        """An array; None when absent or null."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, list):
            raise InvalidInput(f'Field "{name}" must be of type Array')
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        """An object; None when absent or null."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, dict):
            raise InvalidInput(f'Field "{name}" must be of type Object')
        return value
