"""How updates come, and where a webhook is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from gateway.config.values import Secret, is_loopback
from gateway.errors import ConfigInvalid

SHORTEST_RETENTION = timedelta(hours=1)
LONGEST_RETENTION = timedelta(days=7)
"""After a week of silence Telegram numbers updates anew; until then every number that is kept is another update's."""


class Inbound(Protocol):
    """The settings of updates."""

    @property
    def updates(self) -> str:
        """How they come."""

    @property
    def webhook_url(self) -> str:
        """Where Telegram sends them."""

    @property
    def webhook_secret(self) -> Secret | None:
        """What it proves itself with."""

    @property
    def webhook_secret_file(self) -> object:
        """A file that holds it."""

    @property
    def update_retention(self) -> timedelta:
        """How long they are kept."""


def public_address(text: str) -> str:
    """Return the address that Telegram is to call, once it can be one."""
    parts = urlsplit(text)
    is_sound = bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment
    if not is_sound or not re.fullmatch(r"[!-~]{1,2000}", text) or not _is_private(parts.scheme, parts.hostname or ""):
        raise ValueError("an address that starts with https://, without a user, a ? and a #")
    return text


def _is_private(scheme: str, host: str) -> bool:
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def webhook_secret(text: str) -> Secret:
    """Return the secret, once Telegram takes it as one (https://core.telegram.org/bots/api#setwebhook)."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", text):
        raise ValueError("1 to 256 of A-Z a-z 0-9 _ -")
    return Secret(text)


def require_whole(config: Inbound) -> None:
    """Return if the settings of updates are complete; raises `ConfigInvalid`."""
    if config.updates == "webhook" and not config.webhook_url:
        raise ConfigInvalid("CHATKEY_WEBHOOK_URL is missing: the address at which Telegram reaches this gateway.")
    if config.updates != "webhook":
        for name in ("webhook_url", "webhook_secret", "webhook_secret_file"):
            if getattr(config, name):
                raise ConfigInvalid(f"CHATKEY_{name.upper()} is for CHATKEY_UPDATES=webhook, which is not set.")
    if not SHORTEST_RETENTION <= config.update_retention <= LONGEST_RETENTION:
        raise ConfigInvalid("CHATKEY_UPDATE_RETENTION must be from 1h to 7d.")
