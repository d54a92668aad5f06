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

class Resolution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOLUTION_UNSPECIFIED: _ClassVar[Resolution]
    RESOLUTION_DELIVERED: _ClassVar[Resolution]
    RESOLUTION_DROPPED: _ClassVar[Resolution]

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    KIND_SEND: _ClassVar[Kind]
    KIND_EDIT: _ClassVar[Kind]
    KIND_DELETE: _ClassVar[Kind]

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

class Overflow(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OVERFLOW_UNSPECIFIED: _ClassVar[Overflow]
    OVERFLOW_REJECT: _ClassVar[Overflow]
    OVERFLOW_SPLIT: _ClassVar[Overflow]
    OVERFLOW_DOCUMENT: _ClassVar[Overflow]

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

class ChatAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAT_ACTION_UNSPECIFIED: _ClassVar[ChatAction]
    CHAT_ACTION_TYPING: _ClassVar[ChatAction]
    CHAT_ACTION_UPLOAD_PHOTO: _ClassVar[ChatAction]
    CHAT_ACTION_RECORD_VIDEO: _ClassVar[ChatAction]
    CHAT_ACTION_UPLOAD_VIDEO: _ClassVar[ChatAction]
    CHAT_ACTION_RECORD_VOICE: _ClassVar[ChatAction]
    CHAT_ACTION_UPLOAD_VOICE: _ClassVar[ChatAction]
    CHAT_ACTION_UPLOAD_DOCUMENT: _ClassVar[ChatAction]
    CHAT_ACTION_CHOOSE_STICKER: _ClassVar[ChatAction]
    CHAT_ACTION_FIND_LOCATION: _ClassVar[ChatAction]
    CHAT_ACTION_RECORD_VIDEO_NOTE: _ClassVar[ChatAction]
    CHAT_ACTION_UPLOAD_VIDEO_NOTE: _ClassVar[ChatAction]
RESOLUTION_UNSPECIFIED: Resolution
RESOLUTION_DELIVERED: Resolution
RESOLUTION_DROPPED: Resolution
KIND_UNSPECIFIED: Kind
KIND_SEND: Kind
KIND_EDIT: Kind
KIND_DELETE: Kind
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
OVERFLOW_UNSPECIFIED: Overflow
OVERFLOW_REJECT: Overflow
OVERFLOW_SPLIT: Overflow
OVERFLOW_DOCUMENT: Overflow
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
CHAT_ACTION_UNSPECIFIED: ChatAction
CHAT_ACTION_TYPING: ChatAction
CHAT_ACTION_UPLOAD_PHOTO: ChatAction
CHAT_ACTION_RECORD_VIDEO: ChatAction
CHAT_ACTION_UPLOAD_VIDEO: ChatAction
CHAT_ACTION_RECORD_VOICE: ChatAction
CHAT_ACTION_UPLOAD_VOICE: ChatAction
CHAT_ACTION_UPLOAD_DOCUMENT: ChatAction
CHAT_ACTION_CHOOSE_STICKER: ChatAction
CHAT_ACTION_FIND_LOCATION: ChatAction
CHAT_ACTION_RECORD_VIDEO_NOTE: ChatAction
CHAT_ACTION_UPLOAD_VIDEO_NOTE: ChatAction

class SendMessageRequest(_message.Message):
    __slots__ = ("chat_id", "text", "text_format", "entities", "request_id", "wait_for", "message_thread_id", "reply_to_message_id", "silent", "protect_content", "link_preview", "buttons", "when_unknown", "priority", "ttl", "send_at", "overflow", "validate_only")
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
    OVERFLOW_FIELD_NUMBER: _ClassVar[int]
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
    overflow: Overflow
    validate_only: bool
    def __init__(self, chat_id: _Optional[int] = ..., text: _Optional[str] = ..., text_format: _Optional[_Union[TextFormat, str]] = ..., entities: _Optional[_Iterable[_Union[MessageEntity, _Mapping]]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[WaitFor, str]] = ..., message_thread_id: _Optional[int] = ..., reply_to_message_id: _Optional[int] = ..., silent: _Optional[bool] = ..., protect_content: _Optional[bool] = ..., link_preview: _Optional[_Union[LinkPreview, str]] = ..., buttons: _Optional[_Iterable[_Union[ButtonRow, _Mapping]]] = ..., when_unknown: _Optional[_Union[WhenUnknown, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., send_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., overflow: _Optional[_Union[Overflow, str]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class SendMessageResponse(_message.Message):
    __slots__ = ("message", "estimated_wait")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_WAIT_FIELD_NUMBER: _ClassVar[int]
    message: Message
    estimated_wait: _duration_pb2.Duration
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., estimated_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SendMessagesRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: SendMessageRequest
    def __init__(self, message: _Optional[_Union[SendMessageRequest, _Mapping]] = ...) -> None: ...

class SendMessagesResponse(_message.Message):
    __slots__ = ("message", "refusal")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    message: Message
    refusal: Refusal
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "reason", "description", "metadata", "violations", "retry_delay", "error_id")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    ERROR_ID_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: _error_reason_pb2.ErrorReason
    description: str
    metadata: _containers.ScalarMap[str, str]
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_delay: _duration_pb2.Duration
    error_id: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., error_id: _Optional[str] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

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

class ListMessagesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states", "chat_id", "accepted_from", "accepted_until")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FROM_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[State]
    chat_id: int
    accepted_from: _timestamp_pb2.Timestamp
    accepted_until: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[State, str]]] = ..., chat_id: _Optional[int] = ..., accepted_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("messages", "next_page_token")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    next_page_token: str
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

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

class RetryMessageRequest(_message.Message):
    __slots__ = ("message_id",)
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    def __init__(self, message_id: _Optional[str] = ...) -> None: ...

class RetryMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class ResolveMessageRequest(_message.Message):
    __slots__ = ("message_id", "resolution")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    resolution: Resolution
    def __init__(self, message_id: _Optional[str] = ..., resolution: _Optional[_Union[Resolution, str]] = ...) -> None: ...

class ResolveMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class EditMessageRequest(_message.Message):
    __slots__ = ("message_id", "text", "text_format", "entities", "link_preview", "buttons", "request_id", "wait_for", "priority", "ttl", "validate_only")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINK_PREVIEW_FIELD_NUMBER: _ClassVar[int]
    BUTTONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    text: str
    text_format: TextFormat
    entities: _containers.RepeatedCompositeFieldContainer[MessageEntity]
    link_preview: LinkPreview
    buttons: _containers.RepeatedCompositeFieldContainer[ButtonRow]
    request_id: str
    wait_for: WaitFor
    priority: Priority
    ttl: _duration_pb2.Duration
    validate_only: bool
    def __init__(self, message_id: _Optional[str] = ..., text: _Optional[str] = ..., text_format: _Optional[_Union[TextFormat, str]] = ..., entities: _Optional[_Iterable[_Union[MessageEntity, _Mapping]]] = ..., link_preview: _Optional[_Union[LinkPreview, str]] = ..., buttons: _Optional[_Iterable[_Union[ButtonRow, _Mapping]]] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[WaitFor, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class EditMessageResponse(_message.Message):
    __slots__ = ("message", "estimated_wait")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_WAIT_FIELD_NUMBER: _ClassVar[int]
    message: Message
    estimated_wait: _duration_pb2.Duration
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., estimated_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DeleteMessageRequest(_message.Message):
    __slots__ = ("message_id", "request_id", "wait_for", "priority", "ttl", "validate_only")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    request_id: str
    wait_for: WaitFor
    priority: Priority
    ttl: _duration_pb2.Duration
    validate_only: bool
    def __init__(self, message_id: _Optional[str] = ..., request_id: _Optional[str] = ..., wait_for: _Optional[_Union[WaitFor, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteMessageResponse(_message.Message):
    __slots__ = ("message", "estimated_wait")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_WAIT_FIELD_NUMBER: _ClassVar[int]
    message: Message
    estimated_wait: _duration_pb2.Duration
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., estimated_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: SendMessageRequest
    def __init__(self, message: _Optional[_Union[SendMessageRequest, _Mapping]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("allowed", "rule", "refusal", "text_length", "parts", "estimated_wait")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    TEXT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_WAIT_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    rule: str
    refusal: Refusal
    text_length: int
    parts: int
    estimated_wait: _duration_pb2.Duration
    def __init__(self, allowed: _Optional[bool] = ..., rule: _Optional[str] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., text_length: _Optional[int] = ..., parts: _Optional[int] = ..., estimated_wait: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("id", "chat_id", "state", "telegram_message_ids", "request_id", "accept_time", "finish_time", "attempts", "possibly_duplicated", "failure", "due_time", "expire_time", "kind", "target_message_id", "parts")
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
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
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
    kind: Kind
    target_message_id: str
    parts: int
    def __init__(self, id: _Optional[str] = ..., chat_id: _Optional[int] = ..., state: _Optional[_Union[State, str]] = ..., telegram_message_ids: _Optional[_Iterable[int]] = ..., request_id: _Optional[str] = ..., accept_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., possibly_duplicated: _Optional[bool] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[Kind, str]] = ..., target_message_id: _Optional[str] = ..., parts: _Optional[int] = ...) -> None: ...

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

class SendChatActionRequest(_message.Message):
    __slots__ = ("chat_id", "action", "message_thread_id")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    action: ChatAction
    message_thread_id: int
    def __init__(self, chat_id: _Optional[int] = ..., action: _Optional[_Union[ChatAction, str]] = ..., message_thread_id: _Optional[int] = ...) -> None: ...

class SendChatActionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetReactionRequest(_message.Message):
    __slots__ = ("chat_id", "telegram_message_id", "emoji", "big")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    BIG_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    telegram_message_id: int
    emoji: str
    big: bool
    def __init__(self, chat_id: _Optional[int] = ..., telegram_message_id: _Optional[int] = ..., emoji: _Optional[str] = ..., big: _Optional[bool] = ...) -> None: ...

class SetReactionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
