from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

from chatkey.v1.error_reason_pb2 import ErrorReason
from gateway import errors
from gateway.model import Failure
from gateway.rpc.status import STATUS, Answer, answer_to


def with_reason(kind: type[errors.GatewayError] = errors.GatewayError) -> Iterator[type[errors.GatewayError]]:
    if hasattr(kind, "reason"):
        yield kind
    for below in kind.__subclasses__():
        yield from with_reason(below)


def leaves(kind: type[errors.GatewayError] = errors.GatewayError) -> Iterator[type[errors.GatewayError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def details_of(answer: Answer, kind: type[Any]) -> list[Any]:
    found = []
    for packed in status_of(answer).details:
        detail = kind()
        if packed.Unpack(detail):
            found.append(detail)
    return found


def status_of(answer: Answer) -> Status:
    return Status.FromString(dict(answer.trailers)["grpc-status-details-bin"])


def test_every_refusal_of_the_house_has_a_public_reason_and_a_code() -> None:
    assert set(leaves()) <= set(with_reason())
    reasons = {error.reason for error in with_reason()}
    assert reasons <= set(STATUS)


def test_every_reason_of_the_contract_has_a_code_and_no_other_has() -> None:
    assert {f"ERROR_REASON_{reason}" for reason in STATUS} | {"ERROR_REASON_UNSPECIFIED"} == set(ErrorReason.keys())


REFUSALS: list[Exception] = [
    errors.Unauthenticated("bad_signature"),
    errors.TokenExpired("token_expired"),
    errors.PermissionDenied("chat_mismatch"),
    errors.StepUpRequired("stale"),
    errors.RequestInvalid([("text", "is empty")]),
    errors.TextTooLong([("text", "is long")], length="5000", limit="4096"),
    errors.RequestIdReused(messageId="m"),
    errors.MessageNotFound(messageId="m"),
    errors.ResourceNotFound(),
    errors.StateConflict(state="DELIVERED"),
    errors.ApprovalRequired("a"),
    errors.CursorExpired(),
    errors.CallbackExpired(),
    errors.MethodUnknown(),
    errors.QuotaExceeded(retry_after=timedelta(seconds=3)),
    errors.TelegramBusy(retry_after=timedelta(seconds=3)),
    errors.ChatUnavailable(),
    errors.BotRightsMissing(),
    errors.ChatTypeUnsuitable(),
    errors.MemberNotFound(),
    errors.MemberProtected(),
    errors.NotDurable(),
    errors.AuditUnavailable(),
    errors.StateStale(),
    errors.TooManyFailures(retry_after=timedelta(seconds=3)),
    errors.ShuttingDown(),
    errors.TelegramUnavailable(),
    errors.MessageFailed("m", Failure(reason="CHAT_UNAVAILABLE", description="d", telegram_error_code=403)),
    ValueError("canary"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_every_status_has_one_error_info_and_says_the_code_twice(error: Exception) -> None:
    answer = answer_to(error)
    (info,) = details_of(answer, ErrorInfo)
    assert (info.domain, info.reason) == ("chatkey.v1", answer.reason)
    assert STATUS[info.reason] is answer.code
    assert (status_of(answer).code, status_of(answer).message) == (answer.code.value[0], answer.text)


def test_the_refusals_here_are_all_there_are() -> None:
    # What a room makes of one for itself is answered as that one.
    of_the_house = {error for error in with_reason() if error.__module__ == errors.__name__}
    assert {type(error) for error in REFUSALS if isinstance(error, errors.GatewayError)} == of_the_house


@pytest.mark.parametrize("kind", [errors.Unauthenticated, errors.TokenExpired, errors.PermissionDenied])
def test_a_refused_call_is_the_same_bytes_whatever_the_cause(kind: type[errors.CallRefused]) -> None:
    causes = [kind("one"), kind("another", claimed_chat_id=-5), kind("third", client="canary", facts={"a": 1})]
    answer, *others = (answer_to(error) for error in causes)
    assert all(other is answer for other in others)
    assert b"canary" not in dict(answer.trailers)["grpc-status-details-bin"]


def test_a_bug_tells_nothing_of_itself() -> None:
    assert answer_to(ValueError("canary")) == answer_to(KeyError("other"))
    assert "canary" not in repr(answer_to(ValueError("canary")))


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("INVALID_REQUEST", grpc.StatusCode.INVALID_ARGUMENT),
        ("TEXT_TOO_LONG", grpc.StatusCode.INVALID_ARGUMENT),
        ("CHAT_UNAVAILABLE", grpc.StatusCode.FAILED_PRECONDITION),
        ("TELEGRAM_FAILED", grpc.StatusCode.UNAVAILABLE),
        ("MESSAGE_EXPIRED", grpc.StatusCode.DEADLINE_EXCEEDED),
        ("CREDENTIAL_ENDED", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
def test_a_failed_message_goes_by_the_reason_of_its_failure(reason: str, code: grpc.StatusCode) -> None:
    failure = Failure(reason=reason, description="at byte offset 5", telegram_error_code=400)
    answer = answer_to(errors.MessageFailed("m-1", failure))
    (info,) = details_of(answer, ErrorInfo)
    assert (answer.code, info.reason) == (code, reason)
    assert dict(info.metadata) == {"messageId": "m-1", "telegramErrorCode": "400"}
    fields = [violation for detail in details_of(answer, BadRequest) for violation in detail.field_violations]
    expected = [("text", "at byte offset 5")] if code is grpc.StatusCode.INVALID_ARGUMENT else []
    assert [(field.field, field.description) for field in fields] == expected


@pytest.mark.parametrize(("kind", "milliseconds"), [(errors.QuotaExceeded, "1001"), (errors.TooManyFailures, "2000")])
def test_what_passes_says_when_to_try_again(
    kind: type[errors.QuotaExceeded | errors.TooManyFailures], milliseconds: str
) -> None:
    asked = timedelta(seconds=1, microseconds=1)
    answer = answer_to(kind(retry_after=asked))
    (retry,) = details_of(answer, RetryInfo)
    assert retry.retry_delay.ToTimedelta() == answer.retry_after
    assert answer.retry_after is not None
    assert answer.retry_after >= asked
    assert dict(answer.trailers)["grpc-retry-pushback-ms"] == milliseconds


@pytest.mark.parametrize("asked", [timedelta(), timedelta(seconds=-1)])
def test_a_pause_that_is_over_is_not_the_number_that_grpc_hangs_at(asked: timedelta) -> None:
    answer = answer_to(errors.QuotaExceeded(retry_after=asked))
    assert dict(answer.trailers)["grpc-retry-pushback-ms"] == "1"


def test_a_missing_message_is_named() -> None:
    (resource,) = details_of(answer_to(errors.MessageNotFound(messageId="m-1")), ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("chatkey.v1.Message", "m-1")


def test_many_violations_fit_into_the_trailers() -> None:
    violations = [(f"buttons[{row}].buttons[0].text", "\U0001f600" * 9999) for row in range(100)]
    answer = answer_to(errors.RequestInvalid(violations))
    (bad_request,) = details_of(answer, BadRequest)
    assert 2 <= len(bad_request.field_violations) < 100
    percent_encoded = 3 * len(answer.text.encode())
    assert len(dict(answer.trailers)["grpc-status-details-bin"]) * 4 / 3 + percent_encoded < 8192 - 500
