"""The ids of chats and of their topics."""

from __future__ import annotations

MIN_CHAT_ID = -4_000_000_000_000
MAX_CHAT_ID = (1 << 40) - 1
"""The range of chat ids: https://core.telegram.org/api/bots/ids."""
MAX_MESSAGE_THREAD_ID = (1 << 31) - 1


def is_chat_id(value: object) -> bool:
    """Whether `value` is the id of a chat: a plain integer, in Telegram's range, not 0.

    `True` and `1.0` equal 1 in Python, so the type is compared before the value.
    """
    return type(value) is int and MIN_CHAT_ID <= value <= MAX_CHAT_ID and value != 0


def is_message_thread_id(value: object) -> bool:
    """Whether `value` is the id of a forum topic: a plain integer from 1 to 2^31 - 1."""
    return type(value) is int and 1 <= value <= MAX_MESSAGE_THREAD_ID
