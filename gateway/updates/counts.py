"""What of the room is counted for operators."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gateway.updates.reading import REASONS


@dataclass(slots=True)
class Counts:
    """Totals since the start.

    Attributes:
        received: Updates that Telegram gave, repeats included.
        kept: Those that were new and are kept.
        repeated: Those that were kept before.
        dropped: Those that nobody is told of, by why.
        lag_seconds: How long ago the last message that was kept had been written, by Telegram's clock.
    """

    received: int = 0
    kept: int = 0
    repeated: int = 0
    dropped: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(REASONS, 0)))
    lag_seconds: float = 0.0

    @property
    def totals(self) -> dict[str, int]:
        """What became of updates."""
        return {"received": self.received, "kept": self.kept, "repeated": self.repeated}
