"""What this room asks of the rooms around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gateway.model import Caller, Chat, ChatAct, ChatMember, Record
from gateway.telegram.failures import ChatMoved


class Bot(Protocol):
    """Asks Telegram, once. Every method raises a `gateway.telegram.failures.BotFailure` when it can't."""

    async def get_chat(self, chat_id: int) -> Chat:
        """Return what a chat is."""

    async def get_member(self, chat_id: int, user_id: int) -> ChatMember:
        """Return how somebody stands in a chat."""

    async def administrators(self, chat_id: int) -> tuple[ChatMember, ...]:
        """Return owner and administrators of a chat."""

    async def carry_out(self, act: ChatAct) -> None:
        """Do something in a chat."""

    async def chat_answers(self, chat_id: int) -> bool:
        """Tell whether the bot can see a chat."""


class Delivery(Protocol):
    """Knows under which id a chat is written to, and whether Telegram takes the bot token."""

    @property
    def bot_ok(self) -> bool:
        """Whether Telegram takes the bot token, as far as is known."""

    def bot_refused(self) -> None:
        """Say that Telegram refuses the bot token."""

    def present_id(self, chat_id: int) -> int:
        """Return the id under which a chat is written to now."""

    async def chat_moved(self, caller: Caller, chat_id: int, failure: ChatMoved) -> None:
        """Keep that a chat moved, as Telegram answered to a call for it, if that is believed."""


class Log(Protocol):
    """Keeps the audit log."""

    async def record(self, records: Sequence[Record]) -> None:
        """Keep records, all or none; raises `AuditUnavailable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who asks, and for how long.

    Attributes:
        chat_id: As the caller's credential names it.
        within: How long the caller waits.
        still: Raises what refuses the caller; asked with the chat's present id as the last thing before each request
            leaves, since a pause may be longer than a right lasts.
    """

    caller: Caller
    chat_id: int
    within: timedelta
    still: Callable[[int], None]
