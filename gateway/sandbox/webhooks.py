"""Updates pushed to a webhook, one POST each and in order, as the Bot API does.

Like a server started with --local, the sandbox accepts plain http and any port.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from .entities.links import require_link
from .errors import InvalidInput, bad_request
from .updates import UpdateQueue

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
CONNECTIONS_LIMIT = 100
DEFAULT_CONNECTIONS = 40

_SECRET = re.compile(r"[A-Za-z0-9_-]*")
_SECRET_LIMIT = 256
_RETRY_SECONDS = (0.1, 0.5, 1.0, 5.0)
_TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a bot wants its updates."""

    url: str
    secret_token: str = ""
    max_connections: int = DEFAULT_CONNECTIONS
    ip_address: str = ""


def read_webhook(url: str, secret_token: str, max_connections: int, ip_address: str) -> Webhook:
    """Check what setWebhook asks for; an unusable address is a 400."""
    if not _SECRET.fullmatch(secret_token):
        raise bad_request("secret token contains unallowed characters")
    if len(secret_token) > _SECRET_LIMIT:
        raise bad_request("secret token is too long")
    if url.startswith(("http://localhost", "https://localhost")):
        return Webhook(url, secret_token, max_connections, ip_address)
    try:
        link = require_link(url)
    except InvalidInput as problem:
        raise bad_request(f"bad webhook: {problem}") from None
    if not link.startswith(("http://", "https://")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    return Webhook(link, secret_token, max_connections, ip_address)


class Pusher:
    """Pushes one bot's queue to its webhook until stopped."""

    def __init__(self, webhook: Webhook, queue: UpdateQueue, wall: Callable[[], float]) -> None:
        self.webhook = webhook
        self.last_error: tuple[int, str] | None = None
        self._queue = queue
        self._wall = wall
        self._task = asyncio.create_task(self._push_all())

    def stop(self) -> None:
        """Push nothing more."""
        self._task.cancel()

    async def _push_all(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            failures = 0
            while True:
                await self._queue.arrival()
                update = self._queue.peek(1)[0]
                problem = await self._push(session, update)
                if problem is None:
                    failures = 0
                    self._queue.confirm(update["update_id"] + 1)
                    continue
                self.last_error = (int(self._wall()), problem)
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1

    async def _push(self, session: aiohttp.ClientSession, update: dict[str, Any]) -> str | None:
        headers = {"Content-Type": "application/json"}
        if self.webhook.secret_token:
            headers[SECRET_HEADER] = self.webhook.secret_token
        try:
            async with session.post(
                self.webhook.url, data=orjson.dumps(update), headers=headers, allow_redirects=False
            ) as response:
                if 200 <= response.status < 300:
                    return None
                return f"Wrong response from the webhook: {response.status} {response.reason}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
            return "Connection timed out" if isinstance(problem, TimeoutError) else "Connection failed"
