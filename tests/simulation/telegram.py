"""A Telegram for simulations, and all that goes wrong on the way there and back.

It does not enforce its limits: the auditor counts what arrives, and so sees what a refusal would hide.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from gateway.model import Draft
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    MessageGone,
    NotModified,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from tests.support.auditor import Arrival

LONGEST_WAY = 0.8
"""Seconds that a request is on its way at most, so that none arrives after a restart."""
TIMEOUT = 30.0


@dataclass(slots=True)
class Faults:
    """How probable each fault of a request is."""

    not_sent: float = 0.0
    request_lost: float = 0.0
    reply_lost: float = 0.0
    rate_limited: float = 0.0
    server_failed: float = 0.0
    slow: float = 0.0

    def draw(self, random: Random) -> str:
        """Return the fault of the next request, or nothing."""
        at = random.random()
        for name in ("not_sent", "request_lost", "reply_lost", "rate_limited", "server_failed", "slow"):
            at -= getattr(self, name)
            if at < 0:
                return name
        return ""


@dataclass(slots=True)
class Telegram:
    """The far side: it outlives every gateway."""

    random: Random
    faults: Faults
    arrivals: list[Arrival] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    moved: dict[int, int] = field(default_factory=dict)
    token_is_good: bool = True
    shown: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    _ids: Counter[int] = field(default_factory=Counter)
    _away_until: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def arrive(self, draft: Draft, targets: Sequence[int], fault: str) -> int | BotFailure:
        """Take a request that has arrived, and return the id of its message or why there is none.

        Args:
            draft: What is to be sent, or to become of `targets`; without a text, those are to be deleted.
            targets: Ids of messages in the chat, several only to delete them; none: a new one is to be sent.
            fault: What goes wrong.
        """
        now = asyncio.get_running_loop().time()
        target = targets[0] if targets else 0
        text = draft.text or f"-{self.shown.get((draft.chat_id, target), ('?',))[0]}"
        answer = self._refusal(draft, fault, now) or self._done(draft, targets)
        refused = isinstance(answer, Refused)
        pause = answer.retry_after if isinstance(answer, RateLimited) else None
        self.arrivals.append(
            Arrival(
                at=now,
                chat_id=draft.chat_id,
                text=text,
                target=target,
                message_id=0 if isinstance(answer, BotFailure) else answer,
                code=answer.code if refused and isinstance(answer, Refused) else 0,
                retry_after=pause.total_seconds() if pause else None,
            )
        )
        return answer

    def _done(self, draft: Draft, targets: Sequence[int]) -> int | BotFailure:
        if len(targets) > 1:
            for each in targets:
                self.shown[draft.chat_id, each] = self.shown.get((draft.chat_id, each), ("?",))[0], ""
            return targets[0]
        target = targets[0] if targets else 0
        place = draft.chat_id, target
        if not target:
            self._ids[draft.chat_id] += 1
            target = self._ids[draft.chat_id]
            self.shown[draft.chat_id, target] = draft.text, draft.text
        elif place not in self.shown or not self.shown[place][1]:
            return MessageGone(400, "Bad Request: message to edit not found")
        elif self.shown[place][1] == draft.text:
            return NotModified(400, "Bad Request: message is not modified")
        else:
            self.shown[place] = self.shown[place][0], draft.text
        return target

    def _refusal(self, draft: Draft, fault: str, now: float) -> BotFailure | None:
        if not self.token_is_good:
            return BotRefused(401, "Unauthorized")
        if new_chat_id := self.moved.get(draft.chat_id):
            return ChatMoved(400, "Bad Request: group chat was upgraded to a supergroup chat", new_chat_id)
        if draft.chat_id in self.unknown:
            return Refused(400, "Bad Request: chat not found")
        if draft.chat_id in self.closed:
            return ChatRefused(403, "Forbidden: bot was blocked by the user")
        if fault == "rate_limited":
            return self._away(draft.chat_id, now, self.random.choice([1, 3, 7, 35]))
        if fault == "server_failed":
            return ServerFailed(500, "Internal Server Error: restart")
        if now < self._away_until[draft.chat_id]:
            return self._away(draft.chat_id, now, self._away_until[draft.chat_id] - now)
        if "<b" in draft.text:
            return Refused(400, "Bad Request: can't parse entities")
        return None

    def _away(self, chat_id: int, now: float, seconds: float) -> BotFailure:
        self._away_until[chat_id] = now + seconds
        if self.random.random() < 0.05:
            return RateLimited(429, "Too Many Requests", None)
        return RateLimited(429, f"Too Many Requests: retry after {seconds}", timedelta(seconds=seconds))


class Line:
    """One gateway's way to Telegram. When its gateway dies, what is on its way arrives and nobody hears the answer."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._random = telegram.random
        self.is_cut = False

    async def identify(self) -> object:
        await self._rest(self._way())
        if not self._telegram.token_is_good:
            raise BotRefused(401, "Unauthorized")
        return self

    async def chat_answers(self, chat_id: int) -> bool:
        await self._rest(self._way())
        if self._telegram.faults.draw(self._random):
            raise Unanswered
        return chat_id not in self._telegram.unknown

    async def edit_message(self, draft: Draft, message_id: int) -> None:
        await self._ask(draft, message_id)

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        await self._ask(Draft(chat_id=chat_id, text=""), message_id)

    async def delete_messages(self, chat_id: int, message_ids: Sequence[int]) -> None:
        await self._ask(Draft(chat_id=chat_id, text=""), *message_ids)

    async def send_message(self, draft: Draft) -> tuple[int, ...]:
        return (await self._ask(draft),)

    async def _ask(self, draft: Draft, *targets: int) -> int:
        await self._rest(0)
        fault = self._telegram.faults.draw(self._random)
        if fault == "not_sent":
            await self._rest(self._way())
            raise NotSent
        if fault == "request_lost":
            await self._rest(TIMEOUT)
            raise Unanswered
        answer: asyncio.Future[int | BotFailure] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(self._way(), self._arrive, draft, targets, fault, answer)
        result = await answer
        await self._rest(20 * self._way() if fault == "slow" else self._way())
        if fault == "reply_lost":
            raise Unanswered
        if isinstance(result, BotFailure):
            raise result
        return result

    def _arrive(
        self, draft: Draft, targets: Sequence[int], fault: str, answer: asyncio.Future[int | BotFailure]
    ) -> None:
        result = self._telegram.arrive(draft, targets, fault)
        if not answer.done():
            answer.set_result(result)

    def _way(self) -> float:
        return min(LONGEST_WAY, self._random.expovariate(10))

    async def _rest(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)
        if self.is_cut:
            await asyncio.get_running_loop().create_future()
