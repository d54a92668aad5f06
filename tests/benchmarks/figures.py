"""What is made of readings: medians with their spread, ratios of pairs, and whether a target is met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of one reading per round, and how far the rounds lay apart."""

    median: float
    low: float
    high: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure has to reach: `at_least` it, or else at most."""

    limit: float
    at_least: bool


def spread(readings: Sequence[float]) -> Spread:
    """Return the median, the lowest and the highest of the readings.

    Raises:
        ValueError: there are none.
    """
    if not readings:
        raise ValueError("no readings")
    return Spread(median(readings), min(readings), max(readings), len(readings))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return ours over theirs, round by round, so that what slows a whole round down leaves the ratio alone.

    Raises:
        ValueError: the sides have not the same number of rounds, or none.
    """
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])


def percentile(readings: Sequence[float], percent: float) -> float:
    """Return the smallest reading that at least `percent` of all readings, above 0 and up to 100, do not exceed.

    Raises:
        ValueError: there are no readings, or `percent` is out of range.
    """
    if not readings or not 0 < percent <= 100:
        raise ValueError("no readings, or no such percentile")
    return sorted(readings)[math.ceil(len(readings) * percent / 100) - 1]


def verdict(figure: Spread, target: Target | None) -> str:
    """Say whether the median meets the target; `within noise` when some of the rounds say otherwise."""
    if target is None:
        return ""
    met = _meets(figure.median, target)
    agreed = _meets(figure.low, target) == _meets(figure.high, target)
    return ("met" if met else "missed") + ("" if agreed else ", within noise")


def _meets(value: float, target: Target) -> bool:
    return value >= target.limit if target.at_least else value <= target.limit
