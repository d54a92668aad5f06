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
    "CHAT_UNAVAILABLE": grpc.StatusCode.FAILED_PRECONDITION,
    "STATE_CONFLICT": grpc.StatusCode.FAILED_PRECONDITION,
    "QUOTA_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
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
    """How a call ends that was refused."""

    code: grpc.StatusCode
    reason: str
    text: str
    trailers: Trailers


def answer_to(error: Exception) -> Answer:
    """Return the status of an error; what is not a `GatewayError` is a bug, of which nothing is told."""
    if isinstance(error, CallRefused):
        return _fixed(error.reason, str(error))
    if not isinstance(error, GatewayError):
        return _fixed(INTERNAL, "internal error")
    reason = error.failure.reason if isinstance(error, MessageFailed) else error.reason
    pushback: Trailers = ()
    if isinstance(error, QuotaExceeded):
        pushback = (("grpc-retry-pushback-ms", str(-(-error.retry_after // timedelta(milliseconds=1)))),)
    details = [ErrorInfo(reason=reason, domain=DOMAIN, metadata=error.facts), *_details(error, reason)]
    return _answer(reason, str(error)[:MAX_TEXT], details, pushback)


@lru_cache(maxsize=32)
def _fixed(reason: str, text: str) -> Answer:
    """Return an answer that is the same bytes whatever the cause."""
    return _answer(reason, text, [ErrorInfo(reason=reason, domain=DOMAIN)])


def _answer(reason: str, text: str, details: list[Message], more: Trailers = ()) -> Answer:
    code = STATUS[reason]
    status = Status(code=code.value[0], message=text)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return Answer(code, reason, text, (("grpc-status-details-bin", status.SerializeToString()), *more))


def _details(error: GatewayError, reason: str) -> Iterator[Message]:
    if isinstance(error, RequestInvalid):
        yield _bad_request(error.violations)
    elif isinstance(error, MessageFailed) and STATUS[reason] is grpc.StatusCode.INVALID_ARGUMENT:
        # Telegram says where its parser stopped, in bytes of the text.
        yield _bad_request([("text", error.failure.description)])
    elif isinstance(error, MessageNotFound):
        yield ResourceInfo(resource_type=f"{DOMAIN}.Message", resource_name=error.facts.get("messageId", ""))
    elif isinstance(error, QuotaExceeded):
        delay = Duration()
        delay.FromTimedelta(error.retry_after)
        yield RetryInfo(retry_delay=delay)


def _bad_request(violations: Sequence[tuple[str, str]]) -> BadRequest:
    reply = BadRequest()
    for path, what in violations:
        reply.field_violations.add(field=path, description=what[:MAX_TEXT])
        if reply.ByteSize() > MAX_VIOLATIONS_BYTES:
            del reply.field_violations[-1]
            break
    return reply
