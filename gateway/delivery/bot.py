"""What this room asks of Telegram."""

from __future__ import annotations

from typing import Protocol

from gateway.model import Draft


class Bot(Protocol):
    """Writes to chats. Every method raises a `gateway.telegram.failures.BotFailure` when it can't."""

    async def identify(self) -> object:
        """Learn who the bot is: whether its token is good."""

    async def send_message(self, draft: Draft) -> tuple[int, ...]:
        """Send a message once, and return the ids that Telegram gave it."""

    async def edit_message(self, draft: Draft, message_id: int) -> None:
        """Change a message of the bot's into what the draft says, once."""

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        """Take a message of the bot's out of its chat, once."""

    async def delete_messages(self, chat_id: int, message_ids: tuple[int, ...]) -> None:
        """Take several messages of the bot's out of their chat, once; those that are gone are no failure."""

    async def chat_answers(self, chat_id: int) -> bool:
        """Tell whether the bot can see a chat; False where Telegram refuses it."""
