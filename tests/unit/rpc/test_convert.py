from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chatkey.v1 import credential_self_pb2, error_reason_pb2
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.desk.checks import ENTITY_KINDS
from gateway.errors import RequestInvalid
from gateway.model import (
    Button,
    Draft,
    Entity,
    Failure,
    Kind,
    LinkPreview,
    Message,
    Overflow,
    Permission,
    Priority,
    State,
    TextFormat,
    WhenUnknown,
)
from gateway.rpc import answers, convert

AT = datetime(2026, 11, 24, 6, 30, 0, 250_000, tzinfo=UTC)
MESSAGE = Message(
    id="m",
    client="billing",
    chat_id=-5,
    request_id="r1",
    fingerprint=b"f",
    content=b"c",
    token_id="t",
    key_id="k",
    issued_at=AT,
    priority=Priority.NORMAL,
    when_unknown=WhenUnknown.RESEND,
    accepted_at=AT,
    due_at=AT,
    expires_at=AT + timedelta(hours=24),
)


@pytest.mark.parametrize(
    ("known", "enum", "words"),
    [
        (convert.TEXT_FORMATS, pb.TextFormat, TextFormat),
        (convert.LINK_PREVIEWS, pb.LinkPreview, LinkPreview),
        (convert.WHEN_UNKNOWN, pb.WhenUnknown, WhenUnknown),
        (convert.PRIORITIES, pb.Priority, Priority),
        (convert.OVERFLOWS, pb.Overflow, Overflow),
    ],
)
def test_every_value_of_an_enum_has_a_word_and_every_word_a_value(
    known: Mapping[int, Enum], enum: Any, words: type[Enum]
) -> None:
    assert set(known) == set(enum.values())
    assert set(known.values()) == set(words)
    assert all(enum.Name(number).endswith(f"_{word.name}") for number, word in known.items() if number)


def test_every_other_enum_is_complete_too() -> None:
    assert set(convert.WAITS) == set(pb.WaitFor.values())
    assert set(convert.ENTITY_KINDS.values()) == ENTITY_KINDS
    assert {*answers.STATES.values(), "STATE_UNSPECIFIED"} == set(pb.State.keys())
    assert {pb.State.Value(name): state for state, name in answers.STATES.items()} == convert.STATES
    assert set(convert.RESOLUTIONS) == set(pb.Resolution.values())
    permissions = set(credential_self_pb2.Permission.keys())
    assert {*answers.PERMISSIONS.values(), "PERMISSION_UNSPECIFIED"} == permissions
    assert set(answers.PERMISSIONS) == set(Permission)


def test_an_empty_request_is_a_draft_of_defaults() -> None:
    assert convert.draft_from(pb.SendMessageRequest()) == (Draft(chat_id=0, text=""), [])


def test_every_field_of_a_request_gets_into_the_draft() -> None:
    request = pb.SendMessageRequest(
        chat_id=-5,
        text="hello",
        text_format=pb.TEXT_FORMAT_HTML,
        entities=[pb.MessageEntity(type=pb.ENTITY_TYPE_TEXT_LINK, offset=1, length=2, url="u", language="l")],
        request_id="r1",
        message_thread_id=7,
        reply_to_message_id=8,
        silent=True,
        protect_content=True,
        link_preview=pb.LINK_PREVIEW_AUTO,
        buttons=[pb.ButtonRow(buttons=[pb.Button(text="a", url="u"), pb.Button(text="b", copy_text="c")])],
        when_unknown=pb.WHEN_UNKNOWN_GIVE_UP,
        priority=pb.PRIORITY_HIGH,
        ttl=Duration(seconds=90, nanos=5_000_000),
        send_at=Timestamp(seconds=1, nanos=1000),
        overflow=pb.OVERFLOW_SPLIT,
    )
    draft, malformed = convert.draft_from(request)
    assert not malformed
    assert draft == Draft(
        chat_id=-5,
        text="hello",
        text_format=TextFormat.HTML,
        entities=(Entity(kind="text_link", offset=1, length=2, url="u", language="l"),),
        request_id="r1",
        message_thread_id=7,
        reply_to_message_id=8,
        silent=True,
        protect_content=True,
        link_preview=LinkPreview.AUTO,
        buttons=((Button(text="a", url="u"), Button(text="b", copy_text="c")),),
        when_unknown=WhenUnknown.GIVE_UP,
        priority=Priority.HIGH,
        ttl=timedelta(seconds=90, milliseconds=5),
        send_at=datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC),
        overflow=Overflow.SPLIT,
    )
    not_asked = {"kind", "target_id", "parts", "document"}
    names = {field.name for field in fields(Draft)} - not_asked | {"wait_for", "validate_only"}
    assert names == {field.name for field in pb.SendMessageRequest.DESCRIPTOR.fields}


