"""Which error a refusal is: read off the trailers of a call, or off one answer among many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from chatkey.errors import (
    ApprovalRequired,
    AuditUnavailable,
    BotRightsMissing,
    CallbackExpired,
    ChatkeyError,
    ChatTypeUnsuitable,
    ChatUnavailable,
    CredentialEnded,
    CursorExpired,
    DeadlineExceeded,
    FailedPrecondition,
    InternalError,
    InvalidRequest,
    MemberNotFound,
    MemberProtected,
    MessageExpired,
    MessageNotFound,
    MessageUnavailable,
    MethodUnknown,
    NotDurable,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RequestIdReused,
    ResourceExhausted,
    ResourceNotFound,
    ShuttingDown,
    StateConflict,
    StateStale,
    StepUpRequired,
    TelegramFailed,
    TextTooLong,
    TokenExpired,
    TooManyFailures,
    Unauthenticated,
    Unavailable,
    Violation,
)
from chatkey.v1 import error_reason_pb2, messaging_gateway_pb2

DOMAIN = "chatkey.v1"

BY_REASON: Mapping[str, type[ChatkeyError]] = {
    "UNSPECIFIED": ChatkeyError,
    "UNAUTHENTICATED": Unauthenticated,
    "TOKEN_EXPIRED": TokenExpired,
    "PERMISSION_DENIED": PermissionDenied,
    "INVALID_REQUEST": InvalidRequest,
    "TEXT_TOO_LONG": TextTooLong,
    "REQUEST_ID_REUSED": RequestIdReused,
    "CHAT_UNAVAILABLE": ChatUnavailable,
    "QUOTA_EXCEEDED": QuotaExceeded,
    "NOT_DURABLE": NotDurable,
    "SHUTTING_DOWN": ShuttingDown,
    "MESSAGE_NOT_FOUND": MessageNotFound,
    "RESOURCE_NOT_FOUND": ResourceNotFound,
    "STATE_CONFLICT": StateConflict,
    "MESSAGE_UNAVAILABLE": MessageUnavailable,
    "APPROVAL_REQUIRED": ApprovalRequired,
    "CURSOR_EXPIRED": CursorExpired,
    "CALLBACK_EXPIRED": CallbackExpired,
    "INTERNAL": InternalError,
    "METHOD_UNKNOWN": MethodUnknown,
    "TELEGRAM_FAILED": TelegramFailed,
    "MESSAGE_EXPIRED": MessageExpired,
    "CREDENTIAL_ENDED": CredentialEnded,
    "STEP_UP_REQUIRED": StepUpRequired,
    "AUDIT_UNAVAILABLE": AuditUnavailable,
    "STATE_STALE": StateStale,
    "TOO_MANY_FAILURES": TooManyFailures,
    "BOT_RIGHTS_MISSING": BotRightsMissing,
    "CHAT_TYPE_UNSUITABLE": ChatTypeUnsuitable,
    "MEMBER_NOT_FOUND": MemberNotFound,
    "MEMBER_PROTECTED": MemberProtected,
    "RATE_LIMITED": RateLimited,
}

BY_CODE: Mapping[grpc.StatusCode, type[ChatkeyError]] = {
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.ALREADY_EXISTS: RequestIdReused,
    grpc.StatusCode.NOT_FOUND: MessageNotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: MethodUnknown,
    grpc.StatusCode.INTERNAL: InternalError,
    grpc.StatusCode.DATA_LOSS: InternalError,
}

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class FailedCall(Protocol):
    """What gRPC's own errors have in common, of either kind of client."""

    def code(self) -> grpc.StatusCode:
        """Return the status code."""

    def details(self) -> str | None:
        """Return the text."""

    def trailing_metadata(self) -> Iterable[Any] | None:
        """Return the trailers."""


