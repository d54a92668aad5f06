"""Brings what is kept to Telegram: one attempt at a time for each chat, as fast as the pacing allows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from gateway.delivery import outcomes
from gateway.delivery.attempts import Attempts, slim
from gateway.delivery.keeping import again
from gateway.delivery.pacing import LONGEST_ANSWER, MINUTE
from gateway.errors import NotDurable
from gateway.model import State
from gateway.store.base import Pending
from gateway.telegram.failures import Unanswered

LEARN_EVERY = 1.0
"""Seconds between two looks at what an operator changed of chats, beside this process."""


class Dispatcher(Attempts):
    """The room's life: takes up what an earlier run left, has it attempted, and lets it end."""

    async def run(self, learn_every: float = LEARN_EVERY) -> None:
        """Take up what an earlier run left, then attempt what is due until `drain`.

        Args:
            learn_every: Seconds between two looks at what is kept of chats.
        """
        await self._load()
        while not self.is_closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(learn_every):
                    await self._closing.wait()
            with suppress(NotDurable):
                await self.learn()

    async def drain(self, within: timedelta) -> None:
        """Begin no attempt any more, and let those under way end and be kept, for at most `within`.

        What is not attempted stays in the store, for the next run. An attempt that does not end in time is given up:
        the next run finds it without an answer.
        """
        self._closing.set()
        self.schedule.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within.total_seconds())
        for task in self._tasks:
            task.cancel()
        self.waiting.close()

    async def learn(self) -> None:
        """Act on what was kept of chats beside this process, such as an operator's approval.

        Raises:
            NotDurable: The store can't be read.
        """
        for move in await self.chats.learn():
            self._follow(move)

    # Other gateways.

    async def take_over(self) -> None:
        """Attempt from now on what is kept: it is this gateway's turn."""
        self.schedule.is_elsewhere = False
        await self._load()

    def heard(self, pending: Pending) -> None:
        """Act on what another gateway changed of a message."""
        if pending.state in (State.QUEUED, State.RETRY_WAIT):
            self.schedule.adopt(pending)
        if self.waiting.awaits(pending) or (pending.state.is_final and self.schedule.knows(pending.id)):
            self.spawn(self._hear(pending.id))

    async def _hear(self, message_id: str) -> None:
        message = await self._keeping.found(message_id)
        if message is not None and message.state.is_final:
            self.removed(message)
        elif message is not None:
            self.waiting.changed(message)

    # Beginnings.

    async def _load(self) -> None:
        """Take up what is kept: what was on its way when an earlier run ended has got no answer."""
        for move in await again(self.chats.learn):
            self._follow(move)
        rows = await self._keeping.unfinished()
        now, monotonic = self._clock.now(), self._clock.monotonic()
        window, answer = timedelta(seconds=MINUTE), timedelta(seconds=LONGEST_ANSWER)
        async for chat_id, arrived_at in self._keeping.arrivals(now, window, answer):
            self._pacing.recall(self.chats.present_id(chat_id), monotonic - (now - arrived_at).total_seconds())
        recovered = [each if each.state is not State.SENDING else await self._recover(each) for each in rows]
        self.schedule.load(filter(None, recovered))

    async def _recover(self, pending: Pending) -> Pending | None:
        message = await self._keeping.message(pending.id)
        self.counts.attempts[outcomes.CAUSES[Unanswered]] += 1
        kept = await self._keep(message, outcomes.refused(message, Unanswered(), self._clock.now(), self._chance))
        return None if kept.state.is_final else slim(kept)