def test_every_field_of_an_edit_and_of_a_delete_gets_into_the_draft() -> None:
    edit = pb.EditMessageRequest(
        message_id="m1",
        text="hello",
        text_format=pb.TEXT_FORMAT_HTML,
        entities=[pb.MessageEntity(type=pb.ENTITY_TYPE_BOLD, offset=1, length=2)],
        link_preview=pb.LINK_PREVIEW_AUTO,
        buttons=[pb.ButtonRow(buttons=[pb.Button(text="a", url="u")])],
        request_id="r1",
        priority=pb.PRIORITY_HIGH,
        ttl=Duration(seconds=90),
    )
    draft, malformed = convert.edit_from(edit)
    assert not malformed
    assert draft == Draft(
        kind=Kind.EDIT,
        chat_id=0,
        target_id="m1",
        text="hello",
        text_format=TextFormat.HTML,
        entities=(Entity(kind="bold", offset=1, length=2),),
        link_preview=LinkPreview.AUTO,
        buttons=((Button(text="a", url="u"),),),
        request_id="r1",
        priority=Priority.HIGH,
        ttl=timedelta(seconds=90),
    )
    delete = pb.DeleteMessageRequest(
        message_id="m1", request_id="r2", priority=pb.PRIORITY_BULK, ttl=Duration(seconds=9)
    )
    draft, malformed = convert.delete_from(delete)
    assert not malformed
    assert draft == Draft(
        kind=Kind.DELETE,
        chat_id=0,
        target_id="m1",
        text="",
        request_id="r2",
        priority=Priority.BULK,
        ttl=timedelta(seconds=9),
    )
    for request in (edit, delete):
        passed_on = {"wait_for", "validate_only"}
        assert {field.name for field in request.DESCRIPTOR.fields} == {
            field.name for field, _ in request.ListFields()
        } | passed_on


def test_a_number_that_an_enum_does_not_have_is_refused_in_an_edit_and_a_delete() -> None:
    edit = pb.EditMessageRequest(text_format=99, link_preview=99, priority=99, wait_for=99)  # type: ignore[arg-type]
    assert {path for path, _ in convert.edit_from(edit)[1]} == {"text_format", "link_preview", "priority", "wait_for"}
    delete = pb.DeleteMessageRequest(priority=99, wait_for=99)  # type: ignore[arg-type]
    assert {path for path, _ in convert.delete_from(delete)[1]} == {"priority", "wait_for"}


@pytest.mark.parametrize("name", ["text_format", "link_preview", "when_unknown", "priority", "wait_for"])
@pytest.mark.parametrize("number", [99, -1])
def test_a_number_that_an_enum_does_not_have_is_refused(name: str, number: int) -> None:
    request = pb.SendMessageRequest(**{name: number})  # type: ignore[arg-type]
    assert [path for path, _ in convert.draft_from(request)[1]] == [name]
    assert convert.waits(pb.SendMessageRequest(wait_for=99), by_default=True) is False  # type: ignore[arg-type]


