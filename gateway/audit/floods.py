"""Equal refusals in a short time, written as one record with their exact number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.audit.lines import timestamp
from gateway.model import Record

WINDOW = timedelta(seconds=10)
FULL_OF_A_KIND = 100
"""Refusals of one kind that are written in full in a window; the others are counted."""
FULL = 1_000
"""Refusals that are written in full in a window; after these only the first of each kind."""
KINDS = 500
"""Kinds told apart in a window; all others are one more kind, without an address, a method and a client."""


class _Kind(NamedTuple):
    event: str
    reason: str
    address: str
    method: str
    client: str  # of a token whose signature holds: one client's flood hides no refusal of another


@dataclass(slots=True)
class _Tally:
    full: int = 0
    counted: int = 0
    times: list[datetime] = field(default_factory=list)  # of the first and the last one counted


class Floods:
    """Says which refusals are written in full, and counts the others: none is lost.

    An address may differ from one call to the next, so what is written and what is remembered has a bound for all
    kinds together.
    """

    def __init__(self) -> None:
        """Begin with no window."""
        self._ends_at = float("-inf")
        self._tallies: dict[_Kind, _Tally] = {}
        self._full = 0

    @property
    def counted(self) -> int:
        """The refusals that were counted and not yet taken."""
        return sum(tally.counted for tally in self._tallies.values())

    def is_over(self, now: float) -> bool:
        """Whether the window is over, in seconds of a clock that never goes back."""
        return now >= self._ends_at

    def admit(self, record: Record, *, has_room: bool) -> bool:
        """Return whether to write a refusal in full; if not, it is counted. Without room for it, it is counted."""
        client = record.client if record.verified else ""
        kind = _Kind(record.event, record.reason, record.address, record.method, client)
        if kind not in self._tallies and len(self._tallies) >= KINDS:
            kind = _Kind(record.event, "other", "", "", "")
        tally = self._tallies.setdefault(kind, _Tally())
        if has_room and (not tally.full or (tally.full < FULL_OF_A_KIND and self._full < FULL)):
            tally.full += 1
            self._full += 1
            return True
        tally.counted += record.count
        tally.times[1:] = [record.at]
        return False

    def take(self, now: float) -> list[Record]:
        """Return one record for each kind that was counted, and begin the next window."""
        taken = [_summary(kind, tally) for kind, tally in self._tallies.items() if tally.counted]
        self._ends_at = now + WINDOW.total_seconds()
        self._tallies = {}
        self._full = 0
        return taken


def _summary(kind: _Kind, tally: _Tally) -> Record:
    """Leave out with which token and for what: that may have differed."""
    first_at, last_at = tally.times[0], tally.times[-1]
    return Record(
        at=last_at,
        event=kind.event,
        decision="deny",
        reason=kind.reason,
        client=kind.client,
        verified=bool(kind.client),
        address=kind.address,
        method=kind.method,
        count=tally.counted,
        facts={"aggregated": True, "first_at": timestamp(first_at), "last_at": timestamp(last_at)},
    )
