import datetime

from chatkey.v1 import messaging_gateway_pb2 as _messaging_gateway_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPDATE_KIND_UNSPECIFIED: _ClassVar[UpdateKind]
    UPDATE_KIND_MESSAGE: _ClassVar[UpdateKind]
    UPDATE_KIND_EDITED_MESSAGE: _ClassVar[UpdateKind]
    UPDATE_KIND_CHANNEL_POST: _ClassVar[UpdateKind]
    UPDATE_KIND_EDITED_CHANNEL_POST: _ClassVar[UpdateKind]
    UPDATE_KIND_CALLBACK_QUERY: _ClassVar[UpdateKind]
    UPDATE_KIND_MESSAGE_REACTION: _ClassVar[UpdateKind]
    UPDATE_KIND_MY_CHAT_MEMBER: _ClassVar[UpdateKind]
    UPDATE_KIND_CHAT_MEMBER: _ClassVar[UpdateKind]
    UPDATE_KIND_CHAT_JOIN_REQUEST: _ClassVar[UpdateKind]

class SenderKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENDER_KIND_UNSPECIFIED: _ClassVar[SenderKind]
    SENDER_KIND_USER: _ClassVar[SenderKind]
    SENDER_KIND_CHAT: _ClassVar[SenderKind]
    SENDER_KIND_OTHER_CHAT: _ClassVar[SenderKind]

class MediaKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_KIND_UNSPECIFIED: _ClassVar[MediaKind]
    MEDIA_KIND_PHOTO: _ClassVar[MediaKind]
    MEDIA_KIND_VIDEO: _ClassVar[MediaKind]
    MEDIA_KIND_ANIMATION: _ClassVar[MediaKind]
    MEDIA_KIND_AUDIO: _ClassVar[MediaKind]
    MEDIA_KIND_VOICE: _ClassVar[MediaKind]
    MEDIA_KIND_VIDEO_NOTE: _ClassVar[MediaKind]
    MEDIA_KIND_DOCUMENT: _ClassVar[MediaKind]
    MEDIA_KIND_STICKER: _ClassVar[MediaKind]
    MEDIA_KIND_OTHER: _ClassVar[MediaKind]

class MemberStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_STATUS_UNSPECIFIED: _ClassVar[MemberStatus]
    MEMBER_STATUS_OWNER: _ClassVar[MemberStatus]
    MEMBER_STATUS_ADMINISTRATOR: _ClassVar[MemberStatus]
    MEMBER_STATUS_MEMBER: _ClassVar[MemberStatus]
    MEMBER_STATUS_RESTRICTED: _ClassVar[MemberStatus]
    MEMBER_STATUS_LEFT: _ClassVar[MemberStatus]
    MEMBER_STATUS_BANNED: _ClassVar[MemberStatus]
UPDATE_KIND_UNSPECIFIED: UpdateKind
UPDATE_KIND_MESSAGE: UpdateKind
UPDATE_KIND_EDITED_MESSAGE: UpdateKind
UPDATE_KIND_CHANNEL_POST: UpdateKind
UPDATE_KIND_EDITED_CHANNEL_POST: UpdateKind
UPDATE_KIND_CALLBACK_QUERY: UpdateKind
UPDATE_KIND_MESSAGE_REACTION: UpdateKind
UPDATE_KIND_MY_CHAT_MEMBER: UpdateKind
UPDATE_KIND_CHAT_MEMBER: UpdateKind
UPDATE_KIND_CHAT_JOIN_REQUEST: UpdateKind
SENDER_KIND_UNSPECIFIED: SenderKind
SENDER_KIND_USER: SenderKind
SENDER_KIND_CHAT: SenderKind
SENDER_KIND_OTHER_CHAT: SenderKind
MEDIA_KIND_UNSPECIFIED: MediaKind
MEDIA_KIND_PHOTO: MediaKind
MEDIA_KIND_VIDEO: MediaKind
MEDIA_KIND_ANIMATION: MediaKind
MEDIA_KIND_AUDIO: MediaKind
MEDIA_KIND_VOICE: MediaKind
MEDIA_KIND_VIDEO_NOTE: MediaKind
MEDIA_KIND_DOCUMENT: MediaKind
MEDIA_KIND_STICKER: MediaKind
MEDIA_KIND_OTHER: MediaKind
MEMBER_STATUS_UNSPECIFIED: MemberStatus
MEMBER_STATUS_OWNER: MemberStatus
MEMBER_STATUS_ADMINISTRATOR: MemberStatus
MEMBER_STATUS_MEMBER: MemberStatus
MEMBER_STATUS_RESTRICTED: MemberStatus
MEMBER_STATUS_LEFT: MemberStatus
MEMBER_STATUS_BANNED: MemberStatus

