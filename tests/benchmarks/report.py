"""What was measured, as a table for people and as JSON for the README."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import psutil  # type: ignore[import-untyped]

from tests.benchmarks.figures import Spread, Target, ratio, spread, verdict
from tests.benchmarks.load import Reading, cpu_per_call, strangers

PACKAGES = ("chatkey-gateway", "grpcio", "protobuf", "python-telegram-bot", "httpx", "aiohttp", "apsw", "cryptography")
_HEAD = ("", "measured", "chatkey", "rival", "figure [lowest - highest]", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        id: That of the target, such as `P1`.
        measured: What was done.
        against: The rival; empty where the target is a limit in itself.
        unit: Of `ours` and `theirs`.
        figure: What the target is about: a ratio where there is a rival, and otherwise `ours`.
        target: None where the figure explains another one.
        note: How it was measured and what else was seen.
    """

    id: str
    measured: str
    against: str = ""
    unit: str
    ours: Spread
    theirs: Spread | None = None
    figure: Spread
    target: Target | None
    note: str = ""


def rates(
    id: str,  # noqa: A002 - the field's name
    measured: str,
    against: str,
    readings: tuple[Sequence[Reading], Sequence[Reading]],
    at_least: float | None,
    note: str,
) -> Row:
    """Return the row of calls per second, ours and theirs; `note` is followed by the CPU time of a call."""
    ours, theirs = ([reading.rate for reading in side] for side in readings)
    cpu = f"CPU ms each: {cpu_per_call(readings[0])}; {against}: {cpu_per_call(readings[1])}"
    noise = strangers([*readings[0], *readings[1]])
    return Row(
        id=id,
        measured=measured,
        against=against,
        unit="/s",
        ours=spread(ours),
        theirs=spread(theirs),
        figure=ratio(ours, theirs),
        target=None if at_least is None else Target(at_least, at_least=True),
        note=f"{note} {cpu}; {noise}.",
    )


def table(rows: Sequence[Row]) -> str:
    """Return the table, and the notes below it."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    notes = dict.fromkeys(f"{row.id}: {row.note}" for row in rows if row.note)
    return "\n".join([*drawn, "", *notes])


def results(rows: Sequence[Row]) -> dict[str, Any]:
    """Return everything for JSON: when, where, with what versions, and each row with its verdict."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version()}
        | {name: version(name) for name in PACKAGES},
        "rows": [{**asdict(row), "verdict": verdict(row.figure, row.target)} for row in rows],
    }


def place() -> str:
    """Say in one line when and where this was measured."""
    found = machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("grpcio", "python-telegram-bot", "apsw"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {found['processor']}, {found['cores']} cores, {found['memory_gib']} GiB, fsync "
        f"{found['fsync_ms']} ms; Python {platform.python_version()}, {packages}"
    )


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps(results(rows), indent=2) + "\n")


def machine() -> dict[str, str | int | float]:
    """Return what a reader has to know of this machine; an fsync is what durability costs on it at least."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "fsync_ms": round(_fsync_seconds() * 1000, 3),
    }


def _cells(row: Row) -> tuple[str, ...]:
    factor = "x" if row.theirs else f" {row.unit}"
    figure = f"{_number(row.figure.median)}{factor} [{_number(row.figure.low)} - {_number(row.figure.high)}]"
    sides = [f"{_number(side.median)} {row.unit}" if side else "-" for side in (row.ours, row.theirs)]
    against = f" / {row.against}" if row.against else ""
    target = f"{'>=' if row.target.at_least else '<='} {_number(row.target.limit)}{factor}" if row.target else "-"
    return (row.id, row.measured + against, *sides, figure, target, verdict(row.figure, row.target))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 0.1 else f"{value:.2f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _fsync_seconds() -> float:
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took)
