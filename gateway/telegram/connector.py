"""What the gateway asks of Telegram, in our words: python-telegram-bot's `Bot` over our transport."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram import (
    Bot,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)

from gateway.model import Button, Draft, Entity, LinkPreview, TextFormat
from gateway.telegram.address import PUBLIC_API, checked_base_url, checked_proxy
from gateway.telegram.moderator import Moderator
from gateway.telegram.results import result_of
from gateway.telegram.token import TokenSource
from gateway.telegram.transport import Transport
from gateway.telegram.wire import PLACEHOLDER

_PARSE_MODE = {TextFormat.PLAIN: None, TextFormat.HTML: "HTML", TextFormat.MARKDOWN_V2: "MarkdownV2"}
DOCUMENT_NAME = "message.txt"
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChat:
    """A chat in which the bot saw something happen; `title` is a person's name where it is no group."""

    id: int
    type: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """Who the bot is."""

    id: int
    username: str
    name: str


class Connector:
    """Speaks to Telegram for one bot; every failure is one of `gateway.telegram.failures`.

    Attributes:
        moderator: Asks about chats as such.
    """

    def __init__(self, token: TokenSource, transport: Transport) -> None:
        """Take an initialized transport that signs with the same token; `open_connector` builds both."""
        self._token = token
        self._transport = transport
        placeholder = f"{token.read().bot_id}:{PLACEHOLDER}"
        self._bot = Bot(placeholder, request=transport, get_updates_request=transport)
        self.moderator = Moderator(self._bot, token.read().bot_id, transport)

    @property
    def token_version(self) -> int:
        """Count the tokens that came before the present one: see `BotRefused.token_version`."""
        return self._token.read().version

    async def identify(self) -> BotIdentity:
        """Ask Telegram who the bot is (`getMe`): whether the token is good.

        Raises:
            BotFailure: It could not be learned.
        """
        user = await result_of(self._bot.get_me())
        return BotIdentity(id=user.id, username=user.username or "", name=user.first_name)

    async def send_message(self, draft: Draft) -> tuple[int, ...]:
        """Send one message (`sendMessage`, or `sendDocument` if a file goes with it) and return its ids in the chat.

        Args:
            draft: Checked before, and one part where there are several. Its format is PLAIN, with or without entities,
                HTML or MARKDOWN_V2. Telegram does not know MARKDOWN, which is rendered before it comes here.

        Raises:
            NotSent: Telegram has seen nothing of it.
            Unanswered: Telegram may have sent it.
            Refused: Telegram did not send it.
        """
        if draft.document:
            message = await result_of(self._bot.send_document(**_document_from(draft), **_placing_from(draft)))
        else:
            message = await result_of(self._bot.send_message(**_content_from(draft), **_placing_from(draft)))
        return (message.message_id,)

    async def edit_message(self, draft: Draft, message_id: int) -> None:
        """Change the text of one of the bot's messages (`editMessageText`) into that of a draft.

        The draft's format, text, entities, preview and buttons hold; what was there before is gone.

        Raises:
            NotModified: It is so already.
            MessageGone, MessageFixed: It can't be changed.
            BotFailure: As `send_message`.
        """
        await result_of(self._bot.edit_message_text(**_content_from(draft), message_id=message_id))

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        """Take one of the bot's messages out of its chat (`deleteMessage`), which Telegram allows for 48 hours.

        Raises:
            MessageGone: It is out already.
            MessageFixed: It can't be taken out.
            BotFailure: As `send_message`.
        """
        await result_of(self._bot.delete_message(chat_id, message_id))

    async def delete_messages(self, chat_id: int, message_ids: Sequence[int]) -> None:
        """Take several of the bot's messages out of their chat (`deleteMessages`): 2 to 100 ids.

        Those that are out already are passed over.

        Raises:
            MessageFixed: One of them can't be taken out, and none was.
            BotFailure: As `send_message`.
        """
        await result_of(self._bot.delete_messages(chat_id, message_ids))

    async def seen_chats(self) -> tuple[SeenChat, ...]:
        """Return the chats of the updates that wait for the bot (`getUpdates`), and stay there; at most 100 of them.

        Raises:
            Refused: 409 while something else fetches the bot's updates, or a webhook is set.
            BotFailure: It could not be learned.
        """
        updates = await result_of(self._bot.get_updates(timeout=0))
        chats = {update.effective_chat.id: update.effective_chat for update in updates if update.effective_chat}
        return tuple(SeenChat(id=chat.id, type=chat.type, title=chat.effective_name or "") for chat in chats.values())

    async def chat_answers(self, chat_id: int) -> bool:
        """Tell whether the bot can see a chat (`getChat`); False where Telegram refuses it with 400 or 403.

        Raises:
            BotFailure: It could not be learned.
        """
        return await self.moderator.chat_answers(chat_id)


