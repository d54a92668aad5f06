"""Ids are of their kind, sort by time, and never share their chance."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

from gateway.ids import opaque_maker, pooled, uuid7_maker


class _Clock:
    at = datetime(2026, 11, 24, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond() -> None:
    clock = _Clock()
    made = uuid.UUID(uuid7_maker(clock, os.urandom)())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(clock.at.timestamp() * 1000)


def test_a_later_id_sorts_later() -> None:
    clock = _Clock()
    make = uuid7_maker(clock, os.urandom)
    first = make()
    clock.at += timedelta(milliseconds=1)
    assert make() > first


def test_what_the_pool_hands_out_is_all_of_its_chance_and_each_byte_once() -> None:
    given: list[bytes] = []

    def source(count: int) -> bytes:
        given.append(os.urandom(count))
        return given[-1]

    take = pooled(source, size=64)
    taken = [take(16) for _ in range(8)]
    assert len(given) == 2
    assert sorted(b"".join(taken)) == sorted(b"".join(given))
    assert len(set(taken)) == 8


def test_opaque_names_differ() -> None:
    make = opaque_maker(pooled(os.urandom))
    assert len({make() for _ in range(2000)}) == 2000
