"""What clients hand in: messages, and edits and deletes of them. Kept once each, within quotas, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.clock import Clock
from gateway.delivery import content, outcomes, touches
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.inquiry import Inquiry, is_theirs
from gateway.delivery.quota import Quotas, Taken
from gateway.errors import (
    MessageNotFound,
    QuotaExceeded,
    RequestIdReused,
    RequestInvalid,
    ShuttingDown,
    StateConflict,
)
from gateway.model import Caller, Draft, Kind, Message, Record, State
from gateway.store.base import OutboxStore


class Acceptance(Inquiry):
    """Keeps what clients hand in, each request once."""

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

    def accept(
        self, caller: Caller, draft: Draft, fingerprint: bytes, target: Message | None = None
    ) -> asyncio.Future[Message]:
        """Keep a message, which is then attempted whatever becomes of the call; it is returned once it is durable.

        The order of acceptance is that of these calls: the first need not be awaited before the second.

        A repeat, by client and request id, returns the message that the first call made. Whoever may begin at once is
        kept in SENDING from the start: one write where two would be.

        Args:
            caller: Who asks; permission and draft were checked.
            draft: What to send.
            fingerprint: SHA-256 of what was asked for, by which a repeat is told from another request.
            target: The message that it touches, if it touches one.

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
            taken = self._count(caller.client)
        except QuotaExceeded as refusal:
            self._dispatcher.spawn(self._repeat(caller.client, draft.request_id, fingerprint, refusal, answer))
            return answer
        now = self._clock.now()
        due_at = max(now, draft.send_at or now)
        may_begin = due_at == now and not self._dispatcher.chats.refusal(draft.chat_id)
        if target is not None:
            may_begin = may_begin and target.state is State.DELIVERED
        message = self._message(caller, draft, fingerprint, now, due_at)
        if target is not None and target.state is State.QUEUED:
            message = replace(message, expires_at=max(due_at, target.due_at) + draft.ttl)
        if self._schedule.enter(draft.chat_id, now_due=may_begin):
            message = replace(message, state=State.SENDING, attempts=1, attempted_at=now)
        facts = {**_placed(draft), **outcomes.part_facts(message), **outcomes.touch_facts(message)}
        record = asked(message, caller, "message.accepted", now, **facts)
        # A task of the room's own: a caller that hangs up must not leave a reserved attempt without its attempt.
        self._dispatcher.spawn(self._keep(message, record, draft, answer, target, taken))
        return answer

    async def touch(self, caller: Caller, draft: Draft, fingerprint: bytes) -> Message:
        """Keep an edit or a delete of a message of the caller's, as `accept` keeps a message.

        Two of them are kept in order if the second is asked for when the first was returned.

        Raises:
            MessageNotFound, RequestInvalid, StateConflict: As `touchable`, and this is no repeat.
            GatewayError: As `accept`.
        """
        try:
            target = await self.touchable(caller, draft.target_id, draft.kind)
        except (MessageNotFound, RequestInvalid, StateConflict):
            kept = await self._store.find(caller.client, draft.request_id) if draft.request_id else None
            if kept is None or not is_theirs(kept, caller):
                raise
            self._dispatcher.counts.replays += 1
            return _same(kept, fingerprint)
        topic = content.decode(target.content, target.chat_id).message_thread_id
        placed = replace(draft, chat_id=target.chat_id, message_thread_id=topic)
        return await self.accept(caller, placed, fingerprint, target)

    async def touchable(self, caller: Caller, message_id: str, kind: Kind) -> Message:
        """Return a message of the caller's that can be edited, or deleted, now or once it has been sent.

        Raises:
            MessageNotFound: There is none, or it is not theirs.
            RequestInvalid: It is an edit or a delete itself, or is to be edited and was not sent as one text.
            StateConflict: It ended undelivered, or where it is can't be told or reached; `state` in the facts.
            NotDurable: The store can't be read.
        """
        message = await self.get(caller, message_id)
        if message.kind is not Kind.SEND:
            raise RequestInvalid([("message_id", "is that of an edit or a delete: name the message that it touches")])
        if kind is Kind.EDIT and (what := touches.unchangeable(message)):
            raise RequestInvalid([("message_id", what)])
        chat_id = self._dispatcher.chats.latest_id(message.chat_id)
        if message.state.is_final and (why := touches.obstacle(message, chat_id)):
            raise StateConflict(why, state=message.state.value)
        return message

    def _message(self, caller: Caller, draft: Draft, fingerprint: bytes, now: datetime, due_at: datetime) -> Message:
        return Message(
            id=self._new_id(),
            client=caller.client,
            chat_id=draft.chat_id,
            request_id=draft.request_id,
            fingerprint=fingerprint,
            content=content.encode(draft),
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
            kind=draft.kind,
            target_id=draft.target_id,
            parts=max(1, len(draft.parts)),
        )

    async def _keep(
        self,
        message: Message,
        record: Record,
        draft: Draft,
        answer: asyncio.Future[Message],
        target: Message | None,
        taken: Taken,
    ) -> None:
        reserved = message.state is State.SENDING
        try:
            kept = await self._store.add(message, record)
        except asyncio.CancelledError:
            self._quotas.give_back(taken)
            refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            self._quotas.give_back(taken)
            self._schedule.left(message.chat_id, reserved=reserved)
            refuse(answer, error)
            return
        _answer(answer, kept, message.fingerprint)
        if kept.id != message.id:
            self._quotas.give_back(taken)
            self._dispatcher.counts.replays += 1
            self._schedule.left(message.chat_id, reserved=reserved)
            return
        self._quotas.arrived(taken, kept.seq)
        self._dispatcher.counts.accepted += 1
        if reserved:
            await self._dispatcher.attempt(kept, draft, target)
        else:
            self._dispatcher.joined(kept)

    def require_room(self, client: str) -> None:
        """Return if a client may send one more message, which counts none; raises `QuotaExceeded`."""
        schedule = self._schedule
        self._quotas.require_room(client, schedule.waiting_of[client], len(schedule), self._clock.monotonic())

    def _count(self, client: str) -> Taken:
        """Count one more message of a client, if its quota allows it."""
        schedule = self._schedule
        return self._quotas.take(client, schedule.waiting_of[client], len(schedule), self._clock.monotonic())

    async def _repeat(
        self, client: str, request_id: str, fingerprint: bytes, refusal: QuotaExceeded, answer: asyncio.Future[Message]
    ) -> None:
        """Answer a request for which there is no room, if it is the repeat of one for which there was."""
        try:
            kept = await self._store.find(client, request_id) if request_id else None
        except asyncio.CancelledError:
            refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            refuse(answer, error)
            return
        if kept is None:
            refuse(answer, refusal)
            return
        self._dispatcher.counts.replays += 1
        _answer(answer, kept, fingerprint)


def _answer(answer: asyncio.Future[Message], kept: Message, fingerprint: bytes) -> None:
    """Tell the caller, if it still waits, what is kept, unless that is what another request asked for."""
    try:
        same = _same(kept, fingerprint)
    except RequestIdReused as error:
        refuse(answer, error)
        return
    if not answer.done():
        answer.set_result(same)


def _same(kept: Message, fingerprint: bytes) -> Message:
    if kept.fingerprint != fingerprint:
        raise RequestIdReused(messageId=kept.id)
    return kept


def refuse(answer: asyncio.Future[Any], error: Exception) -> None:
    """Tell the caller an error, if it still waits."""
    if not answer.done():
        answer.set_exception(error)


def _placed(draft: Draft) -> dict[str, int]:
    return {"message_thread_id": draft.message_thread_id} if draft.message_thread_id else {}


def asked(message: Message, caller: Caller, event: str, now: datetime, **facts: str | int | bool) -> Record:
    """Return the record of what a caller asks for."""
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
