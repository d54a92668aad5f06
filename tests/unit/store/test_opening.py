"""What a server says of its data directory before it starts: one clear line, or nothing at all."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gateway.errors import ConfigInvalid
from gateway.store import directory, opening
from gateway.store.sqlite import SqliteStore, open_sqlite, read_sqlite
from tests.support.messages import a_message, a_record


async def refusal(path: Path) -> str:
    with pytest.raises(ConfigInvalid) as refused:
        async with open_sqlite(path):
            pytest.fail("it opened")
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chatkey.db"


async def written(path: Path, messages: int = 1) -> None:
    async with open_sqlite(path) as store:
        for _ in range(messages):
            message = a_message(content=os.urandom(3000))
            await store.add(message, a_record(message))


async def test_what_is_made_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        async with open_sqlite(path) as store:
            message = a_message()
            await store.add(message, a_record(message))
            modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in (path.parent, *path.parent.iterdir())}
    finally:
        os.umask(before)
    assert modes.pop("data") == 0o700
    assert set(modes.values()) == {0o600}
    assert "chatkey.db-wal" in modes


@pytest.mark.parametrize("what", ["TABLE audit_links", "INDEX messages_request"])
async def test_a_database_without_one_of_its_parts_is_refused_by_its_name(path: Path, what: str) -> None:
    await written(path)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"DROP {what}")
    assert f"is damaged ({what.split()[1]} missing): restore it" in await refusal(path)
    with pytest.raises(ConfigInvalid, match="is damaged"):
        async with read_sqlite(path):
            pytest.fail("it opened")


async def test_a_second_server_is_refused_and_the_first_goes_on(path: Path) -> None:
    async with open_sqlite(path) as store:
        assert "in use by another server" in await refusal(path)
        message = a_message()
        await store.add(message, a_record(message))
    await written(path)


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "CHATKEY_DATA_DIR" in await refusal(tmp_path / "file" / "chatkey.db")
    assert "CHATKEY_DATA_DIR" in await refusal(tmp_path / "file" / "deeper" / "chatkey.db")


async def test_a_directory_that_cannot_be_written_is_refused() -> None:
    assert "CHATKEY_DATA_DIR" in await refusal(Path("/proc/self/chatkey.db"))


async def test_somebody_elses_directory_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    owner = os.geteuid()
    monkeypatch.setattr(directory.os, "geteuid", lambda: owner + 1)
    assert f"belongs to user {owner}" in await refusal(path)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o722, 0o1777])
async def test_a_directory_that_others_can_write_into_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    assert f"is open to others: run `chmod 700 {path.parent}`" in await refusal(path)
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o606])
async def test_a_database_that_others_can_read_or_write_is_refused(path: Path, mode: int) -> None:
    await written(path)
    path.chmod(mode)
    assert f"is open to others: run `chmod 600 {path}`" in await refusal(path)


async def test_a_directory_that_others_can_list_is_no_worse(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    await written(path)


async def test_what_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    path.chmod(0o600)
    assert "not a database" in await refusal(path)
    assert path.read_bytes() == b"something else entirely" * 100


async def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    path.chmod(0o600)
    assert "another program" in await refusal(path)


async def test_a_newer_database_is_refused(path: Path) -> None:
    await written(path)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 999)
    connection.close()
    assert "999" in await refusal(path)
    with pytest.raises(ConfigInvalid, match="999"):
        async with read_sqlite(path):
            pytest.fail("it opened")


async def test_a_damaged_database_is_refused(path: Path) -> None:
    await written(path, messages=50)
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = bytes(range(64))
    path.write_bytes(content)
    assert "restore it from a backup" in await refusal(path)


async def test_damage_to_one_page_is_found(path: Path) -> None:
    await written(path, messages=50)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    assert "restore it from a backup" in await refusal(path)


async def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.apsw, "sqlite_lib_version", lambda: "3.51.2")
    assert "3.51.2" in await refusal(path)
    monkeypatch.setattr(opening.apsw, "sqlite_lib_version", lambda: "3.51.10")
    await written(path)


async def test_a_reader_works_beside_a_server_and_without_one(path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="start the server once"):
        async with read_sqlite(path):
            pytest.fail("it opened")
    async with open_sqlite(path) as store, read_sqlite(path) as reader:
        for seen in range(1, 4):
            message = a_message()
            await store.add(message, a_record(message))
            assert len(await reader.records()) == seen
    async with read_sqlite(path) as reader:
        assert len(await reader.records()) == 3


async def test_a_reader_holds_up_neither_writes_nor_the_bound_of_the_log(path: Path) -> None:
    async with open_sqlite(path) as store:
        outside = opening.open_reading(str(path))
        outside.execute("BEGIN")
        assert outside.execute("SELECT count(*) FROM audit").get == 0
        await asyncio.gather(*(one_of(store) for _ in range(50)))
        assert len(await store.unfinished()) == 50
        outside.close()


async def one_of(store: SqliteStore) -> None:
    message = a_message()
    await store.add(message, a_record(message))


async def test_a_database_keeps_what_it_has_and_gives_no_number_twice(path: Path) -> None:
    await written(path, messages=3)
    async with open_sqlite(path) as store:
        await one_of(store)
        assert [pending.seq for pending in await store.unfinished()] == [1, 2, 3, 4]
        assert await store.last_change() == 4


async def test_a_clean_stop_leaves_no_log(path: Path) -> None:
    await written(path)
    assert {item.name for item in path.parent.iterdir()} == {"chatkey.db", "chatkey.db.lock"}
