"""What a client may do with what it handed in: end it, begin it anew, settle it; and all that is behind that."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.delivery import outcomes
from gateway.delivery.acceptance import Acceptance, asked, refuse
from gateway.delivery.quota import Taken
from gateway.errors import ShuttingDown, StateConflict
from gateway.model import Caller, Message, Record, State

_RETRIABLE = frozenset({State.FAILED, State.EXPIRED, State.DELIVERY_UNKNOWN})


class Outbox(Acceptance):
    """All that a client asks of its messages."""

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
            taken = self._count(caller.client)
            now = self._clock.now()
            after = outcomes.retried(message, caller, now)
            record = asked(after, caller, "message.retried", now, before=message.state.value, attempts=after.attempts)
            self._schedule.enter(message.chat_id, now_due=False)
            answer: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
            self._dispatcher.spawn(self._requeue(after, (message.state, message.attempts), record, answer, taken))
            if kept := await answer:
                return kept

    async def _requeue(
        self,
        message: Message,
        expected: tuple[State, int],
        record: Record,
        answer: asyncio.Future[Message | None],
        taken: Taken,
    ) -> None:
        kept = None
        try:
            kept = await self._store.requeue(message, expected, record)
        except asyncio.CancelledError:
            self._quotas.give_back(taken)
            refuse(answer, ShuttingDown())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller who waits is told
            refuse(answer, error)
        if kept is None:
            self._quotas.give_back(taken)
            self._schedule.left(message.chat_id, reserved=False)
        else:
            self._quotas.arrived(taken, kept.seq)
            self._dispatcher.joined(kept, probes=True)
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
            # What Telegram confirmed has ids of Telegram's; what is cancelled after an unknown attempt was settled.
            if message.state is resolution and message.unknown_attempts_at_part and not message.is_whole:
                return message
            if message.state is not State.DELIVERY_UNKNOWN:
                raise StateConflict(state=message.state.value)
            now = self._clock.now()
            after = replace(message, state=resolution, finished_at=now, failure=None)
            record = asked(after, caller, "message.resolved", now, resolution=resolution.value)
            if kept := await self._store.save(after, (message.state, message.attempts), record):
                self._waiting.changed(kept)
                return kept
