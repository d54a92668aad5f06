"""What an error looks like on the wire: AIP-193's `google.rpc.Status` with exactly one `ErrorInfo`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway.errors import (
    CallRefused,
    GatewayError,
    MessageFailed,
    MessageNotFound,
    QuotaExceeded,
    RequestInvalid,
    TelegramBusy,
    TooManyFailures,
)

DOMAIN = "chatkey.v1"
INTERNAL = "INTERNAL"

STATUS: Mapping[str, grpc.StatusCode] = {
    "UNAUTHENTICATED": grpc.StatusCode.UNAUTHENTICATED,
    "TOKEN_EXPIRED": grpc.StatusCode.UNAUTHENTICATED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "STEP_UP_REQUIRED": grpc.StatusCode.PERMISSION_DENIED,
    "CREDENTIAL_ENDED": grpc.StatusCode.PERMISSION_DENIED,
    "INVALID_REQUEST": grpc.StatusCode.INVALID_ARGUMENT,
    "TEXT_TOO_LONG": grpc.StatusCode.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": grpc.StatusCode.ALREADY_EXISTS,
    "MESSAGE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "RESOURCE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "MEMBER_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CHAT_UNAVAILABLE": grpc.StatusCode.FAILED_PRECONDITION,
    "BOT_RIGHTS_MISSING": grpc.StatusCode.FAILED_PRECONDITION,
    "CHAT_TYPE_UNSUITABLE": grpc.StatusCode.FAILED_PRECONDITION,
    "MEMBER_PROTECTED": grpc.StatusCode.FAILED_PRECONDITION,
    "MESSAGE_UNAVAILABLE": grpc.StatusCode.FAILED_PRECONDITION,
    "STATE_CONFLICT": grpc.StatusCode.FAILED_PRECONDITION,
    "APPROVAL_REQUIRED": grpc.StatusCode.FAILED_PRECONDITION,
    "CURSOR_EXPIRED": grpc.StatusCode.OUT_OF_RANGE,
    "CALLBACK_EXPIRED": grpc.StatusCode.FAILED_PRECONDITION,
    "QUOTA_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "RATE_LIMITED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "TOO_MANY_FAILURES": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "NOT_DURABLE": grpc.StatusCode.UNAVAILABLE,
    "AUDIT_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "STATE_STALE": grpc.StatusCode.UNAVAILABLE,
    "SHUTTING_DOWN": grpc.StatusCode.UNAVAILABLE,
    "TELEGRAM_FAILED": grpc.StatusCode.UNAVAILABLE,
    "MESSAGE_EXPIRED": grpc.StatusCode.DEADLINE_EXCEEDED,
    "METHOD_UNKNOWN": grpc.StatusCode.UNIMPLEMENTED,
    INTERNAL: grpc.StatusCode.INTERNAL,
}
"""The code of each reason: by reason and not by class, since a failed message goes by the reason of its failure."""

# A client drops an answer whose trailers are over 8 KiB, where a text takes up to 12 bytes a character and details 4/3.
MAX_TEXT = 200
MAX_VIOLATIONS_BYTES = 3000

Trailers = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call, or one request of many, ends that was refused.

    Attributes:
        reason: A name of the contract's `ErrorReason`.
        metadata: The facts that vary.
        violations: Paths of fields, and what is wrong with them.
        retry_after: When to try again, if the refusal passes.
        trailers: All of this as the status of a call has it.
    """

    code: grpc.StatusCode
    reason: str
    text: str
    metadata: Mapping[str, str]
    violations: Sequence[tuple[str, str]]
    retry_after: timedelta | None
    trailers: Trailers


def answer_to(error: Exception) -> Answer:
    """Return the status of an error; what is not a `GatewayError` is a bug, of which nothing is told."""
    if isinstance(error, TooManyFailures):
        # In whole seconds there are few of them, and they come by thousands.
        return _fixed(error.reason, str(error), timedelta(seconds=-(-error.retry_after // timedelta(seconds=1))))
    if isinstance(error, CallRefused):
        return _fixed(error.reason, str(error))
    if not isinstance(error, GatewayError):
        return _fixed(INTERNAL, "internal error")
    reason = error.failure.reason if isinstance(error, MessageFailed) else error.reason
    violations = tuple(_fitting(_violations(error, reason)))
    retry_after = error.retry_after if isinstance(error, QuotaExceeded | TelegramBusy) else None
    return Answer(
        code=STATUS[reason],
        reason=reason,
        text=str(error)[:MAX_TEXT],
        metadata=error.facts,
        violations=violations,
        retry_after=retry_after,
        trailers=_trailers(error, reason, violations, retry_after),
    )


@lru_cache(maxsize=128)
def _fixed(reason: str, text: str, retry_after: timedelta | None = None) -> Answer:
    """Return an answer that is the same bytes whatever the cause."""
    details, pushback = _pause(retry_after)
    trailers = _packed(reason, text, [ErrorInfo(reason=reason, domain=DOMAIN), *details])
    return Answer(STATUS[reason], reason, text, {}, (), retry_after, (*trailers, *pushback))


def _trailers(
    error: GatewayError, reason: str, violations: Sequence[tuple[str, str]], retry_after: timedelta | None
) -> Trailers:
    details: list[Message] = [ErrorInfo(reason=reason, domain=DOMAIN, metadata=error.facts)]
    if violations:
        details.append(_bad_request(violations))
    if isinstance(error, MessageNotFound):
        name = error.facts.get("messageId") or error.facts.get("telegramMessageId", "")
        details.append(ResourceInfo(resource_type=f"{DOMAIN}.Message", resource_name=name))
    more, pushback = _pause(retry_after)
    return (*_packed(reason, str(error)[:MAX_TEXT], [*details, *more]), *pushback)


def _pause(retry_after: timedelta | None) -> tuple[list[Message], Trailers]:
    """Return the detail and the trailer that say when to try again."""
    if retry_after is None:
        return [], ()
    delay = Duration()
    delay.FromTimedelta(retry_after)
    # Told to wait 0, gRPC's C core never tries again and hangs until the deadline; a negative number forbids to.
    milliseconds = max(1, -(-retry_after // timedelta(milliseconds=1)))
    return [RetryInfo(retry_delay=delay)], (("grpc-retry-pushback-ms", str(milliseconds)),)


def _packed(reason: str, text: str, details: list[Message]) -> Trailers:
    status = Status(code=STATUS[reason].value[0], message=text)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _violations(error: GatewayError, reason: str) -> Sequence[tuple[str, str]]:
    if isinstance(error, RequestInvalid):
        return error.violations
    if isinstance(error, MessageFailed) and STATUS[reason] is grpc.StatusCode.INVALID_ARGUMENT:
        # Telegram says where its parser stopped, in bytes of the text.
        return [("text", error.failure.description)]
    return ()


def _fitting(violations: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield as many as trailers can hold."""
    size = 0
    for path, what in violations:
        violation = path, what[:MAX_TEXT]
        size += _bad_request([violation]).ByteSize()
        if size > MAX_VIOLATIONS_BYTES:
            return
        yield violation


def _bad_request(violations: Sequence[tuple[str, str]]) -> BadRequest:
    fields = [BadRequest.FieldViolation(field=path, description=what) for path, what in violations]
    return BadRequest(field_violations=fields)
