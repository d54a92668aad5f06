"""Pins, bans and permissions.

Of TDLib (DialogManager.cpp, DialogParticipantManager.cpp): "not enough rights to …", "user is an administrator of the
chat", "can't remove chat owner", "can't restrict self", "can't change … chat permissions". Of the Bot API server
(Client.cpp): "method is available …", "can't ban members in private chats". Telegram's own: names in capitals.
"""

from __future__ import annotations

from gateway.sandbox.chats import Chat, Member
from gateway.sandbox.errors import InvalidInput, bad_request
from gateway.sandbox.jsonvalues import Fields
from gateway.sandbox.rights import read_permissions

from .call import Call

_SOONEST_S, _LATEST_S = 30, 366 * 24 * 3600


def pin_chat_message(call: Call) -> bool:
    """https://core.telegram.org/bots/api#pinchatmessage"""
    chat = _pinnable(call)
    message = call.message(chat, "message to pin")
    chat.pinned = [i for i in chat.pinned if i != message["message_id"]] + [message["message_id"]]
    chat.version += 1
    return True


def unpin_chat_message(call: Call) -> bool:
    """https://core.telegram.org/bots/api#unpinchatmessage"""
    chat = _pinnable(call)
    message_id = call.parameters.identifier("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if message_id not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(message_id)
    chat.version += 1
    return True


def unpin_all_chat_messages(call: Call) -> bool:
    """https://core.telegram.org/bots/api#unpinallchatmessages"""
    chat = _pinnable(call)
    chat.pinned.clear()
    chat.version += 1
    return True


def set_chat_permissions(call: Call) -> bool:
    """https://core.telegram.org/bots/api#setchatpermissions"""
    permissions = _read_permissions(call)
    chat = call.writable_chat()
    if chat.type not in ("group", "supergroup"):
        raise bad_request(f"can't change {chat.type} chat permissions")
    chat.require_right("can_restrict_members", "change chat permissions")
    if permissions == chat.permissions:
        raise bad_request("CHAT_NOT_MODIFIED")
    chat.permissions = permissions
    return True


def restrict_chat_member(call: Call) -> bool:
    """https://core.telegram.org/bots/api#restrictchatmember"""
    permissions = _read_permissions(call)
    user_id = call.user_id()
    chat = call.writable_chat()
    if chat.type != "supergroup":
        raise bad_request("method is available only for supergroups")
    member = _subject(call, chat, user_id, "restrict/unrestrict chat member")
    member.permissions = permissions
    member.until_date = _until_date(call)
    member.status = "member" if all(permissions.values()) else "restricted"
    return True


def ban_chat_member(call: Call) -> bool:
    """https://core.telegram.org/bots/api#banchatmember"""
    user_id = call.user_id()
    chat = _moderated(call)
    member = _subject(call, chat, user_id, "restrict/unrestrict chat member")
    member.status = "kicked" if chat.type != "group" else "left"
    member.until_date = _until_date(call)
    if chat.type != "group" or call.parameters.flag("revoke_messages"):
        _forget_all(chat, user_id)
    return True


def unban_chat_member(call: Call) -> bool:
    """https://core.telegram.org/bots/api#unbanchatmember"""
    user_id = call.user_id()
    chat = _moderated(call)
    if chat.type == "group":
        raise bad_request("method is available for supergroup and channel chats only")
    member = _subject(call, chat, user_id, "restrict/unrestrict chat member")
    if member.status == "kicked" or not call.parameters.flag("only_if_banned"):
        member.status = "left"
    return True


def _pinnable(call: Call) -> Chat:
    chat = call.writable_chat()
    if chat.type != "private":
        right = "can_edit_messages" if chat.type == "channel" else "can_pin_messages"
        chat.require_right(right, "manage pinned messages in the chat")
    return chat


def _moderated(call: Call) -> Chat:
    chat = call.writable_chat()
    if chat.type == "private":
        raise bad_request("can't ban members in private chats")
    return chat


def _subject(call: Call, chat: Chat, user_id: int, purpose: str) -> Member:
    chat.require_right("can_restrict_members", purpose)
    if user_id == call.bot.id:
        raise bad_request("can't restrict self")
    member = chat.members.get(user_id)
    if member is None:
        user = call.world.users.get(user_id)
        if user is None:
            raise bad_request("PARTICIPANT_ID_INVALID")
        member = chat.members[user_id] = Member(user, status="left")
    if member.status == "creator":
        raise bad_request("can't remove chat owner")
    if member.status == "administrator":
        raise bad_request("user is an administrator of the chat")
    return member


def _until_date(call: Call) -> int:
    """When it ends; 0, which is never, for what is too soon or too late: https://core.telegram.org/bots/api#banchatmember"""
    until = call.parameters.integer("until_date")
    return until if _SOONEST_S <= until - call.world.wall() <= _LATEST_S else 0


def _forget_all(chat: Chat, user_id: int) -> None:
    for message in [*chat.messages.values()]:
        if message.get("from", {}).get("id") == user_id:
            chat.forget(message["message_id"])


def _read_permissions(call: Call) -> dict[str, bool]:
    value = call.parameters.json("permissions", "Can't parse permissions JSON object")
    if not call.parameters.text("permissions"):
        raise bad_request("Can't parse permissions JSON object")
    if not isinstance(value, dict):
        raise bad_request("Object expected as permissions")
    independent = call.parameters.flag("use_independent_chat_permissions")
    try:
        return read_permissions(Fields(value, "Object expected as permissions"), independent=independent)
    except InvalidInput as problem:
        raise bad_request(f"Can't parse chat permissions: {problem}") from None


METHODS = {
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "setChatPermissions": set_chat_permissions,
    "restrictChatMember": restrict_chat_member,
    "banChatMember": ban_chat_member,
    "kickChatMember": ban_chat_member,
    "unbanChatMember": unban_chat_member,
}
