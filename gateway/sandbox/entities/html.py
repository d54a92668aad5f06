"""`parse_mode` HTML, with TDLib's grammar and complaints (MessageEntity.cpp, parse_html).

The grammar works on bytes because the complaints name byte offsets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gateway.sandbox.errors import InvalidInput

from .entity import Entity, bytes_utf16_length
from .links import checked_link, emoji_id, user_of

_STYLES = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline"}
_STYLES |= {"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler"}
_TAGS = {*_STYLES, "a", "span", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_NAMED = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"'}
_SPACES = b" \t\r\n\0\x0b"
_TEXT = re.compile(rb"[^<&]+")
_REFERENCE = re.compile(rb"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([a-zA-Z]*))")
_TAG_NAME = re.compile(rb"[^ \t\r\n\0\x0b>]*")
_ATTRIBUTE_NAME = re.compile(rb"[^ \t\r\n\0\x0b=>]*")
_NAME_TOKEN = re.compile(rb"[a-zA-Z0-9.-]*")
_GAP = re.compile(rb"[ \t\r\n\x0b]*")


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    argument: str
    unix_time: str
    utf16: int
    start: int


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """Take the tags out of a text; `InvalidInput` says what is wrong with them."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._source = text.encode()
        # The grammar looks ahead without asking where the end is: a zero byte stands there, as in C.
        self._bytes = self._source + b"\0\0"
        self._at = 0
        self._out = bytearray()
        self._utf16 = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            following = self._bytes[self._at]
            if following == ord("<"):
                self._tag()
            elif following == ord("&") and (character := self._reference()):
                self._write(character.encode(errors="surrogatepass"), 1 + (ord(character) > 0xFFFF))
            else:
                self._plain()
        if self._open:
            tag = self._open[-1].tag
            raise InvalidInput(f'Can\'t find end tag corresponding to start tag "{tag}"')
        try:
            text = self._out.decode()
        except UnicodeDecodeError:
            raise InvalidInput(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            ) from None
        kept = [replace(e, argument="") if e.type == "code" else e for e in self._entities]
        return text, kept

    def _write(self, utf8: bytes, utf16: int) -> None:
        self._out += utf8
        self._utf16 += utf16

    def _plain(self) -> None:
        # A lone ampersand counts as text.
        found = _TEXT.match(self._source, self._at + (self._bytes[self._at] == ord("&")))
        end = found.end() if found else self._at + 1
        chunk = self._source[self._at : end]
        self._write(chunk, bytes_utf16_length(chunk))
        self._at = end

    def _reference(self) -> str:
        found = _REFERENCE.match(self._bytes, self._at)
        if found is None:
            return ""
        hexadecimal, decimal, name = found.groups()
        if name is not None:
            character = _NAMED.get(name, "")
        else:
            digits = hexadecimal if hexadecimal is not None else decimal
            length = found.end() - found.start()
            code = int(digits or b"0", 16 if hexadecimal is not None else 10) if length < 10 else 0
            character = chr(code) if 0 < code < 0x10FFFF else ""
        if character:
            self._at = found.end() + (self._bytes[found.end()] == ord(";"))
        return character

    def _tag(self) -> None:
        begin = self._at
        self._at += 1
        if self._bytes[self._at] == ord("/"):
            self._end_tag(begin)
        else:
            self._start_tag(begin)

    def _start_tag(self, begin: int) -> None:
        name = self._take(_TAG_NAME)
        if self._bytes[self._at] == 0:
            raise InvalidInput(f"Unclosed start tag at byte offset {begin}")
        tag = _lower(name)
        if tag not in _TAGS:
            raise InvalidInput(f'Unsupported start tag "{tag}" at byte offset {begin}')
        argument = unix_time = ""
        while self._bytes[self._at] != ord(">"):
            self._take(_GAP)
            if self._bytes[self._at] == ord(">"):
                break
            attribute, value = self._attribute(tag, begin)
            if (tag, attribute) == ("tg-time", "unix"):
                unix_time = value
            argument = _argument(tag, attribute, value, argument)
        if tag == "span" and argument != "spoiler":
            raise InvalidInput(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self._at += 1
        self._open.append(_Open(tag, argument, unix_time, self._utf16, len(self._out)))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name = self._take(_ATTRIBUTE_NAME).decode()
        if not name:
            if self._bytes[self._at] == 0:
                raise InvalidInput(f'Unclosed start tag "{tag}" at byte offset {begin}')
            raise InvalidInput(f'Empty attribute name in the tag "{tag}" at byte offset {begin}')
        self._take(_GAP)
        if self._bytes[self._at] != ord("="):
            if self._bytes[self._at] == 0:
                raise InvalidInput(f'Unclosed start tag "{tag}" at byte offset {begin}')
            return name, ""
        self._at += 1
        self._take(_GAP)
        following = self._bytes[self._at]
        if following == 0:
            raise InvalidInput(f'Unclosed start tag "{tag}" at byte offset {begin}')
        value = self._quoted(following) if following in b"'\"" else self._name_token()
        if self._bytes[self._at] == 0:
            raise InvalidInput(f"Unclosed start tag at byte offset {begin}")
        return name, value

    def _name_token(self) -> str:
        begin = self._at
        token = self._take(_NAME_TOKEN)
        if self._bytes[self._at] not in _SPACES + b">":
            raise InvalidInput(f"Unexpected end of name token at byte offset {begin}")
        return _lower(token)

    def _quoted(self, quote: int) -> str:
        self._at += 1
        value = bytearray()
        while self._bytes[self._at] not in (quote, 0):
            if self._bytes[self._at] == ord("&") and (character := self._reference()):
                value += character.encode(errors="surrogatepass")
                continue
            value.append(self._bytes[self._at])
            self._at += 1
        self._at += self._bytes[self._at] == quote
        return value.decode(errors="replace")

    def _end_tag(self, begin: int) -> None:
        if not self._open:
            raise InvalidInput(f"Unexpected end tag at byte offset {begin}")
        self._at += 1
        name = _lower(self._take(_TAG_NAME))
        self._take(_GAP)
        if self._bytes[self._at] != ord(">"):
            raise InvalidInput(f"Unclosed end tag at byte offset {begin}")
        self._at += 1
        opened = self._open.pop()
        if name and name != opened.tag:
            raise InvalidInput(
                f'Unmatched end tag at byte offset {begin}, expected "</{opened.tag}>", found "</{name}>"'
            )
        if self._utf16 > opened.utf16:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        offset, length = opened.utf16, self._utf16 - opened.utf16
        if opened.tag in _STYLES:
            self._entities.append(Entity(_STYLES[opened.tag], offset, length))
        elif opened.tag == "span":
            self._entities.append(Entity("spoiler", offset, length))
        elif opened.tag == "tg-emoji":
            self._entities.append(Entity("custom_emoji", offset, length, emoji_id(opened.argument)))
        elif opened.tag == "tg-time":
            self._close_time(opened, offset, length)
        elif opened.tag == "a":
            self._close_link(opened, offset, length)
        elif opened.tag == "blockquote":
            kind = "expandable_blockquote" if opened.argument else "blockquote"
            self._entities.append(Entity(kind, offset, length))
        else:
            self._close_code(Entity(opened.tag, offset, length, opened.argument))

    def _close_link(self, opened: _Open, offset: int, length: int) -> None:
        url = opened.argument or self._out[opened.start :].decode(errors="replace")
        if user_id := user_of(url):
            self._entities.append(Entity("text_mention", offset, length, user_id=user_id))
        elif link := checked_link(url):
            self._entities.append(Entity("text_link", offset, length, link))

    def _close_time(self, opened: _Open, offset: int, length: int) -> None:
        if not opened.unix_time.isdecimal() or len(opened.unix_time) > 10:
            raise InvalidInput("Invalid date specified")
        instant = int(opened.unix_time)
        self._entities.append(Entity("date_time", offset, length, opened.argument, unix_time=instant))

    def _close_code(self, entity: Entity) -> None:
        # <pre><code class="language-x"> in either order is one block of code in a language.
        last = self._entities[-1] if self._entities else None
        language = entity.argument if entity.type == "code" else (last.argument if last else "")
        same = last is not None and (last.offset, last.length) == (entity.offset, entity.length)
        if same and last is not None and language and {last.type, entity.type} == {"pre", "code"}:
            self._entities[-1] = Entity("pre", entity.offset, entity.length, language)
        else:
            self._entities.append(entity)

    def _take(self, pattern: re.Pattern[bytes]) -> bytes:
        found = pattern.match(self._bytes, self._at)
        taken = found.group() if found else b""
        self._at += len(taken)
        return taken


def _lower(name: bytes) -> str:
    # Only ASCII letters have a lower case here.
    return name.lower().decode(errors="replace")


def _argument(tag: str, attribute: str, value: str, before: str) -> str:
    match tag, attribute:
        case ("a", "href") | ("tg-emoji", "emoji-id") | ("tg-time", "format"):
            return value
        case ("code", "class") if value.startswith("language-"):
            return value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case ("blockquote", "expandable"):
            return "1"
    return before
