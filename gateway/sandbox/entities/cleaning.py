"""What happens to a text on its way into a chat (TDLib, MessageEntity.cpp, fix_formatted_text; misc.cpp).

Control characters become spaces, some characters vanish, space at both ends is cut off, and the entities follow.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from gateway.sandbox.errors import InvalidInput

from .entity import HIDDEN, Entity, ordered
from .overlap import resolved

_SUSPECT = re.compile("[\x00-\x09\x0b-\x1f\u030a\u0333\u033f\u2028-\u202e\u200e\u200f]")
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_VANISHING = re.compile("[\r\u030a\u0333\u033f\u2028-\u202e]")
_DIRECTION_PILE = re.compile("[\u200e\u200f](?=[\u200e\u200f])")
_INVISIBLE = re.compile("[\\s\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2800\u3000\ufeff\ufffc]*")
_MARGIN = 1_000_000


def cleaned(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """The text and entities as a chat shows them; `InvalidInput` when an entity does not fit the text.

    The result may be empty: what an empty text means is the caller's business.
    """
    if not entities:
        if _SUSPECT.search(text):
            text = _without_offenders(text)
        return _unless_invisible(text.strip(" \n")), []
    for entity in entities:
        if not 0 <= entity.offset <= _MARGIN:
            raise InvalidInput(f"Receive an entity with incorrect offset {entity.offset}")
        if not 0 <= entity.length <= _MARGIN:
            raise InvalidInput(f"Receive an entity with incorrect length {entity.length}")
    entities = resolved(entities)
    _check_edges(text, entities)
    units, entities = _vanish(_CONTROL.sub(" ", text), entities)
    entities = resolved(_shrunk(units, entities))
    return _trimmed(units, entities)


def not_blank(units: str, entities: list[Entity]) -> list[Entity]:
    """Drop entities that show only space; `units` has one character per UTF-16 code unit."""
    return [e for e in entities if e.type in HIDDEN or units[e.offset : e.end].strip(" \n")]


def _shrunk(units: str, entities: list[Entity]) -> list[Entity]:
    # Takes the space at their start away from entities, from the inmost to the outmost.
    kept: list[Entity] = []
    hidden_starts: set[int] = set()
    for entity in reversed(entities):
        start = entity.offset
        if entity.type in HIDDEN:
            hidden_starts.add(start)
        else:
            while start < entity.end and units[start] in " \n" and start not in hidden_starts:
                start += 1
        kept.append(entity.spanning(start, entity.end))
    return ordered(not_blank(units, kept))


def units_of(text: str) -> str:
    """The text with one character per UTF-16 code unit, surrogates included."""
    if text.isascii():
        return text
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(map(chr, memoryview(raw).cast("H"))) if len(raw) != 2 * len(text) else text


def text_of(units: str) -> str:
    """The inverse of `units_of`."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _without_offenders(text: str) -> str:
    text = _VANISHING.sub("", _CONTROL.sub(" ", text))
    return _DIRECTION_PILE.sub("\u200c", text)


def _unless_invisible(text: str) -> str:
    return "" if _INVISIBLE.fullmatch(text) else text


def _check_edges(text: str, entities: list[Entity]) -> None:
    units = units_of(text)
    for entity in entities:
        if entity.offset > len(units) or (entity.offset == len(units) and entity.length):
            raise InvalidInput(f"Entity begins after the end of the text at UTF-16 offset {entity.offset}")
        if entity.end > len(units):
            raise InvalidInput(
                f"Entity beginning at UTF-16 offset {entity.offset} ends after the end of the text"
                f" at UTF-16 offset {entity.end}"
            )
        if _inside_pair(units, entity.offset):
            place = _byte_offset(units, entity.offset + 1)
            raise InvalidInput(f"Entity begins in a middle of a UTF-16 symbol at byte offset {place}")
        if _inside_pair(units, entity.end):
            place = _byte_offset(units, entity.end + 1)
            raise InvalidInput(
                f"Entity beginning at UTF-16 offset {entity.offset} ends in a middle of a UTF-16 symbol"
                f" at byte offset {place}"
            )


def _inside_pair(units: str, at: int) -> bool:
    return at < len(units) and "\udc00" <= units[at] <= "\udfff"


def _byte_offset(units: str, at: int) -> int:
    return len(text_of(units[:at]).encode())


def _vanish(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    units = units_of(text)
    gone = [found.start() for found in _VANISHING.finditer(units)]
    if gone:
        units = _VANISHING.sub("", units)
        entities = [
            entity.spanning(
                entity.offset - bisect_left(gone, entity.offset), entity.end - bisect_left(gone, entity.end)
            )
            for entity in entities
        ]
    return _DIRECTION_PILE.sub("\u200c", units), [entity for entity in entities if entity.length > 0]


def _trimmed(units: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    end = len(units.rstrip(" \n"))
    entities = [e.spanning(e.offset, min(e.end, end)) for e in entities if e.offset < end]
    first = min((entity.offset for entity in entities), default=end)
    start = min(end - len(units[:end].lstrip(" \n")), first)
    text = _unless_invisible(text_of(units[start:end]))
    moved = [entity.spanning(entity.offset - start, entity.end - start) for entity in entities]
    return text, ordered(moved) if text else []
