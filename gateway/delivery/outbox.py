"""What a client may do with its messages: hand one in, end it, begin it anew; and all that `Inquiry` shows of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.clock import Clock
from gateway.delivery import content, outcomes
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.inquiry import Inquiry
from gateway.delivery.quota import Quotas
from gateway.errors import QuotaExceeded, RequestIdReused, ShuttingDown, StateConflict
from gateway.model import Caller, Draft, Message, Record, State
from gateway.store.base import OutboxStore

_RETRIABLE = frozenset({State.FAILED, State.EXPIRED, State.DELIVERY_UNKNOWN})


class Outbox(Inquiry):
    """Keeps what clients hand in, and tells them what became of it."""

    def __init__(
        self,
        store: OutboxStore,
        dispatcher: Dispatcher,
        clock: Clock,
        new_id: Callable[[], str],
        quotas: Quotas | None = None,
    ) -> None:
        """Take where messages are kept, who attempts them, what gives each a UUIDv7, and how many a client may send."""
        super().__init__(store, dispatcher)
        self._quotas = quotas or Quotas()
        self._clock = clock
        self._new_id = new_id

    def accept(self, caller: Caller, draft: Draft, fingerprint: bytes) -> asyncio.Future[Message]:
        """Keep a message, which is then attempted whatever becomes of the call; it is returned once it is durable.

        The order of acceptance is that of these calls: the first need not be awaited before the second.

        A repeat, by client and request id, returns the message that the first call made. Whoever may begin at once is
        kept in SENDING from the start: one write where two would be.

        Args:
            caller: Who asks; permission and draft were checked.
            draft: What to send.
            fingerprint: SHA-256 of what was asked for, by which a repeat is told from another request.

        Raises:
            RequestIdReused: The request id was used for another request; `messageId` in the facts.
            QuotaExceeded: The client may not send one more, and this is no repeat.
            NotDurable: It could not be kept, and is not.
            ShuttingDown: It may be kept or not; a repeat with its request id finds out.
        """
        if self._dispatcher.is_closing:
            raise ShuttingDown
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        try:
            self._count(caller.client)
        except QuotaExceeded as refusal:
            self._dispatcher.spawn(self._repeat(caller.client, draft.request_id, fingerprint, refusal, answer))
            return answer
        now = self._clock.now()
        due_at = max(now, draft.send_at or now)
        message_id, body = self._new_id(), content.encode(draft)
        may_begin = due_at == now and not self._dispatcher.chats.refusal(draft.chat_id)
        reserved = self._schedule.enter(draft.chat_id, now_due=may_begin)
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
            issuer=caller.issuer,
            generation=caller.generation,
            ancestors=caller.ancestors,
            priority=draft.priority,
            when_unknown=draft.when_unknown,
            accepted_at=now,
            due_at=due_at,
            expires_at=due_at + draft.ttl,
            ttl=draft.ttl,
            state=State.SENDING if reserved else State.QUEUED,
            attempts=1 if reserved else 0,
            attempted_at=now if reserved else None,
        )
        # A task of the room's own: a caller that hangs up must not leave a reserved attempt without its attempt.
        self._dispatcher.spawn(self._keep(message, _asked(message, caller, "message.accepted", now), draft, answer))
        return answer

    async def _keep(self, message: Message, record: Record, draft: Draft, answer: asyncio.Future[Message]) -> None:
        reserved = message.state is State.SENDING
        try:
            kept = await self._store.add(message, record)
        except asyncio.CancelledError:
            self._quotas.give_back(message.client)
            _refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            self._quotas.give_back(message.client)
            self._schedule.left(message.chat_id, reserved=reserved)
            _refuse(answer, error)
            return
        _answer(answer, kept, message.fingerprint)
        if kept.id != message.id:
            self._quotas.give_back(message.client)
            self._dispatcher.counts.replays += 1
            self._schedule.left(message.chat_id, reserved=reserved)
            return
        self._quotas.arrived(message.client)
        self._dispatcher.counts.accepted += 1
        if reserved:
            await self._dispatcher.attempt(kept, draft)
        else:
            self._dispatcher.joined(kept)

    def require_room(self, client: str) -> None:
        """Return if a client may send one more message, which counts none; raises `QuotaExceeded`."""
        schedule = self._schedule
        self._quotas.require_room(client, schedule.waiting_of[client], len(schedule), self._clock.monotonic())

    def _count(self, client: str) -> None:
        """Count one more message of a client, if its quota allows it."""
        schedule = self._schedule
        self._quotas.take(client, schedule.waiting_of[client], len(schedule), self._clock.monotonic())

    async def _repeat(
        self, client: str, request_id: str, fingerprint: bytes, refusal: QuotaExceeded, answer: asyncio.Future[Message]
    ) -> None:
        """Answer a request for which there is no room, if it is the repeat of one for which there was."""
        try:
            kept = await self._store.find(client, request_id) if request_id else None
        except asyncio.CancelledError:
            _refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            _refuse(answer, error)
            return
        if kept is None:
            _refuse(answer, refusal)
            return
        self._dispatcher.counts.replays += 1
        _answer(answer, kept, fingerprint)

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

    async def retry(self, caller: Caller, message_id: str) -> Message:
        """Send a message again that ended undelivered, and return it; one that is not final is returned unchanged.

        It stands last in its chat's queue, with its time to live anew and as if the caller's token had brought it. What
        was attempted stays counted.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            StateConflict: It was delivered or cancelled; `state` in the facts.
            QuotaExceeded: The client may not send one more.
            NotDurable: It could not be kept that it is to be sent again.
            ShuttingDown: It may be sent again or not; a repeat finds out.
        """
        while True:
            message = await self.get(caller, message_id)
            if not message.state.is_final:
                return message
            if message.state not in _RETRIABLE:
                raise StateConflict(state=message.state.value)
            if self._dispatcher.is_closing:
                raise ShuttingDown
            self._count(caller.client)
            now = self._clock.now()
            after = outcomes.retried(message, caller, now)
            record = _asked(after, caller, "message.retried", now, before=message.state.value, attempts=after.attempts)
            self._schedule.enter(message.chat_id, now_due=False)
            answer: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
            self._dispatcher.spawn(self._requeue(after, (message.state, message.attempts), record, answer))
            if kept := await answer:
                return kept

    async def _requeue(
        self, message: Message, expected: tuple[State, int], record: Record, answer: asyncio.Future[Message | None]
    ) -> None:
        kept = None
        try:
            kept = await self._store.requeue(message, expected, record)
        except asyncio.CancelledError:
            self._quotas.give_back(message.client)
            _refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            _refuse(answer, error)
        if kept is None:
            self._quotas.give_back(message.client)
            self._schedule.left(message.chat_id, reserved=False)
        else:
            self._quotas.arrived(message.client)
            self._dispatcher.joined(kept)
        if not answer.done():
            answer.set_result(kept)

    async def resolve(self, caller: Caller, message_id: str, resolution: State) -> Message:
        """Settle a message in DELIVERY_UNKNOWN as DELIVERED or CANCELLED, and return it.

        One that was settled so already is returned unchanged.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            StateConflict: It is in another state, or was settled otherwise; `state` in the facts.
            NotDurable: It could not be kept.
        """
        while True:
            message = await self.get(caller, message_id)
            # What Telegram confirmed has an id of Telegram's; what is cancelled after an unknown attempt was settled.
            if message.state is resolution and message.unknown_attempts and not message.telegram_message_ids:
                return message
            if message.state is not State.DELIVERY_UNKNOWN:
                raise StateConflict(state=message.state.value)
            now = self._clock.now()
            after = replace(message, state=resolution, finished_at=now, failure=None)
            record = _asked(after, caller, "message.resolved", now, resolution=resolution.value)
            if kept := await self._store.save(after, (message.state, message.attempts), record):
                self._waiting.changed(kept)
                return kept


def _answer(answer: asyncio.Future[Message], kept: Message, fingerprint: bytes) -> None:
    """Tell the caller, if it still waits, what is kept, unless that is what another request asked for."""
    if kept.fingerprint != fingerprint:
        _refuse(answer, RequestIdReused(messageId=kept.id))
    elif not answer.done():
        answer.set_result(kept)


def _refuse(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _asked(message: Message, caller: Caller, event: str, now: datetime, **facts: str | int | bool) -> Record:
    return Record(
        at=now,
        event=event,
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
        facts=facts,
    )
