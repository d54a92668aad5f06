"""Markdown as people write it, rendered to a plain text with Telegram's entities.

Nothing has to be escaped and no text is refused: what is no markup is text. CommonMark 0.31 with ~~strikethrough~~.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gateway.desk.visible import can_be_seen, is_mention
from gateway.model import Entity

MAX_ENTITIES = 100
MAX_SOURCE = 16_384
"""Characters of Markdown that are rendered: four times what Telegram takes."""
MAX_BRACKETS = 1_000
"""How many of those may be `[`: twice the links that so many messages may have. Each that is no link costs a search of
its own, some 40 µs."""

_MAX_LANGUAGE = 64
_MAX_NESTING = 60
"""Quotes and lists in each other. Beyond, the parser drops text, so such a text is left as it is."""

_PARSER = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("strikethrough")
_WITHOUT_REFERENCES = (
    MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("strikethrough").disable("reference")
)

_KINDS = {"strong": "bold", "em": "italic", "s": "strikethrough", "heading": "bold", "blockquote": "blockquote"}
_STYLES = ("bold", "italic", "strikethrough")
_BLOCKS = ("heading", "blockquote")
_LINK = re.compile(r"(?:https?://[^\s/?#]|tg://\w)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_VANISHING = re.compile("[\r\u030a\u0333\u033f\u2028-\u202e]")


def render(text: str, most: int = MAX_ENTITIES) -> tuple[str, tuple[Entity, ...]]:
    """Render Markdown to a text and its entities, both as Telegram shows them.

    Headings are bold lines, lists have "• " or "1. " and are nested by indentation, images are links, HTML and tables
    stay as they are written. Only `http`, `https` and `tg` links become links, `tg` over something that can be seen. Of
    more than `most` entities the later ones are left out. A text of more than `MAX_SOURCE` characters stays as it is,
    and so does one with more than `MAX_BRACKETS` of `[`. Raises nothing.
    """
    source = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    bounded = len(source) <= MAX_SOURCE and source.count("[") <= MAX_BRACKETS
    tokens = _parse(source) if bounded else None
    if tokens is None or any(token.level >= _MAX_NESTING - 1 for token in tokens):
        return cleaned(source).strip(" \n"), ()
    page = _Page()
    _Renderer(page).write(tokens)
    shown, entities = page.finish(most)
    return shown, tuple(each for each in entities if not is_mention(each.url) or can_be_seen(covered(shown, each)))


def covered(text: str, entity: Entity) -> str:
    """Return the part of a text that an entity is for."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def cleaned(text: str) -> str:
    """Return the text without the characters that Telegram takes away or turns into spaces.

    Source: TDLib, td/telegram/misc.cpp, `clean_input_string`.
    """
    return _VANISHING.sub("", _CONTROL.sub(" ", text))


def _parse(source: str) -> list[Token]:
    known: dict[str, Any] = {}
    tokens = _PARSER.parse(source, known)
    used = {child.attrs.get("href", child.attrs.get("src")) for token in tokens for child in token.children or ()}
    unused = any(reference["href"] not in used for reference in known.get("references", {}).values())
    # "[INFO]: started" is a definition to CommonMark and would vanish. One that nothing refers to is text.
    return _WITHOUT_REFERENCES.parse(source) if unused or known.get("duplicate_refs") else tokens


