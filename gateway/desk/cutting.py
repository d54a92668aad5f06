"""Cuts a text that is longer than a message into parts, where a reader would, and its formatting with it.

Lengths are in Unicode code points, which Telegram's limits count; the offsets of entities in UTF-16 code units.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from gateway.desk.graphemes import may_break
from gateway.desk.markdown import MAX_ENTITIES
from gateway.desk.visible import can_be_seen, is_empty, is_mention
from gateway.model import Entity, Part

_WHITE = " \t\r\n"
_SPACE = re.compile(f"[{_WHITE}]*")
_DEEPEST_MARGIN = 64
"""Characters by which the first line of a part may be indented: more is white space at the cut."""

_BORDERS = (
    re.compile(r"\n(?=[ \t\r]*\n)"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[ \t]|(?<=[。！？])(?=.)"),
    re.compile(r"[ \t\r]"),
)
"""Where a text is cut best: between paragraphs, or else lines, or else sentences, or else words."""
_LONGEST_HEADING = 80
_AHEAD = 256
"""How far behind the last place for a cut it is looked whether that is a border."""


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    entity: Entity


def cut(text: str, entities: Sequence[Entity], most: int) -> list[Part]:
    """Cut a text into parts of at most `most` code points, at least 256, and at most 100 entities.

    A part is at least half full and ends at the best border that is in its second half, rather outside of what is
    formatted and not behind a heading; without a border, anywhere but within what is shown as one character. What
    crosses a cut is formatted on both sides. White space at the cuts is left out, but for the indentation of a line; a
    part that Telegram would take for empty is too.
    """
    shown = text.rstrip(_WHITE)
    units = _units(shown)
    spans = sorted(_spans(units, entities), key=lambda span: (span.start, -span.end))
    parts = []
    start = _after_white(shown, 0)
    while start < len(shown):
        end = _end(shown, spans, start, most)
        part = _part(shown, units, spans, start, end)
        if not is_empty(part.text):
            parts.append(part)
        start = _after_white(shown, end)
    return parts


def _units(text: str) -> Sequence[int]:
    """Return at which UTF-16 code unit each code point begins, and where the text ends."""
    if text.isascii():
        return range(len(text) + 1)
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))


def _spans(units: Sequence[int], entities: Sequence[Entity]) -> Iterator[_Span]:
    for entity in entities:
        start = bisect_right(units, entity.offset) - 1
        end = min(bisect_left(units, entity.offset + entity.length), len(units) - 1)
        if start < end:
            yield _Span(start, end, entity)


def _after_white(text: str, at: int) -> int:
    """Return where, after white space, a part begins: at the indentation of its first line, if that is one."""
    found = _SPACE.match(text, at)
    end = found.end() if found else at
    line = text.rfind("\n", at, end) + 1
    return line if line and end - line <= _DEEPEST_MARGIN else end


def _end(text: str, spans: Sequence[_Span], start: int, most: int) -> int:
    last = min(start + most, len(text))
    here = [span for span in spans if span.start < last and span.end > start]
    if len(here) > MAX_ENTITIES:
        last = max(here[MAX_ENTITIES].start, start + 1)
    if last == len(text):
        return last
    first = max(start + (last - start) // 2, start + 1)
    crossed = _crossed(here, first, last)
    for is_avoided in (crossed, bytes(len(crossed))):
        for border in _BORDERS:
            found = border.finditer(text, first, last + _AHEAD)
            ends = [at for at in (each.start() for each in found) if at <= last and not is_avoided[at - first]]
            for end in sorted(ends, key=lambda end: (_is_heading(text, start, end), -end)):
                if _may_end(text, end):
                    return end
    return next((end for end in range(last, first - 1, -1) if _may_end(text, end)), last)


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether what ends here looks like a heading, which is better off with what comes behind it."""
    line = max(text.rfind("\n", start, end) + 1, start)
    alone = line == start or text.startswith("\n", max(line - 2, start))
    return alone and end - line <= _LONGEST_HEADING and text[end - 1] not in ".!?…。！？"


def _crossed(spans: Sequence[_Span], first: int, last: int) -> bytearray:
    """Return, for each place from `first` to `last`, whether a cut there goes through a span that need not be cut."""
    crossed = bytearray(last - first + 1)
    for span in spans:
        if span.start >= first or span.end <= last:
            inside = range(max(span.start + 1, first), min(span.end, last + 1))
            crossed[inside.start - first : max(inside.start, inside.stop) - first] = b"\1" * len(inside)
    return crossed


def _may_end(text: str, end: int) -> bool:
    return may_break(text, end) and may_break(text, _after_white(text, end))


def _part(text: str, units: Sequence[int], spans: Sequence[_Span], start: int, end: int) -> Part:
    end = start + len(text[start:end].rstrip(_WHITE))
    entities = []
    for span in spans:
        begins, ends = max(span.start, start), min(span.end, end)
        covered = text[begins:ends]
        if begins < ends and covered.strip(_WHITE) and (not is_mention(span.entity.url) or can_be_seen(covered)):
            offset, length = units[begins] - units[start], units[ends] - units[begins]
            entities.append(replace(span.entity, offset=offset, length=length))
    return Part(text=text[start:end], entities=tuple(entities[:MAX_ENTITIES]))
