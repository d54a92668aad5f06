"""When Telegram may be written to: its limits, as it counts them, and the pauses it asks for.

The limits are those of https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: 30 messages
in a second for the bot (1,000 when it pays for it), one in a second for a chat, 20 in a minute for a group.

Nobody here knows when a message arrives at Telegram, only that it did so before the answer came. So a place in a window
is taken when an attempt begins and is free again a window's length after its answer: two attempts that share a place
have arrived at least that far apart, however slow the way was.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import inf

from gateway.delivery.agenda import Agenda

SECOND = 1.005
MINUTE = 60.005
"""Windows, in seconds, with room for two clocks that do not quite agree."""

TOGETHER = 1.0
"""Refusals of two chats within this many seconds are about the bot."""
LONG_PAUSE = 30.0
"""A pause for one chat from which on the bot is in trouble as well."""
LONGEST_BOT_PAUSE = 60.0
"""What the bot is held back at most for its chats: one may be closed for half a day, which says little of others."""
RECOVERY = 60.0
"""Seconds from a standstill to the full pace."""
_HAIR = 1e-6
"""An allowance that is so close to the next whole message is that one: the instant at which it were could not be told
from now, and an instant that is now means that there is room."""
LONGEST_ANSWER = 40.0
"""After a restart it is not known when an attempt was answered: at the latest so many seconds after it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many messages Telegram takes: infinity where it takes any number."""

    bot_per_second: float
    chat_per_second: float
    group_per_minute: float


MODES = {
    "telegram": Limits(bot_per_second=30, chat_per_second=1, group_per_minute=20),
    "paid": Limits(bot_per_second=1000, chat_per_second=1, group_per_minute=20),
    "off": Limits(bot_per_second=inf, chat_per_second=inf, group_per_minute=inf),
}
"""`telegram`: as anybody's bot. `paid`: a bot that pays for broadcasts. `off`: a Bot API server without limits."""


class _Window:
    """How many attempts may have arrived within `length` seconds."""

    __slots__ = ("_free_at", "_length", "_on_their_way")

    def __init__(self, length: float) -> None:
        self._length = length
        self._on_their_way = 0
        self._free_at: list[float] = []

    def room_at(self, limit: float, now: float) -> float:
        """Return from when on there is room for one more; infinity while only an answer can make room."""
        del self._free_at[: bisect_right(self._free_at, now)]
        over = self._on_their_way + len(self._free_at) - limit
        if over < 0:
            return now
        return self._free_at[int(over)] if over < len(self._free_at) else inf

    def turn_at(self, limit: float, ahead: int, now: float) -> float:
        """Return about when there is room after `ahead` more that begin as soon as they may."""
        if limit == inf:
            return now
        places = [*self._free_at, *[now + self._length] * self._on_their_way]
        taken = sorted(max(now, free_at) for free_at in places)[-int(limit) :]
        rounds, place = divmod(ahead, int(limit))
        free = int(limit) - len(taken)
        return (now if place < free else taken[place - free]) + rounds * self._length

    def take(self) -> None:
        self._on_their_way += 1

    def give_back(self) -> None:
        self._on_their_way -= 1

    def answered(self, now: float) -> None:
        self._on_their_way -= 1
        self._free_at.append(now + self._length)

    def recall(self, arrived: float) -> None:
        self._free_at.append(arrived + self._length)
        self._free_at.sort()

    def empty_at(self) -> float:
        """Return from when on the window holds nothing back."""
        return inf if self._on_their_way else max(self._free_at, default=-inf)


class _Chat:
    """The windows and the pause of one chat."""

    __slots__ = ("paused_until", "windows")

    def __init__(self, limits: Limits, chat_id: int) -> None:
        self.paused_until = -inf
        self.windows = [(_Window(SECOND), limits.chat_per_second)]
        if chat_id < 0:
            self.windows.append((_Window(MINUTE), limits.group_per_minute))

    def free_at(self, now: float) -> float:
        return max(self.paused_until, *(window.room_at(limit, now) for window, limit in self.windows), now)

    def forgettable_at(self) -> float:
        return max(self.paused_until, *(window.empty_at() for window, _ in self.windows))


