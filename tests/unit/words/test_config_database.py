"""Where the database may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigInvalid


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://chatkey@127.0.0.1/chatkey",
        "postgres://localhost:5433/chatkey",
        "postgresql:///chatkey?host=/run/postgresql",
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
        ("postgresql://127.0.0.1/chatkey?host=s3cret.example", "sslmode=verify-full"),
        ("postgresql://s3cret.example/chatkey?sslmode=require", "sslmode=verify-full"),
        ("mysql://s3cret/chatkey", "sqlite:///PATH"),
        ("sqlite:/// ", "sqlite:///PATH"),
    ],
)
def test_any_other_is_refused_without_being_shown(tmp_path: Path, address: str, why: str) -> None:
    with pytest.raises(ConfigInvalid, match=why) as refused:
        load({"CHATKEY_DATABASE": address}, tmp_path)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"CHATKEY_DATABASE_PASSWORD_FILE": "/run/password"}, "needs a PostgreSQL server"),
        ({"CHATKEY_DATABASE": "postgresql:///c", "CHATKEY_DATABASE_MAX_SIZE": "1GiB"}, "is for SQLite"),
    ],
)
def test_what_is_for_the_other_kind_is_refused(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigInvalid, match=why):
        load(settings, tmp_path)
