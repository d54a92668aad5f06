"""The auditor of updates: whether those who read a chat were told all that happened there (invariant I10).

It knows nothing of how the gateway works: its input is what happened, in Telegram's order, and what each reader heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that happened in a chat, as far as it is anybody's.

    Attributes:
        name: What it is told by, once for each.
        topic: The forum topic that it belongs to; None: none.
    """

    name: str
    chat_id: int
    kind: str
    topic: int | None = None


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody who reads one chat, or one topic of it.

    Attributes:
        kinds: Only these; empty: all.
        since: How much had happened when it began to read: it may have heard of that, or not.
        heard: What it was told, in order: the name, and the cursor behind it.
        gaps: How much it had heard, each time that it was told that something is gone.
    """

    name: str
    chat_id: int
    topic: int | None = None
    kinds: frozenset[str] = frozenset()
    since: int = 0
    heard: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)

    def may_hear(self, each: Happened) -> bool:
        """Whether it is told of this."""
        is_there = each.chat_id == self.chat_id and self.topic in (None, each.topic)
        return is_there and (not self.kinds or each.kind in self.kinds)


def audit_updates(happened: Sequence[Happened], readers: Sequence[Reader]) -> list[str]:
    """Return every violation found: each reader is told of each update at least once, in order, and of no other's."""
    by_name = {each.name: each for each in happened}
    places = {each.name: place for place, each in enumerate(happened)}
    found: list[str] = []
    for reader in readers:
        found += _nothing_foreign(reader, by_name)
        found += _in_order(reader, places)
        if not reader.gaps:
            found += _everything(reader, happened)
    return [*found, *_once(readers)]


def _nothing_foreign(reader: Reader, by_name: dict[str, Happened]) -> Iterator[str]:
    for name, _ in reader.heard:
        each = by_name.get(name)
        if each is None:
            yield f"I10 {reader.name} was told of {name!r}, which never happened"
        elif not reader.may_hear(each):
            yield f"I10 {reader.name} was told of {name!r}, which is not for it"


def _everything(reader: Reader, happened: Sequence[Happened]) -> Iterator[str]:
    heard = {name for name, _ in reader.heard}
    for each in happened[reader.since :]:
        if reader.may_hear(each) and each.name not in heard:
            yield f"I10 {reader.name} was never told of {each.name!r}"


def _in_order(reader: Reader, places: dict[str, int]) -> Iterator[str]:
    """What is told for the first time happened after all that was told before."""
    seen: set[str] = set()
    last = -1
    for name, _ in reader.heard:
        if name in seen or name not in places:
            continue
        seen.add(name)
        if places[name] < last:
            yield f"I10 {reader.name} was told of {name!r} after what happened later"
        last = max(last, places[name])


def _once(readers: Sequence[Reader]) -> Iterator[str]:
    """Whoever goes on behind a cursor is told nothing again: each update has one."""
    cursors: dict[str, set[str]] = {}
    for reader in readers:
        for name, cursor in reader.heard:
            cursors.setdefault(name, set()).add(cursor)
    for name, different in cursors.items():
        if len(different) > 1:
            yield f"I10 {name!r} is in the feed {len(different)} times"
