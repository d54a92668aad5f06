import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_WRITE: _ClassVar[Permission]
    PERMISSION_READ: _ClassVar[Permission]
    PERMISSION_MODERATE: _ClassVar[Permission]
PERMISSION_UNSPECIFIED: Permission
PERMISSION_WRITE: Permission
PERMISSION_READ: Permission
PERMISSION_MODERATE: Permission

class DescribeCredentialRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeCredentialResponse(_message.Message):
    __slots__ = ("credential",)
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    credential: Credential
    def __init__(self, credential: _Optional[_Union[Credential, _Mapping]] = ...) -> None: ...

class NarrowCredentialRequest(_message.Message):
    __slots__ = ("grants", "ttl", "address_ranges")
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_RANGES_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[ChatGrant]
    ttl: _duration_pb2.Duration
    address_ranges: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, grants: _Optional[_Iterable[_Union[ChatGrant, _Mapping]]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., address_ranges: _Optional[_Iterable[str]] = ...) -> None: ...

class NarrowCredentialResponse(_message.Message):
    __slots__ = ("token", "credential")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    token: str
    credential: Credential
    def __init__(self, token: _Optional[str] = ..., credential: _Optional[_Union[Credential, _Mapping]] = ...) -> None: ...

class Credential(_message.Message):
    __slots__ = ("client", "token_id", "issuer", "grants", "issue_time", "expire_time", "address_ranges", "certificate_thumbprint", "generation", "parent_token_ids")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_RANGES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_THUMBPRINT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    PARENT_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    client: str
    token_id: str
    issuer: str
    grants: _containers.RepeatedCompositeFieldContainer[ChatGrant]
    issue_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    address_ranges: _containers.RepeatedScalarFieldContainer[str]
    certificate_thumbprint: str
    generation: int
    parent_token_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client: _Optional[str] = ..., token_id: _Optional[str] = ..., issuer: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[ChatGrant, _Mapping]]] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., address_ranges: _Optional[_Iterable[str]] = ..., certificate_thumbprint: _Optional[str] = ..., generation: _Optional[int] = ..., parent_token_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ChatGrant(_message.Message):
    __slots__ = ("chat_id", "permissions", "message_thread_id")
    CHAT_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_THREAD_ID_FIELD_NUMBER: _ClassVar[int]
    chat_id: int
    permissions: _containers.RepeatedScalarFieldContainer[Permission]
    message_thread_id: int
    def __init__(self, chat_id: _Optional[int] = ..., permissions: _Optional[_Iterable[_Union[Permission, str]]] = ..., message_thread_id: _Optional[int] = ...) -> None: ...
