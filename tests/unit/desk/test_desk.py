from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import (
    MessageFailed,
    MessageNotFound,
    PermissionDenied,
    RequestIdReused,
    RequestInvalid,
    ShuttingDown,
    StateConflict,
    TextTooLong,
    TokenExpired,
    Unauthenticated,
)
from gateway.model import Draft, Entity, Origin, Permission, State, TextFormat
from gateway.telegram.failures import ChatRefused, Refused
from tests.support.open_house import CHAT, CLIENT, House, open_house

MINUTE, NOT_AT_ALL = timedelta(minutes=1), timedelta(0)
READER = frozenset({Permission.READ})
DRAFT = Draft(chat_id=CHAT, text="hello", request_id="r1")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def test_a_credential_tells_who_calls(house: House) -> None:
    caller = house.desk.authenticate([f"Bearer {house.token()}"])
    assert (caller.client, caller.sole_chat_id) == (CLIENT, CHAT)
    assert house.desk.describe_credential(caller) == caller


@pytest.mark.parametrize("values", [[], ["Bearer x"], ["Basic x"], [b"\xff"], ["Bearer a.b.c", "Bearer a.b.c"]])
def test_without_one_acceptable_credential_nobody_calls(house: House, values: list[str | bytes]) -> None:
    with pytest.raises(Unauthenticated):
        house.desk.authenticate(values)


def test_a_credential_without_the_permission_is_refused_on_the_headers(house: House) -> None:
    values = [f"Bearer {house.token(permissions=READER)}"]
    assert house.desk.authenticate(values).grants[0].permissions == READER
    with pytest.raises(PermissionDenied):
        house.desk.permit(house.desk.authenticate(values), Permission.WRITE)


async def test_a_message_is_delivered_while_its_caller_waits(house: House) -> None:
    message = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    assert message.state is State.DELIVERED
    assert [draft.text for draft in house.telegram.sent] == ["hello"]


async def test_a_caller_that_does_not_wait_gets_the_durable_message(house: House) -> None:
    house.telegram.answers.clear()
    message = await house.desk.send_message(house.caller(), DRAFT, None)
    assert not message.state.is_final
    assert await house.store.get(message.id)


async def test_a_caller_whose_time_is_over_gets_the_state_reached(house: House) -> None:
    house.telegram.answers.clear()
    message = await house.desk.send_message(house.caller(), DRAFT, timedelta(milliseconds=5))
    assert message.state is State.SENDING
    assert await house.desk.get_message(house.caller(), message.id) == message


@pytest.mark.parametrize("chat_id", [CHAT + 1, 5, -1, 2**62, -(2**62), True])
@pytest.mark.parametrize("text", ["hello", "", "x" * 9999])
async def test_a_foreign_chat_is_refused_before_anything_else_is_looked_at(
    house: House, chat_id: int, text: str
) -> None:
    draft = replace(DRAFT, chat_id=chat_id, text=text, request_id="?")
    for refused in (
        lambda: house.desk.send_message(house.caller(), draft, None, [("99", "unknown")]),
        lambda: _as_coroutine(house, draft),
    ):
        with pytest.raises(PermissionDenied) as error:
            await refused()
        assert error.value.cause == "chat_mismatch"
    assert not house.telegram.sent


async def _as_coroutine(house: House, draft: Draft) -> None:
    house.desk.validate_message(house.caller(), draft, [("99", "unknown")])


async def test_a_missing_chat_is_a_missing_field(house: House) -> None:
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.send_message(house.caller(), replace(DRAFT, chat_id=0, text=""), None, [("99", "unknown")])
    assert [path for path, _ in refused.value.violations] == ["99", "chat_id", "text"]


async def test_without_the_permission_nothing_can_be_done(house: House) -> None:
    caller = house.caller(permissions=READER)
    message_id = "01931e5c-0000-7000-8000-000000000000"
    with pytest.raises(PermissionDenied):
        await house.desk.send_message(caller, DRAFT, None)
    with pytest.raises(PermissionDenied):
        await house.desk.get_message(caller, message_id)
    with pytest.raises(PermissionDenied):
        await house.desk.cancel_message(caller, message_id)
    with pytest.raises(PermissionDenied):
        await anext(house.desk.watch_messages(caller, ""))


