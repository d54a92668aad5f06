import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordFilter(_message.Message):
    __slots__ = ("event", "decision", "reason", "client", "chat_id", "error_id", "message_id", "token_id")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    event: str
    decision: str
    reason: str
    client: str
    chat_id: int
    error_id: str
    message_id: str
    token_id: str
    def __init__(self, event: _Optional[str] = ..., decision: _Optional[str] = ..., reason: _Optional[str] = ..., client: _Optional[str] = ..., chat_id: _Optional[int] = ..., error_id: _Optional[str] = ..., message_id: _Optional[str] = ..., token_id: _Optional[str] = ...) -> None: ...

class SearchRecordsRequest(_message.Message):
    __slots__ = ("filter", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: RecordFilter
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[RecordFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchRecordsResponse(_message.Message):
    __slots__ = ("records", "next_page_token")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    next_page_token: str
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyLogRequest(_message.Message):
    __slots__ = ("expected_links",)
    EXPECTED_LINKS_FIELD_NUMBER: _ClassVar[int]
    expected_links: _containers.RepeatedCompositeFieldContainer[Link]
    def __init__(self, expected_links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ...) -> None: ...

class VerifyLogResponse(_message.Message):
    __slots__ = ("problems", "records", "sealed", "checkpoints", "head")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    records: int
    sealed: int
    checkpoints: int
    head: Link
    def __init__(self, problems: _Optional[_Iterable[str]] = ..., records: _Optional[int] = ..., sealed: _Optional[int] = ..., checkpoints: _Optional[int] = ..., head: _Optional[_Union[Link, _Mapping]] = ...) -> None: ...

class TailRecordsRequest(_message.Message):
    __slots__ = ("filter", "last")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    filter: RecordFilter
    last: int
    def __init__(self, filter: _Optional[_Union[RecordFilter, _Mapping]] = ..., last: _Optional[int] = ...) -> None: ...

class TailRecordsResponse(_message.Message):
    __slots__ = ("record",)
    RECORD_FIELD_NUMBER: _ClassVar[int]
    record: Record
    def __init__(self, record: _Optional[_Union[Record, _Mapping]] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("seq", "link")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    seq: int
    link: bytes
    def __init__(self, seq: _Optional[int] = ..., link: _Optional[bytes] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("seq", "time", "event", "decision", "reason", "client", "token_id", "key_id", "issuer", "verified", "address", "method", "call_id", "error_id", "chat_id", "claimed_chat_id", "message_id", "count", "facts")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time: _timestamp_pb2.Timestamp
    event: str
    decision: str
    reason: str
    client: str
    token_id: str
    key_id: str
    issuer: str
    verified: bool
    address: str
    method: str
    call_id: str
    error_id: str
    chat_id: int
    claimed_chat_id: int
    message_id: str
    count: int
    facts: _containers.ScalarMap[str, str]
    def __init__(self, seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event: _Optional[str] = ..., decision: _Optional[str] = ..., reason: _Optional[str] = ..., client: _Optional[str] = ..., token_id: _Optional[str] = ..., key_id: _Optional[str] = ..., issuer: _Optional[str] = ..., verified: _Optional[bool] = ..., address: _Optional[str] = ..., method: _Optional[str] = ..., call_id: _Optional[str] = ..., error_id: _Optional[str] = ..., chat_id: _Optional[int] = ..., claimed_chat_id: _Optional[int] = ..., message_id: _Optional[str] = ..., count: _Optional[int] = ..., facts: _Optional[_Mapping[str, str]] = ...) -> None: ...
