"""A message that is sent as several, one after the other: what is next, and what becomes of it when one arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.model import Draft, Message, State

REST_OF_IT = timedelta(hours=1)
"""How long the rest of a message is worth sending once a part has arrived, where its time to live would be over."""


def next_of(draft: Draft, arrived: int) -> Draft:
    """Return what is to be sent of a message of which so many parts have arrived.

    The first one answers what the message answers, the last one has the buttons. All else holds for each.
    """
    if not draft.parts:
        return draft
    part = draft.parts[arrived]
    return replace(
        draft,
        text=part.text,
        entities=part.entities,
        parts=(),
        reply_to_message_id=0 if arrived else draft.reply_to_message_id,
        buttons=draft.buttons if arrived == len(draft.parts) - 1 else (),
    )


def arrived(message: Message, ids: tuple[int, ...], chat_id: int, now: datetime) -> Message:
    """Return a message, which is SENDING, after Telegram confirmed a part that is not the last; `ids` are all so far.

    It waits for the next turn with nothing gone wrong, and what went wrong with this part is no more of the next one's.
    """
    return replace(
        message,
        state=State.RETRY_WAIT,
        telegram_message_ids=ids,
        telegram_chat_id=message.telegram_chat_id or chat_id,
        due_at=now,
        expires_at=max(message.expires_at, now + REST_OF_IT),
        failure=None,
        earlier_attempts=message.attempts,
        earlier_unknown_attempts=message.unknown_attempts,
    )