def test_a_kind_of_formatting_that_is_not_known_is_left_to_the_checks() -> None:
    request = pb.SendMessageRequest(entities=[pb.MessageEntity(), pb.MessageEntity(type=99)])  # type: ignore[arg-type]
    assert [entity.kind for entity in convert.draft_from(request)[0].entities] == ["", ""]


UNKNOWN_FIELD = b"\xd2\x09\x01x"  # field 154, a string


def test_fields_that_are_not_known_are_refused_however_deep() -> None:
    request = pb.SendMessageRequest(entities=[pb.MessageEntity()] * 2, send_at=Timestamp(seconds=1))
    request.buttons.add().buttons.add()
    for message in (request, request.entities[1], request.buttons[0].buttons[0], request.send_at):
        message.MergeFromString(UNKNOWN_FIELD)
    paths = [path for path, _ in convert.draft_from(request)[1]]
    assert paths == ["154", "entities[1].154", "buttons[0].buttons[0].154", "send_at.154"]


def test_a_flood_of_unknown_fields_is_not_read_to_its_end() -> None:
    request = pb.GetMessageRequest.FromString(UNKNOWN_FIELD * 10_000)
    with pytest.raises(RequestInvalid) as refused:
        convert.refuse_unknown_fields(request)
    assert len(refused.value.violations) == 20
    convert.refuse_unknown_fields(pb.GetMessageRequest(message_id="m"))


@pytest.mark.parametrize("seconds", [-(2**63), -1, 0, 7 * 86_400 + 1, 315_576_000_000, 2**63 - 1])
def test_a_ttl_that_no_timedelta_could_hold_is_out_of_range_all_the_same(seconds: int) -> None:
    ttl = convert.draft_from(pb.SendMessageRequest(ttl=Duration(seconds=seconds)))[0].ttl
    assert not timedelta(seconds=1) <= ttl <= timedelta(days=7)


@pytest.mark.parametrize(
    "timestamp", [{"seconds": 2**63 - 1}, {"seconds": -(2**63)}, {"seconds": 1, "nanos": -1}, {"nanos": 2**31 - 1}]
)
def test_an_instant_that_is_none_is_refused(timestamp: dict[str, int]) -> None:
    draft, malformed = convert.draft_from(pb.SendMessageRequest(send_at=Timestamp(**timestamp)))
    assert draft.send_at is None
    assert [path for path, _ in malformed] == ["send_at"]


def test_a_message_is_shown_with_what_it_has() -> None:
    assert answers.message_to(MESSAGE) == pb.Message(
        id="m",
        chat_id=-5,
        state=pb.STATE_QUEUED,
        request_id="r1",
        accept_time=Timestamp(seconds=1795501800, nanos=250_000_000),
        expire_time=Timestamp(seconds=1795588200, nanos=250_000_000),
        kind=pb.KIND_SEND,
        parts=1,
    )


def test_a_message_that_ended_says_when_and_why() -> None:
    failure = Failure(reason="CHAT_UNAVAILABLE", description="d", telegram_error_code=403)
    ended = replace(MESSAGE, state=State.FAILED, attempts=3, unknown_attempts=2, finished_at=AT, failure=failure)
    shown = answers.message_to(ended)
    assert shown.failure.reason == error_reason_pb2.ERROR_REASON_CHAT_UNAVAILABLE
    assert (shown.failure.description, shown.failure.telegram_error_code) == ("d", 403)
    assert shown.finish_time.ToDatetime(UTC) == AT
    assert (shown.attempts, shown.possibly_duplicated) == (3, True)
    assert not shown.HasField("due_time")


@pytest.mark.parametrize(("state", "shown"), [(State.QUEUED, True), (State.RETRY_WAIT, True), (State.SENDING, False)])
def test_the_next_attempt_is_shown_while_one_is_waited_for(state: State, shown: bool) -> None:
    later = AT + timedelta(seconds=5)
    message = answers.message_to(replace(MESSAGE, state=state, due_at=later))
    assert message.HasField("due_time") is shown
    assert not shown or message.due_time.ToDatetime(UTC) == later
