import datetime

from chatkey.v1 import update_service_pb2 as _update_service_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChatType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAT_TYPE_UNSPECIFIED: _ClassVar[ChatType]
    CHAT_TYPE_PRIVATE: _ClassVar[ChatType]
    CHAT_TYPE_GROUP: _ClassVar[ChatType]
    CHAT_TYPE_SUPERGROUP: _ClassVar[ChatType]
    CHAT_TYPE_CHANNEL: _ClassVar[ChatType]
CHAT_TYPE_UNSPECIFIED: ChatType
CHAT_TYPE_PRIVATE: ChatType
CHAT_TYPE_GROUP: ChatType
CHAT_TYPE_SUPERGROUP: ChatType
CHAT_TYPE_CHANNEL: ChatType

class GetChatRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class GetChatResponse(_message.Message):
    __slots__ = ("chat",)
    CHAT_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ...) -> None: ...

class GetChatMemberRequest(_message.Message):
    __slots__ = ("chat_id", "user_id")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    user_id: int
    def __init__(self, chat_id: _Optional[int] = ..., user_id: _Optional[int] = ...) -> None: ...

class GetChatMemberResponse(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: ChatMember
    def __init__(self, member: _Optional[_Union[ChatMember, _Mapping]] = ...) -> None: ...

class ListChatAdministratorsRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class ListChatAdministratorsResponse(_message.Message):
    __slots__ = ("administrators",)
    ADMINISTRATORS_FIELD_NUMBER: _ClassVar[int]
    administrators: _containers.RepeatedCompositeFieldContainer[ChatMember]
    def __init__(self, administrators: _Optional[_Iterable[_Union[ChatMember, _Mapping]]] = ...) -> None: ...

class SetChatPermissionsRequest(_message.Message):
    __slots__ = ("chat_id", "permissions")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    permissions: ChatPermissions
    def __init__(self, chat_id: _Optional[int] = ..., permissions: _Optional[_Union[ChatPermissions, _Mapping]] = ...) -> None: ...

class SetChatPermissionsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RestrictChatMemberRequest(_message.Message):
    __slots__ = ("chat_id", "user_id", "permissions", "until_time")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    user_id: int
    permissions: ChatPermissions
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, chat_id: _Optional[int] = ..., user_id: _Optional[int] = ..., permissions: _Optional[_Union[ChatPermissions, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RestrictChatMemberResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BanChatMemberRequest(_message.Message):
    __slots__ = ("chat_id", "user_id", "until_time", "revoke_messages")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKE_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    user_id: int
    until_time: _timestamp_pb2.Timestamp
    revoke_messages: bool
    def __init__(self, chat_id: _Optional[int] = ..., user_id: _Optional[int] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoke_messages: _Optional[bool] = ...) -> None: ...

class BanChatMemberResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnbanChatMemberRequest(_message.Message):
    __slots__ = ("chat_id", "user_id", "remove_member")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REMOVE_MEMBER_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    user_id: int
    remove_member: bool
    def __init__(self, chat_id: _Optional[int] = ..., user_id: _Optional[int] = ..., remove_member: _Optional[bool] = ...) -> None: ...

class UnbanChatMemberResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PinMessageRequest(_message.Message):
    __slots__ = ("chat_id", "telegram_message_id", "notify")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    telegram_message_id: int
    notify: bool
    def __init__(self, chat_id: _Optional[int] = ..., telegram_message_id: _Optional[int] = ..., notify: _Optional[bool] = ...) -> None: ...

class PinMessageResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnpinMessageRequest(_message.Message):
    __slots__ = ("chat_id", "telegram_message_id")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    telegram_message_id: int
    def __init__(self, chat_id: _Optional[int] = ..., telegram_message_id: _Optional[int] = ...) -> None: ...

class UnpinMessageResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Chat(_message.Message):
    __slots__ = ("chat_id", "type", "title", "username", "description", "is_forum", "permissions", "slow_mode_delay", "message_auto_delete_time", "has_protected_content", "bot")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_FORUM_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SLOW_MODE_DELAY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_AUTO_DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    HAS_PROTECTED_CONTENT_FIELD_NUMBER: _ClassVar[int]
    BOT_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    type: ChatType
    title: str
    username: str
    description: str
    is_forum: bool
    permissions: ChatPermissions
    slow_mode_delay: _duration_pb2.Duration
    message_auto_delete_time: _duration_pb2.Duration
    has_protected_content: bool
    bot: ChatMember
    def __init__(self, chat_id: _Optional[int] = ..., type: _Optional[_Union[ChatType, str]] = ..., title: _Optional[str] = ..., username: _Optional[str] = ..., description: _Optional[str] = ..., is_forum: _Optional[bool] = ..., permissions: _Optional[_Union[ChatPermissions, _Mapping]] = ..., slow_mode_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., message_auto_delete_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., has_protected_content: _Optional[bool] = ..., bot: _Optional[_Union[ChatMember, _Mapping]] = ...) -> None: ...

class ChatMember(_message.Message):
    __slots__ = ("user", "status", "rights", "permissions", "until_time", "is_present", "is_anonymous", "custom_title")
    USER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RIGHTS_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    IS_PRESENT_FIELD_NUMBER: _ClassVar[int]
    IS_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_TITLE_FIELD_NUMBER: _ClassVar[int]
    user: _update_service_pb2.User
    status: _update_service_pb2.MemberStatus
    rights: AdministratorRights
    permissions: ChatPermissions
    until_time: _timestamp_pb2.Timestamp
    is_present: bool
    is_anonymous: bool
    custom_title: str
    def __init__(self, user: _Optional[_Union[_update_service_pb2.User, _Mapping]] = ..., status: _Optional[_Union[_update_service_pb2.MemberStatus, str]] = ..., rights: _Optional[_Union[AdministratorRights, _Mapping]] = ..., permissions: _Optional[_Union[ChatPermissions, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_present: _Optional[bool] = ..., is_anonymous: _Optional[bool] = ..., custom_title: _Optional[str] = ...) -> None: ...

class ChatPermissions(_message.Message):
    __slots__ = ("can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages", "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics")
    CAN_SEND_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_AUDIOS_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_PHOTOS_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_VIDEOS_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_VIDEO_NOTES_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_VOICE_NOTES_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_POLLS_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_OTHER_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_ADD_WEB_PAGE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    CAN_REACT_TO_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_EDIT_TAG_FIELD_NUMBER: _ClassVar[int]
    CAN_CHANGE_INFO_FIELD_NUMBER: _ClassVar[int]
    CAN_INVITE_USERS_FIELD_NUMBER: _ClassVar[int]
    CAN_PIN_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_MANAGE_TOPICS_FIELD_NUMBER: _ClassVar[int]
    can_send_messages: bool
    can_send_audios: bool
    can_send_documents: bool
    can_send_photos: bool
    can_send_videos: bool
    can_send_video_notes: bool
    can_send_voice_notes: bool
    can_send_polls: bool
    can_send_other_messages: bool
    can_add_web_page_previews: bool
    can_react_to_messages: bool
    can_edit_tag: bool
    can_change_info: bool
    can_invite_users: bool
    can_pin_messages: bool
    can_manage_topics: bool
    def __init__(self, can_send_messages: _Optional[bool] = ..., can_send_audios: _Optional[bool] = ..., can_send_documents: _Optional[bool] = ..., can_send_photos: _Optional[bool] = ..., can_send_videos: _Optional[bool] = ..., can_send_video_notes: _Optional[bool] = ..., can_send_voice_notes: _Optional[bool] = ..., can_send_polls: _Optional[bool] = ..., can_send_other_messages: _Optional[bool] = ..., can_add_web_page_previews: _Optional[bool] = ..., can_react_to_messages: _Optional[bool] = ..., can_edit_tag: _Optional[bool] = ..., can_change_info: _Optional[bool] = ..., can_invite_users: _Optional[bool] = ..., can_pin_messages: _Optional[bool] = ..., can_manage_topics: _Optional[bool] = ...) -> None: ...

class AdministratorRights(_message.Message):
    __slots__ = ("can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories", "can_send_welcome_messages", "can_post_messages", "can_edit_messages", "can_pin_messages", "can_manage_topics", "can_manage_direct_messages", "can_manage_tags")
    CAN_MANAGE_CHAT_FIELD_NUMBER: _ClassVar[int]
    CAN_DELETE_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_MANAGE_VIDEO_CHATS_FIELD_NUMBER: _ClassVar[int]
    CAN_RESTRICT_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    CAN_PROMOTE_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    CAN_CHANGE_INFO_FIELD_NUMBER: _ClassVar[int]
    CAN_INVITE_USERS_FIELD_NUMBER: _ClassVar[int]
    CAN_POST_STORIES_FIELD_NUMBER: _ClassVar[int]
    CAN_EDIT_STORIES_FIELD_NUMBER: _ClassVar[int]
    CAN_DELETE_STORIES_FIELD_NUMBER: _ClassVar[int]
    CAN_SEND_WELCOME_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_POST_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_EDIT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_PIN_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_MANAGE_TOPICS_FIELD_NUMBER: _ClassVar[int]
    CAN_MANAGE_DIRECT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CAN_MANAGE_TAGS_FIELD_NUMBER: _ClassVar[int]
    can_manage_chat: bool
    can_delete_messages: bool
    can_manage_video_chats: bool
    can_restrict_members: bool
    can_promote_members: bool
    can_change_info: bool
    can_invite_users: bool
    can_post_stories: bool
    can_edit_stories: bool
    can_delete_stories: bool
    can_send_welcome_messages: bool
    can_post_messages: bool
    can_edit_messages: bool
    can_pin_messages: bool
    can_manage_topics: bool
    can_manage_direct_messages: bool
    can_manage_tags: bool
    def __init__(self, can_manage_chat: _Optional[bool] = ..., can_delete_messages: _Optional[bool] = ..., can_manage_video_chats: _Optional[bool] = ..., can_restrict_members: _Optional[bool] = ..., can_promote_members: _Optional[bool] = ..., can_change_info: _Optional[bool] = ..., can_invite_users: _Optional[bool] = ..., can_post_stories: _Optional[bool] = ..., can_edit_stories: _Optional[bool] = ..., can_delete_stories: _Optional[bool] = ..., can_send_welcome_messages: _Optional[bool] = ..., can_post_messages: _Optional[bool] = ..., can_edit_messages: _Optional[bool] = ..., can_pin_messages: _Optional[bool] = ..., can_manage_topics: _Optional[bool] = ..., can_manage_direct_messages: _Optional[bool] = ..., can_manage_tags: _Optional[bool] = ...) -> None: ...
