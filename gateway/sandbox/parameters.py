"""The parameters of one request, read as leniently as the Bot API server reads them.

The first of two equal names counts; query arguments come before the body's. Every value is text: numbers and
booleans of a JSON body keep their spelling, nested JSON is the slice it was (HttpReader.cpp, Query.h, Client.cpp).
"""

from __future__ import annotations

from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from .errors import InvalidInput, bad_request, too_large
from .integers import lenient_integer
from .jsonvalues import DECODER, decode, is_utf8

PARAMETERS_LIMIT = 1 << 20
"""Bytes of parameters in one request, query string included (HttpReader.cpp); more is answered 413."""

_SPACES = " \t\r\n"


class Upload(NamedTuple):
    """A file part of a multipart body."""

    file_name: str
    content_type: str
    content: bytes


class Parameters:
    """What a request says."""

    __slots__ = ("files", "size", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.files: dict[str, Upload] = {}
        self.size = 0

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """The value as it came; empty when absent."""
        return self.values.get(name, "")

    def required(self, name: str) -> str:
        """The value, which must not be empty."""
        value = self.values.get(name, "")
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int = 0, low: int = -(1 << 31), high: int = (1 << 31) - 1) -> int:
        """A 32-bit integer moved into `low`..`high`; `default` when absent or empty."""
        value = self.values.get(name, "")
        return min(max(lenient_integer(value, 32) if value else default, low), high)

    def long(self, name: str) -> int:
        """A 64-bit integer; 0 when absent, empty or not a number."""
        return lenient_integer(self.values.get(name, ""))

    def identifier(self, name: str) -> int:
        """A message or thread id; 0 when absent or negative."""
        value = self.values.get(name)
        return max(lenient_integer(value, 32), 0) if value else 0

    def flag(self, name: str) -> bool:
        """Whether the value says yes: `true`, `yes` or `1` in any case, with spaces around."""
        value = self.values.get(name)
        return value is not None and value.strip().lower() in ("true", "yes", "1")

    def json(self, name: str, complaint: str) -> Any:
        """The value decoded as JSON; None when absent or empty. `complaint` is the 400 for anything else."""
        value = self.values.get(name, "")
        if not value:
            return None
        try:
            return decode(value)
        except ValueError:
            raise bad_request(complaint) from None

    def add(self, name: str, value: str) -> None:
        """Keep a value, unless there is one of that name."""
        self.values.setdefault(name, value)

    def add_urlencoded(self, encoded: str) -> None:
        """Add the pairs of a query string or form."""
        self._weigh(len(encoded.encode(errors="surrogateescape")))
        for pair in encoded.split("&"):
            name, _, value = pair.partition("=")
            if pair:
                self.add(_unquote(name), _unquote(value))

    def add_json(self, body: bytes) -> None:
        """Add the members of a JSON object; those before a syntax error count, the rest is forgotten."""
        self._weigh(len(body))
        text = body.decode(errors="surrogateescape")
        try:
            self._scan(text)
        except (InvalidInput, ValueError, RecursionError):
            # The server logs the error and goes on with what it has (HttpReader.cpp, ReadArgs).
            return

    def weigh_part(self, length: int) -> None:
        """Count one part of a multipart body against the limit, without summing parts up, as the server does."""
        if self.size + length > PARAMETERS_LIMIT:
            raise too_large("too much parameters in form data")

    def _weigh(self, length: int) -> None:
        self.size += length
        if self.size > PARAMETERS_LIMIT:
            raise too_large("too much parameters")

    def _scan(self, text: str) -> None:
        at = _skip(text, 0)
        if text[at : at + 1] == '"':
            content, _ = scanstring(text, at + 1, False)
            self.add("content", content)
            return
        at = _expect(text, at, "{")
        while text[at : at + 1] != "}":
            at = _expect(text, at, '"', skip=False)
            name, at = scanstring(text, at, False)
            at = _expect(text, _skip(text, at), ":")
            if text[at : at + 1] == '"':
                value, at = scanstring(text, at + 1, False)
            else:
                _, end = DECODER.raw_decode(text, at)
                value, at = text[at:end], end
            self.add(name, value)
            at = _skip(text, at)
            if text[at : at + 1] != "}":
                at = _expect(text, at, ",")


def _unquote(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_plus(text, errors="surrogateescape")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACES:
        at += 1
    return at


def _expect(text: str, at: int, character: str, skip: bool = True) -> int:
    if text[at : at + 1] != character:
        raise InvalidInput(f"{character} expected")
    return _skip(text, at + 1) if skip else at + 1


def check_utf8(text: str, complaint: str) -> None:
    """Refuse text that was not valid UTF-8 or holds half of a surrogate pair."""
    if not is_utf8(text):
        raise bad_request(complaint)
