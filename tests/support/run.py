"""`make test`: the whole suite, and how much of the rooms that decide about rights it reaches."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.generate import ROOT

FULLY_COVERED = "gateway/access/*,gateway/desk/*"


def main() -> int:
    """Run the suite under branch coverage; fail unless access and desk are covered whole."""
    for left in ROOT.glob(".coverage*"):
        left.unlink()
    coverage = [sys.executable, "-m", "coverage"]
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    suite = subprocess.run([*coverage, "run", "-m", "pytest", *sys.argv[1:]], cwd=ROOT, env=environ, check=False)
    if suite.returncode or sys.argv[1:]:
        return suite.returncode
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=True)
    print("\nBranch coverage of the rooms that decide about rights:")
    report = [*coverage, "report", f"--include={FULLY_COVERED}", "--fail-under=100", "--show-missing"]
    return subprocess.run(report, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
