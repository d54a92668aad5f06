"""Updates for tests."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from gateway.model import Update, UpdateKind
from tests.support.messages import NOW

_ids = count(1)


def an_update(chat_id: int = 7, **fields: Any) -> Update:
    """Return an update as it is before it is kept, with an id of its own."""
    defaults: dict[str, Any] = {
        "seq": 0,
        "update_id": next(_ids),
        "kind": UpdateKind.MESSAGE,
        "message_thread_id": None,
        "received_at": NOW,
        "content": b"{}",
    }
    return Update(chat_id=chat_id, **defaults | fields)


def raw_message(
    update_id: int, chat_id: int = 7, text: str = "hello", topic: int | None = None, **more: Any
) -> dict[str, Any]:
    """Return an update as Telegram tells it: somebody wrote in a chat."""
    message: dict[str, Any] = {"message_id": update_id, "date": 1, "chat": {"id": chat_id, "type": "private"}}
    if topic is not None:
        message |= {"message_thread_id": topic, "is_topic_message": True}
    return {"update_id": update_id, "message": message | {"text": text} | more}


def written_at(moment: datetime, chat_id: int = 7) -> Update:
    """Return an update that was received then."""
    return an_update(chat_id, received_at=moment)
