"""`chatkey operator enroll` and `chatkey approval`: a secret is shown once, and nobody approves alone."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from gateway.access.approvals import Approvals
from gateway.cli.main import main
from gateway.cli.registry import operator
from gateway.clock import SystemClock
from gateway.errors import ApprovalRequired
from gateway.store.sqlite import open_sqlite_beside

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""`12345678901234567890` in base32, as in RFC 6238's test vectors."""


class Host:
    """A shell on the host, with somebody at it who types a code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._data = data
        self.is_terminal = True

    def __call__(self, *arguments: str, code: str = "", status: int = 0) -> str:
        """Run `chatkey`, and return what it printed."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(f"{code}\n"))
        self._monkeypatch.setattr("sys.stdout.isatty", lambda: self.is_terminal)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self._capsys.readouterr()
        assert ended.value.code == status, printed
        return printed.out + printed.err

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]

    def ask(self, name: str) -> str:
        """Ask for something critical, and return under which id it waits."""

        async def asked() -> str:
            async with open_sqlite_beside(self._data / "chatkey.db") as store:
                approvals = Approvals(store.second_factors, SystemClock(), secrets.token_hex)
                with pytest.raises(ApprovalRequired) as required:
                    await approvals.require(
                        name, "keys.revoke", b"key 1", None, parameters='{"key_id": "key \\u202e1"}'
                    )
                return required.value.facts["approvalId"]

        return asyncio.run(asked())


@pytest.fixture
def host(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("secrets.token_bytes", lambda length: b"12345678901234567890"[:length])
    return Host(capsys, monkeypatch, tmp_path / "data")


def code(ahead: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(SystemClock().now() + timedelta(seconds=30 * ahead))


def test_a_secret_is_shown_once_and_counts_once_it_is_confirmed(host: Host) -> None:
    refusal = host("operator", "enroll", "alice", code="000000", status=1)
    assert "is not what the app shows" in refusal
    assert host.rows("operator", "list") == []
    shown = host("operator", "enroll", "alice", code=code())
    assert f"secret={SECRET}" in shown
    assert "\x1b" not in shown
    assert "█" in shown
    assert "alice is enrolled. What you scanned is not shown again." in shown
    (row,) = host.rows("operator", "list")
    assert (row["operator"], row["enrolled_by"], row["locked_until"]) == ("alice", operator(), None)
    for later in (("operator", "list"), ("audit", "tail", "--json")):
        assert "alice" in host(*later)
        assert SECRET not in host(*later)


def test_a_secret_leaves_nothing_to_scroll_back_to(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for number, status in (("000000", 1), (code(), 0)):
        shown = host("operator", "enroll", "alice", code=number, status=status)
        before, aside = shown.split("\x1b[?1049h")
        aside, after = aside.split("\x1b[?1049l")
        assert SECRET in aside
        assert SECRET not in before + after
    assert "alice is enrolled" in after


def test_a_secret_is_not_written_into_a_file(host: Host) -> None:
    host.is_terminal = False
    refusal = host("operator", "enroll", "alice", code=code(), status=1)
    assert refusal == "chatkey: The secret is shown to a person alone: run this in a terminal.\n"


def test_an_authenticator_is_replaced_only_on_request_and_removed_on_record(host: Host) -> None:
    host("operator", "enroll", "alice", code=code())
    assert "give --replace" in host("operator", "enroll", "alice", code=code(), status=1)
    host("operator", "enroll", "alice", "--replace", code=code())
    assert host("operator", "unenroll", "alice") == "alice has no authenticator.\n"
    assert host("operator", "unenroll", "alice") == "alice has no authenticator, and had none.\n"
    records = host.rows("audit", "tail")
    assert [(record["event"], record["facts"].get("replaces")) for record in records] == [
        ("operator.enrolled", False),
        ("operator.enrolled", True),
        ("operator.unenrolled", None),
    ]
    assert {record["facts"]["by"] for record in records} == {operator()}


def test_row_50_a_second_person_with_a_code_of_their_own_approves_on_the_host(host: Host) -> None:
    for name in ("alice", "bob"):
        host("operator", "enroll", name, code=code())
    waiting = host.ask("alice")
    (row,) = host.rows("approval", "list")
    assert (row["approval_id"], row["operator"], row["function"]) == (waiting, "alice", "keys.revoke")
    assert row["parameters"] == {"key_id": "key \u202e1"}
    for verb in (["show", waiting], ["list"]):
        assert '{"key_id": "key \\u202e1"}' in "".join(host("approval", *verb).split("\n")).replace("{  ", "{")
    assert host.rows("approval", "show", waiting) == [row]
    assert "waits for five minutes" in host("approval", "approve", "another", "--as", "bob", status=1)
    asked = host("approval", "approve", waiting, "--as", "carol", code=code(), status=1)
    assert "fresh second factor" in asked
    assert '"key_id": "key \\u202e1"' in asked
    assert "fresh second factor" in host("approval", "approve", waiting, "--as", "bob", code="000000", status=1)
    assert "second person" in host("approval", "approve", waiting, "--as", "alice", code=code(1), status=1)
    assert host.rows("approval", "list") == [row]
    host("operator", "disable", "bob")
    assert "bob is disabled" in host("approval", "approve", waiting, "--as", "bob", code=code(1), status=1)
    host("operator", "enable", "bob")
    assert f"repeat it now, with {waiting}" in host("approval", "approve", waiting, "--as", "bob", code=code(1))
    assert host.rows("approval", "list") == []
