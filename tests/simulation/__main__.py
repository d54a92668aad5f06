"""`python -m tests.simulation SEED [COUNT]`: replay a seed, or run COUNT seeds from it, and print what is found."""

from __future__ import annotations

import sys
from collections import Counter

from tests.simulation.world import simulate


def main() -> int:
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    failed, ends, arrivals = 0, Counter[str](), 0
    for seed in range(first, first + count):
        violations, world = simulate(seed)
        ends.update(message.state.value for message in world.model.messages.values())
        arrivals += len(world.telegram.arrivals)
        for violation in violations:
            print(f"seed {seed}: {violation}")
        failed += bool(violations)
    print(f"{count} seeds, {failed} failed; {arrivals} arrivals; {dict(ends)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
