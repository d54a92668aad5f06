import datetime

from chatkey.v1 import credential_self_pb2 as _credential_self_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_STATE_UNSPECIFIED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_VALID: _ClassVar[CredentialState]
    CREDENTIAL_STATE_EXPIRED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_REVOKED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_DISABLED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_CANARY: _ClassVar[CredentialState]
CREDENTIAL_STATE_UNSPECIFIED: CredentialState
CREDENTIAL_STATE_VALID: CredentialState
CREDENTIAL_STATE_EXPIRED: CredentialState
CREDENTIAL_STATE_REVOKED: CredentialState
CREDENTIAL_STATE_DISABLED: CredentialState
CREDENTIAL_STATE_CANARY: CredentialState

class IssueCredentialRequest(_message.Message):
    __slots__ = ("client", "grants", "ttl", "address_ranges", "certificate_thumbprint", "generation")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_RANGES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_THUMBPRINT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    client: str
    grants: _containers.RepeatedCompositeFieldContainer[_credential_self_pb2.ChatGrant]
    ttl: _duration_pb2.Duration
    address_ranges: _containers.RepeatedScalarFieldContainer[str]
    certificate_thumbprint: str
    generation: int
    def __init__(self, client: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[_credential_self_pb2.ChatGrant, _Mapping]]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., address_ranges: _Optional[_Iterable[str]] = ..., certificate_thumbprint: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class IssueCredentialResponse(_message.Message):
    __slots__ = ("token", "credential")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    token: str
    credential: Credential
    def __init__(self, token: _Optional[str] = ..., credential: _Optional[_Union[Credential, _Mapping]] = ...) -> None: ...

class GetCredentialRequest(_message.Message):
    __slots__ = ("token_id",)
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    def __init__(self, token_id: _Optional[str] = ...) -> None: ...

class GetCredentialResponse(_message.Message):
    __slots__ = ("credential",)
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    credential: Credential
    def __init__(self, credential: _Optional[_Union[Credential, _Mapping]] = ...) -> None: ...

class ListCredentialsRequest(_message.Message):
    __slots__ = ("client", "states", "page_size", "page_token")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    client: str
    states: _containers.RepeatedScalarFieldContainer[CredentialState]
    page_size: int
    page_token: str
    def __init__(self, client: _Optional[str] = ..., states: _Optional[_Iterable[_Union[CredentialState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCredentialsResponse(_message.Message):
    __slots__ = ("credentials", "next_page_token")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedCompositeFieldContainer[Credential]
    next_page_token: str
    def __init__(self, credentials: _Optional[_Iterable[_Union[Credential, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RevokeCredentialRequest(_message.Message):
    __slots__ = ("token_id",)
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    def __init__(self, token_id: _Optional[str] = ...) -> None: ...

class RevokeCredentialResponse(_message.Message):
    __slots__ = ("newly_revoked",)
    NEWLY_REVOKED_FIELD_NUMBER: _ClassVar[int]
    newly_revoked: bool
    def __init__(self, newly_revoked: _Optional[bool] = ...) -> None: ...

class MarkCanaryRequest(_message.Message):
    __slots__ = ("token_id",)
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    def __init__(self, token_id: _Optional[str] = ...) -> None: ...

class MarkCanaryResponse(_message.Message):
    __slots__ = ("newly_marked",)
    NEWLY_MARKED_FIELD_NUMBER: _ClassVar[int]
    newly_marked: bool
    def __init__(self, newly_marked: _Optional[bool] = ...) -> None: ...

class RevokeAllCredentialsRequest(_message.Message):
    __slots__ = ("client", "key", "everybody", "not_before")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EVERYBODY_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    client: str
    key: IssuerKey
    everybody: bool
    not_before: _timestamp_pb2.Timestamp
    def __init__(self, client: _Optional[str] = ..., key: _Optional[_Union[IssuerKey, _Mapping]] = ..., everybody: _Optional[bool] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RevokeAllCredentialsResponse(_message.Message):
    __slots__ = ("not_before",)
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    not_before: _timestamp_pb2.Timestamp
    def __init__(self, not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuerKey(_message.Message):
    __slots__ = ("issuer", "key_id")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    key_id: str
    def __init__(self, issuer: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class Credential(_message.Message):
    __slots__ = ("token_id", "client", "key_id", "chat_ids", "issue_time", "expire_time", "issued_by", "state")
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    CHAT_IDS_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ISSUED_BY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    client: str
    key_id: str
    chat_ids: _containers.RepeatedScalarFieldContainer[int]
    issue_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    issued_by: str
    state: CredentialState
    def __init__(self, token_id: _Optional[str] = ..., client: _Optional[str] = ..., key_id: _Optional[str] = ..., chat_ids: _Optional[_Iterable[int]] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issued_by: _Optional[str] = ..., state: _Optional[_Union[CredentialState, str]] = ...) -> None: ...
