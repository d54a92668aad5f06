"""The figures that `make bench` prints are made right."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import Spread, Target, percentile, ratio, spread, verdict


def test_a_spread_is_the_median_between_the_lowest_and_the_highest() -> None:
    assert spread([5.0, 1.0, 9.0, 2.0, 3.0]) == Spread(3.0, 1.0, 9.0, 5)
    assert spread([4.0, 2.0]) == Spread(3.0, 2.0, 4.0, 2)


def test_no_readings_are_no_figure() -> None:
    with pytest.raises(ValueError, match="no readings"):
        spread([])


def test_a_ratio_is_of_pairs_and_not_of_medians() -> None:
    # The third round was slow for both: the medians alone would say 20 / 10 and 12 / 10.
    assert ratio([20.0, 18.0, 2.0], [10.0, 12.0, 1.0]) == Spread(2.0, 1.5, 2.0, 3)


def test_a_ratio_needs_as_many_rounds_on_both_sides() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0)])
def test_a_percentile_is_a_reading_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == expected


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_there_is_no_percentile_outside_of_a_hundred(percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile([1.0], percent)


@pytest.mark.parametrize(
    ("figure", "target", "expected"),
    [
        (Spread(4.0, 4.0, 5.0, 5), Target(4.0, at_least=True), "met"),
        (Spread(4.0, 3.9, 5.0, 5), Target(4.0, at_least=True), "met, within noise"),
        (Spread(3.9, 3.0, 4.1, 5), Target(4.0, at_least=True), "missed, within noise"),
        (Spread(3.0, 2.0, 3.9, 5), Target(4.0, at_least=True), "missed"),
        (Spread(1.0, 0.9, 1.0, 5), Target(1.0, at_least=False), "met"),
        (Spread(1.0, 0.9, 1.1, 5), Target(1.0, at_least=False), "met, within noise"),
        (Spread(1.2, 1.1, 1.3, 5), Target(1.0, at_least=False), "missed"),
    ],
)
def test_the_median_decides_and_the_rounds_may_doubt_it(figure: Spread, target: Target, expected: str) -> None:
    assert verdict(figure, target) == expected
