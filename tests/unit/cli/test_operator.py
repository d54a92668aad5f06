"""`chatkey operator`: a token for an operator is made on the host, alone on standard output, and on record."""

from __future__ import annotations

import asyncio
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from gateway.access.authenticators import Authenticators
from gateway.access.confirmation import thumbprint_of
from gateway.access.key_ring import OPERATORS, open_ring
from gateway.cli.main import main
from gateway.clock import SystemClock
from gateway.config import load
from gateway.store.sqlite import open_sqlite_beside
from tests.support import canary
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


def claims_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    assert status_of("operator", "token", "--name", "alice", *options) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    token = canary.watch(printed.out.strip())
    monkeypatch.setenv("CHATKEY_TOKEN", token)
    assert status_of("token", "show", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["outcome"] == ("not_checked" if "--key" in options else "valid")
    assert shown["header"]["typ"] == "chatkey-admin+jwt"
    claims: dict[str, Any] = shown["claims"]
    return claims


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert status_of("audit", "tail", "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_operators_token_is_shown_as_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime.fromtimestamp(claims_of(capsys, monkeypatch)["exp"], UTC)
    assert status_of("token", "issue", "--client", "svc:a", "--chat", "-1001") == 0
    callers = canary.watch(capsys.readouterr().out.strip())
    told = f"An operator's token: of alice, until {ends:%Y-%m-%dT%H:%M:%SZ}; it opens no chat. "
    good = os.environ["CHATKEY_TOKEN"]
    for token, outcome in ((good, "valid"), (f"{good[:-4]}AAAA", "bad_signature")):
        monkeypatch.setenv("CHATKEY_TOKEN", token)
        assert status_of("token", "show") == 0
        assert capsys.readouterr().out == f"{told}{outcome}\n"
    monkeypatch.setenv("CHATKEY_TOKEN", callers)
    for options in ((), ("--json",)):
        assert status_of("token", "show", *options) == 0
        assert json.loads(capsys.readouterr().out)["outcome"] == "valid"


def test_a_token_reads_for_a_quarter_of_an_hour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = claims_of(capsys, monkeypatch)
    assert (claims["sub"], claims["scope"], claims["aud"]) == ("alice", "read", "chatkey/admin")
    assert claims["exp"] - claims["iat"] == 900
    assert "chat_id" not in claims
    (record,) = records(capsys)
    assert (record["event"], record["token_id"]) == ("operator.token_issued", claims["jti"])
    assert record["facts"]["operator"] == "alice"
    assert record["facts"]["by"].startswith("os:")


def test_a_token_may_be_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = certificate(tmp_path).cert_file
    claims = claims_of(
        capsys, monkeypatch, "--scope", "credentials keys", "--ttl", "1m", "--address", "10.0.0.0/8",
        "--certificate", str(made),
    )  # fmt: skip
    assert claims["cnf"] == {"x5t#S256": thumbprint_of(made.read_bytes())}
    assert (claims["scope"], claims["exp"] - claims["iat"]) == ("credentials keys", 60)
    assert claims["src_cidrs"] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--name", "a b"], 2, "is not 1 to 48 characters"),
        (["--name", "alice", "--scope", "write"], 2, "none of read, credentials, keys, clients, chats, audit, approve"),
        (["--name", "alice", "--scope", ""], 1, "scope: must be one or more of"),
        (["--name", "alice", "--ttl", "16m"], 1, "ttl: must be whole seconds"),
        (["--scope", "read"], 2, "--name"),
        (["--name", "alice", "--second-factor"], 2, "goes with --certificate"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    options: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of("operator", "token", *options) == status
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_second_factor_is_asked_for_and_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret, config = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", load({"CHATKEY_DATA_DIR": str(tmp_path / "data")}, tmp_path)

    async def enroll() -> None:
        async with open_sqlite_beside(config.database_path) as store:
            authenticators = Authenticators(store.second_factors, SystemClock())
            code = pyotp.TOTP(secret).at(SystemClock().now() - timedelta(seconds=30))
            await authenticators.enroll("alice", secret, code, by="os:root")

    claims_of(capsys, monkeypatch)
    asyncio.run(enroll())
    certificate_file = str(certificate(tmp_path).cert_file)
    arguments = ("operator", "token", "--name", "alice", "--second-factor", "--certificate", certificate_file)
    monkeypatch.setattr("sys.stdin", io.StringIO("000000\n"))
    assert status_of(*arguments) == 1
    assert "a fresh second factor is needed" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO(pyotp.TOTP(secret).now() + "\n"))
    assert status_of(*arguments) == 0
    token = canary.watch(capsys.readouterr().out.strip())
    monkeypatch.setenv("CHATKEY_TOKEN", token)
    assert status_of("token", "show", "--json") == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert (claims["auth_time"], claims["amr"]) == (claims["iat"], ["otp"])
    made = [
        record["facts"]["second_factor"] for record in records(capsys) if record["event"] == "operator.token_issued"
    ]
    assert made == [False, True]


def test_an_operator_is_revoked_disabled_and_enabled(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("revoke", "disable", "enable"):
        assert status_of("operator", verb, "alice") == 0
    capsys.readouterr()
    assert [(record["event"], record["client"]) for record in records(capsys)] == [
        ("client.revoked", "operator:alice"),
        ("client.disabled", "operator:alice"),
        ("client.enabled", "operator:alice"),
    ]


def test_a_disabled_operator_gets_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("operator", "disable", "alice") == 0
    capsys.readouterr()
    assert status_of("operator", "token", "--name", "alice") == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "alice is disabled: `chatkey operator enable`" in printed.err


def test_a_host_without_the_key_makes_no_operator(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_data: Path, tmp_path: Path
) -> None:
    assert status_of("operator", "token", "--name", "alice") == 0
    canary.watch(capsys.readouterr().out.strip())
    assert status_of("key", "jwks", "--for", "operators") == 0
    (tmp_path / "jwks.json").write_text(capsys.readouterr().out)
    monkeypatch.setenv("CHATKEY_OPERATOR_JWKS_FILE", str(tmp_path / "jwks.json"))
    assert status_of("operator", "token", "--name", "alice") == 1
    assert "public keys of operators only" in capsys.readouterr().err
    key = own_data / OPERATORS / "issuer.pem"
    assert status_of("operator", "token", "--name", "alice", "--key", str(key)) == 0
    canary.watch(capsys.readouterr().out.strip())


def test_no_operator_is_made_with_a_key_of_callers(capsys: pytest.CaptureFixture[str], own_data: Path) -> None:
    assert status_of("token", "issue", "--client", "svc:a", "--chat", "1") == 0
    canary.watch(capsys.readouterr().out.strip())
    assert status_of("operator", "token", "--name", "alice", "--key", str(own_data / "keys" / "issuer.pem")) == 1
    printed = capsys.readouterr()
    assert "signs callers' tokens too" in printed.err
    assert printed.out == ""


def test_the_keys_of_operators_rotate_by_themselves(capsys: pytest.CaptureFixture[str], own_data: Path) -> None:
    for verb in (["token", "issue", "--client", "svc:a", "--chat", "1"], ["operator", "token", "--name", "alice"]):
        assert status_of(*verb) == 0
        canary.watch(capsys.readouterr().out.strip())
    (old,) = open_ring(own_data, OPERATORS).read()
    callers = open_ring(own_data).content()
    for verb in (["prepare"], ["activate", "--at-once"], ["revoke", old.kid]):
        assert status_of("key", *verb, "--for", "operators") == 0
    capsys.readouterr()
    assert [key.state.value for key in open_ring(own_data, OPERATORS).read()] == ["revoked", "active"]
    assert open_ring(own_data).content() == callers
    changed = [record for record in records(capsys) if record["event"].startswith("key.")]
    assert len(changed) == 6
    assert {record["facts"]["ring"] for record in changed} == {"operator-keys"}
    assert status_of("key", "list", "--for", "operators", "--json") == 0
    assert [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()] == ["revoked", "active"]
