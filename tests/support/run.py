"""`make test`: the whole suite, and how much of the rooms that decide about rights it reaches."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.generate import ROOT

FULLY_COVERED = "gateway/access/*,gateway/desk/*"
SAME_CASES = "--hypothesis-profile=same"
PROCESSES = min(os.cpu_count() or 1, 4)


def main() -> int:
    """Run the suite under branch coverage; fail unless access and desk are covered whole."""
    for left in ROOT.glob(".coverage*"):
        left.unlink()
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    pytest = [sys.executable, "-m", "pytest", SAME_CASES, f"--numprocesses={PROCESSES}", "--dist=worksteal"]
    suite = subprocess.run([*pytest, "--cov", "--cov-report="], cwd=ROOT, env=environ, check=False)
    if suite.returncode:
        return suite.returncode
    coverage = [sys.executable, "-m", "coverage"]
    print("\nBranch coverage of the rooms that decide about rights:")
    report = [*coverage, "report", f"--include={FULLY_COVERED}", "--fail-under=100", "--show-missing"]
    return subprocess.run(report, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
