"""What a bot may know: itself, its chats and who is in them."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.chats import Chat, Member
from gateway.sandbox.errors import bad_request

from .call import Call
from .replies import shallow

_NO_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)
_REACTIONS_LIMIT = 11


def get_me(call: Call) -> dict[str, Any]:
    """https://core.telegram.org/bots/api#getme"""
    return call.bot.user | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_chat(call: Call) -> dict[str, Any]:
    """https://core.telegram.org/bots/api#getchat"""
    chat = call.chat()
    answer = chat.short | {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": _REACTIONS_LIMIT,
        "accepted_gift_types": _NO_GIFTS,
    }
    if chat.type in ("group", "supergroup"):
        answer["permissions"] = chat.permissions
    if chat.pinned and (pinned := chat.messages.get(chat.pinned[-1])):
        answer["pinned_message"] = shallow(pinned)
    return answer


def get_chat_member(call: Call) -> dict[str, Any]:
    """https://core.telegram.org/bots/api#getchatmember"""
    user_id = call.user_id()
    chat = call.chat()
    if user_id == call.bot.id:
        return _own_membership(call, chat).to_json()
    member = chat.members.get(user_id)
    if member is None:
        user = call.world.users.get(user_id)
        if user is None or chat.type == "private":
            raise bad_request("member not found" if chat.type in ("private", "group") else "PARTICIPANT_ID_INVALID")
        member = Member(user, status="left")
    return member.to_json()


def get_chat_administrators(call: Call) -> list[dict[str, Any]]:
    """https://core.telegram.org/bots/api#getchatadministrators"""
    chat = call.chat()
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    members = [*chat.members.values()]
    if chat.bot_status == "administrator":
        members.append(_own_membership(call, chat))
    return [member.to_json() for member in members if member.status in ("creator", "administrator")]


def get_chat_member_count(call: Call) -> int:
    """https://core.telegram.org/bots/api#getchatmembercount"""
    chat = call.chat()
    present = [member for member in chat.members.values() if member.status not in ("left", "kicked")]
    return len(present) + (chat.bot_status in ("administrator", "member"))


def _own_membership(call: Call, chat: Chat) -> Member:
    status = chat.bot_status if chat.bot_status in ("administrator", "member", "kicked") else "left"
    return Member(call.bot.user, status="member" if chat.type == "private" else status, rights=chat.bot_rights)


METHODS = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "getChatMembersCount": get_chat_member_count,
}
