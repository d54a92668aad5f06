"""Where the database may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.database import servers
from gateway.errors import ConfigInvalid


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://chatkey@127.0.0.1/chatkey",
        "postgres://localhost:5433/chatkey",
        "postgresql:///chatkey?host=/run/postgresql",
        "postgresql://chatkey@%2Frun%2Fpostgresql/chatkey",
        "postgresql://chatkey@[::1]:5432,127.0.0.1:5433/chatkey",
        "postgresql://chatkey@db.example,db2.example:5433/chatkey?sslmode=verify-full",
    ],
)
def test_a_server_near_or_protected_is_taken(tmp_path: Path, address: str) -> None:
    config = load({"CHATKEY_DATABASE": address}, tmp_path)
    assert (config.database, config.is_postgres, config.has_database) == (address, True, True)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("postgresql://chatkey:s3cret@127.0.0.1/chatkey", "CHATKEY_DATABASE_PASSWORD_FILE"),
        ("postgresql://chatkey@127.0.0.1/chatkey?password=s3cret", "CHATKEY_DATABASE_PASSWORD_FILE"),
        ("postgresql://chatkey@db.example/chatkey", "sslmode=verify-full"),
        ("postgresql://chatkey@127.0.0.1,s3cret.example/chatkey", "sslmode=verify-full"),
        ("postgresql://127.0.0.1/chatkey?host=s3cret.example", "names its host itself"),
        ("postgresql:///chatkey?host=localhost,s3cret.example", "sslmode=verify-full"),
        ("postgresql://s3cret.example/chatkey?sslmode=require", "sslmode=verify-full"),
        ("postgresql://s3cret.example/chatkey?sslmode=verify-ca", "sslmode=verify-full"),
        ("postgresql://s3cret.example/chatkey?sslmode=verify-full&sslmode=disable", "sslmode=verify-full"),
        ("postgresql://chatkey@s3cret.example,b@127.0.0.1/chatkey", "one @"),
        ("postgresql://127.0.0.1/chatkey?service=s3cret", "names its host itself"),
        ("postgresql:///s3cret", "names its host itself"),
        ("postgresql://chatkey@/s3cret", "names its host itself"),
        ("postgresql://127.0.0.1:s3cret/chatkey", "HOST:PORT"),
        ("postgresql:///chatkey?host=localhost&port=s3cret", "HOST:PORT"),
        ("postgresql:///chatkey?host=localhost,::1&port=1,2,3", "a port for each host"),
        ("postgresql://127.0.0.1,/s3cret", "HOST:PORT"),
        ("postgresql://[::1/s3cret", "postgresql://USER@HOST/DATABASE"),
        ("postgresql://127.0.0.1/chatkey?s3cret", "postgresql://USER@HOST/DATABASE"),
        ("mysql://s3cret/chatkey", "sqlite:///PATH"),
        ("sqlite:/// ", "sqlite:///PATH"),
    ],
)
def test_any_other_is_refused_without_being_shown(tmp_path: Path, address: str, why: str) -> None:
    with pytest.raises(ConfigInvalid, match=why) as refused:
        load({"CHATKEY_DATABASE": address}, tmp_path)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (
            "postgresql://u@db.example,[::1]:5433,[::2],c:1/d",
            [("db.example", None), ("::1", 5433), ("::2", None), ("c", 1)],
        ),
        ("postgresql://%2Frun%2Fpostgresql/d", [("/run/postgresql", None)]),
        ("postgresql:///d?host=/run/postgresql&port=5433", [("/run/postgresql", 5433)]),
        ("postgresql:///d?host=a,b&port=1", [("a", 1), ("b", 1)]),
        ("postgresql:///d?host=a,b:3&port=1,2", [("a", 1), ("b", 3)]),
    ],
)
def test_the_servers_of_an_address_are_told(address: str, named: list[tuple[str, int | None]]) -> None:
    assert servers(address) == named


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"CHATKEY_DATABASE_PASSWORD_FILE": "/run/password"}, "needs a PostgreSQL server"),
        ({"CHATKEY_DATABASE": "postgresql://localhost/c", "CHATKEY_DATABASE_MAX_SIZE": "1GiB"}, "is for SQLite"),
    ],
)
def test_what_is_for_the_other_kind_is_refused(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigInvalid, match=why):
        load(settings, tmp_path)
