"""How the text of a setting is read; each raises `ValueError` that completes "… must be"."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from gateway.addresses import AddressRanges
from gateway.durations import duration
from gateway.model import is_chat_id


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


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("not empty")
    return text


def url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text.rstrip("/")

    return parse


def secret_url(*schemes: str) -> Callable[[str], Secret]:
    parse = url(*schemes)
    return lambda text: Secret(parse(text))


def path(text: str) -> Path:
    return Path(not_empty(text)).expanduser()


def only_in_the_file(_text: str) -> NoReturn:
    raise ValueError("in `chatkey.toml` only, as tables")


def number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise ValueError("a whole number, such as 1000; 0 is no limit")
    return int(text)


def duration_or_forever(text: str) -> timedelta | None:
    """Return a length of time, or None for `forever`."""
    if text == "forever":
        return None
    try:
        return duration(text)
    except ValueError as error:
        raise ValueError(f"forever, or {error}") from None


def chat(text: str) -> int:
    """Return the id of a chat."""
    if not re.fullmatch(r"-?[1-9][0-9]{0,15}", text, re.ASCII) or not is_chat_id(int(text)):
        raise ValueError("the id of a chat, such as -1001234567890")
    return int(text)


def size(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})(MiB|GiB)", text, re.ASCII)
    if not found:
        raise ValueError("a number and a unit, such as 500MiB or 20GiB")
    return int(found[1]) << {"MiB": 20, "GiB": 30}[found[2]]


def ranges(text: str) -> AddressRanges:
    try:
        return AddressRanges.parse(part.strip() for part in text.split(","))
    except ValueError:
        raise ValueError("ranges such as 10.0.0.0/8 or 2001:db8::/32, or unix, with commas between") from None
