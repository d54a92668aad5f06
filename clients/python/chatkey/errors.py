"""What can go wrong, as a tree. Branch on the class or on `reason`, never on the text.

    ChatkeyError
     +-- ConfigurationError          found before anything was sent: no token, a contradiction between settings
     +-- Unauthenticated             the token is not accepted; the operator finds out why with `error_id`
     |    +-- TokenExpired           get a new token
     +-- PermissionDenied            the token does not open this chat or this function
     |    +-- StepUpRequired
     +-- InvalidRequest              `violations` names the fields
     |    +-- TextTooLong
     +-- RequestIdReused             the same request_id with another content
     +-- MessageNotFound
     +-- ResourceNotFound            such as a client that nobody added; for operators
     +-- FailedPrecondition
     |    +-- ChatUnavailable        the bot is not in the chat, was blocked, or the chat is gone
     |    +-- ApprovalRequired       a second person has to approve the request
     |    +-- StateConflict          such as cancelling a message that is on its way
     +-- ResourceExhausted           `retry_after` says when to try again
     |    +-- QuotaExceeded
     |    +-- TooManyFailures        for a token that was not accepted before
     +-- Unavailable                 repeated by the client until the deadline; raised when that is over
     |    +-- NotDurable
     |    +-- ShuttingDown
     |    +-- AuditUnavailable
     |    +-- StateStale
     +-- DeadlineExceeded            no answer in time: `request_id` asks safely whether it was accepted
     +-- MessageFailed               the message was accepted and has ended without being delivered
     |    +-- TelegramFailed
     |    +-- MessageExpired
     |    +-- CredentialEnded
     |    +-- MessageUnavailable    the message that it edits or deletes did not arrive, is gone, or is too old
     +-- MethodUnknown               the gateway is older than this client
     +-- InternalError               a bug of the gateway; the operator finds it with `error_id`

A message that Telegram refuses fails with the reason of the refusal, such as `ChatUnavailable`; it has a `message_id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from chatkey.v1 import error_reason_pb2, messaging_gateway_pb2

DOMAIN = "chatkey.v1"


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request, such as `buttons[0].text`, and what is wrong with it."""

    field: str
    description: str


class ChatkeyError(Exception):
    """A call failed.

    Attributes:
        reason: The name of a value of the contract's `ErrorReason` without its prefix, such as `QUOTA_EXCEEDED`; also
            one that this client does not know. Empty when the gateway gave none.
        code: The gRPC status code; `None` when nothing was sent.
        error_id: Quote it to the operator, whose log has more. May be empty.
        metadata: The facts that come with the reason.
        message_id: The message that the error is about. May be empty.
        request_id: What the message was sent with: sending it again with the same one makes no second message.
        retry_after: How long the gateway asks to wait, if it does.
        violations: What is wrong with the request.
        retriable: Whether the same call may be repeated as it is.
    """

    code: grpc.StatusCode | None = None
    reason: str = ""
    error_id: str = ""
    message_id: str = ""
    request_id: str = ""
    metadata: Mapping[str, str] = {}
    retry_after: timedelta | None = None
    violations: tuple[Violation, ...] = ()
    retriable: bool = False

    may_retry: ClassVar[bool] = True


class ConfigurationError(ChatkeyError):
    """The client can't work as it is set up. The text says what to do."""


class Unauthenticated(ChatkeyError):
    """The token is not accepted."""


class TokenExpired(Unauthenticated):
    """The time of the token is over."""


class PermissionDenied(ChatkeyError):
    """The token does not open this chat or this function."""


class StepUpRequired(PermissionDenied):
    """The call needs a second factor: of a client, a credential that is bound to a client certificate."""


class InvalidRequest(ChatkeyError):
    """A field is missing, malformed or out of range, or Telegram refused the content."""


class TextTooLong(InvalidRequest):
    """The text is longer than Telegram takes."""


class RequestIdReused(ChatkeyError):
    """The request_id was used for a message with another content."""


class MessageNotFound(ChatkeyError):
    """This client has no such message."""


