"""The bot: its token, the way to Telegram, and who it is."""

from __future__ import annotations

from pathlib import Path

from gateway.config import Config
from gateway.delivery.dispatcher import Dispatcher
from gateway.errors import ConfigInvalid
from gateway.telegram.connector import Connector, SeenChat, open_connector
from gateway.telegram.failures import BotFailure, BotRefused
from gateway.telegram.token import TokenSource, from_file, from_value
from gateway.telemetry import logger

_log = logger(__name__)

MOST_DISCOVERED = 100
"""How many chats Telegram tells at once, and so do we."""


def bot_token(config: Config) -> TokenSource:
    if config.bot_token_file:
        return from_file(config.bot_token_file)
    if config.bot_token:
        return from_value(config.bot_token.reveal())
    raise ConfigInvalid("No bot token: set CHATKEY_BOT_TOKEN_FILE to a file that holds it.")


def proxy(config: Config) -> str | None:
    if config.bot_api_proxy_file:
        return _line(config.bot_api_proxy_file, "CHATKEY_BOT_API_PROXY_FILE")
    return config.bot_api_proxy.reveal() if config.bot_api_proxy else None


def _line(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigInvalid(f"{name}: {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{name}: {path} is not a text.") from None


async def greet(connector: Connector, dispatcher: Dispatcher) -> None:
    """Say who the bot is, or why that can't be learned: a wrong token is noticed now, not with the first message."""
    try:
        bot = await connector.identify()
    except BotRefused:
        dispatcher.bot_refused()
    except BotFailure as failure:
        _log.warning("bot.unreachable", why=str(failure), meaning="Messages are kept until Telegram can be reached.")
    else:
        _log.info("bot.identified", bot_id=bot.id, username=bot.username)


async def seen_chats(config: Config) -> tuple[SeenChat, ...]:
    """Return the chats in which the bot saw something lately: Telegram is asked, unless a gateway takes the updates.

    Raises:
        ConfigInvalid: there is no usable bot token, or no usable database where a gateway takes the updates.
        BotFailure: Telegram refuses, or can't be reached.
        NotDurable: the database can't be read.
    """
    if config.updates != "off":
        # Whoever asks Telegram takes the updates from the gateway, or is refused.
        from gateway.store.databases import open_changing

        async with open_changing(config) as store:
            seen = await store.updates.seen(MOST_DISCOVERED)
        return tuple(SeenChat(id=chat.chat_id, type=chat.type, title=chat.title) for chat in seen)
    async with open_connector(bot_token(config), base_url=config.bot_api_url, proxy=proxy(config)) as connector:
        return await connector.seen_chats()
