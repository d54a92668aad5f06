"""`EditMessage` and `DeleteMessage`, from a real client over the real connector to the sandbox and its words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

import chatkey
from chatkey import (
    BlockingClient,
    Button,
    ChatkeyError,
    InvalidRequest,
    Kind,
    LinkPreview,
    Message,
    MessageNotFound,
    MessageUnavailable,
    PermissionDenied,
    RequestIdReused,
    State,
    StateConflict,
    TextFormat,
    WaitFor,
)
from gateway.model import Permission
from gateway.sandbox import Sandbox
from tests.support.gateway import Gateway, gateway
from tests.support.kept import shown

OPS, FINANCE = -1001, -1002
UNKNOWN = "01931e5c-0000-7000-8000-000000000000"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path / "data", Sandbox(limits="none", chats=[{"id": OPS}, {"id": FINANCE}])) as opened:
        yield opened


async def outcome(call: object) -> ChatkeyError:
    with pytest.raises(ChatkeyError) as refused:
        await call  # type: ignore[misc]
    return refused.value


async def test_a_message_is_changed_and_taken_out(running: Gateway) -> None:
    async with running.client(OPS) as ops:
        message = await ops.send("Deploying", buttons=[[Button("log", url="https://example.com")]])
        buttons = [[Button("undo", copy_text="undo 42")]]
        edit = await ops.edit(
            message.id,
            "**Deployed** https://example.com",
            text_format=TextFormat.MARKDOWN,
            buttons=buttons,
            link_preview=LinkPreview.AUTO,
        )
        assert (edit.kind, edit.target_id, edit.state) == (Kind.EDIT, message.id, State.DELIVERED)
        assert edit.telegram_message_ids == message.telegram_message_ids
        (seen,) = running.telegram.messages(OPS)
        assert (seen["text"], seen["entities"][0]["type"]) == ("Deployed https://example.com", "bold")
        assert seen["reply_markup"]["inline_keyboard"] == [[{"text": "undo", "copy_text": {"text": "undo 42"}}]]
        assert "link_preview_options" not in seen
        again = await ops.edit(message.id, "plain")
        assert again.id != edit.id
        (seen,) = running.telegram.messages(OPS)
        assert seen["text"] == "plain"
        assert "reply_markup" not in seen
        delete = await ops.delete(message.id)
        assert (delete.kind, delete.state) == (Kind.DELETE, State.DELIVERED)
        assert running.telegram.messages(OPS) == []
        assert [each.kind async for each in ops.list()] == [Kind.DELETE, Kind.EDIT, Kind.EDIT, Kind.SEND]
        assert await ops.get(edit.id) == edit
        assert (await outcome(ops.cancel(edit.id))).reason == "STATE_CONFLICT"


async def test_the_blocking_client_edits_and_deletes_too(running: Gateway) -> None:
    with BlockingClient(running.address, token=running.token(OPS)) as ops:
        message = await asyncio.to_thread(ops.send, "one")
        edit = await asyncio.to_thread(lambda: ops.edit(message.id, "two", request_id="e1", ttl=timedelta(minutes=1)))
        repeated = await asyncio.to_thread(
            lambda: ops.edit(message.id, "two", request_id="e1", ttl=timedelta(minutes=1))
        )
        assert repeated.id == edit.id
        assert shown(running.telegram, OPS) == ["two"]
        delete = await asyncio.to_thread(lambda: ops.delete(message.id, ttl=timedelta(minutes=1)))
        assert delete.state is State.DELIVERED
    assert running.telegram.messages(OPS) == []


async def test_second_thoughts_about_a_message_that_waits_come_after_it(running: Gateway) -> None:
    running.telegram.add_fault("sendMessage", OPS, fault={"kind": "rate_limited", "retry_after": 1})
    async with running.client(OPS) as ops:
        message = await ops.send("one", wait_for=WaitFor.ACCEPTANCE)
        edit = await ops.edit(message.id, "two", wait_for=WaitFor.ACCEPTANCE)
        assert edit.state is State.QUEUED
        assert edit.estimated_wait is not None
        gone = await ops.send("three", wait_for=WaitFor.ACCEPTANCE)
        delete = await ops.delete(gone.id)
        assert delete.state is State.DELIVERED
        assert (await ops.get(edit.id)).state is State.DELIVERED
    assert shown(running.telegram, OPS) == ["two"]


async def test_row_8_another_clients_message_answers_as_an_unknown_one_and_telegram_is_not_asked(
    running: Gateway,
) -> None:
    async with running.client(OPS) as ops, running.client(FINANCE) as finance:
        message = await ops.send("mine")
        asked = len(running.telegram.log())
        touches: list[Callable[[str], Awaitable[Message]]] = [
            lambda message_id: finance.edit(message_id, "stolen", request_id="t"),
            lambda message_id: finance.delete(message_id, request_id="t"),
            lambda message_id: finance.edit(message_id, "stolen", validate_only=True),
        ]
        for touch in touches:
            foreign, unknown = await outcome(touch(message.id)), await outcome(touch(UNKNOWN))
            assert type(foreign) is type(unknown) is MessageNotFound
            assert str(foreign) == str(unknown)
            assert foreign.metadata == {"messageId": message.id}
        assert len(running.telegram.log()) == asked
        async with running.client(OPS, "svc:other") as other:
            assert type(await outcome(other.delete(message.id))) is MessageNotFound
            assert type(await outcome(other.edit(message.id, "stolen"))) is MessageNotFound
    assert shown(running.telegram, OPS) == ["mine"]
    assert running.telegram.messages(FINANCE) == []


async def test_what_can_not_be_touched_is_said_at_once_or_in_the_end(running: Gateway) -> None:
    async with running.client(OPS) as ops:
        message = await ops.send("one")
        cancelled = await ops.send(
            "never", ttl=timedelta(hours=1), wait_for=WaitFor.ACCEPTANCE, send_at=datetime.now(UTC) + timedelta(hours=1)
        )
        behind = await ops.edit(cancelled.id, "x", wait_for=WaitFor.ACCEPTANCE)
        await ops.cancel(cancelled.id)
        assert type(await outcome(ops.edit(cancelled.id, "y"))) is StateConflict
        assert type(await outcome(ops.delete(behind.id))) is InvalidRequest
        failed = await outcome(ops.edit(cancelled.id, "x", request_id=behind.request_id))
        assert (type(failed), failed.code) == (MessageUnavailable, grpc.StatusCode.FAILED_PRECONDITION)
        bad = await outcome(ops.edit("?", "", request_id="?", ttl=timedelta(days=9)))
        assert {violation.field for violation in bad.violations} == {"message_id", "text", "request_id", "ttl"}
        await ops.delete(message.id, request_id="d")
        gone = await outcome(ops.edit(message.id, "two"))
        assert (type(gone), gone.metadata["telegramErrorCode"]) == (MessageUnavailable, "400")
        assert "message to edit not found" in str(gone)
        assert type(await outcome(ops.edit(message.id, "d", request_id="d"))) is RequestIdReused


async def test_a_check_alone_changes_nothing(running: Gateway) -> None:
    async with running.client(OPS) as ops:
        message = await ops.send("one")
        checked = await ops.edit(message.id, "two", validate_only=True)
        assert (checked.id, checked.kind, checked.target_id, checked.chat_id) == ("", Kind.EDIT, message.id, OPS)
        assert (await ops.delete(message.id, validate_only=True)).kind is Kind.DELETE
        assert len([each async for each in ops.list()]) == 1
    assert shown(running.telegram, OPS) == ["one"]


async def test_who_may_only_read_touches_nothing(running: Gateway) -> None:
    async with chatkey.Client(running.address, token=running.token(OPS, "svc:test", Permission.READ)) as reader:
        assert type(await outcome(reader.delete(UNKNOWN))) is PermissionDenied


async def test_a_bot_deletes_its_messages_for_48_hours(tmp_path: Path) -> None:
    wall = [1_800_000_000.0]
    telegram = Sandbox(limits="none", chats=[{"id": OPS}], wall=lambda: wall[0])
    async with gateway(tmp_path, telegram) as running, running.client(OPS) as ops:
        young, old = await ops.send("young"), await ops.send("old")
        wall[0] += 48 * 3600 - 1
        assert (await ops.delete(young.id)).state is State.DELIVERED
        wall[0] += 1
        refused = await outcome(ops.delete(old.id))
        assert (type(refused), refused.metadata["telegramErrorCode"]) == (MessageUnavailable, "400")
        assert "message can't be deleted" in str(refused)
        assert (await ops.edit(old.id, "older")).state is State.DELIVERED
    assert shown(telegram, OPS) == ["older"]
