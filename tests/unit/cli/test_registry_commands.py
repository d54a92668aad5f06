"""Clients, chats and tokens, registered and revoked on the host: each change once, and on record with who made it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access.key_ring import open_ring
from gateway.cli import registry
from gateway.cli.main import main
from gateway.model import Record
from gateway.store.sqlite import open_sqlite, read_sqlite
from tests.support import canary


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATKEY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


class Command:
    """Runs `chatkey`, and keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], data: Path) -> None:
        self._capsys = capsys
        self.data = data
        self.err = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self._capsys.readouterr()
        self.err = printed.err
        assert ended.value.code == status, printed
        return printed.out

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What it printed as JSON lines."""
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]

    def issue(self, *arguments: str, client: str = "svc:a") -> str:
        """Issue a token and return its id."""
        canary.watch(self("token", "issue", "--client", client, "--chat", "-1001", *arguments).strip())
        return str(self.rows("token", "list", "--all")[0]["token_id"])

    def records(self) -> list[Record]:
        """What is in the audit log."""

        async def read() -> list[Record]:
            async with read_sqlite(self.data / "chatkey.db") as store:
                return [record for _, record in await store.records(limit=1000)]

        return asyncio.run(read())

    def events(self) -> list[str]:
        return [record.event for record in self.records()]


@pytest.fixture
def chatkey(capsys: pytest.CaptureFixture[str], data: Path) -> Command:
    return Command(capsys, data)


# Clients.


def test_a_client_is_added_shown_changed_disabled_and_enabled(chatkey: Command) -> None:
    added = (
        "client",
        "add",
        "svc:a",
        "--chat",
        "-1001",
        "--chat",
        "5",
        "--address",
        "10.0.0.0/8",
        "--label",
        "Billing",
    )
    assert chatkey(*added, "--per-minute", "60", "--second-factor") == "svc:a is registered.\n"
    (shown,) = chatkey.rows("client", "list")
    assert (shown["chats"], shown["addresses"], shown["label"]) == ([-1001, 5], ["10.0.0.0/8"], "Billing")
    assert (shown["per_minute"], shown["per_day"], shown["second_factor"]) == (60, None, True)
    assert chatkey("client", "set", "svc:a", "--any-chat", "--any-address", "--no-second-factor") == (
        "svc:a is changed.\n"
    )
    assert chatkey("client", "disable", "svc:a") == "svc:a is disabled.\n"
    (shown,) = chatkey.rows("client", "show", "svc:a")
    assert (shown["chats"], shown["addresses"], shown["second_factor"]) == (None, None, False)
    assert (shown["state"], shown["per_minute"]) == ("disabled", 60)
    assert chatkey("client", "enable", "svc:a") == "svc:a is enabled.\n"
    text = chatkey("client", "show", "svc:a")
    assert "state: enabled\n" in text
    assert "chats: any\n" in text
    assert "per_minute: 60\nper_day: as all\n" in text
    assert "last_seen_at: -\n" in text
    assert chatkey.events() == ["client.added", "client.changed", "client.disabled", "client.enabled"]
    assert {record.facts["by"] for record in chatkey.records()} == {registry.operator()}
    assert {record.client for record in chatkey.records()} == {"svc:a"}


def test_a_client_that_was_disabled_before_is_registered_as_disabled(chatkey: Command) -> None:
    chatkey("client", "disable", "svc:a")
    assert chatkey("client", "list") == "svc:a  disabled  seen never\n"
    assert chatkey("client", "add", "svc:a") == "svc:a is registered, and disabled.\n"
    chatkey("token", "revoke", "--client", "svc:b")
    assert "svc:b  not registered  seen never\n" in chatkey("client", "list")


def test_idle_clients_can_be_listed(chatkey: Command) -> None:
    chatkey("client", "add", "svc:a")
    assert chatkey("client", "list", "--stale", "30d") == ""
    assert chatkey("client", "list") == "svc:a  enabled  seen never\n"

    async def age() -> None:
        async with open_sqlite(chatkey.data / "chatkey.db") as store:
            await store._writer.submit(
                lambda database: database.connection.execute("UPDATE clients SET created_at = 0").get
            )

    asyncio.run(age())
    assert chatkey("client", "list", "--stale", "30d") == "svc:a  enabled  seen never\n"


# Chats.


def test_a_chat_is_authorized_suspended_resumed_and_listed(chatkey: Command) -> None:
    assert chatkey("chat", "authorize", "-1001", "--scope", "read", "--title", "Ops") == "-1001 is authorized.\n"
    assert chatkey("chat", "suspend", "-1001") == "-1001 is suspended.\n"
    assert chatkey("chat", "suspend", "5") == "5 is suspended.\n"
    assert chatkey("chat", "list") == "-1001\tsuspended\tread\t-\tOps\n5\tsuspended\twrite read moderate\t-\t\n"
    assert chatkey("chat", "resume", "-1001") == "-1001 is suspended no longer.\n"
    assert chatkey("chat", "resume", "5") == "5 is suspended no longer.\n"
    assert [(row["id"], row["state"]) for row in chatkey.rows("chat", "list")] == [
        (-1001, "authorized"),
        (5, "not authorized"),
    ]
    assert chatkey.events() == ["chat.authorized", "chat.suspended", "chat.suspended", "chat.resumed", "chat.resumed"]
    chatkey("chat", "resume", "-1001", status=1)
    assert "-1001 is not closed" in chatkey.err


# Tokens.


def test_an_issued_token_is_listed_and_shown_by_its_id_and_its_text_is_nowhere(chatkey: Command) -> None:
    token_id = chatkey.issue()
    (row,) = chatkey.rows("token", "list")
    assert (row["client"], row["chats"], row["state"]) == ("svc:a", [-1001], "valid")
    assert row["issued_by"] == registry.operator()
    assert json.loads(chatkey("token", "show", token_id)) == row
    assert token_id in chatkey("token", "list", "--client", "svc:a")
    assert chatkey("token", "list", "--client", "svc:b") == ""
    (record,) = chatkey.records()
    assert (record.event, record.token_id, record.client, record.chat_id) == (
        "token.issued",
        token_id,
        "svc:a",
        -1001,
    )
    for path in chatkey.data.rglob("*"):
        assert path.is_dir() or not canary.found_in(path.read_bytes()), path


def test_a_token_that_can_not_be_written_down_is_not_handed_out(chatkey: Command, data: Path) -> None:
    data.mkdir(mode=0o700)
    (data / "chatkey.db").write_bytes(b"no database" * 100)
    assert chatkey("token", "issue", "--client", "svc:a", "--chat", "-1001", status=1) == ""
    assert "is not a database" in chatkey.err or "another program" in chatkey.err


def test_a_token_of_a_key_elsewhere_needs_no_database(chatkey: Command, tmp_path: Path, data: Path) -> None:
    chatkey.issue()
    (data / "keys" / "issuer.pem").rename(tmp_path / "key.pem")
    (data / "chatkey.db").rename(tmp_path / "kept.db")
    canary.watch(chatkey("token", "issue", "--client", "a", "--chat", "1", "--key", str(tmp_path / "key.pem")).strip())
    assert not (data / "chatkey.db").exists()


def test_what_is_neither_a_token_nor_the_id_of_one_is_said_to_be_none(chatkey: Command) -> None:
    chatkey("token", "show", "nonsense", status=1)
    assert "is not a signed token" in chatkey.err
    chatkey.issue()
    chatkey("token", "show", "nonsense", status=1)


def test_a_token_is_revoked_by_its_id_and_again(chatkey: Command) -> None:
    token_id = chatkey.issue()
    assert chatkey("token", "revoke", token_id) == f"{token_id} is revoked.\n"
    assert chatkey("token", "revoke", token_id) == f"{token_id} was revoked already.\n"
    assert chatkey("token", "revoke", "unknown") == "unknown is revoked.\n"
    assert chatkey("token", "list") == ""
    assert f"{token_id}  revoked  svc:a  chat -1001" in chatkey("token", "list", "--all")
    assert chatkey.events() == ["token.issued", "token.revoked", "token.revoked"]


@pytest.mark.parametrize("way", ["client", "key", "everybody", "ring", "disabled"])
def test_a_token_ends_with_what_it_hangs_on(chatkey: Command, way: str) -> None:
    token_id = chatkey.issue()
    (row,) = chatkey.rows("token", "list")
    now = datetime.now(UTC).isoformat()
    match way:
        case "client":
            said = chatkey("token", "revoke", "--client", "svc:a")
            assert said.startswith("Every token of svc:a is revoked that was issued until ")
        case "key":
            said = chatkey("token", "revoke", "--key", row["key_id"])
            assert said == f"Every token is revoked that {row['key_id']} of chatkey signed.\n"
        case "everybody":
            said = chatkey("token", "revoke", "--everybody", "--all-before", now)
            assert said.startswith("Every token is revoked that was issued until ")
        case "ring":
            chatkey("key", "revoke", row["key_id"])
        case _:
            chatkey("client", "disable", "svc:a")
    assert chatkey("token", "list") == ""
    state = json.loads(chatkey("token", "show", token_id))["state"]
    assert state == ("disabled" if way == "disabled" else "revoked")


def test_tokens_before_a_time_end_and_later_ones_are_good(chatkey: Command) -> None:
    chatkey.issue()
    earlier = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    chatkey("token", "revoke", "--client", "svc:a", "--all-before", earlier)
    chatkey("token", "revoke", "--everybody", "--all-before", earlier)
    assert len(chatkey.rows("token", "list")) == 1


def test_an_expired_token_is_expired(chatkey: Command) -> None:
    token_id = chatkey.issue("--ttl", "1s")
    while json.loads(chatkey("token", "show", token_id))["state"] == "valid":
        pass
    assert json.loads(chatkey("token", "show", token_id))["state"] == "expired"


# Canaries.


def test_a_canary_is_marked_once_and_shown_as_one(chatkey: Command) -> None:
    token_id = chatkey.issue()
    assert chatkey("token", "canary", token_id) == f"{token_id} is a canary.\n"
    assert chatkey("token", "canary", token_id) == f"{token_id} was a canary already.\n"
    assert chatkey.rows("token", "list") == []
    assert [row["state"] for row in chatkey.rows("token", "list", "--all")] == ["canary"]
    assert json.loads(chatkey("token", "show", token_id))["state"] == "canary"
    assert chatkey.events() == ["token.issued", "token.canary_marked"]
    assert (chatkey.records()[1].client, chatkey.records()[1].token_id) == ("svc:a", token_id)
    assert chatkey("token", "canary", "of another issuer") == "of another issuer is a canary.\n"


def test_a_canary_is_one_before_it_is_handed_out(chatkey: Command, tmp_path: Path) -> None:
    chatkey.issue("--canary")
    assert chatkey.events() == ["token.issued", "token.canary_marked"]
    open_ring(tmp_path / "vault")
    (chatkey.data / "chatkey.db").unlink()
    key = ["--key", str(tmp_path / "vault" / "keys" / "issuer.pem")]
    assert chatkey("token", "issue", "--client", "svc:a", "--chat", "1", "--canary", *key, status=2) == ""
    assert "--canary needs the gateway's database" in chatkey.err


# Keys.


def test_a_rotation_is_on_record_with_who_made_it(chatkey: Command) -> None:
    chatkey.issue()
    kid = chatkey("key", "prepare").strip()
    chatkey("key", "activate", "--at-once")
    chatkey("key", "taint", kid)
    chatkey("key", "revoke", kid)
    results = [record for record in chatkey.records() if record.event != "key.change_intended"][1:]
    assert [record.event for record in results] == ["key.prepared", "key.activated", "key.tainted", "key.revoked"]
    assert {record.key_id for record in results} == {kid}
    assert {record.facts["by"] for record in results} == {registry.operator()}


def test_a_log_that_cannot_be_written_keeps_the_keys_as_they_are(chatkey: Command) -> None:
    chatkey.issue()
    before = (chatkey.data / "keys" / "ring.json").read_bytes()
    (chatkey.data / "chatkey.db").write_bytes(b"something else" * 100)
    assert chatkey("key", "prepare", status=1) == ""
    assert "is not a database" in chatkey.err
    assert (chatkey.data / "keys" / "ring.json").read_bytes() == before


def test_a_token_that_a_key_in_a_file_signed_is_on_record_where_there_is_a_database(
    chatkey: Command, tmp_path: Path
) -> None:
    open_ring(tmp_path / "vault")
    key = ["--key", str(tmp_path / "vault" / "keys" / "issuer.pem")]
    token = chatkey("token", "issue", "--client", "svc:a", "--chat", "-1001", *key).strip()
    canary.watch(token)
    assert not chatkey.data.exists()
    chatkey("client", "add", "svc:a")
    chatkey.issue(*key)
    assert chatkey.events() == ["client.added", "token.issued"]


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["client", "add", "a b"], 1, "client: must be 1 to 255 characters"),
        (["client", "add", "a", "--chat", "0"], 1, "chat_ids: 0 is no chat"),
        (["client", "add", "a", "--address", "home"], 2, "'home' is no range"),
        (["client", "add", "a", "--chat", "1", "--any-chat"], 2, "contradict each other"),
        (["client", "add", "a", "--address", "::1", "--any-address"], 2, "contradict each other"),
        (["client", "add", "a", "--per-day", "-1"], 2, "-1 is not in the range"),
        (["client", "set", "a"], 2, "Nothing to change"),
        (["client", "set", "a", "--label", "x"], 1, "a is not registered"),
        (["client", "enable", "a"], 1, "nothing is known of a"),
        (["client", "list"], 1, "There is no database at"),
        (["client", "show", "a"], 1, "There is no database at"),
        (["chat", "authorize", "@ops"], 2, "'@ops' is not a valid integer"),
        (["chat", "authorize", "0"], 1, "chat_id: must be an integer"),
        (["chat", "authorize", "1", "--scope", ""], 1, "permissions: must be one or more"),
        (["chat", "list"], 1, "There is no database at"),
        (["token", "list"], 1, "There is no database at"),
        (["token", "revoke"], 2, "Say what to revoke"),
        (["token", "revoke", "t", "--client", "a"], 2, "Say what to revoke"),
        (["token", "revoke", "t", "--all-before", "2026-11-24T12:00:00Z"], 2, "goes with --client or --everybody"),
        (["token", "revoke", "t", "--issuer", "iss"], 2, "goes with --key"),
        (["token", "revoke", "--everybody"], 2, "needs --all-before"),
        (["token", "revoke", "--client", "a", "--all-before", "2026-11-24T12:00:00"], 2, "is no instant"),
        (["token", "revoke", "--client", "a", "--all-before", "soon"], 2, "is no instant"),
        (["token", "revoke", "--client", "a", "--all-before", "9999-01-01T00:00:00Z"], 1, "must not be to come"),
    ],
)
def test_a_wrong_call_gets_one_line_that_says_what_to_do(
    chatkey: Command, arguments: list[str], status: int, complaint: str
) -> None:
    assert chatkey(*arguments, status=status) == ""
    assert complaint in chatkey.err
    assert chatkey.err.count("\n") == 1


def test_nothing_is_known_of_a_stranger(chatkey: Command) -> None:
    chatkey("client", "add", "svc:a")
    chatkey("client", "show", "svc:b", status=1)
    assert "Nothing is known of svc:b" in chatkey.err


def test_who_asks_is_told_by_the_process_and_not_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "mallory")
    monkeypatch.setenv("LOGNAME", "mallory")
    assert registry.operator().startswith("os:")
    assert "mallory" not in registry.operator()
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert registry.operator() == "os:4000000000"
