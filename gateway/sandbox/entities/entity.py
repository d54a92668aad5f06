"""One entity of a formatted text, and the order and families TDLib gives to entities (MessageEntity.cpp)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

SPLITTABLE = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
"""May overlap anything; cut at the edges of others where they would cross."""

QUOTES = frozenset({"blockquote", "expandable_blockquote"})
PREFORMATTED = frozenset({"code", "pre"})
HIDDEN = frozenset({"text_link", "text_mention"})
"""Carry more than their text shows, so they are kept even on whitespace."""

_PRIORITY = {
    "blockquote": 0,
    "expandable_blockquote": 0,
    "pre": 11,
    "code": 20,
    "text_link": 49,
    "text_mention": 49,
}
_PRIORITY |= {
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
}
_USUAL_PRIORITY = 50


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of text and what it is; `offset` and `length` count UTF-16 code units.

    `argument` is the URL of a link, the language of a `pre`, the id of a custom emoji or the format of a date.
    """

    type: str
    offset: int
    length: int
    argument: str = ""
    user_id: int = 0
    unix_time: int = 0

    @property
    def end(self) -> int:
        """The first code unit behind the entity."""
        return self.offset + self.length

    def spanning(self, offset: int, end: int) -> Entity:
        """The same entity somewhere else."""
        return replace(self, offset=offset, length=end - offset)

    def to_json(self, users: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """The `MessageEntity` object; `users` knows the users one may mention."""
        answer: dict[str, Any] = {"offset": self.offset, "length": self.length, "type": self.type}
        if self.type == "text_link":
            answer["url"] = self.argument
        elif self.type == "text_mention":
            answer["user"] = users[self.user_id]
        elif self.type == "pre" and self.argument:
            answer["language"] = self.argument
        elif self.type == "custom_emoji":
            answer["custom_emoji_id"] = self.argument
        elif self.type == "date_time":
            answer |= {"unix_time": self.unix_time, "date_time_format": self.argument}
        return answer


def ordered(entities: list[Entity]) -> list[Entity]:
    """Sort by place, the longer first, then by kind."""
    return sorted(entities, key=lambda e: (e.offset, -e.length, _PRIORITY.get(e.type, _USUAL_PRIORITY)))


def utf16_length(text: str) -> int:
    """How many UTF-16 code units a text has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def bytes_utf16_length(utf8: bytes) -> int:
    """How many UTF-16 code units a UTF-8 text has."""
    return len(utf8) if utf8.isascii() else utf16_length(utf8.decode(errors="surrogatepass"))