@asynccontextmanager
async def open_connector(
    token: TokenSource,
    *,
    base_url: str = PUBLIC_API,
    allow_plaintext: bool = False,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    connections: int = 100,
    connect_timeout: timedelta = timedelta(seconds=5),
    answer_timeout: timedelta = timedelta(seconds=40),
) -> AsyncIterator[Connector]:
    """Open the way to Telegram; leaving it lets the requests under way end. Nothing is asked of Telegram yet.

    Args:
        token: Where the bot token comes from: `token.from_file` or `token.from_value`.
        base_url: The Bot API server.
        allow_plaintext: Whether `base_url` may be plain http to another machine.
        proxy: `http://` or `socks5://`, with user and password where needed. The environment's proxies are not used.
        tls: How the server is verified; by the machine's certificate authorities where it is None.
        connections: How many requests are under way at once.
        connect_timeout: For a free connection, name resolution, connecting and TLS together.
        answer_timeout: For a whole request. The Bot API itself waits up to 8 s on a flood limit before it answers
            (tdlib NetQueryCreator.cpp), so a short one turns refusals into unknown outcomes: 30 s at least.

    Raises:
        ConfigInvalid: An address is malformed or would show the bot token to the network.
    """
    transport = Transport(
        token.read,
        base_url=checked_base_url(base_url, allow_plaintext=allow_plaintext),
        proxy=checked_proxy(proxy) if proxy else None,
        tls=tls,
        connections=connections,
        connect_timeout=connect_timeout,
        answer_timeout=answer_timeout,
    )
    logging.getLogger("telegram.Bot").addFilter(_keeps_no_message_text)
    await transport.initialize()
    try:
        yield Connector(token, transport)
    finally:
        await transport.shutdown()


def _keeps_no_message_text(record: logging.LogRecord) -> bool:
    """Drop what python-telegram-bot says at DEBUG: whole messages and their chats."""
    return record.levelno > logging.DEBUG


def _placing_from(draft: Draft) -> dict[str, Any]:
    """Return how a message of any kind is sent; what is left out has Telegram's defaults."""
    arguments: dict[str, Any] = {}
    if draft.message_thread_id:
        arguments["message_thread_id"] = draft.message_thread_id
    if draft.reply_to_message_id:
        # Never with a chat: a reply may quote a message of any chat that the bot is in.
        arguments["reply_parameters"] = ReplyParameters(draft.reply_to_message_id, allow_sending_without_reply=False)
    if draft.silent:
        arguments["disable_notification"] = True
    if draft.protect_content:
        arguments["protect_content"] = True
    return arguments


def _content_from(draft: Draft) -> dict[str, Any]:
    """Return what `Bot.send_message` and `Bot.edit_message_text` have in common."""
    arguments: dict[str, Any] = {
        "chat_id": draft.chat_id,
        "text": draft.text,
        "parse_mode": _PARSE_MODE[draft.text_format],
    }
    if draft.entities:
        arguments["entities"] = [_entity_from(entity) for entity in draft.entities]
    if draft.link_preview is LinkPreview.NONE:
        arguments["link_preview_options"] = _NO_PREVIEW
    return arguments | _keyboard_from(draft)


def _document_from(draft: Draft) -> dict[str, Any]:
    """Return what `Bot.send_document` sends: a file with the draft's text as its caption."""
    file = InputFile(draft.document.encode(), filename=DOCUMENT_NAME)
    arguments = {"chat_id": draft.chat_id, "document": file, "caption": draft.text or None}
    if draft.entities:
        arguments["caption_entities"] = [_entity_from(entity) for entity in draft.entities]
    return arguments | _keyboard_from(draft)


def _keyboard_from(draft: Draft) -> dict[str, Any]:
    if not draft.buttons:
        return {}
    return {"reply_markup": InlineKeyboardMarkup([[_button_from(b) for b in row] for row in draft.buttons])}


def _entity_from(entity: Entity) -> MessageEntity:
    return MessageEntity(
        entity.kind, entity.offset, entity.length, url=entity.url or None, language=entity.language or None
    )


def _button_from(button: Button) -> InlineKeyboardButton:
    if button.copy_text:
        return InlineKeyboardButton(button.text, copy_text=CopyTextButton(button.copy_text))
    return InlineKeyboardButton(button.text, url=button.url)
