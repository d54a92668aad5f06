"""Where the Bot API is, and through which proxy: checked once, at start."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from gateway.errors import ConfigInvalid

PUBLIC_API = "https://api.telegram.org"


def checked_base_url(url: str, *, allow_plaintext: bool = False) -> str:
    """Return the address of a Bot API server without a slash at its end.

    Args:
        url: Such as `https://api.telegram.org` or, for a server of one's own, `http://127.0.0.1:8081`.
        allow_plaintext: Whether `http` may go further than this machine. The bot token is in the path of
            every request, so whoever sees the traffic has the bot.

    Raises:
        ConfigInvalid: It is no such address, or it is plain http to another machine.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigInvalid("Bot API URL: expected https://HOST, or http://127.0.0.1:PORT for a server on this machine")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigInvalid("Bot API URL: expected an address without user, query and fragment")
    if parts.scheme == "http" and not (allow_plaintext or _is_loopback(parts.hostname)):
        raise ConfigInvalid(f"Bot API URL: http to {parts.hostname} would show the bot token to the network; use https")
    return url.rstrip("/")


def checked_proxy(url: str) -> str:
    """Return the URL of a proxy in the form that aiohttp-socks reads; host names are resolved by the proxy.

    Raises:
        ConfigInvalid: It is not `http://` or `socks5://` with a host and a port. The text does not repeat the URL,
            because of the password in it.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "socks5", "socks5h") or not parts.hostname or not parts.port:
        raise ConfigInvalid(
            "proxy URL: expected http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT"
        )
    return url.replace("socks5h://", "socks5://", 1)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # checked only when it is asked for
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
