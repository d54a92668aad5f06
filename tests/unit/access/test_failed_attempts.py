"""Tokens that fail, by the address that they come from: threat row 27."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from gateway.access.failed_attempts import FailedAttempts
from gateway.clock import SystemClock
from gateway.errors import TooManyFailures


class TurnedClock(SystemClock):
    seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


def attempt(failures: FailedAttempts, address: str) -> timedelta | None:
    """Make an attempt that fails; return how long to wait if it was not even looked at."""
    try:
        failures.require_few(address)
    except TooManyFailures as refused:
        return refused.retry_after
    failures.failed(address)
    return None


def made(failures: FailedAttempts, address: str, attempts: int) -> int:
    """Return how many of so many attempts were looked at."""
    return sum(attempt(failures, address) is None for _ in range(attempts))


def test_row_27_an_address_may_fail_so_often_and_then_as_often_as_time_fills_in() -> None:
    clock = TurnedClock()
    failures = FailedAttempts(clock, 60)
    assert made(failures, "192.0.2.1", 100) == 60
    assert attempt(failures, "192.0.2.1") == timedelta(seconds=1)
    clock.seconds += 0.75
    assert attempt(failures, "192.0.2.1") == timedelta(seconds=0.25)
    clock.seconds += 0.25
    assert made(failures, "192.0.2.1", 100) == 1
    clock.seconds += 30
    assert made(failures, "192.0.2.1", 100) == 30
    assert (failures.failed_total, failures.refused_total) == (91, 211)
    clock.seconds += 86_400
    assert made(failures, "192.0.2.1", 100) == 60


def test_row_27_no_minute_sees_more_than_two_buckets() -> None:
    clock, chance = TurnedClock(), Random(7)
    failures = FailedAttempts(clock, 10)
    looked_at: list[float] = []
    for _ in range(5000):
        clock.seconds += chance.expovariate(2)
        if attempt(failures, "192.0.2.1") is None:
            looked_at.append(clock.seconds)
    assert len(looked_at) > 100
    for first, last in zip(looked_at, looked_at[20:], strict=False):
        assert last - first > 60


def test_an_attempt_that_does_not_fail_costs_nothing() -> None:
    failures = FailedAttempts(TurnedClock(), 2)
    for _ in range(100):
        failures.require_few("192.0.2.1")
    assert made(failures, "192.0.2.1", 5) == 2


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:db8::1", "::1", False),
        ("unix", "unix", True),
        ("unix", "", False),
        ("", "", True),
    ],
)
def test_who_shares_a_bucket(one: str, other: str, are_one: bool) -> None:
    failures = FailedAttempts(TurnedClock(), 3)
    assert made(failures, one, 5) == 3
    assert made(failures, other, 5) == (0 if are_one else 3)


def test_of_ever_new_addresses_only_the_last_are_kept_in_mind() -> None:
    failures = FailedAttempts(TurnedClock(), 1, addresses=100)
    for number in range(1000):
        attempt(failures, f"10.0.{number // 256}.{number % 256}")
    assert len(failures._buckets) == 100
    assert attempt(failures, f"10.0.{999 // 256}.{999 % 256}") is not None


def test_without_a_limit_only_the_total_is_kept() -> None:
    failures = FailedAttempts(TurnedClock(), 0)
    assert made(failures, "192.0.2.1", 1000) == 1000
    assert (failures.failed_total, len(failures._buckets)) == (1000, 0)
