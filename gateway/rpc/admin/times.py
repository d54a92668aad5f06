"""Instants and durations of the contract, and those of the house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.errors import RequestInvalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_SECONDS = 10**10
"""More than anything lasts that is asked for; a timedelta could not hold all that a Duration can."""


def timestamp_to(at: datetime | None) -> Timestamp | None:
    """Return an instant; None for none, which leaves the field unset."""
    if at is None:
        return None
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)


def instant_from(timestamp: Timestamp, name: str) -> datetime:
    """Return an instant; raises `RequestInvalid` for the field of this name."""
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise RequestInvalid([(name, "is not an instant between the years 1 and 9999")]) from None


def duration_from(duration: Duration) -> timedelta:
    """Return a duration, no longer and no further below zero than some 300 years."""
    seconds = max(-_MOST_SECONDS, min(_MOST_SECONDS, duration.seconds))
    return timedelta(seconds=seconds, microseconds=duration.nanos // 1000)
