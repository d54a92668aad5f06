"""How often calls were let in, counted in memory and written as one record for each kind and window.

What a call changes has a record of its own, written with the change. That it was let in, which is all that there is to
say of one that only looks, would cost a write for every read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.audit.lines import timestamp
from gateway.model import Caller, Record

KINDS = 500
"""Kinds told apart in a window; all others are one more, of which only the number is known."""


class _Kind(NamedTuple):
    client: str
    token_id: str
    key_id: str
    issuer: str
    address: str
    method: str
    chat_id: int | None


_OTHER = _Kind("", "", "", "", "", "", None)


@dataclass(slots=True)
class _Tally:
    count: int
    first_at: datetime
    last_at: datetime


class Tallies:
    """Counts the calls that are let in: none is left out."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tallies: dict[_Kind, _Tally] = {}

    @property
    def counted(self) -> int:
        """The calls that were counted and not yet taken."""
        return sum(tally.count for tally in self._tallies.values())

    def count(self, caller: Caller, at: datetime) -> None:
        """Count a call."""
        kind = _Kind(
            caller.client,
            caller.token_id,
            caller.key_id,
            caller.issuer,
            caller.origin.address,
            caller.origin.method,
            caller.sole_chat_id,
        )
        if kind not in self._tallies and len(self._tallies) >= KINDS:
            kind = _OTHER
        tally = self._tallies.get(kind)
        if tally is None:
            self._tallies[kind] = _Tally(1, at, at)
        else:
            tally.count += 1
            tally.last_at = at

    def take(self) -> list[Record]:
        """Return one record for each kind that was counted, and begin anew."""
        taken = [_summary(kind, tally) for kind, tally in self._tallies.items()]
        self._tallies = {}
        return taken


def _summary(kind: _Kind, tally: _Tally) -> Record:
    return Record(
        at=tally.last_at,
        event="call.allowed",
        decision="allow",
        reason="other" if kind is _OTHER else "",
        verified=kind is not _OTHER,
        count=tally.count,
        facts={"aggregated": True, "first_at": timestamp(tally.first_at), "last_at": timestamp(tally.last_at)},
        **kind._asdict(),
    )
