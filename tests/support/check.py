"""`make check`: everything that can be said about the tree without running the product."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.generate import ROOT, STUBS, generate

BIN = Path(sys.executable).parent


def run(*command: str) -> str:
    """Return what a command printed, or nothing when it succeeded."""
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"exit {done.returncode}"


def stubs_are_fresh() -> str:
    """Return which of the committed stubs differ from those that the protos make."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = [
            name
            for name in (path.relative_to(folder) for path in sorted(Path(folder).rglob("*.py*")))
            if not (STUBS / name).exists() or not filecmp.cmp(Path(folder) / name, STUBS / name, shallow=False)
        ]
        written = {path.relative_to(folder) for path in Path(folder).rglob("*.py*")}
    left = [path.relative_to(STUBS) for path in STUBS.rglob("*_pb2*.py*") if path.relative_to(STUBS) not in written]
    wrong = [f"{name} is stale: run `make generate`" for name in stale]
    return "\n".join([*wrong, *(f"{name} has no proto any more" for name in left)])


def nothing_breaks() -> str:
    """Return how the protos break clients of the last released version; nothing when there is none yet."""
    described = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if described.returncode:
        print("           (no released version yet: nothing to compare with)")
        return ""
    return run("buf", "breaking", "--against", f".git#tag={described.stdout.strip()}")


def locks_name_no_host() -> str:
    """Return the lines of lock files that hold an address."""
    return "\n".join(
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in tracked()
        if path.name.endswith((".lock", "package-lock.json", "go.sum"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        # Where npm says whom to pay is no address of a registry.
        if ("://" in line and not line.lstrip().startswith('"url": ')) or "index-url" in line
    )


def tracked() -> Iterator[Path]:
    """Yield every file that git tracks and that is there."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return (ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file())


CHECKS: dict[str, Callable[[], str]] = {
    "format": lambda: run("ruff", "format", "--check", "."),
    "lint": lambda: run("ruff", "check", "."),
    "types": lambda: run("mypy"),
    "imports": lambda: run("lint-imports"),
    "proto lint": lambda: run("buf", "lint"),
    "proto form": lambda: run("buf", "format", "--diff", "--exit-code"),
    "breaking": nothing_breaks,
    "generated": stubs_are_fresh,
    "locks": locks_name_no_host,
}


def main() -> int:
    """Run every check, and say all that is wrong rather than the first."""
    failed = 0
    for name, check in CHECKS.items():
        complaint = check()
        print(f"{name:<10} {'FAILED' if complaint else 'ok'}")
        if complaint:
            failed += 1
            print(complaint.rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