class StreamUpdatesRequest(_message.Message):
    __slots__ = ("cursor", "from_oldest", "chat_ids", "kinds")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FROM_OLDEST_FIELD_NUMBER: _ClassVar[int]
    CHAT_IDS_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    from_oldest: bool
    chat_ids: _containers.RepeatedScalarFieldContainer[int]
    kinds: _containers.RepeatedScalarFieldContainer[UpdateKind]
    def __init__(self, cursor: _Optional[str] = ..., from_oldest: _Optional[bool] = ..., chat_ids: _Optional[_Iterable[int]] = ..., kinds: _Optional[_Iterable[_Union[UpdateKind, str]]] = ...) -> None: ...

class StreamUpdatesResponse(_message.Message):
    __slots__ = ("update", "cursor")
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    update: Update
    cursor: str
    def __init__(self, update: _Optional[_Union[Update, _Mapping]] = ..., cursor: _Optional[str] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("update_id", "chat_id", "message_thread_id", "receive_time", "kind", "message", "callback_query", "message_reaction", "chat_member_change", "chat_join_request")
    UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_QUERY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_REACTION_FIELD_NUMBER: _ClassVar[int]
    CHAT_MEMBER_CHANGE_FIELD_NUMBER: _ClassVar[int]
    CHAT_JOIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    update_id: int
    chat_id: int
    message_thread_id: int
    receive_time: _timestamp_pb2.Timestamp
    kind: UpdateKind
    message: IncomingMessage
    callback_query: CallbackQuery
    message_reaction: MessageReaction
    chat_member_change: ChatMemberChange
    chat_join_request: ChatJoinRequest
    def __init__(self, update_id: _Optional[int] = ..., chat_id: _Optional[int] = ..., message_thread_id: _Optional[int] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[UpdateKind, str]] = ..., message: _Optional[_Union[IncomingMessage, _Mapping]] = ..., callback_query: _Optional[_Union[CallbackQuery, _Mapping]] = ..., message_reaction: _Optional[_Union[MessageReaction, _Mapping]] = ..., chat_member_change: _Optional[_Union[ChatMemberChange, _Mapping]] = ..., chat_join_request: _Optional[_Union[ChatJoinRequest, _Mapping]] = ...) -> None: ...

class IncomingMessage(_message.Message):
    __slots__ = ("message_id", "sender", "send_time", "edit_time", "text", "entities", "reply_to_message_id", "forwarded", "media", "event")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    SEND_TIME_FIELD_NUMBER: _ClassVar[int]
    EDIT_TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    sender: Sender
    send_time: _timestamp_pb2.Timestamp
    edit_time: _timestamp_pb2.Timestamp
    text: str
    entities: _containers.RepeatedCompositeFieldContainer[_messaging_gateway_pb2.MessageEntity]
    reply_to_message_id: int
    forwarded: bool
    media: Media
    event: ChatEvent
    def __init__(self, message_id: _Optional[int] = ..., sender: _Optional[_Union[Sender, _Mapping]] = ..., send_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., edit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ..., entities: _Optional[_Iterable[_Union[_messaging_gateway_pb2.MessageEntity, _Mapping]]] = ..., reply_to_message_id: _Optional[int] = ..., forwarded: _Optional[bool] = ..., media: _Optional[_Union[Media, _Mapping]] = ..., event: _Optional[_Union[ChatEvent, _Mapping]] = ...) -> None: ...

