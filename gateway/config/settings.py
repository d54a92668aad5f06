"""Every setting, with its meaning and its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.addresses import AddressRanges
from gateway.config.database import POSTGRES
from gateway.config.database import database as database_address
from gateway.config.inbound import public_address, require_whole, webhook_secret
from gateway.config.values import (
    Secret,
    chat,
    duration_or_forever,
    host_and_port,
    is_loopback,
    listen_address,
    not_empty,
    number,
    one_of,
    only_in_the_file,
    path,
    ranges,
    secret_url,
    size,
    url,
)
from gateway.durations import duration
from gateway.errors import ConfigInvalid
from gateway.trust import TrustedIssuer

PREFIX = "CHATKEY_"
ABSOLUTE_MAX_LIFETIME = timedelta(days=32)
SHORTEST_RETENTION = timedelta(hours=24)


def environment(name: str) -> str:
    """Return the name that a setting has in the environment."""
    return PREFIX + name.upper()


def _state_home() -> Path:
    return Path("~/.local/state/chatkey").expanduser()


def _setting(default: Any, parse: Callable[[str], Any], meaning: str, *, form: str = "", secret: bool = False) -> Any:
    metadata = {"parse": parse, "meaning": meaning, "form": form, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of the gateway.

    Raises:
        ConfigInvalid: two of them contradict each other, or one of a pair is missing.
    """

    bot_token: Secret | None = _setting(
        None, Secret, "The bot's token, as @BotFather gave it. Give a file rather than the value.", secret=True
    )
    bot_token_file: Path | None = _setting(
        None, path, "A file with the bot's token; read again when it changes.", form="path"
    )
    bot_api_url: str = _setting(
        "https://api.telegram.org",
        url("https", "http"),
        "The Bot API server: Telegram's, one of your own, or the sandbox.",
    )
    bot_api_proxy: Secret | None = _setting(
        None,
        secret_url("http", "https", "socks5", "socks5h"),
        "A proxy on the way to the Bot API.",
        form="http://… or socks5://…",
        secret=True,
    )
    bot_api_proxy_file: Path | None = _setting(None, path, "A file with the address of that proxy.", form="path")
    data_dir: Path = _setting(
        _state_home, path, "The folder for keys and messages; only its owner may read it.", form="path"
    )
    database: str = _setting(
        "",
        database_address,
        "Where messages are kept: a file, or a PostgreSQL server that several gateways share. Empty: `chatkey.db` in "
        "the data folder.",
        form="sqlite:///path or postgresql://user@host/database",
    )
    database_password_file: Path | None = _setting(
        None, path, "A file with the password for the PostgreSQL server.", form="path"
    )
    grpc_listen: str = _setting("127.0.0.1:50051", listen_address, "Where callers connect.")
    admin_listen: str = _setting(
        "", listen_address, "Where operators connect; empty: nowhere.", form="127.0.0.1:50052 or unix:/path"
    )
    http_listen: str = _setting("127.0.0.1:8080", host_and_port, "Where health, metrics and public keys are.")
    issuer: str = _setting("chatkey", not_empty, "The `iss` of tokens: who issues them.")
    audience: str = _setting("chatkey", not_empty, "The `aud` of tokens: name this installation, such as chatkey/prod.")
    admin_audience: str = _setting(
        "", not_empty, "The `aud` of operators' tokens; empty: CHATKEY_AUDIENCE with /admin after it.", form="name"
    )
    admin_approval: str = _setting(
        "one_person",
        one_of("one_person", "two_person"),
        "Whether what an operator asks for that is critical is done, or another operator has to approve it first.",
    )
    token_max_lifetime: timedelta = _setting(
        timedelta(hours=24), duration, "The longest life of a token that is accepted; at most 32d.", form="24h"
    )
    issuer_jwks_file: Path | None = _setting(
        None,
        path,
        "Public keys of our own issuer, when its private ones are on another machine; read again when they change.",
        form="path",
    )
    operator_jwks_file: Path | None = _setting(
        None,
        path,
        "Public keys of operators' tokens, when the private ones are on another machine; read again when they change.",
        form="path",
    )
    trusted_issuers: tuple[TrustedIssuer, ...] = _setting(
        (), only_in_the_file, "Other issuers whose tokens are taken: tables in `chatkey.toml` only."
    )
    unknown_clients: str = _setting(
        "auto",
        one_of("auto", "allow", "deny"),
        "Clients that were not added: the token decides (allow), refused (deny), or allow until one is added (auto).",
    )
    unknown_chats: str = _setting(
        "auto",
        one_of("auto", "allow", "deny"),
        "Chats that were not authorized: the token decides (allow), refused (deny), or allow until one is (auto).",
    )
    max_staleness: timedelta = _setting(
        timedelta(seconds=5),
        duration,
        "How long the gateway may not know what was revoked before it accepts and sends nothing.",
        form="5s",
    )
    tls_cert_file: Path | None = _setting(
        None, path, "The server's certificate chain, PEM; read again when it changes.", form="path"
    )
    tls_key_file: Path | None = _setting(None, path, "The key of that certificate, PEM; likewise.", form="path")
    tls_client_ca_file: Path | None = _setting(
        None, path, "The CA of client certificates, PEM; then every caller needs one. Read again too.", form="path"
    )
    allowed_addresses: AddressRanges | None = _setting(
        None,
        ranges,
        "From where alone calls are taken, whatever the token says; `unix` is the local socket.",
        form="10.0.0.0/8, unix",
    )
    trusted_proxies: AddressRanges = _setting(
        AddressRanges(),
        ranges,
        "Proxies whose `x-forwarded-for` is believed: it is then the caller's address.",
        form="10.0.0.7, unix",
    )
    pacing: str = _setting(
        "telegram",
        one_of("telegram", "paid", "off"),
        "How fast to send: within Telegram's limits, with paid broadcast, or without a limit.",
    )
    follow_migration: str = _setting(
        "approve",
        one_of("follow", "approve"),
        "What is sent to a group that became a supergroup: goes there, or waits for `chatkey chat migrate approve`.",
    )
    quota_per_minute: int = _setting(
        60_000,
        number,
        "How many messages a client may send in a minute, if it has no quota of its own; 0: any number.",
    )
    quota_per_day: int = _setting(
        5_000_000, number, "How many messages a client may send in a day, likewise; 0: any number."
    )
    quota_queue: int = _setting(
        10_000, number, "How many messages of a client may wait at once, likewise; 0: any number."
    )
    quota_queue_total: int = _setting(
        100_000, number, "How many messages may wait at once, of all clients together; 0: any number."
    )
    failures_per_minute: int = _setting(
        300,
        number,
        "How many tokens from one address may fail in a minute before unknown ones from there are refused unread; "
        "0: any number.",
    )
    narrowed_per_minute: int = _setting(
        60, number, "How many tokens a client may narrow from its own in a minute; 0: any number."
    )
    chat_calls_per_minute: int = _setting(
        300,
        number,
        "How often in a minute a client may look at chats, moderate them, react, and answer presses; 0: any number.",
    )
    retention: timedelta = _setting(
        timedelta(days=7),
        duration,
        "How long a message and its request_id are kept after its end; at least 24h, and its own ttl.",
        form="7d",
    )
    audit_retention: timedelta | None = _setting(
        timedelta(days=90),
        duration_or_forever,
        "How long the database has what is in the audit log; older records are in archive files. forever: always.",
        form="90d",
    )
    updates: str = _setting(
        "off",
        one_of("off", "polling", "webhook"),
        "Whether callers are told what happens in their chats, and how it comes: fetched (polling) or sent (webhook).",
    )
    webhook_url: str = _setting(
        "", public_address, "Where Telegram sends updates: its path is the one that is listened at.", form="https://…"
    )
    webhook_listen: str = _setting(
        "127.0.0.1:8081", host_and_port, "Where these are taken, behind what ends their TLS; nothing else is there."
    )
    webhook_secret: Secret | None = _setting(
        None,
        webhook_secret,
        "What Telegram proves itself with there; empty: made once, and kept in the data folder.",
        secret=True,
    )
    webhook_secret_file: Path | None = _setting(None, path, "A file with that secret.", form="path")
    update_retention: timedelta = _setting(
        timedelta(hours=24), duration, "How long updates are kept, what people write included: 1h to 7d.", form="24h"
    )
    security_chat: int | None = _setting(
        None,
        chat,
        "The chat that is told of keys used for foreign chats, of canaries, and the audit log's head; empty: none.",
        form="-1001234567890",
    )
    database_max_size: int | None = _setting(
        None, size, "From which size of the database on no message is accepted; empty: any.", form="20GiB"
    )
    drain: timedelta = _setting(
        timedelta(seconds=15), duration, "How long calls may take to end at a stop.", form="15s"
    )
    log_level: str = _setting(
        "INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "The least urgent line that is logged."
    )
    log_format: str = _setting("json", one_of("json", "text"), "One JSON object a line, or text for people.")

    def __post_init__(self) -> None:
        """Refuse what is half-set."""
        for name in ("bot_token", "bot_api_proxy", "webhook_secret"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ConfigInvalid(f"{environment(name)} and {environment(name)}_FILE are both set: leave one.")
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            missing = "tls_key_file" if self.tls_cert_file else "tls_cert_file"
            raise ConfigInvalid(f"{environment(missing)} is missing: TLS needs the certificate and its key.")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ConfigInvalid(f"{environment('tls_client_ca_file')} needs {environment('tls_cert_file')} too.")
        reachable = self.allowed_addresses is None or self.allowed_addresses.local_sockets
        for name in ("grpc_listen", "admin_listen"):
            is_socket = getattr(self, name).startswith("unix:")
            if is_socket and not (reachable or self.trusted_proxies.local_sockets):
                raise ConfigInvalid(
                    f"{environment('allowed_addresses')} has no `unix`, and {environment(name)} is a local "
                    "socket: nobody could call."
                )
        if self.operator_audience == self.audience:
            raise ConfigInvalid(
                f"{environment('admin_audience')} is {environment('audience')}: a client's token would look like an "
                "operator's. Give it another name."
            )
        if self.retention < SHORTEST_RETENTION:
            raise ConfigInvalid(f"{environment('retention')} is under 24h: a request_id is remembered for a day.")
        if self.token_max_lifetime > ABSOLUTE_MAX_LIFETIME:
            raise ConfigInvalid(f"{environment('token_max_lifetime')} is over 32d, the longest life a token may have.")
        if any(issuer.issuer == self.issuer for issuer in self.trusted_issuers):
            raise ConfigInvalid(f"{self.issuer!r} is our own issuer and can't be one of the trusted ones too.")
        if self.is_postgres and self.database_max_size is not None:
            raise ConfigInvalid(f"{environment('database_max_size')} is for SQLite: a server has its own limits.")
        if self.database_password_file and not self.is_postgres:
            raise ConfigInvalid(f"{environment('database_password_file')} needs a PostgreSQL server to log in to.")
        require_whole(self)
        api = urlsplit(self.bot_api_url)
        if api.scheme == "http" and not is_loopback(api.hostname or ""):
            raise ConfigInvalid(
                f"{environment('bot_api_url')} is http:// to another machine: the bot token would travel unencrypted."
            )

    @property
    def operator_audience(self) -> str:
        """The `aud` of operators' tokens."""
        return self.admin_audience or f"{self.audience}/admin"

    @property
    def is_postgres(self) -> bool:
        """Whether the database is on a PostgreSQL server."""
        return self.database.startswith(POSTGRES)

    @property
    def has_database(self) -> bool:
        """Whether there is a database already, as far as can be told without asking a server."""
        return self.is_postgres or self.database_path.exists()

    @property
    def database_path(self) -> Path:
        """Where the SQLite database is."""
        if self.database:
            return Path(self.database.removeprefix("sqlite:///"))
        return self.data_dir / "chatkey.db"
