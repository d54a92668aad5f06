"""`ListMessages`, `RetryMessage`, `ResolveMessage`, `Explain` and the estimated wait, from outside of the door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from chatkey.v1 import error_reason_pb2 as reasons
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.model import Permission
from gateway.telegram.failures import Refused, Unanswered
from tests.support.open_door import Outside, outside, refusal_of
from tests.support.open_house import CHAT

NOT_SENT = "01931e5c-0000-7000-8000-000000000000"


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


def hello(**fields: object) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**{"chat_id": CHAT, "text": "hello", **fields})  # type: ignore[arg-type]


async def send(view: Outside, **fields: object) -> pb.Message:
    message: pb.Message = (await view.messaging.SendMessage(hello(**fields), metadata=view.bearer())).message
    return message


async def listed(view: Outside, **fields: object) -> list[pb.Message]:
    request = pb.ListMessagesRequest(**fields)  # type: ignore[arg-type]
    return list((await view.messaging.ListMessages(request, metadata=view.bearer())).messages)


# ListMessages


async def test_all_pages_together_are_all_messages_newest_first(view: Outside) -> None:
    sent = [await send(view) for _ in range(5)]
    seen: list[pb.Message] = []
    token = ""
    while True:
        request = pb.ListMessagesRequest(page_size=2, page_token=token)
        page = await view.messaging.ListMessages(request, metadata=view.bearer())
        seen += page.messages
        await send(view)
        token = page.next_page_token
        if not token:
            break
    assert seen == sent[::-1]


async def test_a_list_is_of_what_was_asked_for_and_of_nobody_else(view: Outside) -> None:
    first, second = await send(view), await send(view)
    other = view.bearer(view.house.token(client="other"))
    await view.messaging.SendMessage(hello(), metadata=other)
    assert await listed(view, states=[pb.STATE_DELIVERED], chat_id=CHAT) == [second, first]
    assert await listed(view, states=[pb.STATE_FAILED, pb.STATE_QUEUED]) == []
    assert await listed(view, accepted_from=second.accept_time) == [second]
    assert await listed(view, accepted_until=second.accept_time) == [first]


async def test_another_chat_has_no_list_and_a_bad_question_is_told_what_is_bad(view: Outside) -> None:
    foreign = pb.ListMessagesRequest(chat_id=CHAT - 1, page_size=-1)
    refusal = await refusal_of(view.messaging.ListMessages(foreign, metadata=view.bearer()))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    bad = pb.ListMessagesRequest(page_size=1001, chat_id=0, states=[0, 99])  # type: ignore[list-item]
    bad.accepted_from.seconds = 1 << 50
    refusal = await refusal_of(view.messaging.ListMessages(bad, metadata=view.bearer()))
    assert set(refusal.violations) == {"page_size", "chat_id", "states[0]", "states[1]", "accepted_from"}
    refusal = await refusal_of(
        view.messaging.ListMessages(pb.ListMessagesRequest(page_token="x"), metadata=view.bearer())
    )
    assert set(refusal.violations) == {"page_token"}


async def test_a_page_token_is_for_the_list_that_it_was_given_out_for(view: Outside) -> None:
    for _ in range(2):
        await send(view)
    page = await view.messaging.ListMessages(pb.ListMessagesRequest(page_size=1), metadata=view.bearer())
    other = pb.ListMessagesRequest(page_token=page.next_page_token, states=[pb.STATE_DELIVERED])
    refusal = await refusal_of(view.messaging.ListMessages(other, metadata=view.bearer()))
    assert set(refusal.violations) == {"page_token"}


# RetryMessage


async def test_what_failed_is_sent_again_under_its_id(view: Outside) -> None:
    view.house.telegram.failure = Refused(400, "Bad Request")
    failed = await refusal_of(view.messaging.SendMessage(hello(), metadata=view.bearer()))
    view.house.telegram.failure = None
    request = pb.RetryMessageRequest(message_id=failed.info.metadata["messageId"])
    message = (await view.messaging.RetryMessage(request, metadata=view.bearer())).message
    assert (message.id, message.state) == (request.message_id, pb.STATE_QUEUED)
    assert not message.HasField("failure")
    assert not message.HasField("finish_time")
    await view.house.desk._outbox.settled(message.id, timedelta(minutes=1))
    refusal = await refusal_of(view.messaging.RetryMessage(request, metadata=view.bearer()))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT")
    assert refusal.info.metadata["state"] == "DELIVERED"


async def test_what_is_not_final_is_returned_unchanged(view: Outside) -> None:
    view.house.telegram.answers.clear()
    sending = await send(view, wait_for=pb.WAIT_FOR_ACCEPTANCE)
    request = pb.RetryMessageRequest(message_id=sending.id)
    assert (await view.messaging.RetryMessage(request, metadata=view.bearer())).message == sending


# ResolveMessage


@pytest.mark.parametrize(
    ("resolution", "state"),
    [(pb.RESOLUTION_DELIVERED, pb.STATE_DELIVERED), (pb.RESOLUTION_DROPPED, pb.STATE_CANCELLED)],
)
async def test_an_unknown_delivery_is_settled(view: Outside, resolution: pb.Resolution, state: pb.State) -> None:
    view.house.telegram.failure = Unanswered()
    unknown = await send(view, when_unknown=pb.WHEN_UNKNOWN_GIVE_UP)
    assert unknown.state == pb.STATE_DELIVERY_UNKNOWN
    request = pb.ResolveMessageRequest(message_id=unknown.id, resolution=resolution)
    settled = (await view.messaging.ResolveMessage(request, metadata=view.bearer())).message
    assert settled.state == state
    assert (await view.messaging.ResolveMessage(request, metadata=view.bearer())).message == settled
    other = pb.ResolveMessageRequest(message_id=unknown.id, resolution=3 - resolution)  # type: ignore[arg-type]
    refusal = await refusal_of(view.messaging.ResolveMessage(other, metadata=view.bearer()))
    assert refusal.info.reason == "STATE_CONFLICT"


@pytest.mark.parametrize("resolution", [0, 99])
async def test_what_is_no_resolution_is_refused(view: Outside, resolution: int) -> None:
    request = pb.ResolveMessageRequest(message_id=NOT_SENT, resolution=resolution)  # type: ignore[arg-type]
    refusal = await refusal_of(view.messaging.ResolveMessage(request, metadata=view.bearer()))
    assert set(refusal.violations) == {"resolution"}


async def test_messages_of_others_are_not_found(view: Outside) -> None:
    sent = await send(view)
    for stranger in (view.house.token(client="other"), view.house.token(chat_id=CHAT - 1)):
        metadata = view.bearer(stranger)
        retry, resolve = pb.RetryMessageRequest(message_id=sent.id), pb.ResolveMessageRequest(message_id=sent.id)
        resolve.resolution = pb.RESOLUTION_DELIVERED
        for call in (
            view.messaging.RetryMessage(retry, metadata=metadata),
            view.messaging.ResolveMessage(resolve, metadata=metadata),
        ):
            assert (await refusal_of(call)).code is grpc.StatusCode.NOT_FOUND


# The estimated wait


async def test_who_waits_for_a_first_attempt_is_told_how_long_about(view: Outside) -> None:
    later = hello(wait_for=pb.WAIT_FOR_ACCEPTANCE)
    later.send_at.FromDatetime(view.house.clock.now() + timedelta(hours=1))
    answer = await view.messaging.SendMessage(later, metadata=view.bearer())
    assert 3500 < answer.estimated_wait.seconds <= 3600
    assert not (await view.messaging.SendMessage(hello(), metadata=view.bearer())).HasField("estimated_wait")


# Explain


async def explained(view: Outside, token: str = "", **fields: object) -> pb.ExplainResponse:
    request = pb.ExplainRequest(message=hello(**fields))
    answer: pb.ExplainResponse = await view.messaging.Explain(request, metadata=view.bearer(token or None))
    return answer


async def test_it_is_said_what_would_become_of_a_message(view: Outside) -> None:
    answer = await explained(view, text="**hé**", text_format=pb.TEXT_FORMAT_MARKDOWN)
    expected = pb.ExplainResponse(allowed=True, rule="accepted", text_length=2, parts=1)
    expected.estimated_wait.SetInParent()
    assert answer == expected


async def test_it_is_said_why_a_message_would_be_refused(view: Outside) -> None:
    answer = await explained(view, text="x" * 5000)
    assert (answer.allowed, answer.rule, answer.text_length, answer.parts) == (False, "content", 5000, 0)
    assert (answer.refusal.code, answer.refusal.reason) == (3, reasons.ERROR_REASON_TEXT_TOO_LONG)
    assert [each.field for each in answer.refusal.violations] == ["text"]
    assert not answer.refusal.error_id


async def test_it_needs_a_credential_and_no_particular_right(view: Outside) -> None:
    reader = view.house.token(permissions={Permission.READ})
    answer = await explained(view, reader)
    assert (answer.allowed, answer.rule, answer.refusal.code) == (False, "permission", 7)
    refusal = await refusal_of(view.messaging.Explain(pb.ExplainRequest()))
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED


async def test_of_a_foreign_chat_it_says_the_same_whatever_that_is(view: Outside) -> None:
    there = view.bearer(view.house.token(chat_id=CHAT - 1))
    await view.messaging.SendMessage(hello(chat_id=CHAT - 1), metadata=there)
    answers = [
        await explained(view, chat_id=chat_id, text=text) for chat_id in (CHAT - 1, CHAT - 2, 5) for text in ("", "x")
    ]
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert (answers[0].rule, answers[0].refusal.description) == ("pin", "permission denied")


async def test_asking_leaves_no_trace(view: Outside) -> None:
    await explained(view)
    await explained(view, chat_id=5)
    assert await view.house.refusals() == []
    assert await listed(view) == []
    assert view.house.telegram.sent == []


async def test_a_question_about_no_message_is_refused(view: Outside) -> None:
    refusal = await refusal_of(view.messaging.Explain(pb.ExplainRequest(), metadata=view.bearer()))
    assert set(refusal.violations) == {"message"}
