"""How long to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How many rounds each side gets, of how many seconds; `history` is the size of a long one, in messages.

    A `profiled` gateway is several times slower: its figures mean nothing, only its profile does.
    """

    rounds: int
    seconds: float
    history: int
    profiled: bool = False


FULL = Effort(rounds=5, seconds=2.0, history=1_000_000)
QUICK = Effort(rounds=3, seconds=0.7, history=50_000)
PROFILED = Effort(rounds=2, seconds=3.0, history=50_000, profiled=True)
