"""What the gateway itself says in the security team's chat, by the outbox of everybody: durable, paced, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from gateway.clock import Clock
from gateway.delivery.outbox import Outbox
from gateway.desk.fingerprint import fingerprint_of
from gateway.model import Caller, Draft, Entity, Grant, Message, Permission, Priority

SYSTEM = "#chatkey"
"""The client of these messages: no token can name it, because `sub` has no such character."""
TTL = timedelta(hours=24)
_EVER = datetime.max.replace(tzinfo=UTC)


def poster(outbox: Outbox, chat_id: int, clock: Clock) -> Callable[[str], Awaitable[Message]]:
    """Return what puts a text on its way to a chat; it raises a `GatewayError` where it was not kept."""

    async def post(text: str) -> Message:
        caller = Caller(
            client=SYSTEM,
            token_id="",
            key_id="",
            issuer="",
            grants=(Grant(chat_id=chat_id, permissions=frozenset({Permission.WRITE})),),
            issued_at=clock.now(),
            expires_at=_EVER,
        )
        # As it stands: what a token calls itself must not become a link or a mention.
        whole = Entity(kind="pre", offset=0, length=len(text.encode("utf-16-le")) // 2)
        draft = Draft(chat_id=chat_id, text=text, entities=(whole,), priority=Priority.HIGH, ttl=TTL)
        return await outbox.accept(caller, draft, fingerprint_of(draft))

    return post


def exempt(may_leave: Callable[[Message, int], str | None]) -> Callable[[Message, int], str | None]:
    """Let the gateway's own messages leave whatever is registered: no token brought them, so none can be revoked."""
    return lambda message, chat_id: None if message.client == SYSTEM else may_leave(message, chat_id)
