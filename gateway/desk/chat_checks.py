"""What is asked of a chat must be like this. Every rule of the contract's comments is here, once, for every door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.desk.checks import MAX_TELEGRAM_MESSAGE_ID, Violation
from gateway.model import (
    MAX_CHAT_ID,
    Ban,
    ChatAct,
    Pin,
    React,
    Restrict,
    ShowAction,
    Unban,
    Unpin,
    is_chat_id,
)

SOONEST_UNTIL, LATEST_UNTIL = timedelta(minutes=1), timedelta(days=365)
"""Telegram takes less than 30 seconds and more than 366 days for ever, counted when it gets to it and by its clock:
https://core.telegram.org/bots/api#restrictchatmember"""
MAX_EMOJI = 16  # code points: the longest that Telegram has for this is of 4


def chat_violations(chat_id: int) -> Iterator[Violation]:
    """Yield what is wrong with the id of a chat."""
    if not is_chat_id(chat_id):
        yield "chat_id", "must be the id of a chat" if chat_id else "is required"


def user_violations(user_id: int) -> Iterator[Violation]:
    """Yield what is wrong with the id of a person."""
    if not 1 <= user_id <= MAX_CHAT_ID:
        yield "user_id", f"must be 1 to {MAX_CHAT_ID}" if user_id else "is required"


def act_violations(act: ChatAct, now: datetime) -> Iterator[Violation]:
    """Yield what is wrong with an act, asked for at an instant."""
    yield from chat_violations(act.chat_id)
    match act:
        case Restrict() | Ban():
            yield from user_violations(act.user_id)
            yield from _until(act.until, now)
        case Unban():
            yield from user_violations(act.user_id)
        case Pin() | Unpin():
            yield from _message(act.telegram_message_id)
        case React():
            yield from _message(act.telegram_message_id)
            yield from _emoji(act.emoji)
        case ShowAction():
            if act.action is None:
                yield "action", "is required"
            if not 0 <= act.message_thread_id <= MAX_TELEGRAM_MESSAGE_ID:
                yield "message_thread_id", f"must be 0 to {MAX_TELEGRAM_MESSAGE_ID}"


def _message(message_id: int) -> Iterator[Violation]:
    if not 1 <= message_id <= MAX_TELEGRAM_MESSAGE_ID:
        yield "telegram_message_id", f"must be 1 to {MAX_TELEGRAM_MESSAGE_ID}" if message_id else "is required"


def _until(until: datetime | None, now: datetime) -> Iterator[Violation]:
    if until is not None and not now + SOONEST_UNTIL <= until <= now + LATEST_UNTIL:
        yield "until_time", "must be 1 minute to 365 days ahead, or not set: Telegram takes what is outside for ever"


def _emoji(emoji: str) -> Iterator[Violation]:
    # Letters and the like could be anything but a reaction; which emoji are is for Telegram to say.
    if len(emoji) > MAX_EMOJI or any(character.isascii() or character.isspace() for character in emoji):
        yield "emoji", f"must be an emoji of at most {MAX_EMOJI} code points"
