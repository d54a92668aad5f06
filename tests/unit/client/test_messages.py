"""The client's words and the contract's are the same; what is newer than the client breaks nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest

import chatkey
from chatkey.answers import message_from
from chatkey.v1 import credential_self_pb2, messaging_gateway_pb2
from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.unit.client.far_side import CHAT


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (chatkey.State, messaging_gateway_pb2.State, "STATE_"),
        (chatkey.TextFormat, messaging_gateway_pb2.TextFormat, "TEXT_FORMAT_"),
        (chatkey.WaitFor, messaging_gateway_pb2.WaitFor, "WAIT_FOR_"),
        (chatkey.WhenUnknown, messaging_gateway_pb2.WhenUnknown, "WHEN_UNKNOWN_"),
        (chatkey.Priority, messaging_gateway_pb2.Priority, "PRIORITY_"),
        (chatkey.LinkPreview, messaging_gateway_pb2.LinkPreview, "LINK_PREVIEW_"),
        (chatkey.Overflow, messaging_gateway_pb2.Overflow, "OVERFLOW_"),
        (chatkey.EntityType, messaging_gateway_pb2.EntityType, "ENTITY_TYPE_"),
        (chatkey.Permission, credential_self_pb2.Permission, "PERMISSION_"),
    ],
)
def test_every_value_of_the_contract_has_a_name(ours: type[Enum], theirs: Any, prefix: str) -> None:
    names = {name.removeprefix(prefix) for name in theirs.keys()}  # noqa: SIM118 - an enum wrapper, no dict
    assert {value.value for value in ours} | {"UNSPECIFIED"} == names


def test_every_field_of_a_send_request_can_be_said() -> None:
    renamed = {"reply_to_message_id": "reply_to", "message_thread_id": "thread_id"}
    fields = {renamed.get(field.name, field.name) for field in pb.SendMessageRequest.DESCRIPTOR.fields}
    assert fields == {"chat_id", "text", "request_id", *chatkey.SendOptions.__annotations__}


def test_a_message_is_read_whole() -> None:
    answer = pb.Message(
        id="m-1",
        chat_id=CHAT,
        state=pb.STATE_FAILED,
        telegram_message_ids=[7, 8],
        request_id="r",
        attempts=2,
        possibly_duplicated=True,
        kind=pb.KIND_EDIT,
        target_message_id="m-0",
        parts=3,
        failure=pb.Failure(reason=7, description="Forbidden", telegram_error_code=403),  # type: ignore[arg-type]
    )
    for number, name in enumerate(("accept_time", "finish_time", "due_time", "expire_time"), 1):
        getattr(answer, name).FromSeconds(number)
    assert message_from(answer) == chatkey.Message(
        id="m-1",
        chat_id=CHAT,
        state=chatkey.State.FAILED,
        telegram_message_ids=(7, 8),
        request_id="r",
        accepted_at=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        finished_at=datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC),
        attempts=2,
        possibly_duplicated=True,
        failure=chatkey.Failure(reason="CHAT_UNAVAILABLE", description="Forbidden", telegram_error_code=403),
        due_at=datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC),
        expires_at=datetime(1970, 1, 1, 0, 0, 4, tzinfo=UTC),
        kind=chatkey.Kind.EDIT,
        target_id="m-0",
        parts=3,
    )


def test_what_is_newer_than_the_client_is_still_read() -> None:
    answer = pb.Message(state=99, failure=pb.Failure(reason=999))  # type: ignore[arg-type]
    message = message_from(answer)
    assert message.state is chatkey.State.UNSPECIFIED
    assert message.failure is not None
    assert message.failure.reason == "999"


def test_the_package_shows_exactly_what_it_names() -> None:
    shown = {name for name, value in vars(chatkey).items() if getattr(value, "__module__", "").startswith("chatkey.")}
    assert shown == set(chatkey.__all__)
