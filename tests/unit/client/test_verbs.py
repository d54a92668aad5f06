"""List, retry, resolve, explain and many messages at once, of both clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

import chatkey
from chatkey import Client, Message, Outgoing, Resolution, State, TextFormat, WaitFor
from chatkey.errors import ChatkeyError, TextTooLong
from chatkey.refusals import BY_CODE, BY_REASON
from chatkey.v1 import error_reason_pb2 as reasons
from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.unit.client.conftest import InThread, Opened, Pauses
from tests.unit.client.far_side import CHAT, FarSide, refuse

NOT_DURABLE = refuse(grpc.StatusCode.UNAVAILABLE, "NOT_DURABLE")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_a_message_says_how_long_it_will_wait(client: Any, far_side: FarSide) -> None:
    assert (await client.send("hi")).estimated_wait is None
    far_side.estimated_wait = timedelta(seconds=2.5)
    assert (await client.send("hi")).estimated_wait == timedelta(seconds=2.5)


async def test_a_message_is_sent_again_or_settled(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [NOT_DURABLE]
    assert (await client.retry("m-1")).id == "m-1"
    far_side.outcomes = [NOT_DURABLE]
    assert (await client.resolve("m-1", Resolution.DROPPED, timeout=5)).state is State.DELIVERED
    assert far_side.asked(pb.RetryMessageRequest) == [pb.RetryMessageRequest(message_id="m-1")] * 2
    asked = pb.ResolveMessageRequest(message_id="m-1", resolution=pb.RESOLUTION_DROPPED)
    assert far_side.asked(pb.ResolveMessageRequest) == [asked] * 2


def test_every_resolution_of_the_contract_is_there() -> None:
    names = {f"RESOLUTION_{resolution.value}" for resolution in Resolution}
    assert {*names, "RESOLUTION_UNSPECIFIED"} == set(pb.Resolution.keys())


# Lists.


async def test_a_list_goes_through_all_pages(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [NOT_DURABLE]
    far_side.pages = [
        pb.ListMessagesResponse(messages=[pb.Message(id="3"), pb.Message(id="2")], next_page_token="p1"),
        pb.ListMessagesResponse(next_page_token="p2"),
        pb.ListMessagesResponse(messages=[pb.Message(id="1")]),
    ]
    seen = [message.id async for message in client.list(states=[State.FAILED], chat_id=CHAT, accepted_from=NOW)]
    assert seen == ["3", "2", "1"]
    asked = far_side.asked(pb.ListMessagesRequest)
    assert [request.page_token for request in asked] == ["", "", "p1", "p2"]
    for request in asked:
        assert (list(request.states), request.chat_id, request.page_size) == ([pb.STATE_FAILED], CHAT, 0)
        assert (request.accepted_from.seconds, request.HasField("accepted_until")) == (NOW.timestamp(), False)


async def test_a_list_of_everything_asks_for_nothing(client: Any, far_side: FarSide) -> None:
    far_side.pages = [pb.ListMessagesResponse()]
    assert [message async for message in client.list()] == []
    assert far_side.asked(pb.ListMessagesRequest) == [pb.ListMessagesRequest()]


async def test_a_list_is_of_aware_times(client: Any) -> None:
    with pytest.raises(ValueError, match="accepted_until has no time zone"):
        [message async for message in client.list(accepted_until=datetime(2026, 1, 1))]


# What would become of it.


async def test_it_is_told_what_would_become_of_a_message(client: Any, far_side: FarSide) -> None:
    far_side.explanation = pb.ExplainResponse(allowed=True, rule="accepted", text_length=2, parts=1)
    far_side.explanation.estimated_wait.FromTimedelta(timedelta(seconds=3))
    said = await client.explain("**hi**", text_format=TextFormat.MARKDOWN, timeout=5)
    assert (said.allowed, said.rule, said.error) == (True, "accepted", None)
    assert (said.text_length, said.parts, said.estimated_wait) == (2, 1, timedelta(seconds=3))
    (asked,) = far_side.asked(pb.ExplainRequest)
    assert (asked.message.chat_id, asked.message.text_format) == (CHAT, pb.TEXT_FORMAT_MARKDOWN)


async def test_it_is_told_why_a_message_would_be_refused(client: Any, far_side: FarSide) -> None:
    refusal = pb.Refusal(code=7, reason=reasons.ERROR_REASON_PERMISSION_DENIED, description="permission denied")
    far_side.explanation = pb.ExplainResponse(rule="pin", refusal=refusal)
    said = await client.explain("hi", chat_id=5)
    assert (said.allowed, said.rule, said.estimated_wait) == (False, "pin", None)
    assert isinstance(said.error, chatkey.PermissionDenied)


# Many at once.


async def outcomes(client: Any, messages: Any) -> list[Message | ChatkeyError]:
    return [outcome async for outcome in client.send_many(messages)]


def ids(found: list[Message | ChatkeyError]) -> list[str]:
    return [outcome.id for outcome in found if isinstance(outcome, Message)]


async def test_many_messages_are_answered_in_their_order(client: Any, far_side: FarSide) -> None:
    messages = [Outgoing(str(number), request_id=f"r{number}") for number in range(600)]
    assert ids(await outcomes(client, messages)) == [f"m-r{number}" for number in range(600)]
    sent = far_side.asked(pb.SendMessagesRequest)
    assert {request.message.wait_for for request in sent} == {pb.WAIT_FOR_ACCEPTANCE}
    assert {request.message.chat_id for request in sent} == {CHAT}
    assert far_side.tokens.count("Bearer a.b.c") == 601


async def test_no_message_is_no_trouble(client: Any) -> None:
    assert await outcomes(client, []) == []


async def test_each_message_has_a_name_a_chat_and_options_of_its_own(client: Any, far_side: FarSide) -> None:
    await outcomes(client, [Outgoing("a"), Outgoing("b", 5, options={"wait_for": WaitFor.DELIVERY, "silent": True})])
    first, second = (request.message for request in far_side.asked(pb.SendMessagesRequest))
    assert first.request_id != second.request_id
    assert (second.chat_id, second.wait_for, second.silent) == (5, pb.WAIT_FOR_DELIVERY, True)


async def test_a_broken_call_goes_on_with_the_first_message_without_an_answer(
    client: Any, far_side: FarSide, pauses: Pauses
) -> None:
    far_side.breaks_after = [(0, NOT_DURABLE), (3, NOT_DURABLE), (4, NOT_DURABLE)]
    messages = [Outgoing(str(number), request_id=f"r{number}") for number in range(20)]
    assert ids(await outcomes(client, messages)) == [f"m-r{number}" for number in range(20)]
    sent = [request.message.request_id for request in far_side.asked(pb.SendMessagesRequest)]
    assert list(dict.fromkeys(sent)) == [f"r{number}" for number in range(20)]
    assert len(pauses.seconds) >= 3


async def test_a_call_that_the_gateway_ends_too_soon_is_made_again(client: Any, far_side: FarSide) -> None:
    async def ends(_: Any) -> None:
        return

    far_side.breaks_after = [(2, ends)]
    messages = [Outgoing(str(number), request_id=f"r{number}") for number in range(5)]
    assert ids(await outcomes(client, messages)) == [f"m-r{number}" for number in range(5)]


async def test_a_call_that_is_refused_as_a_whole_is_raised(client: Any, far_side: FarSide) -> None:
    denied = refuse(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    far_side.breaks_after = [(1, denied), *[(0, denied)] * 9]
    found = client.send_many([Outgoing("a"), Outgoing("b")])
    assert isinstance(await anext(found), Message)
    with pytest.raises(chatkey.PermissionDenied):
        await anext(found)


async def test_a_refused_message_is_the_error_that_sending_it_would_raise_and_the_others_go_on(
    client: Any, far_side: FarSide
) -> None:
    refusal = pb.Refusal(
        code=8,
        reason=reasons.ERROR_REASON_QUOTA_EXCEEDED,
        description="too many",
        metadata={"messageId": "m-9"},
        violations=[pb.FieldViolation(field="text", description="is bad")],
        error_id="e-1",
    )
    refusal.retry_delay.FromTimedelta(timedelta(seconds=2))
    far_side.refusals = {"bad": refusal}
    first, error, last = await outcomes(client, [Outgoing("a"), Outgoing("bad", request_id="r1"), Outgoing("c")])
    assert isinstance(first, Message)
    assert isinstance(last, Message)
    assert type(error) is chatkey.QuotaExceeded
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert (error.error_id, error.message_id, error.request_id) == ("e-1", "m-9", "r1")
    assert error.violations == (chatkey.Violation("text", "is bad"),)
    assert error.retry_after == timedelta(seconds=2)
    assert (str(error), error.retriable) == ("too many (RESOURCE_EXHAUSTED)", False)


@pytest.mark.parametrize("reason", [name for name in BY_REASON if name != "UNSPECIFIED"])
async def test_a_reason_decides_the_class_and_only_unavailability_is_worth_a_repeat(
    client: Any, far_side: FarSide, reason: str
) -> None:
    far_side.refusals = {"bad": pb.Refusal(code=14, reason=f"ERROR_REASON_{reason}", metadata={"messageId": "m-9"})}
    (error,) = await outcomes(client, [Outgoing("bad")])
    assert isinstance(error, ChatkeyError)
    assert type(error) is BY_REASON[reason]
    assert error.retriable == error.may_retry


async def test_what_this_client_does_not_know_goes_by_its_code(client: Any, far_side: FarSide) -> None:
    far_side.refusals = {"new": pb.Refusal(code=3, reason=999), "newer": pb.Refusal(code=99)}  # type: ignore[arg-type]
    new, newer = await outcomes(client, [Outgoing("new"), Outgoing("newer")])
    assert type(new) is BY_CODE[grpc.StatusCode.INVALID_ARGUMENT]
    assert (new.reason, type(newer)) == ("999", ChatkeyError)


async def test_a_source_that_fails_is_heard_of_after_the_answers_to_what_it_brought(client: Any) -> None:
    def source() -> Iterator[Outgoing]:
        yield Outgoing("a", request_id="r1")
        yield Outgoing("b", request_id="r2")
        raise LookupError("no more")

    found = client.send_many(source())
    assert ids([await anext(found), await anext(found)]) == ["m-r1", "m-r2"]
    with pytest.raises(LookupError, match="no more"):
        await anext(found)


async def test_a_message_that_does_not_fit_is_heard_of_too(client: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await outcomes(client, [Outgoing("a", options={"send_at": datetime(2026, 1, 1)})])


async def test_a_text_that_no_request_can_carry_is_heard_of_after_the_answers_to_what_came_before(client: Any) -> None:
    found = client.send_many([Outgoing("a", request_id="r1"), Outgoing(1_000_000 * "x")])
    assert ids([await anext(found)]) == ["m-r1"]
    with pytest.raises(TextTooLong):
        await anext(found)


async def test_an_option_of_one_of_many_that_does_not_exist_is_heard_of(client: Any) -> None:
    with pytest.raises(TypeError, match="slient"):
        await outcomes(client, [Outgoing("a", options={"slient": True})])  # type: ignore[typeddict-unknown-key]


async def test_an_asynchronous_source_is_waited_for_and_outlives_a_broken_call(
    opened: Opened, far_side: FarSide, port: int
) -> None:
    client = opened(port)
    if isinstance(client, InThread):
        return
    assert isinstance(client, Client)
    far_side.breaks_after = [(1, NOT_DURABLE)]
    seen: list[str] = []

    async def source() -> AsyncIterator[Outgoing]:
        for number in range(4):
            # Each message is made of the answer to the one before.
            assert len(seen) == number
            yield Outgoing(str(number), request_id=f"r{number}")
            while len(seen) == number:
                await client.describe()

    async for outcome in client.send_many(source()):
        assert isinstance(outcome, Message)
        seen.append(outcome.id)
    assert seen == ["m-r0", "m-r1", "m-r2", "m-r3"]


async def test_who_has_seen_enough_lets_go(client: Any, far_side: FarSide) -> None:
    def source() -> Iterator[Outgoing]:
        while True:
            yield Outgoing("a")

    found = client.send_many(source())
    assert isinstance(await anext(found), Message)
    await found.aclose()
    assert isinstance(await client.send("hi"), Message)
