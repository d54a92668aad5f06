"""How a bot is told of what happens: getUpdates and webhooks, in Telegram's own objects.

Not through python-telegram-bot's: an update whose fields that library does not know, or that it can't read, is an
update all the same, and one that can't be read must not keep back the others.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from gateway.model import WebhookState
from gateway.telegram.address import PUBLIC_API, checked_base_url, checked_proxy
from gateway.telegram.answers import Answer
from gateway.telegram.failures import Unanswered
from gateway.telegram.results import result_of
from gateway.telegram.token import TokenSource
from gateway.telegram.transport import Transport

WAIT_S = 50
"""How long Telegram is asked to wait for an update: the longest that it does."""
MAX_CONNECTIONS = 40
"""How many requests Telegram makes at once: its own default."""
_MAX_PROBLEM = 300


class Inbound:
    """Asks for updates; every failure is one of `gateway.telegram.failures`."""

    def __init__(self, transport: Transport, kinds: Sequence[str], wait_s: int = WAIT_S) -> None:
        """Take an initialized transport that waits longer than Telegram does; `open_inbound` builds it."""
        self._transport = transport
        self._kinds = list(kinds)
        self._wait_s = wait_s

    async def updates(self, offset: int | None, limit: int) -> Sequence[object]:
        """Wait for updates (`getUpdates`), and confirm those numbered below `offset`.

        Raises:
            Refused: 409 while something else fetches the bot's updates, or a webhook is set.
            BotFailure: None could be learned of.
        """
        asked: dict[str, object] = {"limit": limit, "timeout": self._wait_s, "allowed_updates": self._kinds}
        if offset is not None:
            asked["offset"] = offset
        result = await _told(self._transport.call("getUpdates", asked))
        if not isinstance(result, list):
            raise Unanswered("the answer has no list of updates")
        return result

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates sent to an address (`setWebhook`), with a secret in a header; those that wait stay.

        Raises:
            Refused: 400 where the address can't be used.
            BotFailure: It was not done.
        """
        asked: dict[str, object] = {"url": url, "secret_token": secret, "allowed_updates": self._kinds}
        asked |= {"max_connections": MAX_CONNECTIONS, "drop_pending_updates": False}
        await _told(self._transport.call("setWebhook", asked))

    async def delete_webhook(self) -> None:
        """Have updates sent nowhere (`deleteWebhook`); those that wait stay. Raises `BotFailure`."""
        await _told(self._transport.call("deleteWebhook", {"drop_pending_updates": False}))

    async def webhook(self) -> WebhookState:
        """Return where updates are sent, and how that goes (`getWebhookInfo`); raises `BotFailure`."""
        result = await _told(self._transport.call("getWebhookInfo", {}))
        told = result if isinstance(result, dict) else {}
        url = told.get("url")
        if not isinstance(url, str):
            raise Unanswered("the answer does not tell the webhook")
        waiting, problem, at = (told.get(f) for f in ("pending_update_count", "last_error_message", "last_error_date"))
        return WebhookState(
            url=url,
            waiting=waiting if type(waiting) is int else 0,
            problem=problem[:_MAX_PROBLEM] if isinstance(problem, str) else "",
            problem_at=at if type(at) is int else 0,
        )


async def _told(asking: Awaitable[Answer]) -> Any:
    """Return what Telegram answers; raises `BotFailure`."""
    return json.loads((await result_of(asking)).payload)["result"]


@asynccontextmanager
async def open_inbound(
    token: TokenSource,
    kinds: Sequence[str],
    *,
    base_url: str = PUBLIC_API,
    allow_plaintext: bool = False,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    connect_timeout: timedelta = timedelta(seconds=5),
    wait_s: int = WAIT_S,
) -> AsyncIterator[Inbound]:
    """Open a way to Telegram of its own: a call that waits for a minute takes no connection from those that send.

    Args:
        token: Where the bot token comes from.
        kinds: Which kinds of updates are asked for, by Telegram's names.
        base_url: The Bot API server.
        allow_plaintext: Whether `base_url` may be plain http to another machine.
        proxy: `http://` or `socks5://`, with user and password where needed.
        tls: How the server is verified; by the machine's certificate authorities where it is None.
        connect_timeout: For name resolution, connecting and TLS together.
        wait_s: How many seconds Telegram is asked to wait for an update, 50 at most.

    Raises:
        ConfigInvalid: An address is malformed or would show the bot token to the network.
    """
    transport = Transport(
        token.read,
        base_url=checked_base_url(base_url, allow_plaintext=allow_plaintext),
        proxy=checked_proxy(proxy) if proxy else None,
        tls=tls,
        connections=2,
        connect_timeout=connect_timeout,
        answer_timeout=timedelta(seconds=wait_s) + timedelta(seconds=15),
    )
    await transport.initialize()
    try:
        yield Inbound(transport, kinds, wait_s)
    finally:
        await transport.shutdown()
