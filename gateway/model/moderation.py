"""Chats as such: what they are, who is in them, and what may be done to both at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias


class MemberPermission(Enum):
    """What a member may do, each for itself; the values are the names of the Bot API's `ChatPermissions`."""

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
    """What an administrator may do; the values are the names of the Bot API's `ChatMemberAdministrator`."""

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
    """What kind of chat it is, in the Bot API's words."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class MemberStatus(Enum):
    """How somebody stands in a chat; the values are the Bot API's."""

    OWNER = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    RESTRICTED = "restricted"
    LEFT = "left"
    BANNED = "kicked"


class ChatAction(Enum):
    """What the bot may be about to do; the values are the Bot API's."""

    TYPING = "typing"
    UPLOAD_PHOTO = "upload_photo"
    RECORD_VIDEO = "record_video"
    UPLOAD_VIDEO = "upload_video"
    RECORD_VOICE = "record_voice"
    UPLOAD_VOICE = "upload_voice"
    UPLOAD_DOCUMENT = "upload_document"
    CHOOSE_STICKER = "choose_sticker"
    FIND_LOCATION = "find_location"
    RECORD_VIDEO_NOTE = "record_video_note"
    UPLOAD_VIDEO_NOTE = "upload_video_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMember:
    """How somebody stands in a chat.

    Attributes:
        status: None: in a way that this version does not know.
        rights: Of an administrator; None: it is none, or an owner, who may do everything.
        permissions: Of somebody restricted; None: it is nobody such.
        until: When the restriction or the ban ends; None: not by itself.
    """

    user_id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    status: MemberStatus | None = None
    rights: frozenset[AdministratorRight] | None = None
    permissions: frozenset[MemberPermission] | None = None
    until: datetime | None = None
    is_present: bool = False
    is_anonymous: bool = False
    custom_title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What a chat is.

    Attributes:
        id: As its credential names it.
        type: None: a kind that this version does not know.
        title: A person's name where it is no group.
        permissions: Of members; None: it is no group.
        bot: How the bot stands there; None: Telegram does not tell.
    """

    id: int
    type: ChatType | None
    title: str = ""
    username: str = ""
    description: str = ""
    is_forum: bool = False
    permissions: frozenset[MemberPermission] | None = None
    slow_mode_delay: timedelta | None = None
    message_auto_delete_time: timedelta | None = None
    has_protected_content: bool = False
    bot: ChatMember | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPermissions:
    """Members may do this and nothing else."""

    chat_id: int
    permissions: frozenset[MemberPermission]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrict:
    """A member may do this and nothing else; until it is lifted where `until` is None."""

    chat_id: int
    user_id: int
    permissions: frozenset[MemberPermission]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Somebody is taken out and kept out; until that is lifted where `until` is None."""

    chat_id: int
    user_id: int
    until: datetime | None = None
    revoke_messages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unban:
    """Somebody may come back; `remove_member` says whether a member who is not banned is taken out."""

    chat_id: int
    user_id: int
    remove_member: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A message is pinned; the id is Telegram's, in the chat."""

    chat_id: int
    telegram_message_id: int
    notify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpin:
    """A message is not pinned any more; the id is Telegram's, in the chat."""

    chat_id: int
    telegram_message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAction:
    """It is shown that the bot is about to do something; None for `action`: none was chosen."""

    chat_id: int
    action: ChatAction | None
    message_thread_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class React:
    """The bot's reaction to a message is this; none where `emoji` is empty."""

    chat_id: int
    telegram_message_id: int
    emoji: str = ""
    is_big: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPress:
    """The spinner on a button ends, and whoever pressed it is told something, or nothing if `text` is empty.

    Attributes:
        callback_id: Telegram's id of the press.
        show_alert: Whether the text has to be closed, and does not go away by itself.
        chat_id: The chat of the press, and `message_thread_id` its forum topic; 0 until it is looked up.
    """

    callback_id: str
    text: str = ""
    show_alert: bool = False
    chat_id: int = 0
    message_thread_id: int = 0


ModeratingAct: TypeAlias = SetPermissions | Restrict | Ban | Unban | Pin | Unpin
"""What moderates a chat: it is on record before it is done."""
Gesture: TypeAlias = ShowAction | React | AnswerPress
"""What the bot does in passing."""
ChatAct: TypeAlias = ModeratingAct | Gesture
