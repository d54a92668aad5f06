"""`UpdateService` as a client sees it, through the real door; what Telegram tells is given by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from chatkey.v1 import update_service_pb2 as pb
from gateway.model import AnswerPress, Permission
from tests.support.open_door import Outside, outside, refusal_of
from tests.support.open_house import CHAT

OTHER = CHAT - 1
STREAM = "/chatkey.v1.UpdateService/StreamUpdates"
ANSWER = "/chatkey.v1.UpdateService/AnswerCallback"
READ = frozenset({Permission.READ})


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


def written(number: int, chat_id: int = CHAT) -> dict[str, Any]:
    person = {"id": 7, "is_bot": False, "first_name": "Ann"}
    message = {"message_id": number, "chat": {"id": chat_id}, "from": person, "date": 1, "text": f"hello {number}"}
    return {"update_id": number, "message": message}


def pressed(number: int) -> dict[str, Any]:
    query = {"id": f"press-{number}", "from": {"id": 7}, "message": written(number)["message"], "data": "yes"}
    return {"update_id": number, "callback_query": query}


def following(view: Outside, token: str = "", **wish: Any) -> Any:
    metadata = view.bearer(token or view.house.token(permissions=READ))
    return view.updates.StreamUpdates(pb.StreamUpdatesRequest(**wish), metadata=metadata)


async def test_a_stream_tells_what_happens_and_goes_on_where_it_ended(view: Outside) -> None:
    stream = following(view)
    beginning = await stream.read()
    assert beginning == pb.StreamUpdatesResponse(cursor=beginning.cursor)
    await view.house.happen(written(1), written(2, OTHER), pressed(3))
    first = await stream.read()
    assert (first.update.update_id, first.update.chat_id, first.update.message.text) == (1, CHAT, "hello 1")
    assert first.update.message.sender.user == pb.User(id=7, first_name="Ann")
    second = await stream.read()
    assert (second.update.kind, second.update.callback_query.data) == (pb.UPDATE_KIND_CALLBACK_QUERY, "yes")
    stream.cancel()
    assert await following(view, cursor=first.cursor).read() == second
    oldest = following(view, from_oldest=True, kinds=[pb.UPDATE_KIND_CALLBACK_QUERY])
    assert [await oldest.read(), await oldest.read()][1] == second


async def test_what_can_not_be_read_of_an_update_stops_no_stream(view: Outside) -> None:
    strange = {"update_id": 1, "message": {"message_id": "x", "chat": {"id": CHAT}}}
    await view.house.happen(strange, written(2))
    stream = following(view, from_oldest=True)
    told = [(await stream.read()).update for _ in range(3)][1:]
    assert [(each.update_id, each.WhichOneof("content")) for each in told] == [(1, None), (2, "message")]


async def test_another_chat_is_refused_as_every_other(view: Outside) -> None:
    await view.house.happen(written(1, OTHER))
    refusals = [await refusal_of(following(view, chat_ids=[chat_id]).read()) for chat_id in (OTHER, 5, 0)]
    assert {refusal.wire for refusal in refusals} == {refusals[0].wire}
    assert refusals[0].code is grpc.StatusCode.PERMISSION_DENIED
    assert {record.reason for record in await view.house.refusals()} == {"chat_mismatch"}


async def test_who_may_not_read_is_refused_on_the_headers_and_who_may_not_write_answers_nothing(view: Outside) -> None:
    for method, token in ((STREAM, view.house.token()), (ANSWER, view.house.token(permissions=READ))):
        refusal = await refusal_of(view.raw(method, metadata=view.bearer(token)))
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert {record.reason for record in await view.house.refusals()} == {"missing_permission"}


async def test_what_is_not_understood_is_refused_and_named(view: Outside) -> None:
    refusal = await refusal_of(following(view, cursor="x", from_oldest=True, kinds=[99]).read())
    assert set(refusal.violations) == {"kinds[0]", "from_oldest"}


async def test_a_cursor_whose_time_is_over_says_so(view: Outside) -> None:
    stream = following(view, from_oldest=True)
    cursor = (await stream.read()).cursor
    await view.house.happen(written(1))
    stream.cancel()
    await view.house.store.updates.forget(view.house.clock.now(), 10)
    refusal = await refusal_of(following(view, cursor=cursor).read())
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


async def test_a_press_is_answered_and_one_elsewhere_is_not_there(view: Outside) -> None:
    await view.house.happen(pressed(1))
    request = pb.AnswerCallbackRequest(callback_id="press-1", text="done", show_alert=True)
    answer = await view.updates.AnswerCallback(request, metadata=view.bearer())
    assert answer == pb.AnswerCallbackResponse()
    answered = AnswerPress(callback_id="press-1", text="done", show_alert=True, chat_id=CHAT)
    assert view.house.telegram.done == [answered]
    stranger = view.bearer(view.house.token(OTHER))
    unknown = pb.AnswerCallbackRequest(callback_id="press-2", text="done")
    foreign, missing = [
        await refusal_of(view.updates.AnswerCallback(asked, metadata=stranger)) for asked in (request, unknown)
    ]
    assert foreign.wire == missing.wire
    assert (foreign.code, foreign.info.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    assert view.house.telegram.done == [answered]


async def test_a_stream_and_an_answer_are_counted_for_the_audit_log_and_the_metrics(view: Outside) -> None:
    stream = following(view)
    await stream.read()
    stream.cancel()
    await view.house.happen(pressed(1))
    await view.updates.AnswerCallback(pb.AnswerCallbackRequest(callback_id="press-1"), metadata=view.bearer())
    await view.metrics.quiet.wait()
    assert view.metrics.ended == {(STREAM, "Cancelled", "server_stream"): 1, (ANSWER, "OK", "unary"): 1}
    await view.house.ledger.close()
    counted = [record for _, record in await view.house.store.records(event="call.allowed")]
    assert {record.method for record in counted} == {STREAM, ANSWER}


async def test_an_answer_that_takes_too_long_leaves_the_client_time_to_hear_of_it(view: Outside) -> None:
    await view.house.happen(pressed(1))
    view.house.telegram.answers.clear()
    request = pb.AnswerCallbackRequest(callback_id="press-1")
    refusal = await refusal_of(view.updates.AnswerCallback(request, metadata=view.bearer(), timeout=1))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.UNAVAILABLE, "TELEGRAM_FAILED")
