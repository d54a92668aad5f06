"""The optimum that pacing is measured against follows from Telegram's limits."""

from __future__ import annotations

import pytest

from tests.benchmarks.pacing import optimum


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [
        ({7: 1}, 0.0),
        ({7: 5}, 4.0),
        (dict.fromkeys(range(1, 31), 1), 0.0),
        (dict.fromkeys(range(1, 32), 1), 1.0),
        (dict.fromkeys(range(1, 57), 6), 11.0),
        ({-7: 20}, 19.0),
        ({-7: 21}, 60.0),
        ({-7: 41, 8: 3}, 120.0),
    ],
)
def test_no_schedule_within_the_limits_is_faster(counts: dict[int, int], seconds: float) -> None:
    assert optimum(counts) == seconds
