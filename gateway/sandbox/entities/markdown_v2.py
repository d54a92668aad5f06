"""`parse_mode` MarkdownV2, with TDLib's grammar and complaints (MessageEntity.cpp, parse_markdown_v2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.sandbox.errors import InvalidInput

from .entity import Entity, bytes_utf16_length
from .links import checked_link, emoji_of, time_of, user_of
from .markdown import language_end, skip_newline

_TYPES = {"Bold": "bold", "Italic": "italic", "Underline": "underline", "Strikethrough": "strikethrough"}
_TYPES |= {"Spoiler": "spoiler", "Code": "code", "Pre": "pre", "PreCode": "pre"}
_ENDS = {"Bold": b"*", "Strikethrough": b"~", "Underline": b"__", "Spoiler": b"||", "TextUrl": b"]"}
_ENDS |= {"CustomEmoji": b"]", "Code": b"`", "Pre": b"```", "PreCode": b"```"}
_STARTS = (
    *((b"__", "Underline"), (b"_", "Italic"), (b"*", "Bold"), (b"~", "Strikethrough"), (b"||", "Spoiler")),
    *((b"[", "TextUrl"), (b"```", "Pre"), (b"`", "Code"), (b"![", "CustomEmoji")),
)
_RESERVED = frozenset(b"_*[]()~`>#+-=|{}.!\n")
_TEXT = re.compile(rb"[^\\_*\[\]()~`>#+\-=|{}.!\n]+")
_CODE_TEXT = re.compile(rb"[^\\`]+")


@dataclass(frozen=True, slots=True)
class _Open:
    kind: str
    argument: str
    utf16: int
    byte_offset: int
    start: int


def parse_markdown_v2(text: str) -> tuple[str, list[Entity]]:
    """Take the marks out of a text; `InvalidInput` says what is wrong with them."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._source = text.encode()
        self._at = 0
        self._out = bytearray()
        self._utf16 = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []
        self._quoting = False
        self._quote_may_start = True

    def parse(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            self._step()
        if self._quoting:
            self._end_quote()
        if self._open:
            raise _endless(self._open[-1])
        return self._out.decode(), self._entities

    def _step(self) -> None:
        source, at = self._source, self._at
        character = source[at]
        if character == ord("\\") and 0 < self._byte(at + 1) <= 126:
            self._write(source[at + 1 : at + 2], 2)
        elif character not in (b"`" if self._in_code() else _RESERVED):
            pattern = _CODE_TEXT if self._in_code() else _TEXT
            found = pattern.match(source, at)
            self._write(found.group() if found else source[at : at + 1])
        elif self._open and self._ends_here():
            self._end()
        else:
            self._start()

    def _byte(self, at: int) -> int:
        return self._source[at] if at < len(self._source) else 0

    def _write(self, text: bytes, consumed: int | None = None) -> None:
        self._at += len(text) if consumed is None else consumed
        self._out += text
        self._utf16 += bytes_utf16_length(text)
        if text.strip(b"\r"):
            self._quote_may_start = False

    def _in_code(self) -> bool:
        return bool(self._open) and self._open[-1].kind in ("Code", "Pre", "PreCode")

    def _ends_here(self) -> bool:
        source, at = self._source, self._at
        if self._quoting and source[at] == ord("\n") and self._byte(at + 1) != ord(">"):
            return True
        kind = self._open[-1].kind
        if kind == "Italic":
            return source[at] == ord("_") and self._byte(at + 1) != ord("_")
        return kind in _ENDS and source.startswith(_ENDS[kind], at)

    def _start(self) -> None:
        source, at = self._source, self._at
        character = source[at]
        if character == ord("\n"):
            self._write(b"\n")
            if self._quoting:
                self._at += 1  # the > of the quote's next line
            self._quote_may_start = True
        elif character == ord(">"):
            if self._quoting or not self._quote_may_start:
                raise _reserved(character)
            self._quoting = True
            self._push("BlockQuote", 1)
        else:
            mark, kind = next(((m, k) for m, k in _STARTS if source.startswith(m, at)), (b"", ""))
            if not kind:
                raise _reserved(character)
            if kind == "Pre":
                self._start_block()
            else:
                self._push(kind, len(mark))

    def _push(self, kind: str, consumed: int, argument: str = "") -> None:
        self._open.append(_Open(kind, argument, self._utf16, self._at, len(self._out)))
        self._at += consumed

    def _start_block(self) -> None:
        at = self._at + 3
        end = language_end(self._source, at)
        kind, language = "Pre", ""
        if end != at and end < len(self._source) and self._source[end] != ord("`"):
            kind, language, at = "PreCode", self._source[at:end].decode(errors="replace"), end
        self._push(kind, skip_newline(self._source, at) - self._at, language)

    def _end(self) -> None:
        if self._source[self._at] == ord("\n"):
            self._end_quote()
            self._write(b"\n")
            self._quote_may_start = True
            return
        opened = self._open.pop()
        if opened.kind in ("TextUrl", "CustomEmoji"):
            self._end_link(opened)
            return
        self._at += len(_ENDS.get(opened.kind, b"_"))
        self._add(opened, _TYPES[opened.kind], opened.argument)

    def _end_quote(self) -> None:
        expandable = self._open[-1].kind == "Spoiler" and self._is_empty(self._open[-1])
        if expandable:
            # An empty spoiler at the end of a quote folds the quote.
            self._open.pop()
        opened = self._open[-1]
        if opened.kind != "BlockQuote":
            raise _endless(opened)
        self._open.pop()
        self._quoting = False
        # The line break that ends a quote belongs to it.
        length = self._utf16 - opened.utf16 + (self._at < len(self._source))
        if length:
            kind = "expandable_blockquote" if expandable else "blockquote"
            self._entities.append(Entity(kind, opened.utf16, length))

    def _is_empty(self, opened: _Open) -> bool:
        return not self._out[opened.start :].strip(b"\r")

    def _end_link(self, opened: _Open) -> None:
        self._at += 1
        if self._byte(self._at) == ord("("):
            url = self._url("a custom emoji URL" if opened.kind == "CustomEmoji" else "a URL")
        elif opened.kind == "CustomEmoji":
            raise InvalidInput("Custom emoji entity must contain a tg://emoji URL")
        else:
            url = self._out[opened.start :].decode(errors="replace")
        if opened.kind == "CustomEmoji":
            self._end_emoji(opened, url)
        elif user_id := user_of(url):
            self._add(opened, "text_mention", user_id=user_id)
        elif link := checked_link(url):
            self._add(opened, "text_link", link)

    def _end_emoji(self, opened: _Open, url: str) -> None:
        if instant := time_of(url):
            self._add(opened, "date_time", instant[1], unix_time=instant[0])
        else:
            self._add(opened, "custom_emoji", emoji_of(url))

    def _url(self, what: str) -> str:
        self._at += 1
        begin = self._at
        url = bytearray()
        while self._at < len(self._source) and self._source[self._at] != ord(")"):
            if self._source[self._at] == ord("\\") and 0 < self._byte(self._at + 1) <= 126:
                self._at += 1
            url.append(self._source[self._at])
            self._at += 1
        if self._at == len(self._source):
            raise InvalidInput(f"Can't find end of {what} at byte offset {begin}")
        self._at += 1
        return url.decode(errors="replace")

    def _add(self, opened: _Open, kind: str, argument: str = "", user_id: int = 0, unix_time: int = 0) -> None:
        if length := self._utf16 - opened.utf16:
            self._entities.append(Entity(kind, opened.utf16, length, argument, user_id, unix_time))


def _reserved(character: int) -> InvalidInput:
    return InvalidInput(f"Character '{chr(character)}' is reserved and must be escaped with the preceding '\\'")


def _endless(opened: _Open) -> InvalidInput:
    return InvalidInput(f"Can't find end of {opened.kind} entity at byte offset {opened.byte_offset}")
