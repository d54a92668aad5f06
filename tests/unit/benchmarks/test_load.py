"""The load is what it says: every caller calls, and the sides take turns."""

from __future__ import annotations

import asyncio

import pytest

from tests.benchmarks.load import Caller, Side, Unexpected, interleaved


def _noting(name: str, notes: list[str]) -> Caller:
    async def call() -> None:
        notes.append(name)
        await asyncio.sleep(0)

    return call


async def test_every_caller_calls_and_every_call_is_counted() -> None:
    notes: list[str] = []
    reading = await Side([_noting("one", notes), _noting("other", notes)], {}).run(0)
    assert sorted(notes) == ["one", "other"]
    assert reading.calls == len(reading.latencies) == 2
    assert reading.cpu.keys() == {"load"}


async def test_the_sides_take_turns_and_who_begins_alternates() -> None:
    notes: list[str] = []
    sides = [Side([_noting(name, notes)], {}) for name in "ab"]
    readings = await interleaved(sides, rounds=3, seconds=0)
    turns = [name for number, name in enumerate(notes) if number == 0 or notes[number - 1] != name]
    # The warm-up is a, b; then ab, ba, ab, of which neighbours of one name are one run.
    assert "".join(turns) == "ababab"
    assert [len(rounds) for rounds in readings] == [3, 3]


async def test_a_call_that_goes_wrong_ends_the_round() -> None:
    async def call() -> None:
        raise Unexpected("a message is FAILED")

    with pytest.raises(ExceptionGroup) as caught:
        await Side([call], {}).run(0)
    assert caught.group_contains(Unexpected, match="FAILED")
