"""Reads Telegram's objects one field at a time: what is missing, or not what it should be, reads as nothing.

What comes from Telegram was written by whoever is in the chat. So nothing here raises, and nothing is passed on that is
not named by whoever reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

INT32, INT64 = range(-(1 << 31), 1 << 31), range(-(1 << 63), 1 << 63)
_SECONDS = range(1, 253402300800)  # up to the end of the year 9999, as a Timestamp


class Json:
    """An object of JSON."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        """Read these fields."""
        self._fields = fields

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._fields)

    def has(self, name: str) -> bool:
        """Whether there is such a field, whatever it holds."""
        return self._fields.get(name) is not None

    def integer(self, name: str, within: range = INT64) -> int:
        """Return a whole number; 0 where it is none, or out of range."""
        value = self._fields.get(name)
        return value if type(value) is int and value in within else 0

    def text(self, name: str) -> str:
        """Return a text; empty where it is none."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def truth(self, name: str) -> bool:
        """Whether a field is true, and not just something."""
        return self._fields.get(name) is True

    def instant(self, name: str) -> Timestamp | None:
        """Return an instant from Unix time; None where it is none."""
        seconds = self.integer(name, _SECONDS)
        return Timestamp(seconds=seconds) if seconds else None

    def inner(self, name: str) -> Json:
        """Return an object within; an empty one where it is none."""
        value = self._fields.get(name)
        return Json(value if isinstance(value, dict) else {})

    def each(self, name: str) -> list[Json]:
        """Return the objects of a list, without what is none; empty where it is no list."""
        values = self._fields.get(name)
        return [Json(value) for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def object_from(data: bytes) -> Json:
    """Return the object that `data` is; an empty one where it is none."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return Json({})
    return Json(value if isinstance(value, dict) else {})
