"""`chatkey key`: a rotation by hand, and a host that signs without a server."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from gateway.access.key_ring import open_ring
from gateway.cli.main import main


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


class Command:
    """Runs the command; what it printed is what it returns."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self._capsys.readouterr()
        assert ended.value.code == status, printed.err
        if status:
            assert printed.out == ""
            assert printed.err.count("\n") == 1
            return printed.err.strip()
        assert printed.err == ""
        return printed.out.strip()

    def issue(self, *more: str) -> str:
        return self("token", "issue", "--client", "svc:billing", "--chat", "-1001", *more)

    def outcome(self, token: str, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("CHATKEY_TOKEN", token)
        return str(json.loads(self("token", "show"))["outcome"])


@pytest.fixture
def chatkey(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_a_rotation_by_hand(chatkey: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    old_token = chatkey.issue()
    old = json.loads(chatkey("key", "list", "--json"))["kid"]
    new = chatkey("key", "prepare")
    assert "wait" in chatkey("key", "activate", new, status=1)
    assert chatkey("key", "activate", "--at-once") == f"{new} is active."
    new_token = chatkey.issue()
    assert [chatkey.outcome(token, monkeypatch) for token in (old_token, new_token)] == ["valid", "valid"]
    assert chatkey("key", "taint", old) == f"{old} is tainted."
    assert [key["kid"] for key in json.loads(chatkey("key", "jwks"))["keys"]] == [old, new]
    assert chatkey("key", "revoke", old) == f"{old} is revoked."
    assert [key["kid"] for key in json.loads(chatkey("key", "jwks"))["keys"]] == [new]
    assert [chatkey.outcome(token, monkeypatch) for token in (old_token, new_token)] == ["unknown_key", "valid"]


def test_the_list_says_what_is_to_be_done(chatkey: Command) -> None:
    chatkey.issue()
    new = chatkey("key", "prepare")
    first, second = chatkey("key", "list").splitlines()
    assert first.split()[1] == "active"
    assert second.startswith(f"{new}  prepared  ")
    assert "activate it after" in second
    told = [json.loads(line) for line in chatkey("key", "list", "--json").splitlines()]
    assert [set(line) for line in told] == 2 * [{"kid", "state", "since", "advice"}]
    assert datetime.fromisoformat(told[1]["since"]["prepared"]).tzinfo is not None
    assert told[1]["advice"] in second


@pytest.mark.parametrize("whose", ["callers", "operators"])
@pytest.mark.parametrize("verb", [["list"], ["jwks"], ["activate"], ["taint", "x"], ["revoke", "x"]])
def test_looking_at_keys_makes_none(chatkey: Command, data: Path, verb: list[str], whose: str) -> None:
    assert "There are no keys yet" in chatkey("key", *verb, "--for", whose, status=1)
    assert not data.exists()


def test_a_wrong_key_is_told_in_one_line(chatkey: Command) -> None:
    chatkey.issue()
    for verb in ("activate", "taint", "revoke"):
        assert "there is no key nobody" in chatkey("key", verb, "nobody", status=1)
    assert "no key is prepared" in chatkey("key", "activate", status=1)
    assert "Missing argument" in chatkey("key", "revoke", status=2)


def test_no_private_key_is_ever_printed(chatkey: Command, data: Path) -> None:
    chatkey.issue()
    chatkey("key", "prepare")
    printed = chatkey("key", "list", "--json") + chatkey("key", "list") + chatkey("key", "jwks")
    assert '"d"' not in printed
    for path in (data / "keys").glob("*.pem"):
        assert path.read_text().splitlines()[1] not in printed


def test_a_key_in_a_file_signs_without_a_data_folder(
    chatkey: Command, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = open_ring(tmp_path / "vault").signing_key()
    token = chatkey.issue("--key", str(tmp_path / "vault" / "keys" / "issuer.pem"))
    assert not data.exists()
    public = tmp_path / "public.json"
    public.write_text(json.dumps({"keys": [dict(key.verification_key.members)]}))
    monkeypatch.setenv("CHATKEY_ISSUER_JWKS_FILE", str(public))
    assert chatkey.outcome(token, monkeypatch) == "valid"
    assert not data.exists()


def test_a_host_that_is_to_hold_public_keys_only_makes_no_private_one(
    chatkey: Command, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATKEY_ISSUER_JWKS_FILE", str(tmp_path / "public.json"))
    assert "--key FILE" in chatkey("token", "issue", "--client", "a", "--chat", "1", status=1)
    assert not data.exists()
    monkeypatch.setenv("CHATKEY_TOKEN", "x")
    assert "can't be read" in chatkey("token", "show", status=1)
    (tmp_path / "public.json").write_text("{}")
    assert "no JWK set" in chatkey("token", "show", status=1)


def test_a_key_file_that_is_none_is_told_in_one_line(chatkey: Command, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        said = chatkey("token", "issue", "--client", "a", "--chat", "1", "--key", str(path), status=1)
        assert str(path) in said
