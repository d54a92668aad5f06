"""A command that finds the disk full ends with one line: what was not done, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import apsw
import click
import pytest

from gateway.access.administration import Administration
from gateway.cli import main as cli
from gateway.clock import SystemClock
from gateway.store.sqlite import open_sqlite
from tests.support.faulty_files import FaultyFiles

_names = count()


@pytest.fixture
def files() -> Iterator[FaultyFiles]:
    files = FaultyFiles(f"full-{next(_names)}")
    yield files
    files.unregister()


@click.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.pass_obj
def command(files: FaultyFiles, name: str, path: Path) -> None:
    """Disable a client on a disk that is full by then."""

    async def work() -> None:
        async with open_sqlite(path, vfs=files.name) as store:
            files.fault, files.failing = apsw.FullError, {"xWrite"}
            try:
                await Administration(store.registry, SystemClock(), "os:test").disable_client(name)
            finally:
                files.failing = ()

    asyncio.run(work())


def test_it_is_told_in_one_line(
    files: FaultyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "demo", (__name__, ""))
    monkeypatch.setitem(cli.chatkey.context_settings, "obj", files)
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", "svc:a", str(tmp_path / "data" / "chatkey.db")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "chatkey: It could not be put on durable storage, so nothing was changed: xWrite failed on demand.\n"
    )
