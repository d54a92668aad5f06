"""What happened in a chat, as Telegram tells a bot of it (https://core.telegram.org/bots/api#update)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class UpdateKind(Enum):
    """The kinds of updates that are asked of Telegram, by its names: each belongs to one chat."""

    MESSAGE = "message"
    EDITED_MESSAGE = "edited_message"
    CHANNEL_POST = "channel_post"
    EDITED_CHANNEL_POST = "edited_channel_post"
    CALLBACK_QUERY = "callback_query"
    MESSAGE_REACTION = "message_reaction"
    MY_CHAT_MEMBER = "my_chat_member"
    CHAT_MEMBER = "chat_member"
    CHAT_JOIN_REQUEST = "chat_join_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Something that happened in one chat.

    Attributes:
        seq: Its place in the feed; rises in the order in which updates were kept.
        update_id: Telegram's number of it, once for each bot.
        chat_id: The chat that it belongs to; nobody else is told of it.
        message_thread_id: The forum topic that it belongs to; None: to none, or to the chat as a whole.
        callback_id: Telegram's id of the press on a button, by which it is answered; empty for other kinds.
        content: Telegram's object of that kind, as JSON.
    """

    seq: int
    update_id: int
    kind: UpdateKind
    chat_id: int
    message_thread_id: int | None
    received_at: datetime
    content: bytes
    callback_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookState:
    """What Telegram says of a bot's webhook (https://core.telegram.org/bots/api#webhookinfo).

    Attributes:
        url: Where updates are sent; empty: nowhere.
        waiting: How many updates are not delivered yet.
        problem: What went wrong when an update was last not taken; empty: nothing did.
        problem_at: When that was, in seconds since 1970 by Telegram's clock.
    """

    url: str
    waiting: int = 0
    problem: str = ""
    problem_at: int = 0
