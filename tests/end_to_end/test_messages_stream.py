"""`SendMessages`: many messages over one call, each answered in its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from chatkey.v1 import error_reason_pb2 as reasons
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.model import Permission
from gateway.rpc.send_stream import WINDOW
from gateway.telegram.failures import ChatRefused
from tests.support.open_door import Outside, outside, refusal_of
from tests.support.open_house import CHAT, CLIENT, open_house

STREAM = "/chatkey.v1.MessagingGateway/SendMessages"


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


def ask(text: str = "hello", **fields: object) -> pb.SendMessagesRequest:
    return pb.SendMessagesRequest(message=pb.SendMessageRequest(**{"chat_id": CHAT, "text": text, **fields}))  # type: ignore[arg-type]


async def answers_to(view: Outside, *asked: pb.SendMessagesRequest, token: str = "") -> list[pb.SendMessagesResponse]:
    call = view.messaging.SendMessages(iter(asked), metadata=view.bearer(token or None))
    return [answer async for answer in call]


async def to_its_end(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        continue


async def accepted_texts(view: Outside) -> list[str]:
    await view.house.desk._outbox.settled(await last_id(view), timedelta(minutes=1))
    return [draft.text for draft in view.house.telegram.sent]


async def last_id(view: Outside) -> str:
    page = await view.messaging.ListMessages(pb.ListMessagesRequest(page_size=1), metadata=view.bearer())
    return str(page.messages[0].id)


async def test_every_request_is_answered_in_its_place_and_every_chat_sees_the_order_of_the_requests(
    view: Outside,
) -> None:
    asked = [ask(str(number), request_id=f"r{number}") for number in range(3 * WINDOW)]
    answers = await answers_to(view, *asked)
    assert [answer.message.request_id for answer in answers] == [f"r{number}" for number in range(3 * WINDOW)]
    assert len({answer.message.id for answer in answers}) == 3 * WINDOW
    assert await accepted_texts(view) == [str(number) for number in range(3 * WINDOW)]


async def test_a_call_without_a_request_ends_well(view: Outside) -> None:
    assert await answers_to(view) == []


async def test_an_answer_comes_at_acceptance_unless_its_request_waits_for_the_delivery(view: Outside) -> None:
    view.house.telegram.answers.clear()
    stream = view.messaging.SendMessages(metadata=view.bearer())
    await stream.write(ask("first"))
    first = await stream.read()
    assert first.message.state == pb.STATE_SENDING
    await stream.write(ask("second", wait_for=pb.WAIT_FOR_DELIVERY))
    await stream.write(ask("third"))
    view.house.telegram.answers.set()
    second, third = await stream.read(), await stream.read()
    assert (second.message.state, list(second.message.telegram_message_ids)) == (pb.STATE_DELIVERED, [2])
    assert third.HasField("message")
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


async def test_a_refusal_stands_in_its_answer_and_the_call_goes_on(view: Outside) -> None:
    view.house.telegram.answers.clear()
    first, empty, foreign, again, reused, bare, checked = await answers_to(
        view,
        ask(request_id="r1"),
        ask("", buttons=[pb.ButtonRow()]),
        ask(chat_id=CHAT - 1),
        ask(request_id="r1"),
        ask("another", request_id="r1"),
        pb.SendMessagesRequest.FromString(b"\xd2\x09\x01x"),
        ask(validate_only=True, request_id="r2"),
    )
    assert (empty.refusal.code, empty.refusal.reason) == (3, reasons.ERROR_REASON_INVALID_REQUEST)
    assert [each.field for each in empty.refusal.violations] == ["buttons[0].buttons", "text"]
    assert (foreign.refusal.code, foreign.refusal.reason) == (7, reasons.ERROR_REASON_PERMISSION_DENIED)
    assert again.message.id == first.message.id
    assert (reused.refusal.code, reused.refusal.metadata["messageId"]) == (6, first.message.id)
    assert [each.field for each in bare.refusal.violations] == ["message", "154", "chat_id", "text"]
    assert checked.message == pb.Message(chat_id=CHAT, request_id="r2", kind=pb.KIND_SEND)


@pytest.mark.parametrize(
    "asked",
    [ask(chat_id=5), ask("x" * 5000), ask("", request_id="?"), ask(chat_id=0), ask(text_format=99)],
)
async def test_a_refusal_says_what_the_status_of_a_single_call_would_say(
    view: Outside, asked: pb.SendMessagesRequest
) -> None:
    single = await refusal_of(view.messaging.SendMessage(asked.message, metadata=view.bearer()))
    (answer,) = await answers_to(view, asked)
    refusal = answer.refusal
    assert (refusal.code, refusal.description) == (single.code.value[0], single.text)
    assert reasons.ErrorReason.Name(refusal.reason) == f"ERROR_REASON_{single.info.reason}"
    assert refusal.metadata == single.info.metadata
    shown = {each.field: each.description for each in refusal.violations}
    assert shown == (single.violations if shown else {})
    assert bool(shown) == (single.code is grpc.StatusCode.INVALID_ARGUMENT)


async def test_a_failure_while_its_request_waits_is_a_refusal_with_the_id_of_the_message(view: Outside) -> None:
    view.house.telegram.failure = ChatRefused(403, "Forbidden: bot was kicked")
    failed, accepted = await answers_to(view, ask(wait_for=pb.WAIT_FOR_DELIVERY), ask())
    assert (failed.refusal.code, failed.refusal.reason) == (9, reasons.ERROR_REASON_CHAT_UNAVAILABLE)
    assert failed.refusal.metadata["telegramErrorCode"] == "403"
    assert failed.refusal.metadata["messageId"]
    assert accepted.HasField("message")


async def test_a_refused_request_is_in_the_audit_log_as_a_refused_call_is(view: Outside) -> None:
    call = view.messaging.SendMessages(iter([ask(), ask(chat_id=5), ask(chat_id=6)]), metadata=view.bearer())
    _, *refused = [answer async for answer in call]
    records = await view.house.refusals()
    assert [record.error_id for record in records] == [answer.refusal.error_id for answer in refused]
    assert [(record.reason, record.claimed_chat_id) for record in records] == [
        ("chat_mismatch", 5),
        ("chat_mismatch", 6),
    ]
    assert {(record.client, record.method, record.address) for record in records} == {(CLIENT, STREAM, "127.0.0.1")}
    (call_id,) = [value for key, value in await call.trailing_metadata() if key == "x-request-id"]
    assert {record.call_id for record in records} == {call_id}


async def test_refusals_of_one_kind_are_the_same_bytes_whatever_the_chat(view: Outside) -> None:
    answers = await answers_to(view, *(ask(text, chat_id=chat) for chat in (5, -5, CHAT - 1) for text in ("", "x")))
    for answer in answers:
        answer.refusal.error_id = ""
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1


async def test_what_is_no_request_ends_the_call_after_the_answers_to_what_came_before(view: Outside) -> None:
    stream = view.channel.stream_stream(STREAM)(metadata=view.bearer())
    await stream.write(ask().SerializeToString())
    await stream.write(b"\xff\xff\xff")
    assert pb.SendMessagesResponse.FromString(await stream.read()).HasField("message")
    refusal = await refusal_of(to_its_end(stream))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert "is not a chatkey.v1.SendMessagesRequest" in refusal.text


async def test_a_call_ends_with_its_credential_while_it_is_idle_and_while_it_is_busy(view: Outside) -> None:
    idle, busy = (view.messaging.SendMessages(metadata=view.bearer()) for _ in range(2))
    for stream in (idle, busy):
        await stream.write(ask())
        assert (await stream.read()).HasField("message")
    sent = len((await listed(view)).messages)
    view.house.clock.ahead = timedelta(hours=2)
    await busy.write(ask("too late"))
    for stream in (idle, busy):
        refusal = await refusal_of(to_its_end(stream))
        assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")
    assert len((await listed(view)).messages) == sent


async def test_a_call_ends_when_its_credential_is_revoked_while_it_is_idle_and_while_it_is_busy(view: Outside) -> None:
    token = view.house.token()
    idle, busy = (view.messaging.SendMessages(metadata=view.bearer(token)) for _ in range(2))
    for stream in (idle, busy):
        await stream.write(ask())
        assert (await stream.read()).HasField("message")
    await view.house.administration.revoke_token(view.house.verifier.verify(token).token_id)
    await view.house.registry.refresh()
    await busy.write(ask("too late"))
    for stream in (idle, busy):
        refusal = await refusal_of(to_its_end(stream))
        assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert len((await listed(view)).messages) == 2


async def listed(view: Outside) -> pb.ListMessagesResponse:
    page: pb.ListMessagesResponse = await view.messaging.ListMessages(pb.ListMessagesRequest(), metadata=view.bearer())
    return page


async def test_at_a_stop_what_was_read_is_answered_and_the_call_ends(view: Outside) -> None:
    view.house.telegram.answers.clear()
    stream = view.messaging.SendMessages(metadata=view.bearer())
    await stream.write(ask("waits", wait_for=pb.WAIT_FOR_DELIVERY))
    await view.house.telegram.asked.wait()
    view.house.desk.drain()
    assert (await stream.read()).message.state == pb.STATE_SENDING
    refusal = await refusal_of(to_its_end(stream))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


async def test_no_more_is_read_than_is_taken_in_hand(view: Outside) -> None:
    view.house.telegram.answers.clear()
    stream = view.messaging.SendMessages(metadata=view.bearer())
    await stream.write(ask("0", wait_for=pb.WAIT_FOR_DELIVERY))

    async def write() -> None:
        for number in range(1, WINDOW + 50):
            await stream.write(ask(str(number)))
        await stream.done_writing()

    writing = asyncio.ensure_future(write())
    while len(await listed_all(view)) < WINDOW:
        pass
    for _ in range(20):
        assert len(await listed_all(view)) == WINDOW
    view.house.telegram.answers.set()
    answers = [answer async for answer in stream]
    await writing
    assert len(answers) == len(await listed_all(view)) == WINDOW + 50


async def listed_all(view: Outside) -> list[pb.Message]:
    request = pb.ListMessagesRequest(page_size=1000)
    return list((await view.messaging.ListMessages(request, metadata=view.bearer())).messages)


async def test_a_client_that_hangs_up_loses_nothing_that_was_accepted(view: Outside) -> None:
    view.house.telegram.answers.clear()
    stream = view.messaging.SendMessages(metadata=view.bearer())
    for number in range(5):
        await stream.write(ask(str(number), request_id=f"r{number}", wait_for=pb.WAIT_FOR_DELIVERY))
    while len(await listed_all(view)) < 5:
        pass
    stream.cancel()
    await view.metrics.quiet.wait()
    view.house.telegram.answers.set()
    again = [ask(str(number), request_id=f"r{number}", wait_for=pb.WAIT_FOR_DELIVERY) for number in range(5)]
    assert {answer.message.state for answer in await answers_to(view, *again)} == {pb.STATE_DELIVERED}
    assert [draft.text for draft in view.house.telegram.sent] == [str(number) for number in range(5)]


async def test_a_bug_is_an_id_in_its_answer_and_not_its_text() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("canary")

    async with open_house() as house, outside(house) as view:
        house.desk._outbox = Broken()  # type: ignore[assignment]
        with capture_logs() as lines:
            first, second = await answers_to(view, ask(), ask(""))
        (bug,) = [line for line in lines if line["event"] == "grpc.bug"]
        assert (first.refusal.code, first.refusal.description) == (13, "internal error")
        assert (bug["error_id"], bug["method"]) == (first.refusal.error_id, STREAM)
        assert second.refusal.code == 3


async def test_without_the_permission_there_is_no_stream(view: Outside) -> None:
    token = view.house.token(permissions={Permission.READ})
    refusal = await refusal_of(to_its_end(view.messaging.SendMessages(metadata=view.bearer(token))))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_stream_is_one_line_in_the_log_and_counted_as_what_it_is(view: Outside) -> None:
    with capture_logs() as lines:
        await answers_to(view, ask("a secret"), ask(chat_id=5))
        await view.metrics.quiet.wait()
    (line,) = [line for line in lines if line["event"] == "grpc.call"]
    assert (line["method"], line["code"], line["client"]) == (STREAM, "OK", CLIENT)
    assert "a secret" not in repr(lines)
    assert view.metrics.ended == {(STREAM, "OK", "bidi_stream"): 1}
    assert view.metrics.began == {(STREAM, "bidi_stream"): 1}