def error_from(failed: FailedCall, request_id: str = "") -> ChatkeyError:
    """Turn the failure of a call into the error that its caller sees."""
    code = failed.code()
    trailers = dict(failed.trailing_metadata() or ())
    details = _details(trailers.get("grpc-status-details-bin"))
    info = details.info
    known = BY_REASON.get(info.reason) if info.domain == DOMAIN else None
    kind = known or BY_CODE.get(code, ChatkeyError)
    pushback = _pushback(trailers.get("grpc-retry-pushback-ms"))

    error = kind(_text(kind, code, failed.details() or "", request_id))
    error.reason = info.reason if info.domain == DOMAIN else ""
    error.error_id = str(trailers.get("chatkey-error-id", ""))
    error.violations = details.violations
    error.retry_after = (
        timedelta(milliseconds=pushback) if pushback is not None and pushback >= 0 else details.retry_after
    )
    _complete(error, code, info.metadata, request_id)
    error.retriable = error.retriable and (pushback is None or pushback >= 0)
    return error


def error_of(refusal: messaging_gateway_pb2.Refusal, request_id: str = "") -> ChatkeyError:
    """Turn the refusal of one request among many into the error that a single call would have raised."""
    code = _CODES.get(refusal.code, grpc.StatusCode.UNKNOWN)
    reason = reason_of(refusal.reason)
    kind = BY_REASON.get(reason) or BY_CODE.get(code, ChatkeyError)
    error = kind(_text(kind, code, refusal.description, request_id))
    error.reason = reason
    error.error_id = refusal.error_id
    error.violations = tuple(Violation(each.field, each.description) for each in refusal.violations)
    error.retry_after = refusal.retry_delay.ToTimedelta() if refusal.HasField("retry_delay") else None
    _complete(error, code, refusal.metadata, request_id)
    return error


def _complete(error: ChatkeyError, code: grpc.StatusCode, metadata: Mapping[str, str], request_id: str) -> None:
    error.code = code
    error.metadata = dict(metadata)
    error.message_id = error.metadata.get("messageId", "")
    error.request_id = request_id
    # Only a message ends for good; without one the call has failed, and may be repeated.
    error.retriable = code is grpc.StatusCode.UNAVAILABLE and (error.may_retry or not error.message_id)


def closed(request_id: str) -> ChatkeyError:
    """Return the error of a call during which its own client was closed."""
    error = ChatkeyError(f"the client was closed in the middle of the call ({grpc.StatusCode.CANCELLED.name})")
    error.code, error.request_id = grpc.StatusCode.CANCELLED, request_id
    return error


def reason_of(number: int) -> str:
    """Return the name of a reason without its prefix; the number itself where this client is older than the reason."""
    value = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix("ERROR_REASON_") if value else str(int(number))


def _text(kind: type[ChatkeyError], code: grpc.StatusCode, details: str, request_id: str) -> str:
    if kind is DeadlineExceeded and request_id:
        return f"no answer in time; whether the message was accepted is known by sending it again as {request_id!r}"
    return f"{details or kind.__doc__} ({code.name})"


@dataclass(slots=True)
class _Details:
    info: error_details_pb2.ErrorInfo
    violations: tuple[Violation, ...] = ()
    retry_after: timedelta | None = None


def _details(packed: str | bytes | None) -> _Details:
    found = _Details(error_details_pb2.ErrorInfo())
    if not isinstance(packed, bytes):
        return found
    try:
        _unpack(status_pb2.Status.FromString(packed).details, found)
    except DecodeError:
        # Not from our gateway: the status code says what there is to say.
        return _Details(error_details_pb2.ErrorInfo())
    return found


def _unpack(details: Iterable[Any], found: _Details) -> None:
    request, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in details:
        detail.Unpack(found.info)
        if detail.Unpack(request):
            found.violations = tuple(Violation(each.field, each.description) for each in request.field_violations)
        if detail.Unpack(retry):
            found.retry_after = retry.retry_delay.ToTimedelta()


def _pushback(value: str | bytes | None) -> int | None:
    """Read the trailer of gRFC A6: milliseconds, where a negative or unreadable number forbids to retry."""
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        return -1
