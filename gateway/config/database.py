"""Where the database is: a file, or a PostgreSQL server, whose address carries no secret."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.config.values import is_loopback

POSTGRES = ("postgresql://", "postgres://")
_FORM = "postgresql://USER@HOST/DATABASE, or sqlite:///PATH such as sqlite:////var/lib/chatkey/chatkey.db"
_SECRETS = frozenset({"password", "passfile", "sslpassword"})
_MOST_DIGITS = 5


class Server(NamedTuple):
    """A machine on which the database may be, or the folder of a socket; None: the usual port."""

    host: str
    port: int | None


def database(text: str) -> str:
    """Return the address of a database as it is, once it is one.

    Raises:
        ValueError: It is not, has a password in it, or leads to another machine unprotected; the text has none of it.
    """
    if text.startswith(POSTGRES):
        _check_server(text)
    elif not text.startswith("sqlite:///") or not text.removeprefix("sqlite:///").strip():
        raise ValueError(_FORM)
    return text


def servers(url: str) -> list[Server]:
    """Return the servers that an address names, in its order.

    Raises:
        ValueError: It names none, or not in one way alone; the text has none of it.
    """
    _user, netloc, query = _parts(url)
    if bool(netloc) == ("host" in query) or "service" in query:
        # Else it would be where the environment says, whoever wrote that.
        raise ValueError("an address that names its host itself, such as postgresql://USER@HOST/DATABASE")
    # A port of its own has each host, or all have one.
    hosts = [unquote(host) for host in (netloc or query["host"]).split(",")]
    ports = "" if netloc else query.get("port", "")
    shared = ports.split(",") * (len(hosts) if "," not in ports else 1)
    if len(shared) != len(hosts):
        raise ValueError("an address with a port for each host")
    return [_server(host, port) for host, port in zip(hosts, shared, strict=True)]


def _check_server(url: str) -> None:
    user, _netloc, query = _parts(url)
    if ":" in user or _SECRETS & query.keys():
        raise ValueError(
            "an address without a password: put that into a file and name it in CHATKEY_DATABASE_PASSWORD_FILE, or use "
            "libpq's PGPASSFILE"
        )
    is_near = all(server.host.startswith("/") or is_loopback(server.host) for server in servers(url))
    if not is_near and query.get("sslmode") != "verify-full":
        raise ValueError("an address with sslmode=verify-full: it leads to another machine")


def _parts(url: str) -> tuple[str, str, dict[str, str]]:
    """Return user, hosts and parameters; of one that is there twice the last counts, as it does for the driver."""
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError(_FORM) from None
    user, _, netloc = parts.netloc.rpartition("@")
    if "@" in user:
        raise ValueError("an address with one @")
    return user, netloc, query


def _server(host: str, port: str) -> Server:
    if not host.startswith("/"):
        host, _, own = host.removeprefix("[").partition("]:" if host.startswith("[") else ":")
        host, port = host.removesuffix("]"), own or port
    if not host or (port and not (port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS)):
        raise ValueError("an address whose hosts are HOST:PORT or HOST")
    return Server(host, int(port) if port else None)
