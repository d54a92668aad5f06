"""`chatkey chat`: what delivery learned of chats, looked at and changed beside a server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.cli.registry import operator
from gateway.model import Record
from gateway.store.chats import Closure, Move
from gateway.store.sqlite import open_sqlite, read_sqlite
from tests.support.messages import NOW

MOVE = Move(chat_id=-5, new_chat_id=-1_000_000_000_005, approved=False, noticed_at=NOW)
CLOSURE = Closure(chat_id=-7, closed_at=NOW, until=NOW + timedelta(minutes=1), description="Forbidden", code=403)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    path = tmp_path / "data" / "chatkey.db"

    async def fill() -> None:
        async with open_sqlite(path) as store:
            await store.chats.add_move(MOVE, Record(at=NOW, event="chat.migrated", decision="error"))
            await store.chats.close_chat(CLOSURE, Record(at=NOW, event="chat.closed", decision="error"))

    asyncio.run(fill())
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["chat", *arguments])
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out, printed.err


def records(database: Path) -> list[Record]:
    async def read() -> list[Record]:
        async with read_sqlite(database) as store:
            return [record for _, record in await store.records()]

    return asyncio.run(read())


def test_a_migration_is_listed_and_approved_once(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    status, out, _ = run(capsys, "migrate", "list")
    assert (status, out) == (0, "-5\t-1000000000005\t2026-01-02T03:04:05+00:00\twaits for approval\n")
    status, out, _ = run(capsys, "migrate", "approve", "-5")
    assert (status, out) == (0, "What is sent to -5 goes to -1000000000005 from now on.\n")
    record = records(database)[-1]
    assert (record.event, record.chat_id) == ("chat.migration_approved", -5)
    assert record.facts["by"] == operator()
    _, out, _ = run(capsys, "migrate", "list", "--json")
    assert json.loads(out)["approved"] is True
    status, out, err = run(capsys, "migrate", "approve", "-5")
    assert (status, out) == (1, "")
    assert err.startswith("chatkey: No migration of -5 waits")


def test_a_closed_chat_is_listed_and_resumed_once(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "closed")
    assert (status, out) == (0, "-7\t2026-01-02T03:05:05+00:00\t403 Forbidden\n")
    _, out, _ = run(capsys, "closed", "--json")
    assert json.loads(out) == {
        "id": -7,
        "until": "2026-01-02T03:05:05+00:00",
        "code": 403,
        "description": "Forbidden",
    }
    assert run(capsys, "resume", "-7")[:2] == (0, "-7 is written to again.\n")
    record = records(database)[-1]
    assert (record.event, record.reason, record.chat_id) == ("chat.opened", "operator", -7)
    assert run(capsys, "closed") == (0, "", "")
    assert run(capsys, "resume", "-7")[0] == 1


def test_a_chat_that_moved_is_resumed_by_either_name(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def close() -> None:
        async with open_sqlite(database) as store:
            closure = replace(CLOSURE, chat_id=MOVE.new_chat_id)
            await store.chats.close_chat(closure, Record(at=NOW, event="chat.closed", decision="error"))

    asyncio.run(close())
    assert run(capsys, "resume", "-5")[0] == 1, "nobody approved that it moved"
    assert run(capsys, "migrate", "approve", "-5")[0] == 0
    assert run(capsys, "resume", "-5")[0] == 0
    assert records(database)[-1].chat_id == MOVE.new_chat_id


@pytest.mark.usefixtures("database")
def test_what_is_no_chat_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "resume", "me")[0] == 2
    assert run(capsys, "migrate", "approve")[0] == 2


def test_without_a_database_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    status, _, err = run(capsys, "closed")
    assert status == 1
    assert "start the server once" in err
