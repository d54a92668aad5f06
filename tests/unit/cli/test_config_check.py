"""`chatkey config check` says before a start what would end it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.main import main

ISSUER = """
[[trusted_issuers]]
issuer = "https://other.example"
audience = "chatkey"
subjects = ["svc:a"]
chats = [-1001]
"""


@pytest.fixture(autouse=True)
def complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bot-token").touch(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CHATKEY_BOT_TOKEN_FILE", str(tmp_path / "bot-token"))
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["config", "check"])
    assert isinstance(ended.value.code, int)
    printed = capsys.readouterr()
    return ended.value.code, printed.out + printed.err


def test_what_would_start_is_complete_and_nothing_is_made(capsys: pytest.CaptureFixture[str], complete: Path) -> None:
    assert checked(capsys) == (0, "The configuration is complete.\n")
    assert not (complete / "data").exists()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CHATKEY_GRPC_LISTEN", "0.0.0.0:50051", "there is no TLS"),
        ("CHATKEY_ADMIN_LISTEN", "0.0.0.0:50052", "there is no TLS"),
        ("CHATKEY_ISSUER_JWKS_FILE", "/nowhere/keys.json", "can't be read"),
        ("CHATKEY_OPERATOR_JWKS_FILE", "/nowhere/keys.json", "can't be read"),
        ("CHATKEY_TLS_CLIENT_CA_FILE", "/nowhere/ca.pem", "CHATKEY_TLS_CLIENT_CA_FILE"),
        ("GRPC_TRACE", "http", "GRPC_TRACE is set"),
    ],
)
def test_a_setting_that_would_end_the_start_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    code, line = checked(capsys)
    assert code == 1
    assert told in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ('jwks_url = "https://127.0.0.1/keys"', "127.0.0.1 is no public address"),
        ('jwks_url = "https://169.254.169.254/keys"', "169.254.169.254 is no public address"),
        ('jwks_file = "/nowhere/keys.json"', "/nowhere/keys.json"),
    ],
)
def test_an_issuer_whose_keys_would_not_be_taken_is_told(
    capsys: pytest.CaptureFixture[str], complete: Path, where: str, told: str
) -> None:
    (complete / "chatkey.toml").write_text(f"{ISSUER}{where}\n")
    code, line = checked(capsys)
    assert code == 1
    assert told in line
    assert line.count("\n") == 1
