"""Formatted text: marks to entities, text and entities to what a chat shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.sandbox.errors import InvalidInput, bad_request
from gateway.sandbox.jsonvalues import Fields
from gateway.sandbox.parameters import check_utf8

from .cleaning import cleaned, not_blank, units_of
from .detection import detected
from .entity import Entity
from .html import parse_html
from .links import checked_link, user_of
from .markdown import parse_markdown
from .markdown_v2 import parse_markdown_v2
from .overlap import merged

RAW_TEXT_LIMIT = 1 << 15
"""Bytes of a text before its marks are taken out (Client.cpp, get_formatted_text)."""

_PARSERS: Mapping[str, Callable[[str], tuple[str, list[Entity]]]] = {
    "html": parse_html,
    "markdown": parse_markdown,
    "markdownv2": parse_markdown_v2,
}
_PLAIN_TYPES = (
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "code",
    "blockquote",
    "expandable_blockquote",
)
_FOUND_BY_TELEGRAM = (
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bank_card_number",
)


class Formatted(NamedTuple):
    """A text and its entities."""

    text: str
    entities: list[Entity]


def read_formatted(text: str, parse_mode: str, entities: Any) -> Formatted:
    """Read a text as a request gives it: with marks of `parse_mode`, or with a decoded list of `entities`."""
    if len(text) * 4 > RAW_TEXT_LIMIT and len(text.encode(errors="surrogateescape")) > RAW_TEXT_LIMIT:
        raise bad_request("Text is too long")
    parse_mode = parse_mode.lower()
    if text and parse_mode not in ("", "none"):
        if parse_mode not in _PARSERS:
            raise bad_request("Unsupported parse_mode")
        check_utf8(text, "Text must be encoded in UTF-8")
        try:
            return Formatted(*_PARSERS[parse_mode](text))
        except InvalidInput as problem:
            raise bad_request(f"Can't parse entities: {problem}") from None
    if not isinstance(entities, list):
        return Formatted(text, [])
    try:
        return Formatted(text, [entity for given in entities if (entity := _read_entity(given))])
    except InvalidInput as problem:
        raise bad_request(f"Can't parse MessageEntity: {problem}") from None


def finished(given: Formatted) -> Formatted:
    """The text as a chat shows it: cleaned, trimmed, with what Telegram finds by itself. May be empty."""
    if not given.text.isascii():
        check_utf8(given.text, "Strings must be encoded in UTF-8")
    try:
        text, entities = cleaned(*given)
    except InvalidInput as problem:
        raise bad_request(str(problem)) from None
    if found := detected(text):
        entities = not_blank(units_of(text), merged(entities, found))
    return Formatted(text, entities)


def _read_entity(value: Any) -> Entity | None:
    fields = Fields(value, "expected an Object")
    offset, length = fields.required_integer("offset"), fields.required_integer("length")
    kind = fields.required_string("type")
    if kind in _PLAIN_TYPES:
        return Entity(kind, offset, length)
    if kind in _FOUND_BY_TELEGRAM:
        return None
    match kind:
        case "pre":
            return Entity(kind, offset, length, fields.string("language"))
        case "text_link":
            return _link(offset, length, fields.required_string("url"))
        case "text_mention":
            user = Fields(fields.object("user"), 'Can\'t find field "user"')
            return Entity(kind, offset, length, user_id=user.required_integer("id", bits=64))
        case "custom_emoji":
            return Entity(kind, offset, length, str(fields.required_integer("custom_emoji_id", bits=64)))
        case "date_time":
            when = fields.required_integer("unix_time")
            return Entity(kind, offset, length, fields.string("date_time_format"), unix_time=when)
    raise InvalidInput("Type is not specified" if not kind else "Unsupported type specified")


def _link(offset: int, length: int, url: str) -> Entity | None:
    if user_id := user_of(url):
        return Entity("text_mention", offset, length, user_id=user_id)
    link = checked_link(url)
    return Entity("text_link", offset, length, link) if link else None
