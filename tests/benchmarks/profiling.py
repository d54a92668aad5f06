"""Where the gateway's time went under a measurement's load: what explains a missed target."""

from __future__ import annotations

import pstats
from pathlib import Path

import psutil  # type: ignore[import-untyped]

LINES = 45
_WAITING = ("poll", "epoll", "acquire", "select")


def arguments(folder: Path) -> list[str]:
    """Return the arguments of Python that let a program leave a profile of its main thread in `folder`."""
    return ["-m", "cProfile", "-o", str(folder / "gateway.prof")]


def threads(process: psutil.Process) -> str:
    """Say how much CPU the main thread, which alone is profiled, and the busiest others have used."""
    spent = {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
    main = spent.pop(process.pid)
    others = ", ".join(f"{seconds:.2f}" for seconds in sorted(spent.values(), reverse=True)[:4])
    return f"CPU seconds of the main thread: {main:.2f}; of the busiest other threads: {others}"


def show(folder: Path) -> None:
    """Print every profile below `folder`: by own time, then the gateway's own functions with what they call."""
    for path in sorted(folder.rglob("gateway.prof")):
        print(f"\n=== {path.parent.relative_to(folder)}: {(path.parent / 'threads').read_text()}")
        profile = pstats.Stats(str(path))
        _leave_out_waiting(profile)
        profile.sort_stats("tottime").print_stats(LINES)
        profile.sort_stats("cumulative").print_stats(r"/gateway/|/clients/", LINES)


def _leave_out_waiting(profile: pstats.Stats) -> None:
    entries = profile.stats  # type: ignore[attr-defined]  # undocumented in the stubs, as the table is printed from it
    for function in [name for name in entries if any(f"'{word}'" in name[2] for word in _WAITING)]:
        del entries[function]
