"""Edits and deletes at the desk: authorize, check, hand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import (
    MessageFailed,
    MessageNotFound,
    PermissionDenied,
    RequestInvalid,
    StateConflict,
    TextTooLong,
)
from gateway.model import Draft, Grant, Kind, Message, Permission, State, TextFormat
from gateway.telegram.failures import MessageFixed, Refused
from tests.support.open_house import CHAT, House, open_house

MINUTE = timedelta(minutes=1)
MESSAGE_ID = "01931e5c-0000-7000-8000-000000000000"
EDIT = Draft(kind=Kind.EDIT, chat_id=0, target_id=MESSAGE_ID, text="edited")
DELETE = Draft(kind=Kind.DELETE, chat_id=0, target_id=MESSAGE_ID, text="")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


async def sent(house: House, **fields: object) -> Message:
    draft = replace(Draft(chat_id=CHAT, text="hello"), **fields)
    return await house.desk.send_message(house.caller(), draft, MINUTE)


async def test_an_edit_is_rendered_checked_and_made(house: House) -> None:
    message = await sent(house)
    draft = replace(EDIT, target_id=message.id, text="**bold**", text_format=TextFormat.MARKDOWN)
    edit = await house.desk.touch_message(house.caller(), draft, MINUTE)
    assert (edit.state, edit.target_id) == (State.DELIVERED, message.id)
    asked = house.telegram.sent[-1]
    assert (asked.text, asked.text_format, asked.entities[0].kind) == ("bold", TextFormat.PLAIN, "bold")


async def test_whoever_does_not_wait_gets_what_was_accepted(house: House) -> None:
    message = await sent(house)
    house.telegram.answers.clear()
    delete = await house.desk.touch_message(house.caller(), replace(DELETE, target_id=message.id), None)
    assert not delete.state.is_final
    house.telegram.answers.set()
    assert (await house.desk.message_ended(delete, MINUTE)).state is State.DELIVERED


async def test_whoever_waits_is_told_that_it_failed(house: House) -> None:
    message = await sent(house)
    house.telegram.failure = MessageFixed(400, "Bad Request: message can't be deleted")
    with pytest.raises(MessageFailed) as failed:
        await house.desk.touch_message(house.caller(), replace(DELETE, target_id=message.id), MINUTE)
    assert failed.value.failure.reason == "MESSAGE_UNAVAILABLE"


async def test_a_check_makes_every_check_and_nothing_else(house: House) -> None:
    message = await sent(house)
    assert await house.desk.validate_touch(house.caller(), replace(EDIT, target_id=message.id)) == message
    with pytest.raises(MessageNotFound):
        await house.desk.validate_touch(house.caller(), EDIT)
    with pytest.raises(TextTooLong):
        await house.desk.validate_touch(house.caller(), replace(EDIT, text="x" * 4097))
    house.telegram.failure = Refused(400, "no")
    failed = await house.desk.accept_message(house.caller(), Draft(chat_id=CHAT, text="bad"))
    with pytest.raises(MessageFailed):
        await house.desk.message_ended(failed, MINUTE)
    with pytest.raises(StateConflict):
        await house.desk.validate_touch(house.caller(), replace(DELETE, target_id=failed.id))
    assert len(house.telegram.sent) == 2


async def test_what_is_wrong_is_named_all_at_once(house: House) -> None:
    bad = replace(EDIT, target_id="?", text=" ", request_id="?", ttl=timedelta(0))
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.touch_message(house.caller(), bad, None, [("wait_for", "is not a value")])
    assert {path for path, _ in refused.value.violations} == {"wait_for", "message_id", "text", "request_id", "ttl"}
    with pytest.raises(RequestInvalid) as refused:
        await house.desk.touch_message(house.caller(), replace(DELETE, target_id=""), None)
    assert {path for path, _ in refused.value.violations} == {"message_id"}


async def test_row_8_a_right_to_write_somewhere_else_touches_nothing(house: House) -> None:
    message = await sent(house)
    reader = house.caller(permissions={Permission.READ})
    with pytest.raises(PermissionDenied):
        await house.desk.touch_message(reader, replace(DELETE, target_id=message.id), None)
    writer = frozenset({Permission.WRITE})
    mixed = replace(
        house.caller(),
        grants=(Grant(chat_id=CHAT, permissions=frozenset({Permission.READ})), Grant(chat_id=-7, permissions=writer)),
    )
    with pytest.raises(MessageNotFound):
        await house.desk.touch_message(mixed, replace(DELETE, target_id=message.id), None)
    topic = replace(house.caller(), grants=(Grant(chat_id=CHAT, permissions=writer, message_thread_id=5),))
    with pytest.raises(MessageNotFound):
        await house.desk.touch_message(topic, replace(DELETE, target_id=message.id), None)
    in_topic = await sent(house, message_thread_id=5)
    edit = await house.desk.touch_message(topic, replace(EDIT, target_id=in_topic.id), MINUTE)
    assert await house.desk.get_message(topic, edit.id) == edit
    assert len(house.telegram.sent) == 3
