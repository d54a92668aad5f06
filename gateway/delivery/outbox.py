"""What a client may do with its messages: hand one in, look at it, wait for its end, cancel it, watch them all."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from gateway.clock import Clock
from gateway.delivery import content, outcomes
from gateway.delivery.dispatcher import Dispatcher
from gateway.errors import MessageNotFound, RequestIdReused, RequestInvalid, ShuttingDown, StateConflict
from gateway.model import Caller, Draft, Message, Record, State
from gateway.store.base import OutboxStore

PAGE = 100
"""How many changes are read at once."""


class Outbox:
    """Keeps what clients hand in, and tells them what became of it.

    A message belongs to its client, chat and forum topic: for a caller who is not that client, or has no grant for that
    place, there is no such message.
    """

    def __init__(self, store: OutboxStore, dispatcher: Dispatcher, clock: Clock, new_id: Callable[[], str]) -> None:
        """Take where messages are kept, who attempts them, and what gives each a UUIDv7."""
        self._store = store
        self._dispatcher = dispatcher
        self._waiting = dispatcher.waiting
        self._schedule = dispatcher.schedule
        self._clock = clock
        self._new_id = new_id

    async def accept(self, caller: Caller, draft: Draft, fingerprint: bytes) -> Message:
        """Keep a message, which is then attempted whatever becomes of the call, and return it once it is durable.

        A repeat, by client and request id, returns the message that the first call made. Whoever may begin at once is
        kept in SENDING from the start: one write where two would be.

        Args:
            caller: Who asks; permission and draft were checked.
            draft: What to send.
            fingerprint: SHA-256 of what was asked for, by which a repeat is told from another request.

        Raises:
            RequestIdReused: The request id was used for another request; `messageId` in the facts.
            NotDurable: It could not be kept, and is not.
            ShuttingDown: It may be kept or not; a repeat with its request id finds out.
        """
        if self._dispatcher.is_closing:
            raise ShuttingDown
        now = self._clock.now()
        due_at = max(now, draft.send_at or now)
        message_id, body = self._new_id(), content.encode(draft)
        reserved = self._schedule.enter(draft.chat_id, now_due=due_at == now)
        message = Message(
            id=message_id,
            client=caller.client,
            chat_id=draft.chat_id,
            request_id=draft.request_id,
            fingerprint=fingerprint,
            content=body,
            token_id=caller.token_id,
            key_id=caller.key_id,
            issued_at=caller.issued_at,
            priority=draft.priority,
            when_unknown=draft.when_unknown,
            accepted_at=now,
            due_at=due_at,
            expires_at=due_at + draft.ttl,
            state=State.SENDING if reserved else State.QUEUED,
            attempts=1 if reserved else 0,
            attempted_at=now if reserved else None,
        )
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        # A task of the room's own: a caller that hangs up must not leave a reserved attempt without its attempt.
        self._dispatcher.spawn(self._keep(message, _accepted(message, caller), draft, answer))
        kept = await answer
        if kept.fingerprint != fingerprint:
            raise RequestIdReused(messageId=kept.id)
        return kept

    async def _keep(self, message: Message, record: Record, draft: Draft, answer: asyncio.Future[Message]) -> None:
        reserved = message.state is State.SENDING
        try:
            kept = await self._store.add(message, record)
        except asyncio.CancelledError:
            if not answer.done():
                answer.set_exception(ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            self._schedule.left(message.chat_id, reserved=reserved)
            if not answer.done():
                answer.set_exception(error)
            return
        if not answer.done():
            answer.set_result(kept)
        if kept.id != message.id:
            self._dispatcher.counts.replays += 1
            self._schedule.left(message.chat_id, reserved=reserved)
            return
        self._dispatcher.counts.accepted += 1
        if reserved:
            await self._dispatcher.attempt(kept, draft)
        else:
            self._dispatcher.joined(kept)

    async def settled(self, message_id: str, within: timedelta) -> Message:
        """Return a message when it is final, or as it is when `within` is over.

        Raises:
            MessageNotFound: There is no such message.
            NotDurable: The store can't be read.
        """
        loop = asyncio.get_running_loop()
        with self._waiting.end_of(message_id) as end:
            if self._schedule.knows(message_id) and within > timedelta():
                timer = loop.call_later(within.total_seconds(), _give_up, end)
                try:
                    message = await end
                finally:
                    timer.cancel()
                if message is not None:
                    return message
        return await self._found(message_id)

    async def get(self, caller: Caller, message_id: str) -> Message:
        """Return a message of the caller's client in a chat that the caller's credential opens.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            NotDurable: The store can't be read.
        """
        message = await self._found(message_id)
        if not _is_theirs(message, caller):
            raise MessageNotFound(messageId=message_id)
        return message

    async def cancel(self, caller: Caller, message_id: str) -> Message:
        """End a message that waits, and return it; one that is cancelled is returned unchanged.

        One that waits after an attempt without an answer ends in DELIVERY_UNKNOWN: the chat may have seen it.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            StateConflict: It is on its way or final; `state` in the facts.
            NotDurable: It could not be kept that it is cancelled, and it is not.
        """
        while True:
            message = await self.get(caller, message_id)
            if message.state is State.CANCELLED:
                return message
            if message.state not in (State.QUEUED, State.RETRY_WAIT):
                raise StateConflict(state=message.state.value)
            after, record = outcomes.cancelled(message, self._clock.now())
            if kept := await self._store.save(after, (message.state, message.attempts), record):
                self._dispatcher.removed(kept)
                return kept

    async def watch(self, caller: Caller, resume_token: str) -> AsyncIterator[tuple[Message, str]]:
        """Yield each changed message of the client in the caller's chats, as it is then, and a token to go on after it.

        A message that changed several times meanwhile is yielded once. Without a token it begins with the next change.

        Raises:
            RequestInvalid: The token is none that was given out here.
            ShuttingDown: The gateway shuts down; the last token goes on after it.
            NotDurable: The store can't be read.
        """
        with self._waiting.changes_of(caller.client, caller.chat_ids) as changed:
            last = await self._store.last_change()
            after = _change_from(resume_token, last) if resume_token else last
            while True:
                changed.clear()
                page = await self._store.changes(caller.client, caller.chat_ids, after, PAGE)
                for message in page:
                    after = message.change
                    if _is_theirs(message, caller):
                        yield message, _resume_token(after)
                if len(page) < PAGE:
                    if self._dispatcher.is_closing:
                        raise ShuttingDown
                    await changed.wait()

    async def _found(self, message_id: str) -> Message:
        message = await self._store.get(message_id)
        if message is None:
            raise MessageNotFound(messageId=message_id)
        return message


def _give_up(end: asyncio.Future[Message | None]) -> None:
    if not end.done():
        end.set_result(None)


def _is_theirs(message: Message, caller: Caller) -> bool:
    if message.client != caller.client:
        return False
    grant = next((grant for grant in caller.grants if grant.chat_id == message.chat_id), None)
    if grant is None or grant.message_thread_id is None:
        return grant is not None
    return content.decode(message.content, message.chat_id).message_thread_id == grant.message_thread_id


def _accepted(message: Message, caller: Caller) -> Record:
    return Record(
        at=message.accepted_at,
        event="message.accepted",
        decision="allow",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        issuer=caller.issuer,
        address=caller.origin.address,
        method=caller.origin.method,
        call_id=caller.origin.call_id,
        chat_id=message.chat_id,
        message_id=message.id,
    )


def _resume_token(change: int) -> str:
    return urlsafe_b64encode(b"w1" + change.to_bytes(8, "big")).rstrip(b"=").decode()


def _change_from(token: str, last: int) -> int:
    """Return the change that a token goes on after; none that has not happened yet."""
    try:
        known = urlsafe_b64decode(token.encode("ascii") + b"==")
    except (NotBase64, UnicodeEncodeError):
        known = b""
    change = int.from_bytes(known[2:], "big")
    if change > last or token != _resume_token(min(change, last)):
        raise RequestInvalid([("resume_token", "is none that this service gave out")])
    return change
