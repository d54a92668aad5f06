"""What a chat is, who is in it, and what may be done there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from chatkey.updates import MemberStatus, User


class ChatPermission(Enum):
    """What a member may do in a group or supergroup. None implies another; what is not named is not allowed."""

    SEND_MESSAGES = "can_send_messages"
    SEND_AUDIOS = "can_send_audios"
    SEND_DOCUMENTS = "can_send_documents"
    SEND_PHOTOS = "can_send_photos"
    SEND_VIDEOS = "can_send_videos"
    SEND_VIDEO_NOTES = "can_send_video_notes"
    SEND_VOICE_NOTES = "can_send_voice_notes"
    SEND_POLLS = "can_send_polls"
    SEND_OTHER_MESSAGES = "can_send_other_messages"
    ADD_WEB_PAGE_PREVIEWS = "can_add_web_page_previews"
    REACT_TO_MESSAGES = "can_react_to_messages"
    EDIT_TAG = "can_edit_tag"
    CHANGE_INFO = "can_change_info"
    INVITE_USERS = "can_invite_users"
    PIN_MESSAGES = "can_pin_messages"
    MANAGE_TOPICS = "can_manage_topics"


class AdministratorRight(Enum):
    """What an administrator may do."""

    MANAGE_CHAT = "can_manage_chat"
    DELETE_MESSAGES = "can_delete_messages"
    MANAGE_VIDEO_CHATS = "can_manage_video_chats"
    RESTRICT_MEMBERS = "can_restrict_members"
    PROMOTE_MEMBERS = "can_promote_members"
    CHANGE_INFO = "can_change_info"
    INVITE_USERS = "can_invite_users"
    POST_STORIES = "can_post_stories"
    EDIT_STORIES = "can_edit_stories"
    DELETE_STORIES = "can_delete_stories"
    SEND_WELCOME_MESSAGES = "can_send_welcome_messages"
    POST_MESSAGES = "can_post_messages"
    EDIT_MESSAGES = "can_edit_messages"
    PIN_MESSAGES = "can_pin_messages"
    MANAGE_TOPICS = "can_manage_topics"
    MANAGE_DIRECT_MESSAGES = "can_manage_direct_messages"
    MANAGE_TAGS = "can_manage_tags"


class ChatType(Enum):
    """What kind of chat it is; `UNSPECIFIED` for one that this client does not know."""

    UNSPECIFIED = "UNSPECIFIED"
    PRIVATE = "PRIVATE"
    GROUP = "GROUP"
    SUPERGROUP = "SUPERGROUP"
    CHANNEL = "CHANNEL"


class ChatAction(Enum):
    """What the bot may be about to do."""

    TYPING = "TYPING"
    UPLOAD_PHOTO = "UPLOAD_PHOTO"
    RECORD_VIDEO = "RECORD_VIDEO"
    UPLOAD_VIDEO = "UPLOAD_VIDEO"
    RECORD_VOICE = "RECORD_VOICE"
    UPLOAD_VOICE = "UPLOAD_VOICE"
    UPLOAD_DOCUMENT = "UPLOAD_DOCUMENT"
    CHOOSE_STICKER = "CHOOSE_STICKER"
    FIND_LOCATION = "FIND_LOCATION"
    RECORD_VIDEO_NOTE = "RECORD_VIDEO_NOTE"
    UPLOAD_VIDEO_NOTE = "UPLOAD_VIDEO_NOTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMember:
    """How somebody stands in a chat.

    Attributes:
        rights: Of an administrator; `None` for others. An owner may do everything.
        permissions: Of somebody restricted; `None` for others.
        until: When the restriction or the ban ends; `None`: not by itself.
        is_present: Whether they are in the chat now.
        is_anonymous: Whether an administrator or owner writes as the group, unnamed.
        custom_title: What an administrator or owner is called beside their name.
    """

    user: User
    status: MemberStatus
    rights: frozenset[AdministratorRight] | None
    permissions: frozenset[ChatPermission] | None
    until: datetime | None
    is_present: bool
    is_anonymous: bool
    custom_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What a chat is.

    Attributes:
        title: A person's name where it is no group.
        description: Of a group or channel.
        permissions: What members may do who are not administrators; `None` where it is no group.
        slow_mode_delay: How long a member has to wait between two messages; `None`: not at all.
        message_auto_delete_time: After how long Telegram deletes messages; `None`: they stay.
        has_protected_content: Whether messages can't be forwarded or saved.
        bot: How the bot itself stands there, and what it may do; `None`: Telegram does not tell.
    """

    id: int
    type: ChatType
    title: str
    username: str
    description: str
    is_forum: bool
    permissions: frozenset[ChatPermission] | None
    slow_mode_delay: timedelta | None
    message_auto_delete_time: timedelta | None
    has_protected_content: bool
    bot: ChatMember | None
