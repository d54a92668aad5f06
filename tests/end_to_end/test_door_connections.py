"""A flood of connections does not use up what the process needs for itself."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.rpc import server
from gateway.rpc.server import FEWEST_CONNECTIONS, OWN_FILES, most_connections
from tests.support import http2
from tests.support.open_administration import open_offices, outside_offices
from tests.support.open_door import outside
from tests.support.server import until


async def is_heard(port: int) -> bool:
    """Whether one more connection is answered."""
    async with http2.connection(port) as connection:
        return await anext(connection.frames(), None) is not None


@pytest.mark.parametrize("door", ["callers", "operators"])
async def test_row_36_connections_are_bounded_and_room_is_made_again(
    door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "OWN_FILES", 1 << 40)
    async with AsyncExitStack() as stack:
        if door == "callers":
            port = (await stack.enter_async_context(outside())).door.port
        else:
            offices = await stack.enter_async_context(open_offices(tmp_path))
            port = (await stack.enter_async_context(outside_offices(offices))).door.port
        async with AsyncExitStack() as flood:
            for _ in range(FEWEST_CONNECTIONS):
                await (await flood.enter_async_context(http2.connection(port))).first(http2.SETTINGS)
            assert not await is_heard(port)
        await until(lambda: is_heard(port), "there is room again")


@pytest.mark.parametrize(
    ("files", "connections"),
    [(1024, 640), (OWN_FILES, 64), (0, 64), (1 << 20, (1 << 20) - OWN_FILES), (-1, (1 << 31) - 1)],
)
def test_the_process_keeps_files_for_itself(files: int, connections: int) -> None:
    assert most_connections(files) == connections