async def test_a_check_keeps_and_sends_nothing(house: House) -> None:
    house.desk.validate_message(house.caller(), DRAFT)
    with pytest.raises(TextTooLong):
        house.desk.validate_message(house.caller(), replace(DRAFT, text="x" * 5000))
    assert not house.telegram.sent
    assert not await house.store.records()


async def test_markdown_goes_to_telegram_as_text_and_entities(house: House) -> None:
    await house.desk.send_message(
        house.caller(), replace(DRAFT, text="**hi**", text_format=TextFormat.MARKDOWN), MINUTE
    )
    (sent,) = house.telegram.sent
    assert (sent.text, sent.text_format) == ("hi", TextFormat.PLAIN)
    assert sent.entities == (Entity(kind="bold", offset=0, length=2),)


async def test_markdown_is_as_long_as_what_it_shows(house: House) -> None:
    shown = replace(DRAFT, text="**" + "x" * 4096 + "**", text_format=TextFormat.MARKDOWN)
    house.desk.validate_message(house.caller(), shown)
    with pytest.raises(RequestInvalid):
        house.desk.validate_message(house.caller(), replace(shown, entities=(Entity(kind="bold", offset=0, length=1),)))


async def test_a_time_that_is_past_means_now(house: House) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    message = await house.desk.send_message(house.caller(), replace(DRAFT, send_at=past), MINUTE)
    assert message.state is State.DELIVERED
    assert message.expires_at == message.accepted_at + DRAFT.ttl


async def test_a_repeat_is_the_same_message_and_another_content_is_refused(house: House) -> None:
    first = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    again = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    assert again == first
    with pytest.raises(RequestIdReused):
        await house.desk.send_message(house.caller(), replace(DRAFT, text="other"), MINUTE)
    assert len(house.telegram.sent) == 1


async def test_a_repeat_is_known_by_what_was_asked_and_not_by_what_became_of_it(house: House) -> None:
    timed = replace(DRAFT, send_at=house.clock.now() + timedelta(minutes=1), request_id="timed")
    first = await house.desk.send_message(house.caller(), timed, None)
    house.clock.ahead = timedelta(minutes=2)
    assert (await house.desk.send_message(house.caller(), timed, None)).id == first.id
    marked = replace(DRAFT, text="**hi**", text_format=TextFormat.MARKDOWN)
    await house.desk.send_message(house.caller(), marked, MINUTE)
    with pytest.raises(RequestIdReused):
        await house.desk.send_message(house.caller(), replace(marked, text="__hi__"), MINUTE)


async def test_a_failure_is_an_error_and_the_same_error_when_asked_again(house: House) -> None:
    house.telegram.failure = ChatRefused(403, "Forbidden: bot was kicked")
    errors = []
    for _ in range(2):
        with pytest.raises(MessageFailed) as failed:
            await house.desk.send_message(house.caller(), DRAFT, MINUTE)
        errors.append((failed.value.failure, failed.value.facts))
    assert errors[0] == errors[1]
    assert errors[0][0].reason == "CHAT_UNAVAILABLE"
    assert len(house.telegram.sent) == 1
    assert (await house.desk.send_message(house.caller(), DRAFT, None)).state is State.FAILED


async def test_a_content_that_telegram_refuses_is_an_invalid_request(house: House) -> None:
    house.telegram.failure = Refused(400, "Bad Request: can't parse entities")
    with pytest.raises(MessageFailed) as failed:
        await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    assert failed.value.failure.reason == "INVALID_REQUEST"


async def test_a_caller_that_hangs_up_changes_nothing(house: House) -> None:
    house.telegram.answers.clear()
    sending = asyncio.create_task(house.desk.send_message(house.caller(), DRAFT, MINUTE))
    await house.telegram.asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    house.telegram.answers.set()
    message = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    assert message.state is State.DELIVERED
    assert len(house.telegram.sent) == 1


async def test_messages_of_others_do_not_exist(house: House) -> None:
    message = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    for stranger in (house.caller(client="other"), house.caller(chat_id=CHAT - 1)):
        with pytest.raises(MessageNotFound):
            await house.desk.get_message(stranger, message.id)
        with pytest.raises(MessageNotFound):
            await house.desk.cancel_message(stranger, message.id)


