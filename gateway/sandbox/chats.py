"""Chats and their messages: the state of the world that every bot shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import Refusal, bad_request, forbidden, migrated
from .rights import PERMISSIONS, administrator_rights

CHAT_TYPES = ("private", "group", "supergroup", "channel")

BOT_STATUSES: Mapping[str, str] = {
    "administrator": "the bot is an administrator (the default outside private chats)",
    "member": "the bot is an ordinary member (the default in private chats)",
    "left": "the bot is not a member",
    "kicked": "the bot was removed",
    "blocked": "the user blocked the bot",
    "deactivated": "the user's account is deleted",
    "not_started": "the user never started the bot",
    "deleted": "the group was deleted",
}

MEMBER_STATUSES = ("creator", "administrator", "member", "left", "kicked")

GROUP_DIGIT_LIMIT = -1_000_000_000_000
"""Ids from here down belong to supergroups and channels."""

_PRIVATE_ONLY = ("blocked", "deactivated", "not_started")
_GROUPS_ONLY = ("administrator", "left", "kicked")

Message = dict[str, Any]
User = dict[str, Any]


@dataclass(slots=True)
class Member:
    """A user in a chat and what the chat lets them do."""

    user: User
    status: str = "member"
    permissions: dict[str, bool] | None = None
    until_date: int = 0
    rights: Mapping[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The `ChatMember` object."""
        answer: dict[str, Any] = {"user": self.user, "status": self.status}
        if self.status == "administrator":
            answer |= self.rights
        if self.status == "creator":
            answer["is_anonymous"] = False
        if self.status == "restricted":
            answer |= {"is_member": True, **(self.permissions or {}), "until_date": self.until_date}
        if self.status == "kicked":
            answer["until_date"] = self.until_date
        return answer


@dataclass(slots=True)
class Chat:
    """A chat: who is in it, what was written, and how the bot stands there."""

    id: int
    type: str
    title: str
    history_limit: int
    username: str = ""
    bot_status: str = ""
    migrate_to_chat_id: int = 0
    topics: frozenset[int] = frozenset()
    messages: dict[int, Message] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    permissions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PERMISSIONS, True))
    bot_rights: Mapping[str, bool] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    reactions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    last_message_id: int = 0
    version: int = 0
    short: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        name = "first_name" if self.type == "private" else "title"
        self.short = {"id": self.id, name: self.title, "type": self.type}
        if self.username:
            self.short["username"] = self.username
        if self.topics:
            self.short["is_forum"] = True

    def next_message_id(self) -> int:
        """A message id nobody had in this chat."""
        self.last_message_id += 1
        return self.last_message_id

    def keep(self, message: Message) -> None:
        """Remember a new or changed message; the oldest is forgotten beyond the history's limit."""
        self.version += 1
        self.messages[message["message_id"]] = message
        if len(self.messages) > self.history_limit:
            del self.messages[next(iter(self.messages))]

    def forget(self, message_id: int) -> None:
        """Delete a message."""
        del self.messages[message_id]
        self.version += 1

    def require_write(self) -> None:
        """Refuse as Telegram does when the bot may not write here."""
        if self.bot_status in ("administrator", "member") and not self.migrate_to_chat_id:
            return
        raise self._closed()

    def require_read(self) -> None:
        """Refuse as Telegram does when the bot cannot see this chat at all."""
        if self.type in ("supergroup", "channel") and self.bot_status in ("left", "kicked"):
            raise self._closed()

    def require_right(self, name: str, purpose: str) -> None:
        """Refuse when the bot is no administrator here, or one without this right; `purpose` is what it can't do."""
        if self.bot_status != "administrator" or not self.bot_rights.get(name, False):
            raise bad_request(f"not enough rights to {purpose}")

    def _closed(self) -> Refusal:
        if self.migrate_to_chat_id:
            return migrated(self.migrate_to_chat_id)
        return standing_refusal(self.bot_status, self.type)

    def describe(self) -> dict[str, Any]:
        """What the control API shows."""
        answer = {"id": self.id, "type": self.type, "title": self.title, "bot_status": self.bot_status}
        answer |= {"messages": len(self.messages), "version": self.version}
        if self.username:
            answer["username"] = self.username
        if self.topics:
            answer["topics"] = sorted(self.topics)
        if self.migrate_to_chat_id:
            answer["migrate_to_chat_id"] = self.migrate_to_chat_id
        return answer


