"""`parse_mode` Markdown, the legacy one, with TDLib's grammar and complaints (MessageEntity.cpp, parse_markdown)."""

from __future__ import annotations

from gateway.sandbox.errors import InvalidInput

from .entity import Entity, bytes_utf16_length
from .links import checked_link, user_of

_ESCAPABLE = b"_*`["
_SPACES = b" \t\r\n\0\x0b"
_STYLES = {ord("_"): "italic", ord("*"): "bold"}


def parse_markdown(text: str) -> tuple[str, list[Entity]]:
    """Take the marks out of a text; `InvalidInput` says where one has no end."""
    source = text.encode()
    out = bytearray()
    entities: list[Entity] = []
    at = 0
    while at < len(source):
        character = source[at]
        if character == ord("\\") and source[at + 1 : at + 2] and source[at + 1] in _ESCAPABLE:
            out.append(source[at + 1])
            at += 2
        elif character in _ESCAPABLE:
            at = _entity(source, at, out, entities)
        else:
            out.append(character)
            at += 1
    return out.decode(), entities


def _entity(source: bytes, begin: int, out: bytearray, entities: list[Entity]) -> int:
    mark = source[begin]
    block = source.startswith(b"```", begin)
    at, language = _block_start(source, begin + 3) if block else (begin + 1, "")
    end_mark = b"```" if block else b"]" if mark == ord("[") else bytes([mark])
    end = source.find(end_mark, at)
    if end < 0:
        raise InvalidInput(f"Can't find end of the entity starting at byte offset {begin}")
    content = source[at:end]
    offset, length = bytes_utf16_length(bytes(out)), bytes_utf16_length(content)
    out += content
    after = end + len(end_mark)
    if not length:
        return after
    if mark in _STYLES:
        entities.append(Entity(_STYLES[mark], offset, length))
    elif mark == ord("`"):
        entities.append(Entity("pre" if block else "code", offset, length, language))
    else:
        return _link(source, after, content, Entity("text_link", offset, length), entities)
    return after


def _link(source: bytes, at: int, content: bytes, entity: Entity, entities: list[Entity]) -> int:
    url = content
    if source[at : at + 1] == b"(":
        end = source.find(b")", at)
        end = len(source) if end < 0 else end
        url, at = source[at + 1 : end], end + 1
    link = url.decode(errors="replace")
    if user_id := user_of(link):
        entities.append(Entity("text_mention", entity.offset, entity.length, user_id=user_id))
    elif checked := checked_link(link):
        entities.append(Entity("text_link", entity.offset, entity.length, checked))
    return at


def _block_start(source: bytes, at: int) -> tuple[int, str]:
    end = language_end(source, at)
    language = ""
    if end != at and end < len(source) and source[end] != ord("`"):
        language, at = source[at:end].decode(errors="replace"), end
    return skip_newline(source, at), language


def language_end(source: bytes, at: int) -> int:
    """Where the language named after an opening ``` ends."""
    while at < len(source) and source[at] not in _SPACES and source[at] != ord("`"):
        at += 1
    return at


def skip_newline(source: bytes, at: int) -> int:
    """Step over one line break, which may be two different characters."""
    if source[at : at + 1] not in (b"\n", b"\r"):
        return at
    second = source[at + 1 : at + 2]
    return at + 2 if second in (b"\n", b"\r") and second != source[at : at + 1] else at + 1
