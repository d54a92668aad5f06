"""The bots that called: one per id, whatever its token's secret, so that a rotated token is the same bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import unauthorized
from .limits import FloodLimits
from .updates import UpdateQueue
from .webhooks import Pusher, Webhook

TOKEN_LIMIT = 80
"""Characters of a token (ClientManager.cpp)."""

QUERIES_LIMIT = 1_000
"""Callback queries a bot may still answer; older ones are too old."""


@dataclass(slots=True)
class Bot:
    """One bot and what belongs to it alone."""

    user: dict[str, Any]
    updates: UpdateQueue
    limits: FloodLimits
    pusher: Pusher | None = None
    queries: dict[str, None] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The number before the token's colon."""
        return int(self.user["id"])

    def set_webhook(self, webhook: Webhook | None, wall: Callable[[], float]) -> None:
        """Push to a webhook from now on, or no longer."""
        if self.pusher is not None:
            self.pusher.stop()
        self.pusher = Pusher(webhook, self.updates, wall) if webhook else None

    def deliver(self, kind: str, content: Any) -> None:
        """Queue an update; a callback query may be answered once."""
        if self.updates.add(kind, content) and kind == "callback_query" and "id" in content:
            self.queries[str(content["id"])] = None
            if len(self.queries) > QUERIES_LIMIT:
                del self.queries[next(iter(self.queries))]


def bot_id_of(token: str) -> int:
    """The id in a token; a token of another form is a 401."""
    head, colon, _ = token.partition(":")
    well_formed = colon and len(token) <= TOKEN_LIMIT and head.isascii() and head.isdecimal() and head[0] != "0"
    if not well_formed or int(head) >= 1 << 54:
        raise unauthorized("invalid token specified")
    return int(head)


def bot_user(bot_id: int) -> dict[str, Any]:
    """The `User` object of a bot."""
    return {"id": bot_id, "is_bot": True, "first_name": "Sandbox Bot", "username": f"sandbox_{bot_id}_bot"}
