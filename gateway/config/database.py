"""Where the database is: a file, or a PostgreSQL server, whose address carries no secret."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from gateway.config.values import is_loopback

POSTGRES = ("postgresql://", "postgres://")
_SECRETS = frozenset({"password", "passfile", "sslpassword"})
_VERIFIED = frozenset({"verify-ca", "verify-full"})


def database(text: str) -> str:
    """Return the address of a database as it is, once it is one.

    Raises:
        ValueError: It is not, has a password in it, or leads to another machine unprotected; the text has none of it.
    """
    if text.startswith(POSTGRES):
        _check_server(text)
    elif not text.startswith("sqlite:///") or not text.removeprefix("sqlite:///").strip():
        raise ValueError(
            "postgresql://USER@HOST/DATABASE, or sqlite:///PATH such as sqlite:////var/lib/chatkey/chatkey.db"
        )
    return text


def _check_server(url: str) -> None:
    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    user, at, hosts = parts.netloc.rpartition("@")
    if (at and ":" in user) or _SECRETS & query.keys():
        raise ValueError(
            "an address without a password: put that into a file and name it in CHATKEY_DATABASE_PASSWORD_FILE, or use "
            "libpq's PGPASSFILE"
        )
    named = [_host(host) for host in [*hosts.split(","), *",".join(query.get("host", [])).split(",")] if host]
    is_near = all(host.startswith("/") or is_loopback(host) for host in named)
    if not is_near and not _VERIFIED & set(query.get("sslmode", [])):
        raise ValueError("an address with sslmode=verify-full: it leads to another machine")


def _host(text: str) -> str:
    """Return a host without its port; an IPv6 address is in brackets."""
    return text.partition("]")[0] + "]" if text.startswith("[") else text.partition(":")[0]
