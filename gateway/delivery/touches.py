"""Edits and deletes: which message one touches, whether it may, and what waits behind which."""

from __future__ import annotations

from gateway.delivery import content
from gateway.delivery.outcomes import LEFT_BEHIND
from gateway.model import Kind, Message, State
from gateway.store.base import Pending


def obstacle(target: Message | None, chat_id: int) -> str | None:
    """Return why a message that is final can't be edited or deleted; None: it can be, as far as is known here.

    What has arrived of a message in parts can be deleted, unless one of them is in doubt. That it can't be edited is
    said before: see `unchangeable`.

    Args:
        target: The message; None: it is no longer kept.
        chat_id: The id that its chat has now. Under another one, its ids would be those of others' messages.
    """
    if target is None:
        return "The message is no longer kept."
    if target.kind is not Kind.SEND:
        return "It is no message but an edit or a delete."
    if target.state is State.DELIVERY_UNKNOWN or (target.state is State.DELIVERED and not target.is_whole):
        return "Telegram's id of the message is not known."
    if not target.telegram_message_ids:
        return f"The message was not delivered: it is {target.state.value}."
    return LEFT_BEHIND if (target.telegram_chat_id or target.chat_id) != chat_id else None


def unchangeable(target: Message) -> str | None:
    """Return why a message can be deleted but never be edited, whatever becomes of it; None: it may be."""
    if target.parts > 1:
        return f"is that of a message in {target.parts} parts, which can't be edited: delete it, and send another"
    if content.decode(target.content, target.chat_id).document:
        return "is that of a message sent as a document, which can't be edited: delete it, and send another"
    return None


class Behind:
    """What waits for another message to be final, which may be due long after others of its chat."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._of: dict[str, dict[str, Pending]] = {}

    def add(self, pending: Pending) -> None:
        """Have an edit or a delete wait behind the message that it touches."""
        self._of.setdefault(pending.target_id, {})[pending.id] = pending

    def discard(self, pending: Pending) -> None:
        """Take one out, if it is here."""
        waiting = self._of.get(pending.target_id, {})
        waiting.pop(pending.id, None)
        if not waiting:
            self._of.pop(pending.target_id, None)

    def take(self, message_id: str) -> list[Pending]:
        """Take out all that waits behind a message, in the order of acceptance."""
        return sorted(self._of.pop(message_id, {}).values(), key=lambda pending: pending.seq)
