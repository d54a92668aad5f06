"""What is asked of chats, and what is answered: the contract's messages from and to the words of the house.

What of a request can't be put into words is returned and not raised: whether the chat is the caller's is decided first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, TypeVar

from chatkey.v1 import chat_service_pb2 as pb
from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from chatkey.v1 import update_service_pb2 as update_pb
from gateway.desk.checks import Violation
from gateway.model import (
    Ban,
    Chat,
    ChatAction,
    ChatMember,
    ChatType,
    MemberPermission,
    MemberStatus,
    Pin,
    React,
    Restrict,
    SetPermissions,
    ShowAction,
    Unban,
    Unpin,
)
from gateway.rpc.answers import duration_to, timestamp_to
from gateway.rpc.convert import instant_from, unknown_in

_Act = TypeVar("_Act")
Asked = tuple[_Act, list[Violation]]

ACTIONS: Mapping[int, ChatAction] = {
    messaging_pb.ChatAction.Value(f"CHAT_ACTION_{action.name}"): action for action in ChatAction
}
TYPES: Mapping[ChatType | None, int] = {
    None: pb.CHAT_TYPE_UNSPECIFIED,
    **{kind: pb.ChatType.Value(f"CHAT_TYPE_{kind.name}") for kind in ChatType},
}
STATUSES: Mapping[MemberStatus | None, int] = {
    None: update_pb.MEMBER_STATUS_UNSPECIFIED,
    **{status: update_pb.MemberStatus.Value(f"MEMBER_STATUS_{status.name}") for status in MemberStatus},
}


def set_permissions_from(request: pb.SetChatPermissionsRequest) -> Asked[SetPermissions]:
    """Return what members may do."""
    malformed = unknown_in(request)
    return SetPermissions(chat_id=request.chat_id, permissions=_permissions(request, malformed)), malformed


def restrict_from(request: pb.RestrictChatMemberRequest) -> Asked[Restrict]:
    """Return what a member may do."""
    malformed = unknown_in(request)
    until = instant_from(request.until_time, "until_time", malformed) if request.HasField("until_time") else None
    permissions = _permissions(request, malformed)
    return (
        Restrict(chat_id=request.chat_id, user_id=request.user_id, permissions=permissions, until=until),
        malformed,
    )


def ban_from(request: pb.BanChatMemberRequest) -> Asked[Ban]:
    """Return who is banned."""
    malformed = unknown_in(request)
    until = instant_from(request.until_time, "until_time", malformed) if request.HasField("until_time") else None
    return (
        Ban(
            chat_id=request.chat_id,
            user_id=request.user_id,
            until=until,
            revoke_messages=request.revoke_messages,
        ),
        malformed,
    )


def unban_from(request: pb.UnbanChatMemberRequest) -> Asked[Unban]:
    """Return who may come back."""
    act = Unban(chat_id=request.chat_id, user_id=request.user_id, remove_member=request.remove_member)
    return act, unknown_in(request)


def pin_from(request: pb.PinMessageRequest) -> Asked[Pin]:
    """Return what is pinned."""
    act = Pin(chat_id=request.chat_id, telegram_message_id=request.telegram_message_id, notify=request.notify)
    return act, unknown_in(request)


def unpin_from(request: pb.UnpinMessageRequest) -> Asked[Unpin]:
    """Return what is not pinned any more."""
    act = Unpin(chat_id=request.chat_id, telegram_message_id=request.telegram_message_id)
    return act, unknown_in(request)


def action_from(request: messaging_pb.SendChatActionRequest) -> Asked[ShowAction]:
    """Return what is shown."""
    malformed = unknown_in(request)
    if request.action and request.action not in ACTIONS:
        malformed.append(("action", "is not a value of this version"))
    return (
        ShowAction(
            chat_id=request.chat_id,
            action=ACTIONS.get(request.action) or (ChatAction.TYPING if request.action else None),
            message_thread_id=request.message_thread_id,
        ),
        malformed,
    )


def reaction_from(request: messaging_pb.SetReactionRequest) -> Asked[React]:
    """Return what the bot's reaction is."""
    act = React(
        chat_id=request.chat_id,
        telegram_message_id=request.telegram_message_id,
        emoji=request.emoji,
        is_big=request.big,
    )
    return act, unknown_in(request)


def chat_to(chat: Chat) -> pb.Chat:
    """Return what a chat is."""
    return pb.Chat(
        chat_id=chat.id,
        type=TYPES[chat.type],  # type: ignore[arg-type]
        title=chat.title,
        username=chat.username,
        description=chat.description,
        is_forum=chat.is_forum,
        permissions=_permissions_to(chat.permissions),
        slow_mode_delay=duration_to(chat.slow_mode_delay),
        message_auto_delete_time=duration_to(chat.message_auto_delete_time),
        has_protected_content=chat.has_protected_content,
        bot=None if chat.bot is None else member_to(chat.bot),
    )


def member_to(member: ChatMember) -> pb.ChatMember:
    """Return how somebody stands in a chat."""
    return pb.ChatMember(
        user=update_pb.User(
            id=member.user_id,
            is_bot=member.is_bot,
            first_name=member.first_name,
            last_name=member.last_name,
            username=member.username,
        ),
        status=STATUSES[member.status],  # type: ignore[arg-type]
        rights=None if member.rights is None else pb.AdministratorRights(**_all(member.rights)),
        permissions=_permissions_to(member.permissions),
        until_time=None if member.until is None else timestamp_to(member.until),
        is_present=member.is_present,
        is_anonymous=member.is_anonymous,
        custom_title=member.custom_title,
    )


def _permissions(
    request: pb.SetChatPermissionsRequest | pb.RestrictChatMemberRequest, malformed: list[Violation]
) -> frozenset[MemberPermission]:
    if not request.HasField("permissions"):
        malformed.append(("permissions", "is required; with nothing in it, nothing is allowed"))
    return frozenset(each for each in MemberPermission if getattr(request.permissions, each.value))


def _permissions_to(permissions: frozenset[MemberPermission] | None) -> pb.ChatPermissions | None:
    return None if permissions is None else pb.ChatPermissions(**_all(permissions))


def _all(named: Collection[Enum]) -> dict[str, Any]:
    return {each.value: True for each in named}
