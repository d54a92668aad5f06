"""The calls about chats as such, as values: what is asked of which method, and how the answer is read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message as Wire

from chatkey.answers import instant_from
from chatkey.arrivals import status_from, user_from
from chatkey.calls import Call, Stubs
from chatkey.chats import AdministratorRight, Chat, ChatAction, ChatMember, ChatPermission, ChatType
from chatkey.requests import aware
from chatkey.v1 import chat_service_pb2 as wire
from chatkey.v1 import messaging_gateway_pb2

_Named = TypeVar("_Named", bound=Enum)
_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


def get_chat(chat_id: int) -> Call[Chat]:
    """Look at a chat."""
    request = wire.GetChatRequest(chat_id=chat_id)
    return Call(lambda stubs: stubs.chats.GetChat, request, lambda answer: _chat(answer.chat))


def get_chat_member(chat_id: int, user_id: int) -> Call[ChatMember]:
    """Look at a member."""
    request = wire.GetChatMemberRequest(chat_id=chat_id, user_id=user_id)
    return Call(lambda stubs: stubs.chats.GetChatMember, request, lambda answer: _member(answer.member))


def list_chat_administrators(chat_id: int) -> Call[tuple[ChatMember, ...]]:
    """Look at owner and administrators."""

    def read(answer: wire.ListChatAdministratorsResponse) -> tuple[ChatMember, ...]:
        return tuple(map(_member, answer.administrators))

    request = wire.ListChatAdministratorsRequest(chat_id=chat_id)
    return Call(lambda stubs: stubs.chats.ListChatAdministrators, request, read)


def set_chat_permissions(chat_id: int, permissions: Collection[ChatPermission]) -> Call[None]:
    """Say what members may do."""
    request = wire.SetChatPermissionsRequest(chat_id=chat_id, permissions=_permissions(permissions))
    return _done(lambda stubs: stubs.chats.SetChatPermissions, request)


def restrict_chat_member(
    chat_id: int, user_id: int, permissions: Collection[ChatPermission], until: datetime | None
) -> Call[None]:
    """Say what one member may do."""
    request = wire.RestrictChatMemberRequest(chat_id=chat_id, user_id=user_id, permissions=_permissions(permissions))
    if until is not None:
        request.until_time.FromDatetime(aware("until", until))
    return _done(lambda stubs: stubs.chats.RestrictChatMember, request)


def ban_chat_member(chat_id: int, user_id: int, until: datetime | None, revoke_messages: bool) -> Call[None]:
    """Ban somebody."""
    request = wire.BanChatMemberRequest(chat_id=chat_id, user_id=user_id, revoke_messages=revoke_messages)
    if until is not None:
        request.until_time.FromDatetime(aware("until", until))
    return _done(lambda stubs: stubs.chats.BanChatMember, request)


def unban_chat_member(chat_id: int, user_id: int, remove_member: bool) -> Call[None]:
    """Unban somebody."""
    request = wire.UnbanChatMemberRequest(chat_id=chat_id, user_id=user_id, remove_member=remove_member)
    return _done(lambda stubs: stubs.chats.UnbanChatMember, request)


def pin_message(chat_id: int, telegram_message_id: int, notify: bool) -> Call[None]:
    """Pin a message."""
    request = wire.PinMessageRequest(chat_id=chat_id, telegram_message_id=telegram_message_id, notify=notify)
    return _done(lambda stubs: stubs.chats.PinMessage, request)


def unpin_message(chat_id: int, telegram_message_id: int) -> Call[None]:
    """Unpin a message."""
    request = wire.UnpinMessageRequest(chat_id=chat_id, telegram_message_id=telegram_message_id)
    return _done(lambda stubs: stubs.chats.UnpinMessage, request)


def send_chat_action(chat_id: int, action: ChatAction, thread_id: int) -> Call[None]:
    """Show an action."""
    request = messaging_gateway_pb2.SendChatActionRequest(
        chat_id=chat_id, action=f"CHAT_ACTION_{ChatAction(action).value}", message_thread_id=thread_id
    )
    return _done(lambda stubs: stubs.messaging.SendChatAction, request)


def set_reaction(chat_id: int, telegram_message_id: int, emoji: str, big: bool) -> Call[None]:
    """Set the bot's reaction."""
    request = messaging_gateway_pb2.SetReactionRequest(
        chat_id=chat_id, telegram_message_id=telegram_message_id, emoji=emoji, big=big
    )
    return _done(lambda stubs: stubs.messaging.SetReaction, request)


def _done(method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[_Request, _Answer]], request: _Request) -> Call[None]:
    return Call(method, request, lambda _: None)


def _permissions(permissions: Collection[ChatPermission]) -> wire.ChatPermissions:
    allowed: dict[str, Any] = {ChatPermission(each).value: True for each in permissions}
    return wire.ChatPermissions(**allowed)


def _chat(answer: wire.Chat) -> Chat:
    return Chat(
        id=answer.chat_id,
        type=_type(answer.type),
        title=answer.title,
        username=answer.username,
        description=answer.description,
        is_forum=answer.is_forum,
        permissions=_named(ChatPermission, answer, "permissions"),
        slow_mode_delay=answer.slow_mode_delay.ToTimedelta() if answer.HasField("slow_mode_delay") else None,
        message_auto_delete_time=(
            answer.message_auto_delete_time.ToTimedelta() if answer.HasField("message_auto_delete_time") else None
        ),
        has_protected_content=answer.has_protected_content,
        bot=_member(answer.bot) if answer.HasField("bot") else None,
    )


def _member(answer: wire.ChatMember) -> ChatMember:
    return ChatMember(
        user=user_from(answer.user),
        status=status_from(answer.status),
        rights=_named(AdministratorRight, answer, "rights"),
        permissions=_named(ChatPermission, answer, "permissions"),
        until=instant_from(answer.until_time),
        is_present=answer.is_present,
        is_anonymous=answer.is_anonymous,
        custom_title=answer.custom_title,
    )


def _type(number: int) -> ChatType:
    value = wire.ChatType.DESCRIPTOR.values_by_number.get(number)
    return ChatType(value.name.removeprefix("CHAT_TYPE_")) if value else ChatType.UNSPECIFIED


def _named(names: type[_Named], answer: Wire, field: str) -> frozenset[_Named] | None:
    """Return which of the names are true in a message of booleans; None where there is no such message."""
    if not answer.HasField(field):
        return None
    said = getattr(answer, field)
    return frozenset(each for each in names if getattr(said, each.value))