class Pacing:
    """Says when an attempt may begin. Instants are seconds of a monotonic clock, passed in."""

    def __init__(self, limits: Limits) -> None:
        """Begin with all places free."""
        self._limits = limits
        self._counts_chats = limits.chat_per_second < inf or limits.group_per_minute < inf
        self._bot = _Window(SECOND)
        self._bot_paused_until = -inf
        self._cut_to = limits.bot_per_second
        self._cut_at = -inf
        self._chats: dict[int, _Chat] = {}
        self._forget: Agenda[int] = Agenda()
        self._last_refusal = (0, -inf)

    def __len__(self) -> int:
        """Return how many chats are remembered."""
        return len(self._chats)

    def chat_free_at(self, chat_id: int, now: float) -> float:
        """Return from when on the chat may be written to; infinity while only an answer can make room."""
        chat = self._chats.get(chat_id)
        return chat.free_at(now) if chat else now

    def bot_free_at(self, now: float) -> float:
        """Return from when on the bot may write; infinity while only an answer can make room."""
        if now < self._bot_paused_until:
            return self._bot_paused_until
        if self._limits.bot_per_second == inf:
            return now
        allowed = self._allowed(now)
        whole = int(allowed + _HAIR)
        room_at = self._bot.room_at(whole, now)
        if room_at > now and allowed < self._limits.bot_per_second:
            # The allowance grows meanwhile: look again when it is one more.
            room_at = min(room_at, now + (whole + 1 - allowed) * RECOVERY / self._limits.bot_per_second)
        return room_at

    def chat_turn_at(self, chat_id: int, ahead: int, now: float) -> float:
        """Return about when a chat may be written to, after so many other messages, if nothing else holds them back."""
        chat = self._chats.get(chat_id) or _Chat(self._limits, chat_id)
        begins = max(now, chat.paused_until)
        (second, a_second), *minutes = chat.windows
        turns = [second.turn_at(a_second, ahead, begins)]
        for minute, a_minute in minutes:
            if a_minute < inf:
                rounds, place = divmod(ahead, int(a_minute))
                first = max(second.turn_at(a_second, place, begins), minute.turn_at(a_minute, place, begins))
                turns.append(first + rounds * MINUTE)
        return max(turns)

    def bot_turn_at(self, ahead: int, now: float) -> float:
        """Return about when the bot may write, after so many other messages, if nothing else holds them back."""
        begins = max(now, self._bot_paused_until)
        return self._bot.turn_at(self._allowed(begins), ahead, begins)

    def take(self, chat_id: int, now: float) -> None:
        """Take the places of an attempt that begins now."""
        self._bot.take()
        if self._counts_chats:
            for window, _ in self._chat(chat_id).windows:
                window.take()
        self._forget_by(now)

    def give_back(self, chat_id: int, now: float) -> None:
        """Free the places of an attempt that was not made at all."""
        self._bot.give_back()
        if self._counts_chats:
            for window, _ in self._chat(chat_id).windows:
                window.give_back()
            self._remember_as_long_as_needed(chat_id)

    def answered(self, chat_id: int, now: float) -> None:
        """Free the places of an attempt a window's length from now: it is over, whatever came of it."""
        if self._limits.bot_per_second < inf:
            self._bot.answered(now)
        else:
            self._bot.give_back()
        if self._counts_chats:
            for window, _ in self._chat(chat_id).windows:
                window.answered(now)
            self._remember_as_long_as_needed(chat_id)

    def refused(self, chat_id: int, now: float, pause: float) -> bool:
        """Keep away from a chat for `pause` seconds, and from Telegram as a whole if it is about more than the chat.

        Returns whether it is: another chat was refused within a second, or the pause is long. Then the bot's pace is
        halved as well, and recovers bit by bit.
        """
        self.hold(chat_id, now + pause)
        other, at = self._last_refusal
        self._last_refusal = (chat_id, now)
        if pause < LONG_PAUSE and (other == chat_id or now - at > TOGETHER):
            return False
        # Answers to what was on its way together are one refusal, not many.
        if self._limits.bot_per_second < inf and now >= self._bot_paused_until:
            self._cut_to = max(1.0, self._allowed(now) / 2)
        self._bot_paused_until = max(self._bot_paused_until, now + min(pause, LONGEST_BOT_PAUSE))
        self._cut_at = self._bot_paused_until
        return True

    def recall(self, chat_id: int, arrived: float) -> None:
        """Take into account an attempt of an earlier run, which arrived by then at the latest."""
        if self._limits.bot_per_second < inf:
            self._bot.recall(arrived)
        if self._counts_chats:
            for window, _ in self._chat(chat_id).windows:
                window.recall(arrived)
            self._remember_as_long_as_needed(chat_id)

    def hold(self, chat_id: int, until: float) -> None:
        """Keep away from a chat until an instant that an earlier run learned of."""
        chat = self._chat(chat_id)
        chat.paused_until = max(chat.paused_until, until)
        self._remember_as_long_as_needed(chat_id)

    def _allowed(self, now: float) -> float:
        """How many messages a second the bot may send: fewer after a refusal, and more again with time."""
        full = self._limits.bot_per_second
        return (
            full if self._cut_to >= full else min(full, self._cut_to + max(0.0, now - self._cut_at) * full / RECOVERY)
        )

    def _chat(self, chat_id: int) -> _Chat:
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = _Chat(self._limits, chat_id)
        return chat

    def _remember_as_long_as_needed(self, chat_id: int) -> None:
        until = self._chats[chat_id].forgettable_at()
        if until < inf:
            self._forget.set(chat_id, until)

    def _forget_by(self, now: float) -> None:
        for chat_id in self._forget.take_due(now):
            if self._chats[chat_id].forgettable_at() <= now:
                del self._chats[chat_id]
