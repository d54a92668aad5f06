from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, timedelta

import grpc
import pytest
from structlog.testing import capture_logs

from chatkey.v1 import credential_self_pb2 as credential_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.model import Permission
from gateway.telegram.failures import ChatRefused, Refused
from tests.support.open_door import SEND, Outside, outside, refusal_of
from tests.support.open_house import CHAT, CLIENT


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


def hello(**fields: object) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**{"chat_id": CHAT, "text": "hello", **fields})  # type: ignore[arg-type]


async def test_a_message_is_answered_when_it_is_delivered(view: Outside) -> None:
    reply = await view.messaging.SendMessage(hello(request_id="r1"), metadata=view.bearer())
    message = reply.message
    assert (message.chat_id, message.state, message.request_id) == (CHAT, pb.STATE_DELIVERED, "r1")
    assert list(message.telegram_message_ids) == [1]
    assert message.HasField("finish_time")
    again = await view.messaging.GetMessage(pb.GetMessageRequest(message_id=message.id), metadata=view.bearer())
    assert again.message == message


async def test_a_call_with_too_little_time_is_answered_with_the_state_reached(view: Outside) -> None:
    view.house.telegram.answers.clear()
    reply = await view.messaging.SendMessage(hello(), metadata=view.bearer(), timeout=0.5)
    assert reply.message.state == pb.STATE_SENDING


async def test_a_call_that_waits_for_acceptance_only_is_answered_at_once(view: Outside) -> None:
    view.house.telegram.answers.clear()
    asked = hello(wait_for=pb.WAIT_FOR_ACCEPTANCE)
    reply = await view.messaging.SendMessage(asked, metadata=view.bearer())
    assert reply.message.id
    assert not reply.message.HasField("finish_time")


async def test_a_deadline_of_a_millisecond_loses_nothing_and_leaves_nothing_half_done(view: Outside) -> None:
    for number in range(20):
        asked = hello(request_id=f"r{number}", text=f"text {number}")
        call = view.messaging.SendMessage(asked, metadata=view.bearer(), timeout=0.001)
        assert await call.code() in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED)
    for number in range(20):
        asked = hello(request_id=f"r{number}", text=f"text {number}")
        reply = await view.messaging.SendMessage(asked, metadata=view.bearer())
        assert reply.message.state == pb.STATE_DELIVERED
    assert sorted(draft.text for draft in view.house.telegram.sent) == sorted(f"text {number}" for number in range(20))