async def test_a_message_that_waits_can_be_cancelled_and_one_that_is_final_can_not(house: House) -> None:
    later = replace(DRAFT, send_at=house.clock.now() + timedelta(days=1))
    waiting = await house.desk.send_message(house.caller(), later, None)
    assert (await house.desk.cancel_message(house.caller(), waiting.id)).state is State.CANCELLED
    final = await house.desk.send_message(house.caller(), replace(DRAFT, request_id=""), MINUTE)
    with pytest.raises(StateConflict):
        await house.desk.cancel_message(house.caller(), final.id)
    for bad in ("", "x" * 5000):
        with pytest.raises(RequestInvalid):
            await house.desk.get_message(house.caller(), bad)
        with pytest.raises(RequestInvalid):
            await house.desk.cancel_message(house.caller(), bad)


async def _sent(house: House) -> str:
    return (await house.desk.send_message(house.caller(), replace(DRAFT, request_id=""), MINUTE)).id


async def test_a_watch_shows_changes_and_goes_on_where_it_ended(house: House) -> None:
    first = await house.desk.send_message(house.caller(), DRAFT, MINUTE)
    async with aclosing(house.desk.watch_messages(house.caller(), "")) as changes:
        nothing, beginning = await anext(changes)
        second = await _sent(house)
        message, token = await anext(changes)
    assert nothing is None
    assert message is not None
    assert message.id == second
    third = await _sent(house)
    assert await _seen(house, token, third) <= {second, third}
    assert await _seen(house, beginning, third) == {second, third}
    assert first.id not in await _seen(house, beginning, third)


async def _seen(house: House, token: str, last: str) -> set[str]:
    async with aclosing(house.desk.watch_messages(house.caller(), token)) as changes:
        seen: set[str] = set()
        while last not in seen:
            message, _ = await anext(changes)
            assert message is not None
            seen.add(message.id)
    return seen


async def test_a_watch_ends_with_the_credential(house: House) -> None:
    changes = house.desk.watch_messages(house.caller(), "")
    await anext(changes)
    upcoming = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    house.clock.ahead = timedelta(hours=2)
    with pytest.raises(TokenExpired):
        await upcoming


async def test_a_watch_ends_when_the_gateway_stops(house: House) -> None:
    changes = house.desk.watch_messages(house.caller(), "")
    await anext(changes)
    upcoming = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    house.desk.drain()
    with pytest.raises(ShuttingDown):
        await upcoming


async def test_a_watch_refuses_a_token_that_was_never_given_out(house: House) -> None:
    with pytest.raises(RequestInvalid):
        await anext(house.desk.watch_messages(house.caller(), "nonsense"))


async def test_at_a_stop_waiting_calls_are_answered_with_the_state_reached(house: House) -> None:
    house.telegram.answers.clear()
    sending = asyncio.create_task(house.desk.send_message(house.caller(), DRAFT, MINUTE))
    await house.telegram.asked.wait()
    house.desk.drain()
    house.desk.drain()
    assert (await sending).state is State.SENDING
    assert (await house.desk.send_message(house.caller(), DRAFT, MINUTE)).state is State.SENDING


async def test_a_refusal_is_written_down_with_who_whence_and_why(house: House) -> None:
    origin = Origin(method="/a/b", address="192.0.2.1", call_id="c1")
    caller = house.caller()
    house.desk.refused(PermissionDenied("chat_mismatch", claimed_chat_id=7), origin, caller, "e1")
    house.desk.refused(Unauthenticated("bad_signature", key_id="k"), origin, None, "e2")
    known, unknown = await house.refusals()
    assert (known.event, known.decision, known.reason) == ("call.refused", "deny", "chat_mismatch")
    assert (known.client, known.token_id, known.verified) == (CLIENT, caller.token_id, True)
    assert (known.chat_id, known.claimed_chat_id, known.error_id) == (CHAT, 7, "e1")
    assert (known.method, known.address, known.call_id) == ("/a/b", "192.0.2.1", "c1")
    assert (unknown.client, unknown.verified, unknown.key_id, unknown.error_id) == ("", False, "k", "e2")


async def test_a_watch_outlives_many_looks_at_a_credential_that_is_good() -> None:
    async with (
        open_house(recheck=timedelta(0)) as house,
        aclosing(house.desk.watch_messages(house.caller(), "")) as changes,
    ):
        await anext(changes)
        upcoming = asyncio.ensure_future(anext(changes))
        for _ in range(10):
            await asyncio.sleep(0)
        sent = await _sent(house)
        message, _ = await upcoming
        assert message is not None
        assert message.id == sent
