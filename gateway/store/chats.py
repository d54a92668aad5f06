"""What the store promises of chats that moved or are closed. `tests/contract/test_chat_store.py` tests each promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.model import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A group that became a supergroup, as Telegram said when it was written to.

    Attributes:
        chat_id: The group's id, which credentials go on naming.
        new_chat_id: The supergroup's.
        approved: Whether what is for the group goes to the supergroup.
        noticed_at: When Telegram said so.
    """

    chat_id: int
    new_chat_id: int
    approved: bool
    noticed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A chat that Telegram refused the bot.

    Attributes:
        chat_id: The chat, by its present id.
        closed_at: When it was refused.
        until: When it is tried again, should nobody open it before.
        description: Telegram's words.
        code: Telegram's `error_code`.
    """

    chat_id: int
    closed_at: datetime
    until: datetime
    description: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStates:
    """All that is kept of chats, as of a revision, which rises with each change."""

    revision: int
    moves: Sequence[Move] = ()
    closures: Sequence[Closure] = ()


class ChatStore(Protocol):
    """Keeps chats, also for several processes at once: the operator's command works beside a server.

    Each change is on durable storage, together with its audit record, before the method returns; what changes nothing
    keeps no record either. Every method raises `NotDurable` when the storage fails; then nothing was kept.
    """

    async def chat_states(self, after: int = -1) -> ChatStates | None:
        """Return what is kept, by chat id; None: nothing changed since revision `after`."""

    async def add_move(self, move: Move, record: Record) -> Move:
        """Keep a move and return it; or the one that is kept of this chat already: the first stays."""

    async def approve_move(self, chat_id: int, record: Record) -> Move | None:
        """Approve the move of a chat and return it; None: there is none that waits for that."""

    async def close_chat(self, closure: Closure, record: Record) -> None:
        """Keep a closure in the place of the one that the chat may have."""

    async def open_chat(self, chat_id: int, record: Record) -> bool:
        """Forget a closure; return whether there was one."""
