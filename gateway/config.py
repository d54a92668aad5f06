"""The configuration: one frozen value, read once, refused if it is half-set.

Each field of `Config` is one setting: `data_dir` is `CHATKEY_DATA_DIR` in the environment and `data_dir` in
`chatkey.toml`. The environment goes first. A secret has a second name for a file that holds it, `…_FILE`, and is never
taken from `chatkey.toml` itself, which ends up in version control too easily. An unknown name is refused: it is a
typing error that would otherwise leave a default in force.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from gateway.addresses import AddressRanges
from gateway.durations import duration
from gateway.errors import ConfigInvalid
from gateway.trust import TrustedIssuer, trusted_issuers

PREFIX = "CHATKEY_"
FOR_CALLERS = frozenset({"CHATKEY_ADDRESS", "CHATKEY_TOKEN", "CHATKEY_TOKEN_FILE", "CHATKEY_CONFIG"})
"""Names that the environment may have beside the settings: those of the client, and where `chatkey.toml` is."""

ABSOLUTE_MAX_LIFETIME = timedelta(days=32)
SHORTEST_RETENTION = timedelta(hours=24)


class Secret:
    """A value that shows itself to nobody who does not ask."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep the value."""
        self._value = value

    def reveal(self) -> str:
        """Return the value. Never for a log, an error or a page."""
        return self._value

    def __repr__(self) -> str:
        """Return stars."""
        return "Secret(****)"


def listen_address(text: str) -> str:
    """Return `HOST:PORT` or `unix:PATH` as it is, once it has that form."""
    return text if text.startswith("unix:") else host_and_port(text)


