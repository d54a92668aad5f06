"""What an update teaches beyond itself: that a chat which refused the bot can be written to again.

Behind the commit, and it waits for nothing: what goes wrong with it holds up no update. One that tells of a migration
teaches nothing: there only Telegram's answer to a message of ours is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import orjson

from gateway.model import Update, UpdateKind

_THEY_WROTE = frozenset({UpdateKind.MESSAGE, UpdateKind.CHANNEL_POST, UpdateKind.CALLBACK_QUERY})
_INSIDE = frozenset({"member", "administrator", "creator"})


class Effects:
    """Tells of chats that are back."""

    def __init__(self, was_refused: Callable[[int], bool], chat_is_back: Callable[[int], None]) -> None:
        """Take who knows which chats refused the bot, and who is told that one does not any more."""
        self._was_refused = was_refused
        self._chat_is_back = chat_is_back

    def kept(self, updates: Sequence[Update]) -> None:
        """Tell of the chats of new updates. Never waits and never fails."""
        # Asked first: nearly never does a chat refuse the bot, and only then is anything read.
        refused = [update for update in updates if self._was_refused(update.chat_id)]
        for chat_id in {update.chat_id for update in refused if _lets_bot_in(update)}:
            self._chat_is_back(chat_id)


def _lets_bot_in(update: Update) -> bool:
    content = orjson.loads(update.content)
    if update.kind is UpdateKind.MY_CHAT_MEMBER:
        member = content.get("new_chat_member")
        return isinstance(member, Mapping) and _may_write(member)
    # That somebody was removed is told as a message too, and may be about the bot.
    return update.kind in _THEY_WROTE and "left_chat_member" not in content


def _may_write(member: Mapping[str, object]) -> bool:
    if member.get("status") == "restricted":
        return member.get("is_member") is True and member.get("can_send_messages") is True
    return member.get("status") in _INSIDE
