"""What this room asks of Telegram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.model import UpdateKind, WebhookState

KINDS = tuple(kind.value for kind in UpdateKind)
"""`allowed_updates`: what is not asked for is not sent, and Telegram leaves out some kinds that nobody asks for."""


class Source(Protocol):
    """Gives a bot its updates. Every method raises a `gateway.telegram.failures.BotFailure` when it can't."""

    async def updates(self, offset: int | None, limit: int) -> Sequence[object]:
        """Wait for updates (`getUpdates`), and confirm those numbered below `offset`; None: confirm none."""

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates sent to an address, with a secret; those that wait stay."""

    async def delete_webhook(self) -> None:
        """Have them sent nowhere; those that wait stay."""

    async def webhook(self) -> WebhookState:
        """Return where they are sent, and how that goes."""
