"""`python -m tests.simulation SEED [COUNT] [BUG]`: replay a seed, or COUNT seeds from it on; with a planted BUG."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.simulation.bugs import PLANTED
from tests.simulation.world import simulate


def main(seed: str, count: str = "1", bug: str = "") -> int:
    """Print what the auditor finds, then how much was simulated."""
    ends, arrivals, failed = Counter[str](), 0, 0
    with pytest.MonkeyPatch.context() as patch:
        for plant in PLANTED:
            if plant.__name__ == bug:
                plant(patch)
        for each in range(int(seed), int(seed) + int(count)):
            violations, world = simulate(each)
            for violation in violations:
                print(f"python -m tests.simulation {each}: {violation}")
            failed += bool(violations)
            ends.update(message.state.value for message in world.model.messages.values())
            arrivals += len(world.telegram.arrivals)
    print(f"{count} seeds, {failed} failed; {arrivals} requests at Telegram; {dict(ends)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
