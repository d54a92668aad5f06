"""What people may do in a chat: the names and how they imply each other."""

from __future__ import annotations

from collections.abc import Mapping

from .jsonvalues import Fields

_MEDIA = (
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
)

PERMISSIONS = (
    "can_send_messages",
    *_MEDIA,
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
"""Members of `ChatPermissions`."""

ADMINISTRATOR_RIGHTS: Mapping[str, bool] = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": True,
    "can_manage_video_chats": True,
    "can_restrict_members": True,
    "can_promote_members": True,
    "can_change_info": True,
    "can_invite_users": True,
    "can_post_stories": True,
    "can_edit_stories": True,
    "can_delete_stories": True,
    "can_send_welcome_messages": True,
    "can_pin_messages": True,
    "can_manage_topics": True,
}
"""Members of `ChatMemberAdministrator` of somebody who may do everything openly."""

_OF_CHANNELS = ("can_post_messages", "can_edit_messages")
_OF_GROUPS = ("can_pin_messages", "can_manage_topics")

_LIKE = {
    "can_react_to_messages": "can_send_messages",
    "can_edit_tag": "can_pin_messages",
    "can_manage_topics": "can_pin_messages",
}


def read_permissions(fields: Fields, *, independent: bool) -> dict[str, bool]:
    """The permissions an object grants (Client.cpp, get_chat_permissions); some left out follow others.

    Unless `independent`, the more a permission allows, the more it implies.
    """
    granted = {name: fields.boolean(name) for name in PERMISSIONS}
    if fields.boolean("can_send_media_messages"):
        granted |= dict.fromkeys(_MEDIA, True)
    if not independent:
        if granted["can_send_other_messages"] or granted["can_add_web_page_previews"]:
            granted |= dict.fromkeys(_MEDIA, True)
        if granted["can_send_polls"] or any(granted[name] for name in _MEDIA):
            granted["can_send_messages"] = True
    return granted | {name: granted[model] for name, model in _LIKE.items() if name not in fields}


def administrator_rights(chat_type: str) -> dict[str, bool]:
    """The rights that an administrator may have in a chat of this type, all of them given."""
    if chat_type == "channel":
        rights = {name: right for name, right in ADMINISTRATOR_RIGHTS.items() if name not in _OF_GROUPS}
        return rights | dict.fromkeys(_OF_CHANNELS, True)
    return dict(ADMINISTRATOR_RIGHTS)
