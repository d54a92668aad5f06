"""The command says what it did on standard output, what was wrong in one line, and ends with the right status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.access.confirmation import thumbprint_of
from gateway.cli.main import COMMANDS, main
from tests.support.certificates import certificate


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def status_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_token_is_printed_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_of("token", "issue", "--client", "svc:billing", "--chat", "-1001", "--ttl", "15m") == 0
    printed = capsys.readouterr()
    token = printed.out.strip()
    assert token.count(".") == 2
    assert printed.err == ""
    monkeypatch.setenv("CHATKEY_TOKEN", token)
    assert status_of("token", "show") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["outcome"] == "valid"
    assert shown["claims"]["chat_id"] == -1001
    assert shown["claims"]["exp"] - shown["claims"]["iat"] == 900


def shown_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """Issue a token with some options and return what it is shown to say."""
    assert status_of("token", "issue", "--client", "svc:billing", *options) == 0
    monkeypatch.setenv("CHATKEY_TOKEN", capsys.readouterr().out.strip())
    assert status_of("token", "show") == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["outcome"] == "valid"
    claims: dict[str, Any] = shown["claims"]
    return claims


def test_a_token_may_open_several_chats(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    claims = shown_of(capsys, monkeypatch, "--chat", "-1001", "--chat", "7", "--scope", "write read")
    assert claims["authorization_details"] == [
        {"type": "telegram_chat", "identifier": "-1001", "actions": ["write", "read"]},
        {"type": "telegram_chat", "identifier": "7", "actions": ["write", "read"]},
    ]


def test_a_token_may_be_restricted_in_every_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = certificate(tmp_path).cert_file
    restrictions = ["--thread", "42", "--address", "10.0.0.0/8", "--address", "::1", "--generation", "3"]
    claims = shown_of(capsys, monkeypatch, "--chat", "-1001", *restrictions, "--certificate", str(made))
    assert (claims["chat_id"], claims["message_thread_id"], claims["scope"]) == (-1001, 42, "write")
    assert (claims["src_cidrs"], claims["gen"]) == (["10.0.0.0/8", "::1/128"], 3)
    assert claims["cnf"] == {"x5t#S256": thumbprint_of(made.read_bytes())}


def test_looking_at_a_token_makes_no_key(
    own_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATKEY_TOKEN", "eyJhbGciOiJub25lIn0.eyJjaGF0X2lkIjoxfQ.AA")
    assert status_of("token", "show") == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "not_checked"
    assert not own_data.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["token", "issue", "--client", "a"], 2, "Missing option '--chat'"),
        (["token", "issue", "--client", "a", "--chat", "1", "--chat", "1"], 1, "each named once"),
        (["token", "issue", "--client", "a", "--chat", "1", "--chat", "2", "--thread", "3"], 2, "a topic of one chat"),
        (["token", "issue", "--client", "a", "--chat", "1", "--thread", "0"], 1, "message_thread_id: must be"),
        (["token", "issue", "--client", "a", "--chat", "1", "--address", "10.0.0.1/8"], 2, "--address"),
        (["token", "issue", "--client", "a", "--chat", "1", "--address", "unix"], 1, "address_ranges: must be"),
        (["token", "issue", "--client", "a", "--chat", "1", "--certificate", "/nowhere"], 2, "No such file"),
        (["token", "issue", "--client", "a", "--chat", "1", "--certificate", "/dev/null"], 2, "no certificate in PEM"),
        (["token", "issue", "--client", "a", "--chat", "1", "--generation", "-1"], 1, "generation: must be"),
        (["token", "narrow"], 1, "token"),
        (["token", "issue", "--client", "a", "--chat", "@ops"], 2, "'@ops' is not a valid integer"),
        (["token", "issue", "--client", "a", "--chat", "0"], 1, "chat_id: must be an integer"),
        (["token", "issue", "--client", "a b", "--chat", "1"], 1, "client: must be 1 to 255 characters"),
        (["token", "issue", "--client", "a", "--chat", "1", "--ttl", "soon"], 2, "'soon' is not a number and a unit"),
        (["token", "issue", "--client", "a", "--chat", "1", "--ttl", "2d"], 1, "ttl: must be whole seconds"),
        (["token", "issue", "--client", "a", "--chat", "1", "--scope", "admin"], 2, "none of write, read, moderate"),
        (["token", "show"], 2, "No token: give one"),
        (["token", "show", "nonsense"], 1, "is not a signed token"),
        (["tokn"], 2, "No such command 'tokn'"),
        (["serve"], 1, "No bot token: set CHATKEY_BOT_TOKEN_FILE"),
        (["config", "check"], 1, "No bot token"),
        (["sandbox", "--limits", "few"], 2, "'few' is not one of 'telegram', 'none'"),
        (["sandbox", "--listen", "unix:/run/sandbox"], 2, "'unix:/run/sandbox' is not HOST:PORT"),
    ],
)
def test_a_wrong_call_gets_one_line_that_says_what_to_do(
    arguments: list[str], status: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == status
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("chatkey: ")
    assert printed.out == ""


def test_an_unknown_setting_is_refused_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATKEY_AUDIENSE", "x")
    assert status_of("config", "print") == 1
    assert "CHATKEY_AUDIENSE is not a setting" in capsys.readouterr().err


def test_the_printed_configuration_has_no_secret_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATKEY_BOT_TOKEN", "123456:AAsecretsecretsecretsecretsecret")
    assert status_of("config", "print") == 0
    assert status_of("config", "print", "--json") == 0
    printed = capsys.readouterr().out
    assert "AAsecret" not in printed
    assert "CHATKEY_BOT_TOKEN=****" in printed


def test_every_command_of_the_table_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert status_of(name, "--help") == 0
        assert "Usage: chatkey " in capsys.readouterr().out


def test_help_imports_neither_grpc_nor_telegram_nor_the_store() -> None:
    script = (
        "import sys; from gateway.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'grpc', 'telegram', 'aiohttp', 'apsw', 'jwt', 'cryptography', 'structlog'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
