"""Telegram's queue of a bot's updates, as far as whoever fetches them can tell; it outlives every gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.model import WebhookState
from gateway.telegram.failures import BotFailure, Refused, Unanswered

WAIT_S = 50.0
WEBHOOK_ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it first"
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class TelegramUpdates:
    """Keeps updates until a call confirms them, or a request to the webhook was answered.

    Attributes:
        waiting: What is not confirmed, oldest first.
        confirmed: The ids of what was, in order.
        url: The webhook, and `secret` what goes with it.
        calls: What was asked: method and, of getUpdates, the offset.
        faults: What the next calls fail with, before they do anything.
        lost: Of how many next calls the answer is lost, after they have done what they do.
        problem: What went wrong when an update was last sent to the webhook, and when.
        limits: How many updates were asked for, by each getUpdates.
    """

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.confirmed: list[int] = []
        self.url = self.secret = ""
        self.calls: list[tuple[str, int | None]] = []
        self.faults: list[BotFailure] = []
        self.lost = 0
        self.limits: list[int] = []
        self.problem = "", 0
        self._arrived = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None

    def add(self, *updates: dict[str, Any]) -> None:
        """Have something happen."""
        self.waiting += updates
        self._arrived.set()

    def confirm(self, offset: int) -> None:
        """Forget what is numbered below."""
        self.confirmed += [each["update_id"] for each in self.waiting if each["update_id"] < offset]
        self.waiting = [each for each in self.waiting if each["update_id"] >= offset]

    async def updates(self, offset: int | None, limit: int) -> Sequence[object]:
        self.limits.append(limit)
        self._call("getUpdates", offset)
        if self.url:
            raise Refused(409, WEBHOOK_ACTIVE)
        self.end_poll()
        if offset is not None:
            self.confirm(offset)
        if not self.waiting:
            await self._wait()
        self._lose()
        return [each for each in self.waiting if offset is None or each["update_id"] >= offset][:limit]

    def end_poll(self) -> None:
        """Do to a call that waits what another one does."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(Refused(409, OTHER_POLL))

    async def _wait(self) -> None:
        self._arrived.clear()
        poll = self._poll = asyncio.get_running_loop().create_future()
        arrival = asyncio.ensure_future(self._arrived.wait())
        arrival.add_done_callback(lambda _: poll.done() or poll.set_result(None))
        try:
            async with asyncio.timeout(WAIT_S):
                await poll
        except TimeoutError:
            return
        finally:
            arrival.cancel()

    async def set_webhook(self, url: str, secret: str) -> None:
        self._call("setWebhook")
        self.url, self.secret = url, secret
        self._lose()

    async def delete_webhook(self) -> None:
        self._call("deleteWebhook")
        self.url = self.secret = ""
        self._lose()

    async def webhook(self) -> WebhookState:
        self._call("getWebhookInfo")
        self._lose()
        problem, problem_at = self.problem
        return WebhookState(url=self.url, waiting=len(self.waiting), problem=problem, problem_at=problem_at)

    def _call(self, method: str, offset: int | None = None) -> None:
        self.calls.append((method, offset))
        if self.faults:
            raise self.faults.pop(0)

    def _lose(self) -> None:
        if self.lost:
            self.lost -= 1
            raise Unanswered("the answer was lost")