class _Renderer:
    def __init__(self, page: _Page) -> None:
        self._page = page
        self._link = ""
        self._numbers: list[int | None] = []

    def write(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            name, _, edge = token.type.rpartition("_")
            if token.nesting == 0:
                self._leaf(token)
            elif name in _KINDS:
                self._mark(name, edge == "open")
            elif name == "link":
                self._mark_link(token, edge == "open")
            elif name in ("bullet_list", "ordered_list"):
                self._list(token, edge == "open")
            elif name == "list_item":
                self._item(edge == "open")
            elif edge == "close":
                self._page.end_block(1 if token.hidden else 2)

    def _leaf(self, token: Token) -> None:
        match token.type:
            case "inline":
                self.write(token.children or ())
            case "softbreak" | "hardbreak":
                self._page.write("\n")
            case "code_inline":
                self._page.write_code(token.content)
            case "fence" | "code_block":
                self._page.write_block(token.content, next(iter(token.info.split()), ""))
            case "image":
                self._image(token)
            case "hr" | "html_block":
                self._page.write((token.content or token.markup[:3]).rstrip("\n"))
                self._page.end_block(2)
            case _:
                self._page.write(token.content)

    def _mark(self, name: str, opens: bool) -> None:
        if opens:
            self._page.open(_KINDS[name])
            return
        self._page.close(_KINDS[name])
        if name in _BLOCKS:
            self._page.end_block(2)

    def _mark_link(self, token: Token, opens: bool) -> None:
        if opens:
            url = str(token.attrs.get("href", ""))
            self._link = _kind_of(url)
            self._page.open(self._link, url=url)
        else:
            self._page.close(self._link)

    def _image(self, token: Token) -> None:
        url = str(token.attrs.get("src", ""))
        kind = _kind_of(url)
        self._page.open(kind, url=url)
        if token.content.strip():
            self.write(token.children or ())
        else:
            self._page.write(url)
        self._page.close(kind)

    def _list(self, token: Token, opens: bool) -> None:
        if opens:
            self._numbers.append(int(token.attrs.get("start", 1)) if token.tag == "ol" else None)
        else:
            self._numbers.pop()
            self._page.end_block(1 if self._numbers else 2)

    def _item(self, opens: bool) -> None:
        number = self._numbers[-1]
        if opens:
            self._page.open_item("• " if number is None else f"{number}. ")
            return
        self._page.close_item()
        if number is not None:
            self._numbers[-1] = number + 1


def _kind_of(url: str) -> str:
    return "text_link" if _LINK.match(url) else ""


@dataclass(slots=True)
class _Mark:
    """A stretch of text, from its first to its last written character; without a kind it leaves no trace."""

    kind: str
    items: int
    url: str = ""
    language: str = ""
    depth: int = 1
    start: int | None = None
    end: int = 0


@dataclass(slots=True)
class _Item:
    marker: str
    shown: bool = False


class _Page:
    """A text while it is written. Line breaks are kept back until something follows them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._breaks = 0
        self._items: list[_Item] = []
        self._open: dict[str, _Mark] = {}
        self._marks: list[_Mark] = []

    def open(self, kind: str, url: str = "", language: str = "") -> None:
        """Begin a mark; one within another of its kind is a part of that."""
        if kind in self._open:
            self._open[kind].depth += 1
        else:
            self._open[kind] = _Mark(kind, len(self._items), url, language)
            self._marks.append(self._open[kind])

    def close(self, kind: str) -> None:
        """End the mark of this kind."""
        self._open[kind].depth -= 1
        if not self._open[kind].depth:
            del self._open[kind]

    def open_item(self, marker: str) -> None:
        """Begin an item of a list: its marker stands before its first line, the others are indented."""
        self._items.append(_Item(marker))

    def close_item(self) -> None:
        """End the item; one without a text shows its marker all the same."""
        if not self._items[-1].shown:
            self._put("", self._margin())
        self._items.pop()
        self.end_block(1)

    def end_block(self, breaks: int) -> None:
        """Make what follows begin a new line, after at least so many line breaks."""
        self._breaks = max(self._breaks, breaks)

    def write(self, text: str, *, indented: bool = True) -> None:
        """Write a text, which may have line breaks."""
        for number, line in enumerate(cleaned(text).split("\n")):
            self._breaks += number > 0
            if line:
                fresh = self._breaks or not self._length
                self._put(line, self._margin() if fresh and (indented or not self._items[-1].shown) else "")

    def write_code(self, text: str) -> None:
        """Write code within a line. Telegram has no code in a link, and none in a style: those go on behind it."""
        if "text_link" in self._open:
            self.write(text)
            return
        styles = [self._open.pop(kind) for kind in _STYLES if kind in self._open]
        self.open("code")
        self.write(text)
        self.close("code")
        for style in styles:
            self.open(style.kind)
            self._open[style.kind].depth = style.depth

    def write_block(self, text: str, language: str) -> None:
        """Write a block of code."""
        self.open("pre", language=language if len(language) <= _MAX_LANGUAGE else "")
        self.write(text.rstrip("\n"), indented=not self._items)
        self.close("pre")
        self.end_block(2)

    def finish(self, most: int) -> tuple[str, tuple[Entity, ...]]:
        """Return the text without white space at its ends, and the entities in their order."""
        text = "".join(self._parts)
        entities = []
        for mark in self._marks:
            whole = text[mark.start or 0 : mark.end]
            shown = whole.strip()
            if mark.kind and shown:
                start = (mark.start or 0) + len(whole) - len(whole.lstrip())
                entities.append((start, start + len(shown), mark))
        entities.sort(key=lambda entity: (entity[0], -entity[1]))
        lead = len(text) - len(text.lstrip(" \n"))
        return text.strip(" \n"), tuple(
            Entity(
                kind=mark.kind,
                offset=_utf16_length(text[lead:start]),
                length=_utf16_length(text[start:end]),
                url=mark.url,
                language=mark.language,
            )
            for start, end, mark in entities[:most]
        )

    def _put(self, line: str, margin: str) -> None:
        if self._length:
            self._append("\n" * self._breaks)
        self._breaks = 0
        before = self._length
        self._append(margin)
        after = self._length
        self._append(line)
        for mark in self._open.values():
            if mark.start is None:
                # A quote around a list holds its first marker; a word in the list does not.
                mark.start = before if mark.items < len(self._items) else after
            mark.end = self._length

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _margin(self) -> str:
        margin = "".join(" " * len(item.marker) if item.shown else item.marker for item in self._items)
        for item in self._items:
            item.shown = True
        return margin


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
