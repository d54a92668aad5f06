"""What the gateway itself says in the security team's chat, by the outbox of everybody: durable, paced, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.app.notices import tell_checkpoint, tell_not_alerted
from gateway.audit.alerts import Alerts
from gateway.audit.witness import Witness
from gateway.clock import Clock
from gateway.delivery.outbox import Outbox
from gateway.desk.fingerprint import fingerprint_of
from gateway.model import Caller, Draft, Entity, Grant, Message, Permission, Priority, Record
from gateway.store.seals import Checkpoint

SYSTEM = "#chatkey"
"""The client of these messages: no token can name it, because `sub` has no such character."""
TTL = timedelta(hours=24)
_EVER = datetime.max.replace(tzinfo=UTC)


class Alarm:
    """Tells the security team; where it has no chat, nobody is told."""

    def __init__(self, clock: Clock, chat_id: int | None) -> None:
        """Take the chat."""
        self._clock = clock
        self._chat_id = chat_id
        self._alerts = Alerts(clock)
        self._witness = Witness()

    def refused(self, record: Record) -> None:
        """Take note of a refusal. Never waits and never fails."""
        if self._chat_id is not None:
            self._alerts.notice(record)

    def sealed(self, checkpoint: Checkpoint) -> None:
        """Take note of a checkpoint of the audit log, which stands in the gateway's own log too."""
        tell_checkpoint(checkpoint)
        if self._chat_id is not None:
            self._witness.notice(checkpoint)

    async def run(self, outbox: Outbox) -> None:
        """Send what is to be told, until cancelled."""
        if self._chat_id is not None:
            post = poster(outbox, self._chat_id, self._clock)
            await asyncio.gather(self._alerts.run(post, tell_not_alerted), self._witness.run(post, tell_not_alerted))


class Post(Protocol):
    """Puts a text on its way to a chat; raises a `GatewayError` where it was not kept."""

    def __call__(self, text: str, request_id: str = "", /) -> Awaitable[Message]:
        """Return the message that it became; one text under a request id, if it has one."""


def poster(outbox: Outbox, chat_id: int, clock: Clock) -> Post:
    """Return what sends to this chat."""

    async def post(text: str, request_id: str = "", /) -> Message:
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
        draft = Draft(
            chat_id=chat_id, text=text, entities=(whole,), request_id=request_id, priority=Priority.HIGH, ttl=TTL
        )
        return await outbox.accept(caller, draft, fingerprint_of(draft))

    return post


def exempt(may_leave: Callable[[Message, int], str | None]) -> Callable[[Message, int], str | None]:
    """Let the gateway's own messages leave whatever is registered: no token brought them, so none can be revoked."""
    return lambda message, chat_id: None if message.client == SYSTEM else may_leave(message, chat_id)
