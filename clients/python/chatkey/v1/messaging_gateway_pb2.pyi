import datetime

from chatkey.v1 import error_reason_pb2 as _error_reason_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_UNSPECIFIED: _ClassVar[State]
    STATE_QUEUED: _ClassVar[State]
    STATE_SENDING: _ClassVar[State]
    STATE_RETRY_WAIT: _ClassVar[State]
    STATE_DELIVERED: _ClassVar[State]
    STATE_FAILED: _ClassVar[State]
    STATE_EXPIRED: _ClassVar[State]
    STATE_CANCELLED: _ClassVar[State]
    STATE_DELIVERY_UNKNOWN: _ClassVar[State]

class TextFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEXT_FORMAT_UNSPECIFIED: _ClassVar[TextFormat]
    TEXT_FORMAT_PLAIN: _ClassVar[TextFormat]
    TEXT_FORMAT_HTML: _ClassVar[TextFormat]
    TEXT_FORMAT_MARKDOWN_V2: _ClassVar[TextFormat]
    TEXT_FORMAT_MARKDOWN: _ClassVar[TextFormat]

class EntityType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTITY_TYPE_UNSPECIFIED: _ClassVar[EntityType]
    ENTITY_TYPE_BOLD: _ClassVar[EntityType]
    ENTITY_TYPE_ITALIC: _ClassVar[EntityType]
    ENTITY_TYPE_UNDERLINE: _ClassVar[EntityType]
    ENTITY_TYPE_STRIKETHROUGH: _ClassVar[EntityType]
    ENTITY_TYPE_SPOILER: _ClassVar[EntityType]
    ENTITY_TYPE_BLOCKQUOTE: _ClassVar[EntityType]
    ENTITY_TYPE_EXPANDABLE_BLOCKQUOTE: _ClassVar[EntityType]
    ENTITY_TYPE_CODE: _ClassVar[EntityType]
    ENTITY_TYPE_PRE: _ClassVar[EntityType]
    ENTITY_TYPE_TEXT_LINK: _ClassVar[EntityType]

class WaitFor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAIT_FOR_UNSPECIFIED: _ClassVar[WaitFor]
    WAIT_FOR_DELIVERY: _ClassVar[WaitFor]
    WAIT_FOR_ACCEPTANCE: _ClassVar[WaitFor]

class WhenUnknown(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WHEN_UNKNOWN_UNSPECIFIED: _ClassVar[WhenUnknown]
    WHEN_UNKNOWN_RESEND: _ClassVar[WhenUnknown]
    WHEN_UNKNOWN_GIVE_UP: _ClassVar[WhenUnknown]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_BULK: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]

