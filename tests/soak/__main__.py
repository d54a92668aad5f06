"""`make soak`: everything that is random, for as long as it is given, and how often nothing went wrong.

    python -m tests.soak --minutes 30

Three parts of nine go to the real server under mixed faults, one each to simulated lives and to simulated readers of
updates in virtual time, to cases of the property tests, to power losses, to kills, and to failovers of the database.
What fails is named by its seed, so that it can be run again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.soak import mixed

ROOT = Path(__file__).parents[2]
SEEDS, UPDATES, CASES, LOSSES, KILLS, FAILOVERS = 2000, 500, 1000, 500, 25, 15

Round = Callable[[int], tuple[Sequence[str], dict[str, str]]]
"""From a seed to the command of one round and what it needs in its environment."""


def main() -> int:
    """Run every part; return 1 if anything went wrong."""
    arguments = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=30, help="how long, about; default 30")
    arguments.add_argument("--seed", type=int, default=None, help="default: another one each time")
    given = arguments.parse_args()
    seed = random.randrange(1 << 32) if given.seed is None else given.seed
    part = given.minutes * 60 / 9
    print(f"Soak of {given.minutes:g} minutes, seed {seed}.", flush=True)
    results = [
        _mixed(3 * part, seed),
        _rounds("simulated lives", part, seed, SEEDS, _simulation),
        _rounds("simulated worlds of updates", part, seed, UPDATES, _updates),
        _rounds("cases of each property", part, seed, CASES, _cases),
        _rounds("power losses", part, seed, LOSSES, _power_losses),
        _rounds("kills of the server", part, seed, KILLS, _kills),
        _rounds("failovers of the database", part, seed, FAILOVERS, _failovers),
    ]
    return 0 if all(results) else 1


def _mixed(seconds: float, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="chatkey-soak-") as folder:
        found = asyncio.run(mixed.run(Path(folder), seconds, seed))
    print(f"mixed faults: {found.told()}", flush=True)
    for violation in found.violations[:20]:
        print(f"  {violation}")
    return not found.violations


def _rounds(name: str, seconds: float, seed: int, size: int, a_round: Round) -> bool:
    """Run rounds of `size` until the time is over."""
    end, done = time.monotonic() + seconds, 0
    while not done or time.monotonic() < end:
        command, environ = a_round(seed + done)
        run = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            print(f"{name}: FAILED after {done:,}, at seed {seed + done}\n{run.stdout[-4000:]}{run.stderr[-2000:]}")
            return False
        done += size
    print(f"{name}: {done:,}, 0 failures: fewer than {300 / done:.2g} % of them, at 95 % confidence", flush=True)
    return True


def _simulation(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    return ["tests.simulation", str(seed), str(SEEDS)], {}


def _updates(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    return ["tests.simulation.inbound", str(seed), str(UPDATES)], {}


def _cases(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    profile = ["--hypothesis-profile=soak", f"--hypothesis-seed={seed}"]
    return ["pytest", "-q", "--no-header", "--timeout=0", "--show-capture=no", "-m", "hypothesis", *profile], {}


def _power_losses(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    test = "tests/unit/store/test_power_loss.py::test_what_was_answered_survives_a_power_loss"
    environ = {"CHATKEY_POWER_LOSSES": str(LOSSES), "CHATKEY_FIRST_SEED": str(seed)}
    return ["pytest", "-q", "--no-header", "--timeout=0", test], environ


def _kills(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    test = ["tests/faults/test_kill.py", f"--randomly-seed={seed}"]
    return ["pytest", "-q", "--no-header", *test], {"CHATKEY_KILL_ROUNDS": str(KILLS)}


def _failovers(seed: int) -> tuple[Sequence[str], dict[str, str]]:
    test = ["tests/faults/test_failover.py", f"--randomly-seed={seed}"]
    return ["pytest", "-q", "--no-header", *test], {"CHATKEY_FAILOVER_ROUNDS": str(FAILOVERS)}


if __name__ == "__main__":
    sys.exit(main())
