from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_UNAUTHENTICATED: _ClassVar[ErrorReason]
    ERROR_REASON_TOKEN_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_PERMISSION_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_TEXT_TOO_LONG: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_ID_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_CHAT_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_QUOTA_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_DURABLE: _ClassVar[ErrorReason]
    ERROR_REASON_SHUTTING_DOWN: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_STATE_CONFLICT: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_METHOD_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_TELEGRAM_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_CREDENTIAL_ENDED: _ClassVar[ErrorReason]
    ERROR_REASON_STEP_UP_REQUIRED: _ClassVar[ErrorReason]
    ERROR_REASON_AUDIT_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_STATE_STALE: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_FAILURES: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_UNAUTHENTICATED: ErrorReason
ERROR_REASON_TOKEN_EXPIRED: ErrorReason
ERROR_REASON_PERMISSION_DENIED: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_TEXT_TOO_LONG: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_CHAT_UNAVAILABLE: ErrorReason
ERROR_REASON_QUOTA_EXCEEDED: ErrorReason
ERROR_REASON_NOT_DURABLE: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_MESSAGE_NOT_FOUND: ErrorReason
ERROR_REASON_STATE_CONFLICT: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_METHOD_UNKNOWN: ErrorReason
ERROR_REASON_TELEGRAM_FAILED: ErrorReason
ERROR_REASON_MESSAGE_EXPIRED: ErrorReason
ERROR_REASON_CREDENTIAL_ENDED: ErrorReason
ERROR_REASON_STEP_UP_REQUIRED: ErrorReason
ERROR_REASON_AUDIT_UNAVAILABLE: ErrorReason
ERROR_REASON_STATE_STALE: ErrorReason
ERROR_REASON_TOO_MANY_FAILURES: ErrorReason
