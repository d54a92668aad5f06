"""What the room counts, for whoever exports it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Totals since the start, and what is waiting now.

    Attributes:
        accepted: Messages kept; replays of them are not counted.
        replays: Requests that found the message of an earlier one.
        waiting: Messages that are not final, those on their way included.
        sending: Attempts under way.
        attempts: Attempts by what came of them: `delivered`, or one of `outcomes.CAUSES`.
        finished: Messages by their final state.
        rate_limited: Refusals with 429 by what they paused: `chat` or `bot`.
    """

    accepted: int = 0
    replays: int = 0
    waiting: int = 0
    sending: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    rate_limited: Counter[str] = field(default_factory=Counter)