class LinkPreview(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_PREVIEW_UNSPECIFIED: _ClassVar[LinkPreview]
    LINK_PREVIEW_NONE: _ClassVar[LinkPreview]
    LINK_PREVIEW_AUTO: _ClassVar[LinkPreview]
STATE_UNSPECIFIED: State
STATE_QUEUED: State
STATE_SENDING: State
STATE_RETRY_WAIT: State
STATE_DELIVERED: State
STATE_FAILED: State
STATE_EXPIRED: State
STATE_CANCELLED: State
STATE_DELIVERY_UNKNOWN: State
TEXT_FORMAT_UNSPECIFIED: TextFormat
TEXT_FORMAT_PLAIN: TextFormat
TEXT_FORMAT_HTML: TextFormat
TEXT_FORMAT_MARKDOWN_V2: TextFormat
TEXT_FORMAT_MARKDOWN: TextFormat
ENTITY_TYPE_UNSPECIFIED: EntityType
ENTITY_TYPE_BOLD: EntityType
ENTITY_TYPE_ITALIC: EntityType
ENTITY_TYPE_UNDERLINE: EntityType
ENTITY_TYPE_STRIKETHROUGH: EntityType
ENTITY_TYPE_SPOILER: EntityType
ENTITY_TYPE_BLOCKQUOTE: EntityType
ENTITY_TYPE_EXPANDABLE_BLOCKQUOTE: EntityType
ENTITY_TYPE_CODE: EntityType
ENTITY_TYPE_PRE: EntityType
ENTITY_TYPE_TEXT_LINK: EntityType
WAIT_FOR_UNSPECIFIED: WaitFor
WAIT_FOR_DELIVERY: WaitFor
WAIT_FOR_ACCEPTANCE: WaitFor
WHEN_UNKNOWN_UNSPECIFIED: WhenUnknown
WHEN_UNKNOWN_RESEND: WhenUnknown
WHEN_UNKNOWN_GIVE_UP: WhenUnknown
PRIORITY_UNSPECIFIED: Priority
PRIORITY_BULK: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority
LINK_PREVIEW_UNSPECIFIED: LinkPreview
LINK_PREVIEW_NONE: LinkPreview
LINK_PREVIEW_AUTO: LinkPreview

class SendMessageRequest(_message.Message):
    __slots__ = ("chat_id", "text", "text_format", "entities", "request_id", "wait_for", "message_thread_id", "reply_to_message_id", "silent", "protect_content", "link_preview", "buttons", "when_unknown", "priority", "ttl", "send_at", "validate_only")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    PROTECT_CONTENT_FIELD_NUMBER: _ClassVar[int]
    LINK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    BUTTONS_FIELD_NUMBER: _ClassVar[int]
    WHEN_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    SEND_AT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    text: str
    text_format: TextFormat
    entities: _containers.RepeatedCompositeFieldContainer[MessageEntity]
    request_id: str
    wait_for: WaitFor
    message_thread_id: int
    reply_to_message_id: int
    silent: bool
    protect_content: bool
    link_preview: LinkPreview
    buttons: _containers.RepeatedCompositeFieldContainer[ButtonRow]
    when_unknown: WhenUnknown
    priority: Priority
    ttl: _duration_pb2.Duration
    send_at: _timestamp_pb2.Timestamp
    validate_only: bool
    def __init__(self, chat_id: _Optional[int] = ..., text: _Optional[str] = ..., text_format: _Optional[_Union[TextFormat, str]] = ..., entities: _Optional[_Iterable[_Union[MessageEntity, _Mapping]]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[WaitFor, str]] = ..., message_thread_id: _Optional[int] = ..., reply_to_message_id: _Optional[int] = ..., silent: _Optional[bool] = ..., protect_content: _Optional[bool] = ..., link_preview: _Optional[_Union[LinkPreview, str]] = ..., buttons: _Optional[_Iterable[_Union[ButtonRow, _Mapping]]] = ..., when_unknown: _Optional[_Union[WhenUnknown, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., send_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class SendMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class GetMessageRequest(_message.Message):
    __slots__ = ("message_id",)
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    def __init__(self, message_id: _Optional[str] = ...) -> None: ...

class GetMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class WatchMessagesRequest(_message.Message):
    __slots__ = ("resume_token",)
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    def __init__(self, resume_token: _Optional[str] = ...) -> None: ...

class WatchMessagesResponse(_message.Message):
    __slots__ = ("message", "resume_token")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    message: Message
    resume_token: str
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class CancelMessageRequest(_message.Message):
    __slots__ = ("message_id",)
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    def __init__(self, message_id: _Optional[str] = ...) -> None: ...

class CancelMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("id", "chat_id", "state", "telegram_message_ids", "request_id", "accept_time", "finish_time", "attempts", "possibly_duplicated", "failure", "due_time", "expire_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    POSSIBLY_DUPLICATED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    chat_id: int
    state: State
    telegram_message_ids: _containers.RepeatedScalarFieldContainer[int]
    request_id: str
    accept_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    attempts: int
    possibly_duplicated: bool
    failure: Failure
    due_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., chat_id: _Optional[int] = ..., state: _Optional[_Union[State, str]] = ..., telegram_message_ids: _Optional[_Iterable[int]] = ..., request_id: _Optional[str] = ..., accept_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., possibly_duplicated: _Optional[bool] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("reason", "description", "telegram_error_code")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    reason: _error_reason_pb2.ErrorReason
    description: str
    telegram_error_code: int
    def __init__(self, reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., description: _Optional[str] = ..., telegram_error_code: _Optional[int] = ...) -> None: ...

class MessageEntity(_message.Message):
    __slots__ = ("type", "offset", "length", "url", "language")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    type: EntityType
    offset: int
    length: int
    url: str
    language: str
    def __init__(self, type: _Optional[_Union[EntityType, str]] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ..., url: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class ButtonRow(_message.Message):
    __slots__ = ("buttons",)
    BUTTONS_FIELD_NUMBER: _ClassVar[int]
    buttons: _containers.RepeatedCompositeFieldContainer[Button]
    def __init__(self, buttons: _Optional[_Iterable[_Union[Button, _Mapping]]] = ...) -> None: ...

class Button(_message.Message):
    __slots__ = ("text", "url", "copy_text")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    COPY_TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    url: str
    copy_text: str
    def __init__(self, text: _Optional[str] = ..., url: _Optional[str] = ..., copy_text: _Optional[str] = ...) -> None: ...
