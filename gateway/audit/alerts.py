"""What the security team is told at once, in the chat that it reads: few words, never more than people can follow."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

from gateway.audit.lines import timestamp
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.model import Record

SILENCE = timedelta(hours=1)
"""How long the same is not told again: the same client and chat, or the same token."""
KNOWN = 10_000
"""What was told is remembered of so many; of the oldest it is forgotten."""
WINDOW = timedelta(minutes=1)
A_WINDOW = 5
"""Alerts of one kind in a window; what is over is counted and told in one line at its end. With all kinds together this
stays below the 20 messages a minute that Telegram allows in a group."""
NAMED = 5
"""Clients that such a line names."""
COUNTED = 1_000
"""Clients that are told apart in it."""
_PAUSE = 1.0
"""Seconds between two looks whether it is time for such a line."""

_FACTOR = "An operator's second factor is locked after wrong codes, or a code was used twice. It was refused."
HEADLINES: Mapping[str, str] = {
    "chat_mismatch": "A key was used for a chat that is not its own. It was refused.",
    "canary_used": "A canary was used: somebody has a token that nobody should have. It was refused.",
    "second_factor_locked": _FACTOR,
    "second_factor_used": _FACTOR,
}
"""What is told, by the reason of the refusal. What reads the same is of one kind."""

_Key: TypeAlias = tuple[str, str, str]


class Alerts:
    """Notices refusals, and posts those that somebody should look at."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing told."""
        self._clock = clock
        self._known: OrderedDict[_Key, float] = OrderedDict()
        self._waiting: deque[Record] = deque()
        self._told: Counter[str] = Counter()
        self._more: Counter[str] = Counter()
        self._window_ends = float("-inf")
        self._summary_at = 0.0
        self._news = asyncio.Event()

    def notice(self, record: Record) -> None:
        """Take note of a refusal. Never waits and never fails."""
        if record.reason not in HEADLINES or not record.verified or self._is_known(record):
            return
        if self._clock.monotonic() >= self._window_ends:
            self._window_ends = self._clock.monotonic() + WINDOW.total_seconds()
            self._told.clear()
        kind = HEADLINES[record.reason]
        if self._told[kind] < A_WINDOW:
            self._told[kind] += 1
            self._waiting.append(record)
        else:
            self._count(record.client)
        self._news.set()

    async def run(self, post: Callable[[str], Awaitable[object]], on_failure: Callable[[str], None]) -> None:
        """Post what was noticed, until cancelled.

        Args:
            post: Sends a text. Where it raises a `GatewayError`, the alert is counted and told of later.
            on_failure: Told why it did.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._post(post)
            except GatewayError as error:
                on_failure(str(error))
            if self._more:
                self._news.set()
                await asyncio.sleep(_PAUSE)

    async def _post(self, post: Callable[[str], Awaitable[object]]) -> None:
        while self._waiting:
            record = self._waiting.popleft()
            try:
                await post(text_of(record))
            except GatewayError:
                self._count(record.client)
                raise
        if self._more and self._clock.monotonic() >= self._summary_at:
            more, self._more = self._more, Counter()
            try:
                await post(summary_of(more))
            except GatewayError:
                for client, count in more.items():
                    self._count(client, count)
                raise

    def _is_known(self, record: Record) -> bool:
        """Whether this was told lately; from now on it was."""
        now = self._clock.monotonic()
        about = str(record.claimed_chat_id) if record.reason == "chat_mismatch" else record.token_id
        key = (record.reason, record.client, about)
        if self._known.get(key, float("-inf")) > now:
            return True
        self._known.pop(key, None)
        self._known[key] = now + SILENCE.total_seconds()
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return False

    def _count(self, client: str, count: int = 1) -> None:
        if not self._more:
            self._summary_at = self._clock.monotonic() + WINDOW.total_seconds()
        self._more[client if client in self._more or len(self._more) < COUNTED else ""] += count


def text_of(record: Record) -> str:
    """Say who did what, and under which id the audit log has it; nothing of the token itself."""
    facts = {
        "client": record.client,
        "token": record.token_id,
        "asked for": "" if record.claimed_chat_id is None else f"chat {record.claimed_chat_id}",
        "may use": "" if record.chat_id is None else f"chat {record.chat_id}",
        "from": record.address,
        "method": record.method,
        "error id": record.error_id,
        "at": timestamp(record.at),
    }
    lines = [f"{name:<9} {value}" for name, value in facts.items() if value]
    return "\n".join([HEADLINES[record.reason], "", *lines])


def summary_of(more: Mapping[str, int]) -> str:
    """Say how many alerts were not told one by one, and of whom."""
    ranked = Counter(more).most_common()
    named = [(client, count) for client, count in ranked if client][:NAMED]
    total = sum(more.values())
    rest = total - sum(count for _, count in named)
    lines = [f"{client:<9} {count}" for client, count in named]
    lines += [f"others    {rest}"] if rest else []
    return "\n".join(
        [f"{total} more alerts. The audit log has all of them: chatkey audit search --decision deny", "", *lines]
    )
