"""A configuration is complete or refused, and keeps its secrets."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config import Config, describe, load
from gateway.durations import duration
from gateway.errors import ConfigInvalid

TOKEN = "123456:AAFakeFakeFakeFakeFakeFakeFakeFakeFake"


def test_without_any_setting_the_defaults_hold(tmp_path: Path) -> None:
    config = load({}, tmp_path)
    assert config.grpc_listen == "127.0.0.1:50051"
    assert config.bot_api_url == "https://api.telegram.org"
    assert config.database_path == config.data_dir / "chatkey.db"


def test_operators_have_an_audience_of_their_own(tmp_path: Path) -> None:
    assert load({}, tmp_path).admin_listen == ""
    assert load({"CHATKEY_AUDIENCE": "chatkey/prod"}, tmp_path).operator_audience == "chatkey/prod/admin"
    assert load({"CHATKEY_ADMIN_AUDIENCE": "ops"}, tmp_path).operator_audience == "ops"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "chatkey.toml").write_text('audience = "chatkey/prod"\nissuer = "https://keys.example"\n')
    config = load({"CHATKEY_AUDIENCE": "chatkey/test"}, tmp_path)
    assert (config.audience, config.issuer) == ("chatkey/test", "https://keys.example")


def test_a_token_in_the_environment_goes_before_a_token_file_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "chatkey.toml").write_text('bot_token_file = "/run/secrets/bot"\n')
    config = load({"CHATKEY_BOT_TOKEN": TOKEN}, tmp_path)
    assert config.bot_token_file is None
    assert config.bot_token is not None
    assert config.bot_token.reveal() == TOKEN


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"CHATKEY_BOT_TOKN": TOKEN}, "CHATKEY_BOT_TOKN is not a setting"),
        ({"CHATKEY_audience": "x"}, "CHATKEY_audience is not a setting"),
        ({"CHATKEY_AUDIENCE": ""}, "CHATKEY_AUDIENCE is set and empty"),
        ({"CHATKEY_AUDIENCE": "  "}, "CHATKEY_AUDIENCE must be not empty"),
        ({"CHATKEY_GRPC_LISTEN": "50051"}, "CHATKEY_GRPC_LISTEN must be HOST:PORT"),
        ({"CHATKEY_GRPC_LISTEN": "127.0.0.1:99999"}, "CHATKEY_GRPC_LISTEN must be HOST:PORT"),
        ({"CHATKEY_ADMIN_LISTEN": "50052"}, "CHATKEY_ADMIN_LISTEN must be HOST:PORT"),
        (
            {"CHATKEY_ADMIN_LISTEN": "unix:/run/a.sock", "CHATKEY_ALLOWED_ADDRESSES": "10.0.0.0/8"},
            "and CHATKEY_ADMIN_LISTEN is a local socket",
        ),
        ({"CHATKEY_ADMIN_AUDIENCE": "chatkey"}, "would look like an operator's"),
        ({"CHATKEY_TOKEN_MAX_LIFETIME": "33d"}, "over 32d"),
        ({"CHATKEY_TOKEN_MAX_LIFETIME": "1 day"}, "a number and a unit"),
        ({"CHATKEY_TLS_CERT_FILE": "/c.pem"}, "CHATKEY_TLS_KEY_FILE is missing"),
        ({"CHATKEY_TLS_KEY_FILE": "/k.pem"}, "CHATKEY_TLS_CERT_FILE is missing"),
        ({"CHATKEY_TLS_CLIENT_CA_FILE": "/ca.pem"}, "needs CHATKEY_TLS_CERT_FILE"),
        ({"CHATKEY_BOT_TOKEN": TOKEN, "CHATKEY_BOT_TOKEN_FILE": "/f"}, "both set"),
        ({"CHATKEY_BOT_API_URL": "http://api.example"}, "would travel unencrypted"),
        ({"CHATKEY_BOT_API_URL": "ftp://api.example"}, "https://"),
        ({"CHATKEY_DATABASE": "mysql://db/chatkey"}, "sqlite:///PATH"),
        ({"CHATKEY_DATABASE": "sqlite:///"}, "sqlite:///PATH"),
        ({"CHATKEY_PACING": "fast"}, "one of telegram, paid, off"),
        ({"CHATKEY_FOLLOW_MIGRATION": "yes"}, "one of follow, approve"),
        ({"CHATKEY_QUOTA_PER_MINUTE": "-1"}, "a whole number"),
        ({"CHATKEY_QUOTA_QUEUE": "١"}, "a whole number"),
        ({"CHATKEY_RETENTION": "23h"}, "remembered for a day"),
        ({"CHATKEY_DATABASE_MAX_SIZE": "20GB"}, "such as 500MiB or 20GiB"),
        ({"CHATKEY_SECURITY_CHAT": "@security"}, "the id of a chat"),
        ({"CHATKEY_SECURITY_CHAT": "0"}, "the id of a chat"),
        ({"CHATKEY_SECURITY_CHAT": "-9999999999999999"}, "the id of a chat"),
        ({"CHATKEY_LOG_LEVEL": "LOUD"}, "one of DEBUG"),
        ({"CHATKEY_UPDATES": "push"}, "one of off, polling, webhook"),
        ({"CHATKEY_UPDATES": "webhook"}, "CHATKEY_WEBHOOK_URL is missing"),
        ({"CHATKEY_WEBHOOK_URL": "https://a.example/h"}, "is for CHATKEY_UPDATES=webhook"),
        ({"CHATKEY_UPDATES": "polling", "CHATKEY_WEBHOOK_SECRET": "s"}, "is for CHATKEY_UPDATES=webhook"),
        ({"CHATKEY_UPDATES": "polling", "CHATKEY_WEBHOOK_SECRET_FILE": "/s"}, "is for CHATKEY_UPDATES=webhook"),
        ({"CHATKEY_WEBHOOK_URL": "http://a.example/h"}, "starts with https://"),
        ({"CHATKEY_WEBHOOK_URL": "https://u:p@a.example/h"}, "without a user"),
        ({"CHATKEY_WEBHOOK_URL": "https://a.example/h?token=x"}, "without a user, a ? and a #"),
        ({"CHATKEY_WEBHOOK_URL": "https://a.example/ü"}, "starts with https://"),
        ({"CHATKEY_WEBHOOK_URL": "https:///h"}, "starts with https://"),
        ({"CHATKEY_WEBHOOK_SECRET": "with space"}, "1 to 256 of A-Z"),
        ({"CHATKEY_WEBHOOK_SECRET": "x" * 257}, "1 to 256 of A-Z"),
        ({"CHATKEY_WEBHOOK_SECRET": "s", "CHATKEY_WEBHOOK_SECRET_FILE": "/s"}, "both set"),
        ({"CHATKEY_WEBHOOK_LISTEN": "8081"}, "CHATKEY_WEBHOOK_LISTEN must be HOST:PORT"),
        ({"CHATKEY_UPDATE_RETENTION": "59m"}, "from 1h to 7d"),
        ({"CHATKEY_UPDATE_RETENTION": "8d"}, "from 1h to 7d"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_setting(
    environ: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        load(environ, tmp_path)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('bot_token = "123456:AAFake"', "is a secret; name a file"),
        ('bot_api_proxy = "http://u:p@proxy"', "is a secret; name a file"),
        ('audiense = "x"', "`audiense` is not a setting"),
        ("audience = 3", "must be a text in quotes"),
        ("audience = ", "is not TOML"),
    ],
)
def test_a_file_with_a_secret_or_an_error_in_it_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "chatkey.toml").write_text(content)
    with pytest.raises(ConfigInvalid) as refused:
        load({}, tmp_path)
    assert complaint in str(refused.value)
    assert "123456:AAFake" not in str(refused.value)


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="can't be read"):
        load({"CHATKEY_CONFIG": str(tmp_path / "none.toml")})


def test_no_secret_shows_in_any_rendering(tmp_path: Path) -> None:
    config = load({"CHATKEY_BOT_TOKEN": TOKEN, "CHATKEY_BOT_API_PROXY": "http://user:hunter2@proxy:1"}, tmp_path)
    shown = f"{config!r} {config} {describe(config)}"
    assert "AAFake" not in shown
    assert "hunter2" not in shown


def test_a_webhook_is_public_and_encrypted_or_on_this_machine(tmp_path: Path) -> None:
    for url in (
        "https://a.example",
        "https://a.example:8443/some/where",
        "http://localhost:8081/h",
        "http://127.0.0.1/h",
    ):
        given = {"CHATKEY_UPDATES": "webhook", "CHATKEY_WEBHOOK_URL": url, "CHATKEY_WEBHOOK_SECRET": "hush-hush"}
        config = load(given, tmp_path)
        assert config.webhook_url == url
        assert "hush" not in f"{config!r} {describe(config)}"


def test_every_setting_says_what_it_means_and_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    for setting in fields(Config):
        assert setting.metadata["meaning"].endswith(".")
        assert f"CHATKEY_{setting.name.upper()}" in readme, setting.name


def test_sizes_and_numbers(tmp_path: Path) -> None:
    assert load({}, tmp_path).database_max_size is None
    given = {"CHATKEY_DATABASE_MAX_SIZE": "500MiB", "CHATKEY_QUOTA_PER_DAY": "0", "CHATKEY_RETENTION": "24h"}
    config = load(given, tmp_path)
    assert (config.database_max_size, config.quota_per_day) == (500 * 1024 * 1024, 0)
    assert load({"CHATKEY_DATABASE_MAX_SIZE": "20GiB"}, tmp_path).database_max_size == 20 * 1024**3


def test_the_security_chat(tmp_path: Path) -> None:
    assert load({}, tmp_path).security_chat is None
    assert load({"CHATKEY_SECURITY_CHAT": "-1001234567890"}, tmp_path).security_chat == -1001234567890


def test_the_audit_log_stays_in_the_database_for_a_while_or_forever(tmp_path: Path) -> None:
    assert load({}, tmp_path).audit_retention == timedelta(days=90)
    assert load({"CHATKEY_AUDIT_RETENTION": "30d"}, tmp_path).audit_retention == timedelta(days=30)
    assert load({"CHATKEY_AUDIT_RETENTION": "forever"}, tmp_path).audit_retention is None


def test_durations() -> None:
    assert duration("90s") == timedelta(seconds=90)
    assert duration("7d") == timedelta(days=7)
    for wrong in ("", "0s", "1", "h", "1.5h", "-1h", "１h", "1w", " 1h"):
        with pytest.raises(ValueError, match="a number and a unit"):
            duration(wrong)