class Sender(_message.Message):
    __slots__ = ("kind", "user", "title", "signature")
    KIND_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    kind: SenderKind
    user: User
    title: str
    signature: str
    def __init__(self, kind: _Optional[_Union[SenderKind, str]] = ..., user: _Optional[_Union[User, _Mapping]] = ..., title: _Optional[str] = ..., signature: _Optional[str] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("id", "is_bot", "first_name", "last_name", "username")
    ID_FIELD_NUMBER: _ClassVar[int]
    IS_BOT_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    id: int
    is_bot: bool
    first_name: str
    last_name: str
    username: str
    def __init__(self, id: _Optional[int] = ..., is_bot: _Optional[bool] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class Media(_message.Message):
    __slots__ = ("kind", "file_name", "mime_type", "size_bytes", "duration", "width", "height", "emoji", "album_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    ALBUM_ID_FIELD_NUMBER: _ClassVar[int]
    kind: MediaKind
    file_name: str
    mime_type: str
    size_bytes: int
    duration: _duration_pb2.Duration
    width: int
    height: int
    emoji: str
    album_id: str
    def __init__(self, kind: _Optional[_Union[MediaKind, str]] = ..., file_name: _Optional[str] = ..., mime_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., emoji: _Optional[str] = ..., album_id: _Optional[str] = ...) -> None: ...

class ChatEvent(_message.Message):
    __slots__ = ("members_joined", "member_left", "title_changed", "photo_changed", "message_pinned", "topic_created", "topic_edited", "topic_closed", "topic_reopened", "became_supergroup")
    MEMBERS_JOINED_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LEFT_FIELD_NUMBER: _ClassVar[int]
    TITLE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    PHOTO_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_PINNED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_CREATED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_EDITED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_CLOSED_FIELD_NUMBER: _ClassVar[int]
    TOPIC_REOPENED_FIELD_NUMBER: _ClassVar[int]
    BECAME_SUPERGROUP_FIELD_NUMBER: _ClassVar[int]
    members_joined: MembersJoined
    member_left: MemberLeft
    title_changed: TitleChanged
    photo_changed: PhotoChanged
    message_pinned: MessagePinned
    topic_created: TopicCreated
    topic_edited: TopicEdited
    topic_closed: TopicClosed
    topic_reopened: TopicReopened
    became_supergroup: BecameSupergroup
    def __init__(self, members_joined: _Optional[_Union[MembersJoined, _Mapping]] = ..., member_left: _Optional[_Union[MemberLeft, _Mapping]] = ..., title_changed: _Optional[_Union[TitleChanged, _Mapping]] = ..., photo_changed: _Optional[_Union[PhotoChanged, _Mapping]] = ..., message_pinned: _Optional[_Union[MessagePinned, _Mapping]] = ..., topic_created: _Optional[_Union[TopicCreated, _Mapping]] = ..., topic_edited: _Optional[_Union[TopicEdited, _Mapping]] = ..., topic_closed: _Optional[_Union[TopicClosed, _Mapping]] = ..., topic_reopened: _Optional[_Union[TopicReopened, _Mapping]] = ..., became_supergroup: _Optional[_Union[BecameSupergroup, _Mapping]] = ...) -> None: ...

class MembersJoined(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[User]
    def __init__(self, users: _Optional[_Iterable[_Union[User, _Mapping]]] = ...) -> None: ...

class MemberLeft(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: User
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ...) -> None: ...

class TitleChanged(_message.Message):
    __slots__ = ("title",)
    TITLE_FIELD_NUMBER: _ClassVar[int]
    title: str
    def __init__(self, title: _Optional[str] = ...) -> None: ...

class PhotoChanged(_message.Message):
    __slots__ = ("removed",)
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    removed: bool
    def __init__(self, removed: _Optional[bool] = ...) -> None: ...

class MessagePinned(_message.Message):
    __slots__ = ("message_id",)
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    def __init__(self, message_id: _Optional[int] = ...) -> None: ...

class TopicCreated(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class TopicEdited(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class TopicClosed(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TopicReopened(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BecameSupergroup(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CallbackQuery(_message.Message):
    __slots__ = ("id", "user", "message_id", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    user: User
    message_id: int
    data: str
    def __init__(self, id: _Optional[str] = ..., user: _Optional[_Union[User, _Mapping]] = ..., message_id: _Optional[int] = ..., data: _Optional[str] = ...) -> None: ...

class MessageReaction(_message.Message):
    __slots__ = ("message_id", "sender", "change_time", "old_reactions", "new_reactions")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    OLD_REACTIONS_FIELD_NUMBER: _ClassVar[int]
    NEW_REACTIONS_FIELD_NUMBER: _ClassVar[int]
    message_id: int
    sender: Sender
    change_time: _timestamp_pb2.Timestamp
    old_reactions: _containers.RepeatedCompositeFieldContainer[Reaction]
    new_reactions: _containers.RepeatedCompositeFieldContainer[Reaction]
    def __init__(self, message_id: _Optional[int] = ..., sender: _Optional[_Union[Sender, _Mapping]] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., old_reactions: _Optional[_Iterable[_Union[Reaction, _Mapping]]] = ..., new_reactions: _Optional[_Iterable[_Union[Reaction, _Mapping]]] = ...) -> None: ...

class Reaction(_message.Message):
    __slots__ = ("emoji", "custom_emoji_id")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_EMOJI_ID_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    custom_emoji_id: str
    def __init__(self, emoji: _Optional[str] = ..., custom_emoji_id: _Optional[str] = ...) -> None: ...

class ChatMemberChange(_message.Message):
    __slots__ = ("member", "changed_by", "change_time", "old_status", "new_status", "until_time")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    OLD_STATUS_FIELD_NUMBER: _ClassVar[int]
    NEW_STATUS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    member: User
    changed_by: User
    change_time: _timestamp_pb2.Timestamp
    old_status: MemberStatus
    new_status: MemberStatus
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, member: _Optional[_Union[User, _Mapping]] = ..., changed_by: _Optional[_Union[User, _Mapping]] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., old_status: _Optional[_Union[MemberStatus, str]] = ..., new_status: _Optional[_Union[MemberStatus, str]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ChatJoinRequest(_message.Message):
    __slots__ = ("user", "request_time")
    USER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    user: User
    request_time: _timestamp_pb2.Timestamp
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., request_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AnswerCallbackRequest(_message.Message):
    __slots__ = ("callback_id", "text", "show_alert")
    CALLBACK_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SHOW_ALERT_FIELD_NUMBER: _ClassVar[int]
    callback_id: str
    text: str
    show_alert: bool
    def __init__(self, callback_id: _Optional[str] = ..., text: _Optional[str] = ..., show_alert: _Optional[bool] = ...) -> None: ...

class AnswerCallbackResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
