"""`make bench`, or `python -m tests.benchmarks [--quick] [P1 ...]`; with `profile` before `P1`: where the time goes."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import acceptance, delivery, footprint, history, pacing, profiling, refusals, replicas, report
from tests.benchmarks.effort import FULL, PROFILED, QUICK, Effort
from tests.benchmarks.report import Row

MEASURES: dict[str, Callable[[Effort, Path], Coroutine[Any, Any, list[Row]]]] = {
    "P1": delivery.throughput,
    "P2": delivery.latency,
    "P3": acceptance.accepted,
    "P4": refusals.refused,
    "P5": pacing.paced,
    "P6": history.aged,
    "P7": footprint.memory,
    "P8": footprint.starts,
    "P9": replicas.replicated,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure what was asked for, print the table, and write it when it is whole."""
    wanted = _arguments()
    ids = [word for word in wanted.what if word != "profile"] or list(MEASURES)
    # On the disk of the tree, not in memory: an fsync must cost what it costs.
    with tempfile.TemporaryDirectory(prefix=".run-", dir=Path(__file__).parent) as folder:
        if "profile" in wanted.what:
            _measure(ids, PROFILED, Path(folder))
            profiling.show(Path(folder))
            return
        rows = _measure(ids, QUICK if wanted.quick else FULL, Path(folder))
    print(f"{report.table(rows)}\n\n{report.place()}")
    if failed := set(ids) - {row.id for row in rows}:
        sys.exit(f"Not measured: {', '.join(sorted(failed))}")
    output = wanted.output or (RESULTS if not wanted.what and not wanted.quick else None)
    if output:
        report.write(output, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="*", metavar="P1", help=f"only these of {', '.join(MEASURES)}; profile: see above"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, and a shorter history")
    parser.add_argument("--output", type=Path, help="where to write the results; a whole, full run: results.json")
    wanted = parser.parse_args()
    if unknown := set(wanted.what) - {"profile", *MEASURES}:
        parser.error(f"there is no {', '.join(sorted(unknown))}: there are {', '.join(MEASURES)}")
    return wanted


def _measure(ids: Sequence[str], effort: Effort, folder: Path) -> list[Row]:
    rows: list[Row] = []
    for name in ids:
        own = folder / name
        own.mkdir()
        began = time.perf_counter()
        try:
            rows += asyncio.run(MEASURES[name](effort, own))
        except Exception:  # noqa: BLE001 - the other measures are worth having
            traceback.print_exc()
        gc.collect()
        print(f"{name} took {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main()