def standing_refusal(status: str, chat_type: str) -> Refusal:
    """The 403 that belongs to a bot's standing in a chat of this type."""
    where = "group" if chat_type == "private" else chat_type
    texts = {
        "left": f"bot is not a member of the {where} chat",
        "kicked": f"bot was kicked from the {where} chat",
        "blocked": "bot was blocked by the user",
        "deactivated": "user is deactivated",
        "not_started": "bot can't initiate conversation with a user",
        "deleted": "the group chat was deleted",
    }
    return forbidden(texts[status])


def new_chat(
    chat_id: int,
    history_limit: int,
    *,
    kind: str | None = None,
    title: str | None = None,
    username: str = "",
    bot_status: str = "",
    migrate_to_chat_id: int = 0,
    topics: Sequence[int] = (),
    bot_rights: Mapping[str, bool] | None = None,
    members: Sequence[Mapping[str, Any]] = (),
) -> Chat:
    """A chat from what a person says about it; `ValueError` says what does not fit."""
    kind = kind or ("private" if chat_id > 0 else "supergroup" if chat_id <= GROUP_DIGIT_LIMIT else "group")
    bot_status = bot_status or ("member" if kind == "private" else "administrator")
    if kind not in CHAT_TYPES:
        raise ValueError(f"type is one of {', '.join(CHAT_TYPES)}, not {kind!r}")
    if chat_id == 0 or not -(1 << 52) < chat_id < 1 << 52:
        raise ValueError(f"id is a number other than 0 of at most 52 bits, not {chat_id}")
    if (kind == "private") != (chat_id > 0):
        raise ValueError(f"the id of a {kind} chat is {'above' if kind == 'private' else 'below'} 0, not {chat_id}")
    if bot_status not in BOT_STATUSES:
        raise ValueError(f"bot_status is one of {', '.join(BOT_STATUSES)}, not {bot_status!r}")
    unfit = _GROUPS_ONLY if kind == "private" else _PRIVATE_ONLY
    if bot_status in unfit or (bot_status == "deleted" and kind != "group"):
        raise ValueError(f"the bot cannot be {bot_status!r} in a {kind} chat")
    if migrate_to_chat_id and kind != "group":
        raise ValueError("only a chat of type group can have migrated to a supergroup")
    if topics and kind != "supergroup":
        raise ValueError("only a supergroup has topics")
    rights = administrator_rights(kind)
    for name, given in (bot_rights or {}).items():
        if name not in rights or not isinstance(given, bool):
            raise ValueError(f"bot_rights has some of {', '.join(rights)}, each true or false, not {name!r}")
    title = title or (f"User {chat_id}" if kind == "private" else f"Chat {chat_id}")
    chat = Chat(chat_id, kind, title, history_limit, username, bot_status, migrate_to_chat_id, frozenset(topics))
    chat.bot_rights = rights | dict(bot_rights or {})
    for each in members:
        member = _member(each, kind)
        chat.members[member.user["id"]] = member
    if kind == "private":
        chat.members[chat_id] = Member({"id": chat_id, "is_bot": False, "first_name": title})
    return chat


def _member(given: Mapping[str, Any], chat_type: str) -> Member:
    user_id, status = given.get("id"), given.get("status", "member")
    if not isinstance(user_id, int) or user_id <= 0 or set(given) - {"id", "first_name", "status"}:
        raise ValueError('members are such as {"id": 7, "first_name": "Ann", "status": "administrator"}')
    if status not in MEMBER_STATUSES or chat_type == "private":
        raise ValueError(f"the status of a member of a group or channel is one of {', '.join(MEMBER_STATUSES)}")
    user = {"id": user_id, "is_bot": False, "first_name": str(given.get("first_name") or f"User {user_id}")}
    return Member(user, status=status, rights=administrator_rights(chat_type) if status == "administrator" else {})