async def test_a_client_that_hangs_up_while_it_waits_loses_nothing(view: Outside) -> None:
    view.house.telegram.answers.clear()
    call = view.messaging.SendMessage(hello(request_id="r1"), metadata=view.bearer())
    waiting = asyncio.ensure_future(call.code())
    await view.house.telegram.asked.wait()
    call.cancel()
    assert await waiting is grpc.StatusCode.CANCELLED
    view.house.telegram.answers.set()
    reply = await view.messaging.SendMessage(hello(request_id="r1"), metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED
    assert len(view.house.telegram.sent) == 1


async def test_a_failed_message_is_an_error_with_its_id_and_the_same_when_asked_again(view: Outside) -> None:
    view.house.telegram.failure = ChatRefused(403, "Forbidden: bot was kicked")
    first = await refusal_of(view.messaging.SendMessage(hello(request_id="r1"), metadata=view.bearer()))
    again = await refusal_of(view.messaging.SendMessage(hello(request_id="r1"), metadata=view.bearer()))
    assert first.code is grpc.StatusCode.FAILED_PRECONDITION
    assert first.info.reason == "CHAT_UNAVAILABLE"
    assert first.info.metadata["telegramErrorCode"] == "403"
    found = pb.GetMessageRequest(message_id=first.info.metadata["messageId"])
    shown = await view.messaging.GetMessage(found, metadata=view.bearer())
    assert shown.message.state == pb.STATE_FAILED
    assert shown.message.failure.telegram_error_code == 403
    assert again.wire == first.wire


async def test_what_telegram_says_of_the_text_reaches_its_author(view: Outside) -> None:
    view.house.telegram.failure = Refused(400, "Bad Request: can't parse entities at byte offset 5")
    refusal = await refusal_of(view.messaging.SendMessage(hello(text="<b>oops"), metadata=view.bearer()))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.violations == {"text": "Bad Request: can't parse entities at byte offset 5"}


async def test_a_check_answers_without_an_id_and_keeps_nothing(view: Outside) -> None:
    reply = await view.messaging.SendMessage(hello(validate_only=True, request_id="r1"), metadata=view.bearer())
    assert reply.message == pb.Message(chat_id=CHAT, request_id="r1", kind=pb.KIND_SEND)
    refusal = await refusal_of(view.messaging.SendMessage(hello(validate_only=True, text=""), metadata=view.bearer()))
    assert refusal.violations == {"text": "is empty"}
    assert not view.house.telegram.sent


async def test_a_message_can_be_cancelled_until_it_is_final(view: Outside) -> None:
    later = hello(wait_for=pb.WAIT_FOR_ACCEPTANCE)
    later.send_at.FromDatetime(view.house.clock.now() + timedelta(days=1))
    accepted = (await view.messaging.SendMessage(later, metadata=view.bearer())).message
    assert accepted.due_time == later.send_at
    asked = pb.CancelMessageRequest(message_id=accepted.id)
    assert (await view.messaging.CancelMessage(asked, metadata=view.bearer())).message.state == pb.STATE_CANCELLED
    final = (await view.messaging.SendMessage(hello(), metadata=view.bearer())).message
    asked = pb.CancelMessageRequest(message_id=final.id)
    refusal = await refusal_of(view.messaging.CancelMessage(asked, metadata=view.bearer()))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT")
    assert refusal.info.metadata["state"] == "DELIVERED"


async def test_a_watch_shows_changes_until_its_client_has_seen_enough(view: Outside) -> None:
    watch = view.messaging.WatchMessages(pb.WatchMessagesRequest(), metadata=view.bearer())
    beginning = await watch.read()
    assert beginning == pb.WatchMessagesResponse(resume_token=beginning.resume_token)
    first = (await view.messaging.SendMessage(hello(), metadata=view.bearer())).message
    change = await watch.read()
    assert change.message.id == first.id
    token = change.resume_token
    watch.cancel()
    last = (await view.messaging.SendMessage(hello(), metadata=view.bearer())).message
    async for change in view.messaging.WatchMessages(
        pb.WatchMessagesRequest(resume_token=token), metadata=view.bearer()
    ):
        if change.message == last:
            break


async def test_a_watch_ends_when_its_token_does(view: Outside) -> None:
    watch = view.messaging.WatchMessages(pb.WatchMessagesRequest(), metadata=view.bearer())
    await watch.read()
    view.house.clock.ahead = timedelta(hours=2)

    async def rest() -> None:
        while await watch.read() is not grpc.aio.EOF:
            continue

    refusal = await refusal_of(rest())
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_a_credential_describes_itself_and_needs_no_permission_for_it(view: Outside) -> None:
    token = view.house.token(permissions={Permission.READ, Permission.MODERATE})
    asked = credential_pb.DescribeCredentialRequest()
    reply = await view.credential_self.DescribeCredential(asked, metadata=view.bearer(token))
    caller = view.house.verifier.verify(token)
    assert (reply.credential.client, reply.credential.token_id) == (CLIENT, caller.token_id)
    assert reply.credential.issuer == caller.issuer
    (grant,) = reply.credential.grants
    assert grant.chat_id == CHAT
    assert list(grant.permissions) == [credential_pb.PERMISSION_READ, credential_pb.PERMISSION_MODERATE]
    assert reply.credential.issue_time.ToDatetime(UTC) == caller.issued_at
    assert reply.credential.expire_time.ToDatetime(UTC) == caller.expires_at


@pytest.mark.parametrize(("given", "echoed"), [("my-id.1:2_", True), ("", False), ("a b", False), ("x" * 65, False)])
async def test_a_call_has_the_id_that_its_caller_gave_if_it_is_fit_for_a_log(
    view: Outside, given: str, echoed: bool
) -> None:
    call = view.messaging.SendMessage(hello(), metadata=view.bearer(None, ("x-request-id", given)))
    await call
    (answered,) = [value for key, value in await call.trailing_metadata() if key == "x-request-id"]
    assert (answered == given) is echoed
    assert answered


async def test_a_stream_has_the_id_that_its_caller_gave(view: Outside) -> None:
    stream = view.messaging.SendMessages(metadata=view.bearer(None, ("x-request-id", "my-id")))
    await stream.done_writing()
    assert await stream.code() is grpc.StatusCode.OK
    assert ("x-request-id", "my-id") in list(await stream.trailing_metadata())


async def test_two_ids_of_a_caller_are_none(view: Outside) -> None:
    twice = (("x-request-id", "a"), ("x-request-id", "b"))
    refusal = await refusal_of(view.raw(SEND, metadata=twice))
    assert refusal.trailers["x-request-id"] not in ("a", "b")


async def test_each_call_is_one_line_in_the_log_and_counted_once(view: Outside) -> None:
    token = view.house.token()
    with capture_logs() as lines:
        await view.messaging.SendMessage(hello(text="a secret"), metadata=view.bearer(token))
        await refusal_of(view.messaging.SendMessage(hello(chat_id=5), metadata=view.bearer(token)))
        await refusal_of(view.raw("/nobody/knows", metadata=view.bearer(token)))
        watch = view.messaging.WatchMessages(pb.WatchMessagesRequest(), metadata=view.bearer(token))
        await watch.read()
        watch.cancel()
        await view.metrics.quiet.wait()
    calls = [line for line in lines if line["event"] == "grpc.call"]
    assert [(line["method"], line["code"]) for line in calls] == [
        (SEND, "OK"),
        (SEND, "PERMISSION_DENIED"),
        ("/nobody/knows", "UNIMPLEMENTED"),
        ("/chatkey.v1.MessagingGateway/WatchMessages", "CANCELLED"),
    ]
    assert all((line["client"], line["chat"], line["address"]) == (CLIENT, CHAT, "127.0.0.1") for line in calls)
    assert "a secret" not in repr(lines)
    assert token not in repr(lines)
    watched = "/chatkey.v1.MessagingGateway/WatchMessages"
    assert view.metrics.ended == {
        (SEND, "OK", "unary"): 1,
        (SEND, "PermissionDenied", "unary"): 1,
        ("unknown", "Unimplemented", "unary"): 1,
        (watched, "Cancelled", "server_stream"): 1,
    }
    assert view.metrics.began == {(SEND, "unary"): 2, ("unknown", "unary"): 1, (watched, "server_stream"): 1}
