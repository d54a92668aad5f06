"""A command that opens the database of a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.store import beside as room
from gateway.store.beside import beside
from gateway.store.directory import DirectoryInUse, held
from gateway.store.opening import is_current, open_writing


async def test_a_command_waits_for_a_server_that_is_just_making_its_database(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    with held(path):
        command = asyncio.create_task(_opened(path))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not command.done()
        open_writing(str(path)).close()
        await command


async def test_a_command_that_waited_long_says_who_has_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 0.0)
    path = tmp_path / "data" / "chatkey.db"
    with held(path), pytest.raises(DirectoryInUse, match="is in use by another server"):
        await _opened(path)


async def test_without_a_server_a_command_makes_the_database(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    await _opened(path)
    assert is_current(str(path))


async def _opened(path: Path) -> None:
    async with beside(path):
        pass
