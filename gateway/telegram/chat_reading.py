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
_ADMINISTERS = frozenset({MemberStatus.OWNER, MemberStatus.ADMINISTRATOR})


def chat_from(payload: bytes) -> Chat:
    """Read a `ChatFullInfo`: https://core.telegram.org/bots/api#chatfullinfo"""
    chat = _result(payload)
    kind = _word(ChatType, chat["type"])
    return Chat(
        id=chat["id"],
        type=kind,
        title=chat.get("title") or _name(chat),
        username=chat.get("username", ""),
        description=chat.get("description", ""),
        is_forum=chat.get("is_forum", False),
        permissions=_set(MemberPermission, chat["permissions"]) if "permissions" in chat else None,
        slow_mode_delay=_seconds(chat.get("slow_mode_delay", 0)),
        message_auto_delete_time=_seconds(chat.get("message_auto_delete_time", 0)),
        has_protected_content=chat.get("has_protected_content", False),
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
        user_id=user["id"],
        is_bot=user.get("is_bot", False),
        first_name=user.get("first_name", ""),
        last_name=user.get("last_name", ""),
        username=user.get("username", ""),
        status=status,
        rights=_set(AdministratorRight, member) if status is MemberStatus.ADMINISTRATOR else None,
        permissions=_set(MemberPermission, member) if status is MemberStatus.RESTRICTED else None,
        until=_instant(member.get("until_date", 0)),
        is_present=status in _THERE or (status is MemberStatus.RESTRICTED and member.get("is_member", False)),
        is_anonymous=member.get("is_anonymous", False) if status in _ADMINISTERS else False,
        custom_title=member.get("custom_title", "") if status in _ADMINISTERS else "",
    )


def _result(payload: bytes) -> Any:
    return json.loads(payload)["result"]


def _name(somebody: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (somebody.get("first_name", ""), somebody.get("last_name", ""))))


def _set(words: type[_Word], said: Mapping[str, Any]) -> frozenset[_Word]:
    return frozenset(each for each in words if said.get(each.value) is True)


def _word(words: type[_Word], said: object) -> _Word | None:
    return next((each for each in words if each.value == said), None)


def _seconds(number: float) -> timedelta | None:
    return timedelta(seconds=number) if number else None


def _instant(number: float) -> datetime | None:
    return datetime.fromtimestamp(number, UTC) if number else None
