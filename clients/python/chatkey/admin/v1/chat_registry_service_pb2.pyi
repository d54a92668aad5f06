import datetime

from chatkey.v1 import credential_self_pb2 as _credential_self_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChatState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHAT_STATE_UNSPECIFIED: _ClassVar[ChatState]
    CHAT_STATE_AUTHORIZED: _ClassVar[ChatState]
    CHAT_STATE_SUSPENDED: _ClassVar[ChatState]
    CHAT_STATE_UNAUTHORIZED: _ClassVar[ChatState]
CHAT_STATE_UNSPECIFIED: ChatState
CHAT_STATE_AUTHORIZED: ChatState
CHAT_STATE_SUSPENDED: ChatState
CHAT_STATE_UNAUTHORIZED: ChatState

class AuthorizeChatRequest(_message.Message):
    __slots__ = ("chat_id", "permissions", "title")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    permissions: _containers.RepeatedScalarFieldContainer[_credential_self_pb2.Permission]
    title: str
    def __init__(self, chat_id: _Optional[int] = ..., permissions: _Optional[_Iterable[_Union[_credential_self_pb2.Permission, str]]] = ..., title: _Optional[str] = ...) -> None: ...

class AuthorizeChatResponse(_message.Message):
    __slots__ = ("chat",)
    CHAT_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ...) -> None: ...

class SuspendChatRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class SuspendChatResponse(_message.Message):
    __slots__ = ("chat",)
    CHAT_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ...) -> None: ...

class ResumeChatRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class ResumeChatResponse(_message.Message):
    __slots__ = ("chat",)
    CHAT_FIELD_NUMBER: _ClassVar[int]
    chat: Chat
    def __init__(self, chat: _Optional[_Union[Chat, _Mapping]] = ...) -> None: ...

class ListChatsRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[ChatState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[ChatState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChatsResponse(_message.Message):
    __slots__ = ("chats", "next_page_token")
    CHATS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    chats: _containers.RepeatedCompositeFieldContainer[Chat]
    next_page_token: str
    def __init__(self, chats: _Optional[_Iterable[_Union[Chat, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListDiscoveredChatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDiscoveredChatsResponse(_message.Message):
    __slots__ = ("chats",)
    CHATS_FIELD_NUMBER: _ClassVar[int]
    chats: _containers.RepeatedCompositeFieldContainer[DiscoveredChat]
    def __init__(self, chats: _Optional[_Iterable[_Union[DiscoveredChat, _Mapping]]] = ...) -> None: ...

class ListMigrationsRequest(_message.Message):
    __slots__ = ("waiting_only", "page_size", "page_token")
    WAITING_ONLY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    waiting_only: bool
    page_size: int
    page_token: str
    def __init__(self, waiting_only: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMigrationsResponse(_message.Message):
    __slots__ = ("migrations", "next_page_token")
    MIGRATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    migrations: _containers.RepeatedCompositeFieldContainer[Migration]
    next_page_token: str
    def __init__(self, migrations: _Optional[_Iterable[_Union[Migration, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListClosedChatsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListClosedChatsResponse(_message.Message):
    __slots__ = ("chats", "next_page_token")
    CHATS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    chats: _containers.RepeatedCompositeFieldContainer[ClosedChat]
    next_page_token: str
    def __init__(self, chats: _Optional[_Iterable[_Union[ClosedChat, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReopenChatRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class ReopenChatResponse(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class ApproveMigrationRequest(_message.Message):
    __slots__ = ("chat_id",)
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    def __init__(self, chat_id: _Optional[int] = ...) -> None: ...

class ApproveMigrationResponse(_message.Message):
    __slots__ = ("migration",)
    MIGRATION_FIELD_NUMBER: _ClassVar[int]
    migration: Migration
    def __init__(self, migration: _Optional[_Union[Migration, _Mapping]] = ...) -> None: ...

class Chat(_message.Message):
    __slots__ = ("chat_id", "state", "permissions", "title", "created_by", "create_time", "last_access_time")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ACCESS_TIME_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    state: ChatState
    permissions: _containers.RepeatedScalarFieldContainer[_credential_self_pb2.Permission]
    title: str
    created_by: str
    create_time: _timestamp_pb2.Timestamp
    last_access_time: _timestamp_pb2.Timestamp
    def __init__(self, chat_id: _Optional[int] = ..., state: _Optional[_Union[ChatState, str]] = ..., permissions: _Optional[_Iterable[_Union[_credential_self_pb2.Permission, str]]] = ..., title: _Optional[str] = ..., created_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_access_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DiscoveredChat(_message.Message):
    __slots__ = ("chat_id", "type", "title")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    type: str
    title: str
    def __init__(self, chat_id: _Optional[int] = ..., type: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class ClosedChat(_message.Message):
    __slots__ = ("chat_id", "close_time", "retry_time", "description", "telegram_error_code")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TELEGRAM_ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    close_time: _timestamp_pb2.Timestamp
    retry_time: _timestamp_pb2.Timestamp
    description: str
    telegram_error_code: int
    def __init__(self, chat_id: _Optional[int] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., description: _Optional[str] = ..., telegram_error_code: _Optional[int] = ...) -> None: ...

class Migration(_message.Message):
    __slots__ = ("chat_id", "new_chat_id", "approved", "notice_time")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    NOTICE_TIME_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    new_chat_id: int
    approved: bool
    notice_time: _timestamp_pb2.Timestamp
    def __init__(self, chat_id: _Optional[int] = ..., new_chat_id: _Optional[int] = ..., approved: _Optional[bool] = ..., notice_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
