"""`make mutation`: breaks `gateway/access` in every way that mutmut knows, and tells how often a test noticed.

Texts count as well, those for people included, which no test repeats word for word: most of what survives is one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.generate import ROOT

LEAST = 90.0
"""Per cent of the mutants that have to be noticed."""

_STATS = ROOT / "mutants" / "mutmut-cicd-stats.json"
_NOTICED = ("killed", "timeout", "suspicious", "segfault")


def main() -> int:
    """Run it anew; return 1 if too many went unnoticed."""
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([mutmut, "run", *sys.argv[1:]], cwd=ROOT, check=True)
    subprocess.run([mutmut, "export-cicd-stats"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    stats: Mapping[str, int] = json.loads(_STATS.read_text())
    noticed = sum(stats[name] for name in _NOTICED)
    share = 100 * noticed / stats["total"]
    print(f"\n{noticed:,} of {stats['total']:,} mutants of gateway/access were noticed: {share:.1f} %.")
    print(f"At least {LEAST:g} % have to be.")
    print("Those that were not: `.venv/bin/mutmut results`, and each with `.venv/bin/mutmut show NAME`.")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
