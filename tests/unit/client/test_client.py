"""What a caller sees of the client, against a gateway that answers as told."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from chatkey import (
    BlockingClient,
    Button,
    ChatGrant,
    ChatkeyError,
    Client,
    ConfigurationError,
    Credential,
    DeadlineExceeded,
    EntityType,
    InvalidRequest,
    LinkPreview,
    MessageEntity,
    Overflow,
    Permission,
    Priority,
    QuotaExceeded,
    State,
    TelegramFailed,
    TextFormat,
    TextTooLong,
    TokenExpired,
    Unavailable,
    Violation,
    WaitFor,
    WhenUnknown,
)
from chatkey.requests import delete_request, edit_request
from chatkey.v1 import credential_self_pb2 as self_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.unit.client.conftest import InThread, Opened, Pauses
from tests.unit.client.far_side import CHAT, FarSide, Wire, hang, refuse

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
NOT_DURABLE = refuse(UNAVAILABLE, "NOT_DURABLE")


async def test_a_message_is_sent_as_it_was_asked(client: Any, far_side: FarSide) -> None:
    message = await client.send(
        "*hi*",
        chat_id=42,
        request_id="order-1",
        text_format=TextFormat.MARKDOWN,
        wait_for=WaitFor.ACCEPTANCE,
        silent=True,
        protect_content=True,
        reply_to=5,
        thread_id=6,
        buttons=[[Button("Open", url="https://e.org"), Button("Copy", copy_text="x")]],
        entities=[MessageEntity(EntityType.PRE, 0, 2, language="py")],
        ttl=timedelta(minutes=5),
        send_at=datetime(2030, 1, 1, tzinfo=UTC),
        when_unknown=WhenUnknown.GIVE_UP,
        priority=Priority.HIGH,
        link_preview=LinkPreview.AUTO,
        overflow=Overflow.SPLIT,
        validate_only=True,
    )
    expected = pb.SendMessageRequest(
        chat_id=42,
        text="*hi*",
        text_format=pb.TEXT_FORMAT_MARKDOWN,
        entities=[pb.MessageEntity(type=pb.ENTITY_TYPE_PRE, offset=0, length=2, language="py")],
        request_id="order-1",
        wait_for=pb.WAIT_FOR_ACCEPTANCE,
        message_thread_id=6,
        reply_to_message_id=5,
        silent=True,
        protect_content=True,
        link_preview=pb.LINK_PREVIEW_AUTO,
        overflow=pb.OVERFLOW_SPLIT,
        buttons=[
            pb.ButtonRow(
                buttons=[pb.Button(text="Open", url="https://e.org"), pb.Button(text="Copy", copy_text="x")],
            )
        ],
        when_unknown=pb.WHEN_UNKNOWN_GIVE_UP,
        priority=pb.PRIORITY_HIGH,
        validate_only=True,
    )
    expected.ttl.FromSeconds(300)
    expected.send_at.FromSeconds(1893456000)
    assert far_side.requests == [expected]
    assert (message.id, message.state, message.telegram_message_ids) == ("m-1", State.DELIVERED, (7,))
    assert message.request_id == "order-1"


async def test_the_only_chat_of_the_token_is_learned_once(client: Any, far_side: FarSide) -> None:
    await asyncio.gather(*(client.send("hi") for _ in range(8)))
    assert [request.chat_id for request in far_side.asked(pb.SendMessageRequest)] == [CHAT] * 8
    assert len(far_side.asked(self_pb.DescribeCredentialRequest)) == 1


async def test_one_of_several_chats_is_not_guessed(client: Any, far_side: FarSide) -> None:
    far_side.chats = [1, 2]
    with pytest.raises(ConfigurationError, match="2 chats"):
        await client.send("hi")
    assert not far_side.asked(pb.SendMessageRequest)


async def test_every_message_has_a_request_id_of_its_own(client: Any, far_side: FarSide) -> None:
    await client.send("hi", chat_id=1)
    await client.send("hi", chat_id=1)
    first, second = (request.request_id for request in far_side.requests)
    assert first
    assert first != second


async def test_get_cancel_and_describe(client: Any, far_side: FarSide) -> None:
    assert (await client.get("m-1")).id == (await client.cancel("m-1")).id == "m-1"
    assert [request.message_id for request in far_side.requests] == ["m-1", "m-1"]
    credential = await client.describe()
    assert credential.client == "ops"
    assert [(grant.chat_id, grant.permissions) for grant in credential.grants] == [(CHAT, {Permission.WRITE})]


async def test_a_token_is_narrowed(client: Any, far_side: FarSide) -> None:
    grants = [ChatGrant(CHAT, frozenset({Permission.READ}), 42), ChatGrant(7, frozenset())]
    narrowed = await client.narrow(grants=grants, ttl=timedelta(minutes=5), address_ranges=["10.0.0.0/8"])
    (request,) = far_side.requests
    assert request == self_pb.NarrowCredentialRequest(
        grants=[
            self_pb.ChatGrant(chat_id=CHAT, permissions=[self_pb.PERMISSION_READ], message_thread_id=42),
            self_pb.ChatGrant(chat_id=7),
        ],
        ttl=Duration(seconds=300),
        address_ranges=["10.0.0.0/8"],
    )
    assert narrowed.token == "c.h.ild"
    assert "c.h.ild" not in repr(narrowed)
    assert narrowed.credential == Credential(
        client="ops",
        token_id="child",
        issuer="",
        grants=tuple(grants),
        issued_at=None,
        expires_at=None,
        address_ranges=("10.0.0.0/8",),
        certificate_thumbprint="thumb",
        generation=0,
        parent_token_ids=("parent", "root"),
    )


async def test_a_token_narrowed_by_nothing_said_is_asked_for_with_nothing_said(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [NOT_DURABLE]
    assert (await client.narrow()).token == "c.h.ild"
    assert far_side.requests == [self_pb.NarrowCredentialRequest()] * 2
    assert (await client.describe()).generation is None


async def test_an_option_may_be_said_by_its_value(client: Any, far_side: FarSide) -> None:
    await client.send("hi", chat_id=1, text_format="HTML", wait_for="ACCEPTANCE")
    (request,) = far_side.requests
    assert (request.text_format, request.wait_for) == (pb.TEXT_FORMAT_HTML, pb.WAIT_FOR_ACCEPTANCE)


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"slient": True}, TypeError, "slient"),
        ({"text_format": "html"}, ValueError, "TextFormat"),
        ({"chat_id": "1"}, TypeError, "str"),
        ({"chat_id": 2**70}, ValueError, "range"),
        ({"request_id": "\ud800"}, ValueError, "surrogates"),
    ],
)
async def test_what_is_no_option_is_not_left_out_in_silence(
    client: Any, far_side: FarSide, options: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        await client.send("hi", **({"chat_id": 1} | options))
    assert far_side.requests == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: edit_request("hi", "m-1", "r", {"silent": True}),  # type: ignore[typeddict-unknown-key]
        lambda: delete_request("m-1", "r", {"text_format": TextFormat.HTML}),  # type: ignore[typeddict-unknown-key]
    ],
)
def test_what_is_an_option_of_another_method_is_none_of_this_one(build: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="no option"):
        build()


async def test_a_text_that_no_request_can_carry_is_too_long_like_any_other(client: Any, far_side: FarSide) -> None:
    with pytest.raises(TextTooLong, match="1000000 characters") as refused:
        await client.send(1_000_000 * "x", chat_id=1)
    assert (refused.value.reason, far_side.requests) == ("TEXT_TOO_LONG", [])


async def test_an_instant_without_a_time_zone_is_refused(client: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await client.send("hi", chat_id=1, send_at=datetime(2030, 1, 1))


async def test_unavailable_is_repeated_with_the_same_request_id(client: Any, far_side: FarSide, pauses: Pauses) -> None:
    far_side.outcomes = [NOT_DURABLE] * 6
    message = await client.send("hi", chat_id=1)
    assert {request.request_id for request in far_side.requests} == {message.request_id}
    assert pauses.seconds == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


async def test_repeats_end_before_the_deadline(client: Any, far_side: FarSide, pauses: Pauses) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, "SHUTTING_DOWN", trailers=[("grpc-retry-pushback-ms", "60000")])]
    with pytest.raises(Unavailable) as refused:
        await client.send("hi", chat_id=1, request_id="r")
    assert refused.value.retry_after == timedelta(seconds=60)
    assert refused.value.request_id == "r"
    assert pauses.seconds == []


async def test_the_gateway_says_how_long_to_pause(client: Any, far_side: FarSide, pauses: Pauses) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, "NOT_DURABLE", trailers=[("grpc-retry-pushback-ms", "1234")])]
    await client.send("hi", chat_id=1)
    assert pauses.seconds == [1.234]


async def test_the_gateway_may_forbid_to_repeat(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, "NOT_DURABLE", trailers=[("grpc-retry-pushback-ms", "-1")])]
    with pytest.raises(Unavailable):
        await client.send("hi", chat_id=1)
    assert len(far_side.requests) == 1


async def test_a_lost_connection_is_repeated_with_the_same_request_id(
    opened: Opened, far_side: FarSide, port: int
) -> None:
    far_side.outcomes = [hang]
    async with Wire(port).laid() as wire:
        client = opened(wire.port)
        sending = asyncio.create_task(client.send("hi", chat_id=1))
        await far_side.arrived.wait()
        wire.cut()
        message = await sending
    assert [request.request_id for request in far_side.requests] == [message.request_id] * 2


async def test_a_missed_deadline_is_not_repeated_and_names_the_request(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [hang]
    with pytest.raises(DeadlineExceeded, match="'order-1'") as missed:
        await client.send("hi", chat_id=1, request_id="order-1", timeout=0.3)
    assert missed.value.request_id == "order-1"
    assert len(far_side.requests) == 1


async def test_a_deadline_missed_behind_the_gateway_is_not_repeated_either(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [refuse(grpc.StatusCode.DEADLINE_EXCEEDED)]
    with pytest.raises(DeadlineExceeded):
        await client.send("hi", chat_id=1)
    assert len(far_side.requests) == 1


async def test_a_used_up_quota_says_when_to_come_again(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", retry_after=1.5)]
    with pytest.raises(QuotaExceeded) as refused:
        await client.send("hi", chat_id=1)
    assert refused.value.retry_after == timedelta(seconds=1.5)


async def test_a_used_up_quota_may_be_waited_for(opened: Opened, far_side: FarSide, port: int, pauses: Pauses) -> None:
    far_side.outcomes = [refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", retry_after=1.5)]
    await opened(port, wait_for_quota=True).send("hi", chat_id=1)
    assert pauses.seconds == [1.5]


async def test_an_error_carries_what_a_program_needs(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [
        refuse(
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            metadata={"messageId": "m-9", "telegramErrorCode": "400"},
            violations=[("text", "is empty")],
        )
    ]
    with pytest.raises(InvalidRequest) as refused:
        await client.send("hi", chat_id=1)
    error = refused.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert (error.message_id, error.error_id) == ("m-9", "e-1")
    assert error.metadata == {"messageId": "m-9", "telegramErrorCode": "400"}
    assert error.violations == (Violation("text", "is empty"),)
    assert not error.retriable


async def test_a_message_that_is_final_is_not_repeated(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [refuse(UNAVAILABLE, "TELEGRAM_FAILED", metadata={"messageId": "m-9"})]
    with pytest.raises(TelegramFailed) as failed:
        await client.send("hi", chat_id=1)
    assert failed.value.message_id == "m-9"
    assert len(far_side.requests) == 1


async def test_a_replaced_token_is_used_without_a_restart(
    opened: Opened, far_side: FarSide, port: int, pauses: Pauses, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old.old.old\n")
    client = opened(port, token_file=file)
    await client.send("hi")
    far_side.chats = [43]
    far_side.outcomes = [NOT_DURABLE]
    pauses.during = lambda: file.write_text("new.new.new\n") and None
    await client.send("hi", chat_id=1)
    await client.send("hi")
    assert far_side.tokens == ["Bearer old.old.old"] * 3 + ["Bearer new.new.new"] * 3
    assert far_side.requests[-1].chat_id == 43


async def test_the_token_shows_nowhere(
    opened: Opened, far_side: FarSide, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = opened(port, token="secret.secret.secret")
    far_side.outcomes = [refuse(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"), hang]
    for timeout in (30.0, 0.2):
        with pytest.raises(ChatkeyError) as refused:
            await client.send("hi", chat_id=1, timeout=timeout)
        assert "secret" not in "".join(traceback.format_exception(refused.value)) + repr(vars(refused.value))
    await client.send("hi")
    assert "secret" not in repr(client) + repr(vars(getattr(client, "client", client))) + caplog.text
    assert far_side.tokens == ["Bearer secret.secret.secret"] * 4


async def test_watching_goes_on_where_it_ended(client: Any, far_side: FarSide, pauses: Pauses) -> None:
    far_side.streams = [["t1", "t2", NOT_DURABLE], [NOT_DURABLE], ["t3"], ["t4", hang]]
    seen: list[str] = []
    changes = client.watch("t0")
    async for change in changes:
        seen.append(change.resume_token)
        if change.resume_token == "t4":
            break
    await changes.aclose()
    assert seen == ["t1", "t2", "t3", "t4"]
    assert [request.resume_token for request in far_side.requests] == ["t0", "t2", "t2", "t3"]
    assert pauses.seconds == [0.1, 0.2, 0.1]


async def test_watching_goes_on_from_where_it_began_if_it_breaks_before_the_first_change(
    client: Any, far_side: FarSide
) -> None:
    far_side.streams = [["alone", NOT_DURABLE], ["t1", hang]]
    changes = client.watch()
    assert (await anext(changes)).resume_token == "t1"
    await changes.aclose()
    assert [request.resume_token for request in far_side.requests] == ["", "alone"]


async def test_watching_outlives_a_token(
    opened: Opened, far_side: FarSide, port: int, pauses: Pauses, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old.old.old")
    expired = refuse(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")
    far_side.streams = [["t1", expired], ["t2", expired], [expired]]
    pauses.during = lambda: file.write_text("new.new.new") and None
    seen: list[str] = []

    async def follow() -> None:
        async for change in opened(port, token_file=file).watch():
            seen.append(change.resume_token)

    with pytest.raises(TokenExpired):
        await follow()
    assert seen == ["t1", "t2"]
    assert far_side.tokens == ["Bearer old.old.old", "Bearer new.new.new", "Bearer new.new.new"]


async def test_a_closed_client_says_so(client: Any) -> None:
    await client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.get("m-1")


async def test_a_call_that_its_client_is_closed_under_says_so(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [hang]
    sending = asyncio.create_task(client.send("hi", chat_id=1, request_id="order-1"))
    await far_side.arrived.wait()
    await client.close()
    with pytest.raises(ChatkeyError, match="CANCELLED") as ended:
        await sending
    assert (ended.value.code, ended.value.request_id) == (grpc.StatusCode.CANCELLED, "order-1")


async def test_watching_with_a_client_that_is_closed_says_so(client: Any, far_side: FarSide) -> None:
    far_side.streams = [["t1", hang]]
    changes = client.watch()
    await anext(changes)
    following = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(ChatkeyError, match="CANCELLED"):
        await following


async def test_a_task_that_is_cancelled_stays_cancelled(opened: Opened, far_side: FarSide, port: int) -> None:
    client = opened(port)
    if isinstance(client, InThread):
        return
    far_side.outcomes = [hang]
    sending = asyncio.create_task(client.send("hi", chat_id=1))
    await far_side.arrived.wait()
    sending.cancel()
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_client_of_another_event_loop_says_so(opened: Opened, port: int) -> None:
    client = opened(port)
    if isinstance(client, InThread):
        return
    await client.describe()
    with pytest.raises(ConfigurationError, match="event loop"):
        await asyncio.to_thread(asyncio.run, client.describe())
    assert (await client.describe()).client == "ops"


FORKS = """
import os, signal, sys
from chatkey import BlockingClient, ConfigurationError

