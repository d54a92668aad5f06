"""Reads what Telegram answers about chats and members: what a credential for one chat may know, and nothing else.

What names another chat (`linked_chat_id`, `parent_chat`, `personal_chat`), opens one (`invite_link`), says more of a
person than how they stand in the chat, or is a message or a file, is not read at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from gateway.model import AdministratorRight, Chat, ChatMember, ChatType, MemberPermission, MemberStatus

_Read = TypeVar("_Read")
_Word = TypeVar("_Word", bound=Enum)
Reading: TypeAlias = Callable[[bytes], _Read]
"""From the bytes of an answer; raises whatever comes of an answer that is none."""

_THERE = frozenset({MemberStatus.OWNER, MemberStatus.ADMINISTRATOR, MemberStatus.MEMBER})
LATEST = 253402300799
"""The last second of the year 9999."""
_ADMINISTERS = frozenset({MemberStatus.OWNER, MemberStatus.ADMINISTRATOR})


def chat_from(payload: bytes) -> Chat:
    """Read a `ChatFullInfo`: https://core.telegram.org/bots/api#chatfullinfo"""
    chat = _result(payload)
    kind = _word(ChatType, chat["type"])
    return Chat(
        id=_id(chat),
        type=kind,
        title=_text(chat, "title") or _name(chat),
        username=_text(chat, "username"),
        description=_text(chat, "description"),
        is_forum=_truth(chat, "is_forum"),
        permissions=_set(MemberPermission, chat["permissions"]) if "permissions" in chat else None,
        slow_mode_delay=_seconds(chat, "slow_mode_delay"),
        message_auto_delete_time=_seconds(chat, "message_auto_delete_time"),
        has_protected_content=_truth(chat, "has_protected_content"),
    )


def member_from(payload: bytes) -> ChatMember:
    """Read a `ChatMember`: https://core.telegram.org/bots/api#chatmember"""
    return _member(_result(payload))


def members_from(payload: bytes) -> tuple[ChatMember, ...]:
    """Read a list of `ChatMember`."""
    return tuple(map(_member, _result(payload)))


def _member(member: Mapping[str, Any]) -> ChatMember:
    user = member["user"]
    status = _word(MemberStatus, member["status"])
    return ChatMember(
        user_id=_id(user),
        is_bot=_truth(user, "is_bot"),
        first_name=_text(user, "first_name"),
        last_name=_text(user, "last_name"),
        username=_text(user, "username"),
        status=status,
        rights=_set(AdministratorRight, member) if status is MemberStatus.ADMINISTRATOR else None,
        permissions=_set(MemberPermission, member) if status is MemberStatus.RESTRICTED else None,
        until=_instant(member),
        is_present=status in _THERE or (status is MemberStatus.RESTRICTED and _truth(member, "is_member")),
        is_anonymous=_truth(member, "is_anonymous") if status in _ADMINISTERS else False,
        custom_title=_text(member, "custom_title") if status in _ADMINISTERS else "",
    )


def _result(payload: bytes) -> Any:
    return json.loads(payload)["result"]


def _id(somebody: Mapping[str, Any]) -> int:
    number = somebody["id"]
    if type(number) is not int or abs(number) >= 1 << 53:
        raise ValueError("no id")
    return number


def _text(said: Mapping[str, Any], name: str) -> str:
    """Return a text; raises where it is none, or has half a character, which no answer of ours can carry."""
    text = said.get(name, "")
    if not isinstance(text, str):
        raise TypeError("no text")
    text.encode()
    return text


def _truth(said: Mapping[str, Any], name: str) -> bool:
    return said.get(name) is True


def _number(said: Mapping[str, Any], name: str) -> int:
    number = said.get(name, 0)
    if type(number) is not int or not 0 <= number <= LATEST:
        raise ValueError("no number of seconds")
    return number


def _name(somebody: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (_text(somebody, "first_name"), _text(somebody, "last_name"))))


def _set(words: type[_Word], said: Mapping[str, Any]) -> frozenset[_Word]:
    return frozenset(each for each in words if said.get(each.value) is True)


def _word(words: type[_Word], said: object) -> _Word | None:
    return next((each for each in words if each.value == said), None)


def _seconds(said: Mapping[str, Any], name: str) -> timedelta | None:
    number = _number(said, name)
    return timedelta(seconds=number) if number else None


def _instant(member: Mapping[str, Any]) -> datetime | None:
    number = _number(member, "until_date")
    return datetime.fromtimestamp(number, UTC) if number else None