class ResourceNotFound(ChatkeyError):
    """What an operator asks for is not known."""


class FailedPrecondition(ChatkeyError):
    """Something has to change before this call can succeed."""


class ChatUnavailable(FailedPrecondition):
    """The chat can't be written to."""


class ApprovalRequired(FailedPrecondition):
    """A second person has to approve the request."""


class StateConflict(FailedPrecondition):
    """The message is not in a state that allows this."""


class ResourceExhausted(ChatkeyError):
    """Too much for now."""


class QuotaExceeded(ResourceExhausted):
    """The client has used up what it may send or queue for now."""


class TooManyFailures(ResourceExhausted):
    """Too many tokens from this address failed, so this one was not looked at."""


class Unavailable(ChatkeyError):
    """The gateway can't be reached or can't answer now."""


class NotDurable(Unavailable):
    """The message could not be put on durable storage and was not accepted."""


class ShuttingDown(Unavailable):
    """The gateway is shutting down or not ready."""


class AuditUnavailable(Unavailable):
    """The audit log could not be written, so nothing was done."""


class StateStale(Unavailable):
    """The gateway can't tell whether the token was revoked."""


class DeadlineExceeded(ChatkeyError):
    """No answer came before the deadline."""


class MessageFailed(ChatkeyError):
    """The message has ended without being delivered. Repeating the call gives the same answer."""

    may_retry = False


class TelegramFailed(MessageFailed):
    """Telegram failed on every attempt."""


class MessageExpired(MessageFailed):
    """The message's time to live was over before it could be sent."""


class CredentialEnded(MessageFailed):
    """The right to send ended while the message was waiting."""


class MessageUnavailable(MessageFailed):
    """The message can't be edited or deleted: it did not arrive, is gone, or Telegram does not allow it any more."""


class MethodUnknown(ChatkeyError):
    """The gateway has no such method."""


class InternalError(ChatkeyError):
    """The gateway has a bug."""


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
    "INTERNAL": InternalError,
    "METHOD_UNKNOWN": MethodUnknown,
    "TELEGRAM_FAILED": TelegramFailed,
    "MESSAGE_EXPIRED": MessageExpired,
    "CREDENTIAL_ENDED": CredentialEnded,
    "STEP_UP_REQUIRED": StepUpRequired,
    "AUDIT_UNAVAILABLE": AuditUnavailable,
    "STATE_STALE": StateStale,
    "TOO_MANY_FAILURES": TooManyFailures,
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
    error.code = code
    error.reason = info.reason if info.domain == DOMAIN else ""
    error.metadata = dict(info.metadata)
    error.message_id = error.metadata.get("messageId", "")
    error.error_id = str(trailers.get("chatkey-error-id", ""))
    error.request_id = request_id
    error.violations = details.violations
    error.retry_after = (
        timedelta(milliseconds=pushback) if pushback is not None and pushback >= 0 else details.retry_after
    )
    error.retriable = code is grpc.StatusCode.UNAVAILABLE and kind.may_retry and (pushback is None or pushback >= 0)
    return error


def error_of(refusal: messaging_gateway_pb2.Refusal, request_id: str = "") -> ChatkeyError:
    """Turn the refusal of one request among many into the error that a single call would have raised."""
    code = _CODES.get(refusal.code, grpc.StatusCode.UNKNOWN)
    reason = reason_of(refusal.reason)
    kind = BY_REASON.get(reason) or BY_CODE.get(code, ChatkeyError)
    error = kind(_text(kind, code, refusal.description, request_id))
    error.code = code
    error.reason = reason
    error.metadata = dict(refusal.metadata)
    error.message_id = error.metadata.get("messageId", "")
    error.error_id = refusal.error_id
    error.request_id = request_id
    error.violations = tuple(Violation(each.field, each.description) for each in refusal.violations)
    error.retry_after = refusal.retry_delay.ToTimedelta() if refusal.HasField("retry_delay") else None
    error.retriable = code is grpc.StatusCode.UNAVAILABLE and kind.may_retry
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
