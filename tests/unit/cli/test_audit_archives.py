"""`chatkey audit` over archive files: moved, verified, searched and printed as one log."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.cli.main import main
from tests.support.audit_log import Log, a_log


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    return asyncio.run(a_log(tmp_path / "data"))


class Command:
    """Runs `chatkey audit`; what it printed is what it returns, on standard error where it fails."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["audit", *arguments])
        printed = self._capsys.readouterr()
        assert ended.value.code == status, printed
        return printed.out or printed.err

    def seqs(self, *arguments: str) -> list[int]:
        return [json.loads(line)["seq"] for line in self(*arguments).splitlines()]


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_a_log_is_moved_and_is_still_one(audit: Command, log: Log, tmp_path: Path) -> None:
    assert audit("rotate", "--older-than", "36500d") == ""
    before = json.loads(audit("verify", "--json"))
    (path,) = audit("rotate").splitlines()
    assert Path(path) == log.files[0]
    after = json.loads(audit("verify", "--json"))
    found = {"records": 12, "archived": 0, "sealed": 12, "checkpoints": 4, "problems": []}
    assert before == {**found, "head": after["head"]}
    assert after == {**before, "archived": 12}
    assert "12 records, 12 of them archived, 12 sealed, 4 checkpoints: as written." in audit("verify")
    log.folder.rename(tmp_path / "elsewhere")
    assert "no archive file has what is before what the database has" in audit("verify", status=1)
    assert "as written" in audit("verify", "--archives", str(tmp_path / "elsewhere"))
    assert "as written" in audit("verify", "--expect", after["head"])


def test_a_terminal_is_not_driven_by_what_somebody_wrote_into_a_file(audit: Command, log: Log) -> None:
    audit("rotate")
    text = log.files[0].read_text().replace("svc:5", "svc\\u001b]0;x\\u0007\\u202e")
    log.files[0].write_text(text)
    printed = audit("search", "--archives")
    assert "svc\\x1b]0;x\\x07\\u202e" in printed
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize("kept", ["12", "x:" + "00" * 32, "1:zz", ":", "1_0:" + "00" * 32])
def test_a_link_that_is_none_is_told_in_one_line(audit: Command, kept: str) -> None:
    audit("rotate")
    assert audit("verify", "--expect", kept, status=2).count("\n") == 1


def test_what_was_moved_is_found_and_printed(audit: Command) -> None:
    audit("rotate", "--all")
    assert audit("search", "--client", "svc:5") == ""
    assert audit.seqs("search", "--client", "svc:5", "--archives", "--json") == [5]
    assert audit.seqs("search", "--archives", "--limit", "3", "--json") == [12, 11, 10]
    assert audit.seqs("search", "--archives", "--reason", "no_token", "--json") == []
    assert audit.seqs("export") == list(range(1, 13))
    assert audit.seqs("export", "--after", "9") == [10, 11, 12]
    assert len(audit("export", "--format", "ocsf").splitlines()) == 12


def test_a_file_that_was_changed_is_told_in_one_line(audit: Command, log: Log) -> None:
    audit("rotate", "--all")
    log.files[0].write_text("{}\n")
    for command in (["export"], ["search", "--archives"]):
        assert f"{log.files[0]} is damaged in line 1: `chatkey audit verify` says more." in audit(*command, status=1)
    log.files[0].unlink()
    log.folder.joinpath("checkpoint-000000000004.jsonl").mkdir()
    assert "can't be read: Is a directory" in audit("export", status=1)


def test_a_wrong_call_gets_one_line(audit: Command, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not a number and a unit" in audit("rotate", "--older-than", "soon", status=2)
    monkeypatch.setenv("CHATKEY_AUDIT_RETENTION", "forever")
    assert "say --older-than or --all" in audit("rotate", status=2)
    monkeypatch.setenv("CHATKEY_AUDIT_RETENTION", "always")
    assert "must be forever, or a number and a unit" in audit("rotate", status=1)
    monkeypatch.delenv("CHATKEY_AUDIT_RETENTION")
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(log.data / "none"))
    assert "There is no database at" in audit("rotate", status=1)
    assert not (log.data / "none").exists()