def in_child(client):
    if not os.fork():
        signal.alarm(20)
        try:
            print(client.describe().client, flush=True)
        except ConfigurationError as refused:
            print(refused, flush=True)
        client.close()
        os._exit(0)
    print(os.wait()[1], flush=True)

client = BlockingClient(sys.argv[1], "a.b.c")
in_child(client)
client.describe()
changes = client.watch()
next(changes)
in_child(client)
client.close()
"""


async def test_a_client_is_of_the_process_of_its_first_call(far_side: FarSide, port: int) -> None:
    far_side.streams = [["t1", hang]]
    # Without gRPC's own help, which it gives only to a process in which nobody calls.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", FORKS, f"127.0.0.1:{port}"),
        env=os.environ | {"GRPC_ENABLE_FORK_SUPPORT": "false"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert said.decode().splitlines() == [
        "ops",
        "0",
        "the process has forked since the client's first call: make a client in each process",
        "0",
    ]
    assert len(far_side.requests) == 3


async def test_the_address_and_the_token_may_come_from_the_environment(
    far_side: FarSide, port: int, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from.file.x")
    monkeypatch.setenv("CHATKEY_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv("CHATKEY_TOKEN", "from.environment.x")
    monkeypatch.setenv("CHATKEY_TOKEN_FILE", str(tmp_path / "token"))
    if kind == "asyncio":
        async with Client() as client:
            await client.describe()
    else:
        with BlockingClient() as blocking:
            await asyncio.to_thread(blocking.describe)
    assert far_side.tokens == ["Bearer from.file.x"]