def host_and_port(text: str) -> str:
    """Return `HOST:PORT` as it is, once it has that form."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or int(port) > 65535:
        raise ValueError("HOST:PORT, such as 127.0.0.1:50051")
    return text


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("not empty")
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text.rstrip("/")

    return parse


def _secret_url(*schemes: str) -> Callable[[str], Secret]:
    parse = _url(*schemes)
    return lambda text: Secret(parse(text))


def _path(text: str) -> Path:
    return Path(_not_empty(text)).expanduser()


def _only_in_the_file(_text: str) -> NoReturn:
    raise ValueError("in `chatkey.toml` only, as tables")


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise ValueError("a whole number, such as 1000; 0 is no limit")
    return int(text)


def _size(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})(MiB|GiB)", text, re.ASCII)
    if not found:
        raise ValueError("a number and a unit, such as 500MiB or 20GiB")
    return int(found[1]) << {"MiB": 20, "GiB": 30}[found[2]]


def _ranges(text: str) -> AddressRanges:
    try:
        return AddressRanges.parse(part.strip() for part in text.split(","))
    except ValueError:
        raise ValueError("ranges such as 10.0.0.0/8 or 2001:db8::/32, or unix, with commas between") from None


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
        None, _path, "A file with the bot's token; read again when it changes.", form="path"
    )
    bot_api_url: str = _setting(
        "https://api.telegram.org",
        _url("https", "http"),
        "The Bot API server: Telegram's, one of your own, or the sandbox.",
    )
    bot_api_proxy: Secret | None = _setting(
        None,
        _secret_url("http", "https", "socks5", "socks5h"),
        "A proxy on the way to the Bot API.",
        form="http://… or socks5://…",
        secret=True,
    )
    bot_api_proxy_file: Path | None = _setting(None, _path, "A file with the address of that proxy.", form="path")
    data_dir: Path = _setting(
        _state_home, _path, "The folder for keys and messages; only its owner may read it.", form="path"
    )
    database: str = _setting(
        "", str, "Where messages are kept. Empty: `chatkey.db` in the data folder.", form="sqlite:///path"
    )
    grpc_listen: str = _setting("127.0.0.1:50051", listen_address, "Where callers connect.")
    http_listen: str = _setting("127.0.0.1:8080", host_and_port, "Where health, metrics and public keys are.")
    issuer: str = _setting("chatkey", _not_empty, "The `iss` of tokens: who issues them.")
    audience: str = _setting(
        "chatkey", _not_empty, "The `aud` of tokens: name this installation, such as chatkey/prod."
    )
    token_max_lifetime: timedelta = _setting(
        timedelta(hours=24), duration, "The longest life of a token that is accepted; at most 32d.", form="24h"
    )
    issuer_jwks_file: Path | None = _setting(
        None,
        _path,
        "Public keys of our own issuer, when its private ones are on another machine; read again when they change.",
        form="path",
    )
    trusted_issuers: tuple[TrustedIssuer, ...] = _setting(
        (), _only_in_the_file, "Other issuers whose tokens are taken: tables in `chatkey.toml` only."
    )
    unknown_clients: str = _setting(
        "auto",
        _one_of("auto", "allow", "deny"),
        "Clients that were not added: the token decides (allow), refused (deny), or allow until one is added (auto).",
    )
    unknown_chats: str = _setting(
        "auto",
        _one_of("auto", "allow", "deny"),
        "Chats that were not authorized: the token decides (allow), refused (deny), or allow until one is (auto).",
    )
    max_staleness: timedelta = _setting(
        timedelta(seconds=5),
        duration,
        "How long the gateway may not know what was revoked before it accepts and sends nothing.",
        form="5s",
    )
    tls_cert_file: Path | None = _setting(None, _path, "The server's certificate chain, PEM.", form="path")
    tls_key_file: Path | None = _setting(None, _path, "The key of that certificate, PEM.", form="path")
    tls_client_ca_file: Path | None = _setting(
        None, _path, "The CA of client certificates, PEM; then every caller needs one.", form="path"
    )
    allowed_addresses: AddressRanges | None = _setting(
        None,
        _ranges,
        "From where alone calls are taken, whatever the token says; `unix` is the local socket.",
        form="10.0.0.0/8, unix",
    )
    trusted_proxies: AddressRanges = _setting(
        AddressRanges(),
        _ranges,
        "Proxies whose `x-forwarded-for` is believed: it is then the caller's address.",
        form="10.0.0.7, unix",
    )
    pacing: str = _setting(
        "telegram",
        _one_of("telegram", "paid", "off"),
        "How fast to send: within Telegram's limits, with paid broadcast, or without a limit.",
    )
    follow_migration: str = _setting(
        "approve",
        _one_of("follow", "approve"),
        "What is sent to a group that became a supergroup: goes there, or waits for `chatkey chat migrate approve`.",
    )
    quota_per_minute: int = _setting(
        60_000,
        _number,
        "How many messages a client may send in a minute, if it has no quota of its own; 0: any number.",
    )
    quota_per_day: int = _setting(
        5_000_000, _number, "How many messages a client may send in a day, likewise; 0: any number."
    )
    quota_queue: int = _setting(
        10_000, _number, "How many messages of a client may wait at once, likewise; 0: any number."
    )
    quota_queue_total: int = _setting(
        100_000, _number, "How many messages may wait at once, of all clients together; 0: any number."
    )
    retention: timedelta = _setting(
        timedelta(days=7),
        duration,
        "How long a message and its request_id are kept after its end; at least 24h, and its own ttl.",
        form="7d",
    )
    database_max_size: int | None = _setting(
        None, _size, "From which size of the database on no message is accepted; empty: any.", form="20GiB"
    )
    drain: timedelta = _setting(
        timedelta(seconds=15), duration, "How long calls may take to end at a stop.", form="15s"
    )
    log_level: str = _setting(
        "INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "The least urgent line that is logged."
    )
    log_format: str = _setting("json", _one_of("json", "text"), "One JSON object a line, or text for people.")

    def __post_init__(self) -> None:
        """Refuse what is half-set."""
        for name in ("bot_token", "bot_api_proxy"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ConfigInvalid(f"{_environment(name)} and {_environment(name)}_FILE are both set: leave one.")
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            missing = "tls_key_file" if self.tls_cert_file else "tls_cert_file"
            raise ConfigInvalid(f"{_environment(missing)} is missing: TLS needs the certificate and its key.")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ConfigInvalid(f"{_environment('tls_client_ca_file')} needs {_environment('tls_cert_file')} too.")
        reachable = self.allowed_addresses is None or self.allowed_addresses.local_sockets
        if self.grpc_listen.startswith("unix:") and not (reachable or self.trusted_proxies.local_sockets):
            raise ConfigInvalid(
                f"{_environment('allowed_addresses')} has no `unix`, and {_environment('grpc_listen')} is a local "
                "socket: nobody could call."
            )
        if self.retention < SHORTEST_RETENTION:
            raise ConfigInvalid(f"{_environment('retention')} is under 24h: a request_id is remembered for a day.")
        if self.token_max_lifetime > ABSOLUTE_MAX_LIFETIME:
            raise ConfigInvalid(f"{_environment('token_max_lifetime')} is over 32d, the longest life a token may have.")
        if any(issuer.issuer == self.issuer for issuer in self.trusted_issuers):
            raise ConfigInvalid(f"{self.issuer!r} is our own issuer and can't be one of the trusted ones too.")
        if self.database and not self.database.startswith("sqlite:///"):
            raise ConfigInvalid(f"{_environment('database')} must be sqlite:///PATH: this version stores in SQLite.")
        if self.database.removeprefix("sqlite:///").strip() == "" and self.database:
            raise ConfigInvalid(f"{_environment('database')} has no path: write sqlite:////var/lib/chatkey/chatkey.db.")
        api = urlsplit(self.bot_api_url)
        if api.scheme == "http" and not is_loopback(api.hostname or ""):
            raise ConfigInvalid(
                f"{_environment('bot_api_url')} is http:// to another machine: the bot token would travel unencrypted."
            )

    @property
    def database_path(self) -> Path:
        """Where the SQLite database is."""
        if self.database:
            return Path(self.database.removeprefix("sqlite:///"))
        return self.data_dir / "chatkey.db"


def load(environ: Mapping[str, str], directory: Path | None = None) -> Config:
    """Read the settings from the environment and from `chatkey.toml`.

    Args:
        environ: The environment, such as `os.environ`.
        directory: Where to look for `chatkey.toml` when `CHATKEY_CONFIG` names none; None: the working directory.

    Raises:
        ConfigInvalid: a name is unknown, a value malformed, or the whole half-set.
    """
    settings = {item.name: item for item in fields(Config)}
    given, issuers = _from_file(environ, directory or Path.cwd(), settings)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in FOR_CALLERS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in settings or variable != _environment(name):
            raise ConfigInvalid(f"{variable} is not a setting. `chatkey config print` lists them.")
        if environ[variable] == "":
            raise ConfigInvalid(f"{variable} is set and empty: unset it, or give it a value.")
        given[name] = (variable, environ[variable])
        given.pop(f"{name}_file", None)
    values = {name: _parsed(settings[name], *value) for name, value in given.items()}
    return Config(trusted_issuers=issuers, **values)


def describe(config: Config) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each setting; a secret's value is stars."""
    rows = []
    for item in fields(config):
        value = getattr(config, item.name)
        shown = "****" if isinstance(value, Secret) else "" if value is None else str(value)
        if isinstance(value, timedelta):
            shown = f"{int(value.total_seconds())}s"
        if item.name == "trusted_issuers":
            shown = ", ".join(issuer.issuer for issuer in config.trusted_issuers)
        rows.append((_environment(item.name), shown, item.metadata["meaning"]))
    return rows


def _environment(name: str) -> str:
    return PREFIX + name.upper()


def _from_file(
    environ: Mapping[str, str], directory: Path, settings: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, str]], tuple[TrustedIssuer, ...]]:
    named = environ.get("CHATKEY_CONFIG")
    path = Path(named) if named else directory / "chatkey.toml"
    if not named and not path.exists():
        return {}, ()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid(f"{path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is not TOML: {error}.") from None
    issuers = trusted_issuers(content.pop("trusted_issuers", []), f"{path}: [[trusted_issuers]]")
    for name, value in content.items():
        if name not in settings:
            raise ConfigInvalid(f"{path}: `{name}` is not a setting. `chatkey config print` lists them.")
        if settings[name].metadata["secret"]:
            raise ConfigInvalid(f"{path}: `{name}` is a secret; name a file that holds it: `{name}_file`.")
        if not isinstance(value, str):
            raise ConfigInvalid(f"{path}: `{name}` must be a text in quotes.")
    return {name: (f"{path}: `{name}`", value) for name, value in content.items()}, issuers


def _parsed(setting: Any, source: str, text: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise ConfigInvalid(f"{source} must be {error}.") from None
