"""One call of a method, and what every method asks of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.sandbox.bots import Bot
from gateway.sandbox.chats import Chat, Message
from gateway.sandbox.errors import bad_request
from gateway.sandbox.integers import lenient_integer
from gateway.sandbox.parameters import Parameters
from gateway.sandbox.world import World


class Described(NamedTuple):
    """A result that comes with a `description`."""

    result: Any
    description: str


class Call:
    """A bot asking for something."""

    __slots__ = ("bot", "now", "parameters", "world")

    def __init__(self, world: World, bot: Bot, parameters: Parameters, now: float) -> None:
        self.world = world
        self.bot = bot
        self.parameters = parameters
        self.now = now

    def chat(self, name: str = "chat_id", value: str | None = None) -> Chat:
        """The chat a parameter means, visible to the bot."""
        text = self.parameters.text(name) if value is None else value
        if not text:
            raise bad_request(f"{name} is empty")
        chat = find_chat(self.world, text)
        if chat is None:
            raise bad_request("chat not found")
        chat.require_read()
        return chat

    def writable_chat(self) -> Chat:
        """The chat of `chat_id`, open to the bot's messages."""
        chat = self.chat()
        chat.require_write()
        return chat

    def message(self, chat: Chat, purpose: str, name: str = "message_id") -> Message:
        """The message a parameter means; `purpose` is how the refusal calls it."""
        message = chat.messages.get(self.parameters.identifier(name))
        if message is None:
            raise bad_request(f"{purpose} not found")
        return message

    def user_id(self) -> int:
        """The user a parameter means."""
        user_id = self.parameters.long("user_id")
        if user_id <= 0:
            raise bad_request("invalid user_id specified")
        return user_id

    def is_own(self, chat: Chat, message: Message) -> bool:
        """Whether the bot may change this message: it wrote it, or it runs the channel."""
        if chat.type == "channel":
            return chat.bot_status == "administrator"
        return bool(message["from"]["id"] == self.bot.id)


def find_chat(world: World, text: str) -> Chat | None:
    """The chat a `chat_id` means: a number read leniently, or an @username."""
    return world.chat_named(text) if text[0] == "@" else world.chats.get(lenient_integer(text))
