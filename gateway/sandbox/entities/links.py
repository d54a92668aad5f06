"""Links inside formatted text, accepted and normalised as TDLib does (LinkManager.cpp, HttpUrl.cpp)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from gateway.sandbox.errors import InvalidInput
from gateway.sandbox.integers import strict_integer

_TG = re.compile(r"tg:(?://)?([^/?#]*)/?(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_URL = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<user>[^/?#@]*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\[\]]*)(?::(?P<port>[0-9]*))?(?P<rest>[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_BAD_HOST = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]")
_UNSAFE = re.compile(r"[\x00-\x20]")


def checked_link(link: str) -> str:
    """The link in its usual spelling; empty when it is none."""
    try:
        return require_link(link)
    except InvalidInput:
        return ""


def require_link(link: str) -> str:
    """Like `checked_link`, but raises `InvalidInput` that says what is wrong."""
    if link[:3].lower() == "tg:":
        return _internal_link(link)
    found = _URL.fullmatch(link.removeprefix("//"))
    if found is None:
        raise InvalidInput("Wrong HTTP URL")
    scheme = (found["scheme"] or "http").lower()
    if scheme not in ("http", "https", "ton", "tonsite"):
        raise InvalidInput("Unsupported URL protocol")
    host = found["host"].lower()
    if not host:
        raise InvalidInput("URL host is empty")
    if _BAD_HOST.search(host):
        raise InvalidInput("Disallowed character in URL host")
    port = found["port"]
    if port is not None and not 0 < int(port[:6] or "0") < 1 << 16:
        raise InvalidInput("Wrong port number specified in the URL")
    if "." not in host and not host.startswith("["):
        raise InvalidInput("Wrong HTTP URL")
    user = f"{found['user']}@" if found["user"] else ""
    shown_port = f":{int(port)}" if port and int(port) != (443 if scheme == "https" else 80) else ""
    return f"{scheme}://{user}{host}{shown_port}{_path(found['rest'])}"


def user_of(link: str) -> int:
    """The user a `tg://user?id=` link means; 0 when it is another link."""
    found = _TG.fullmatch(link)
    if found is None or found[1].lower() != "user":
        return 0
    number = strict_integer(_argument(found[2], "id"))
    return number if number is not None and 0 < number < 1 << 40 else 0


def emoji_of(link: str) -> str:
    """The custom emoji a `tg://emoji?id=` link means."""
    if link[:3].lower() != "tg:":
        raise InvalidInput("Custom emoji URL must have scheme tg")
    found = _TG.fullmatch(link)
    if found is None or found[1].lower() != "emoji":
        raise InvalidInput('Custom emoji URL must have host "emoji"')
    if not _argument(found[2], "id"):
        raise InvalidInput("Custom emoji URL must have an emoji identifier")
    return emoji_id(_argument(found[2], "id"))


def emoji_id(text: str) -> str:
    """Check the id of a custom emoji."""
    if not strict_integer(text):
        raise InvalidInput("Invalid custom emoji identifier specified")
    return text


def time_of(link: str) -> tuple[int, str] | None:
    """The instant and format a `tg://time?unix=…&format=…` link means; None when it is another link."""
    found = _TG.fullmatch(link)
    if found is None or found[1].lower() != "time":
        return None
    instant = strict_integer(_argument(found[2], "unix"))
    return None if instant is None else (instant, _argument(found[2], "format"))


def _argument(query: str | None, name: str) -> str:
    pairs = parse_qsl(query or "", keep_blank_values=True, max_num_fields=100) if (query or "").count("&") < 100 else []
    return next((value for key, value in pairs if key == name), "")


def _internal_link(link: str) -> str:
    found = _TG.fullmatch(link)
    if found is None or not re.fullmatch(r"[A-Za-z0-9_-]+", found[1]):
        raise InvalidInput("Unallowed characters in URL host")
    rest = link[link.lower().index(found[1].lower(), 3) + len(found[1]) :]
    return f"tg://{found[1].lower()}{_UNSAFE.sub(_escape, rest)}"


def _path(rest: str | None) -> str:
    path = _UNSAFE.sub(_escape, rest or "")
    return path if path.startswith("/") else "/" + path


def _escape(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"
