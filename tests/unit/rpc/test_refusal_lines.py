"""Of a flood a few refusals have a log line, and the others are told in one, with their exact number."""

from __future__ import annotations

import asyncio
from typing import Any

from structlog.testing import capture_logs

from gateway.rpc.refusal_lines import LINES, WINDOW, RefusalLines
from tests.support.virtual_time import VirtualClock, virtual

LONG = WINDOW.total_seconds()


def told(lines: list[Any]) -> list[tuple[str, int]]:
    return [(line["reason"], line["count"]) for line in lines if line["event"] == "grpc.refusals"]


def admitted(lines: RefusalLines, reason: str, refusals: int) -> int:
    return sum([lines.admit(reason) for _ in range(refusals)])


@virtual
async def test_the_first_of_a_window_have_a_line_and_the_others_are_told_at_its_end() -> None:
    lines = RefusalLines(VirtualClock())
    with capture_logs() as log:
        assert admitted(lines, "UNAUTHENTICATED", LINES + 7) == LINES
        assert admitted(lines, "PERMISSION_DENIED", LINES + 1) == LINES
        assert admitted(lines, "QUOTA_EXCEEDED", LINES) == LINES
        await asyncio.sleep(LONG - 0.1)
        assert told(log) == []
        await asyncio.sleep(0.2)
        assert told(log) == [("UNAUTHENTICATED", 7), ("PERMISSION_DENIED", 1)]
        await asyncio.sleep(3 * LONG)
    assert len(told(log)) == 2


@virtual
async def test_a_new_window_has_lines_again_and_no_refusal_is_lost_or_told_twice() -> None:
    lines = RefusalLines(VirtualClock())
    refusals = own = 0
    with capture_logs() as log:
        for step in range(400):
            size = step * 37 % 113
            own += admitted(lines, "UNAUTHENTICATED", size)
            refusals += size
            await asyncio.sleep(LONG / 7)
        await asyncio.sleep(2 * LONG)
    assert own + sum(count for _, count in told(log)) == refusals
    assert LINES * 10 < own < refusals / 2


@virtual
async def test_what_is_rare_is_told_by_itself_and_nothing_is_told_of_it_later() -> None:
    lines = RefusalLines(VirtualClock())
    with capture_logs() as log:
        for _ in range(1000):
            assert lines.admit("UNAUTHENTICATED")
            await asyncio.sleep(LONG / LINES * 1.01)
    assert log == []
