"""The state every request works on: chats, people, bots, files, faults and the log, with the clocks passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from .bots import Bot, bot_id_of, bot_user
from .chats import Chat, Member, User
from .faults import Faults
from .files import Files
from .limits import FloodLimits, LimitsName
from .request_log import RequestLog
from .updates import UpdateQueue


class World:
    """Everything there is; memory is bounded by the sizes given."""

    def __init__(
        self,
        limits: LimitsName,
        clock: Callable[[], float],
        wall: Callable[[], float],
        log_size: int,
        history_size: int,
        updates_size: int,
        files_size: int,
    ) -> None:
        self.clock = clock
        self.wall = wall
        self.history_size = history_size
        self.chats: dict[int, Chat] = {}
        self.users: dict[int, User] = {}
        self.bots: dict[int, Bot] = {}
        self.files = Files(files_size)
        self.faults = Faults()
        self.requests = RequestLog(log_size)
        self.revoked: set[str] = set()
        self._limits: LimitsName = limits
        self._updates_size = updates_size
        self._early_updates: deque[tuple[str, Any]] = deque(maxlen=updates_size)
        self._query_count = 0

    def bot(self, token: str) -> Bot:
        """The bot of a token, which is made up when it calls for the first time."""
        bot_id = bot_id_of(token)
        bot = self.bots.get(bot_id)
        if bot is None:
            bot = Bot(bot_user(bot_id), UpdateQueue(self._updates_size), FloodLimits(self._limits))
            self.bots[bot_id] = bot
            self.users[bot_id] = bot.user
            while self._early_updates:
                bot.deliver(*self._early_updates.popleft())
        return bot

    def announce(self, kind: str, content: Any, bot_id: int | None = None) -> None:
        """Tell the bots that called before, or one of them; while there are none, the first to come."""
        for bot in self.bots.values():
            if bot_id in (None, bot.id):
                bot.deliver(kind, content)
        if not self.bots:
            self._early_updates.append((kind, content))

    def chat_named(self, name: str) -> Chat | None:
        """The chat with this @username, in any case."""
        name = name.removeprefix("@").lower()
        return next((chat for chat in self.chats.values() if name and chat.username.lower() == name), None)

    def join(self, chat: Chat, user: User) -> None:
        """Make a user known and a member of a chat."""
        self.users[user["id"]] = user
        chat.members.setdefault(user["id"], Member(user))

    def next_query_id(self) -> str:
        """An id for a callback query."""
        self._query_count += 1
        return str(4_000_000_000_000_000_000 + self._query_count)

    def close(self) -> None:
        """End every poll and push that waits."""
        for bot in self.bots.values():
            bot.updates.end_poll()
            bot.set_webhook(None, self.wall)
