"""A text that is too long, from a real client over the real connector to the sandbox and its words."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatkey import Button, Client, InvalidRequest, Message, Overflow, State, TextFormat, TextTooLong, WaitFor
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support.canary import BOT_TOKEN
from tests.support.gateway import Gateway, gateway
from tests.support.kept import shown
from tests.support.server import server, until

OPS = -1001234567890
REPORT = "\n\n".join(f"## Chapter {chapter}\n\n" + f"Some **bold** words of {chapter}. " * 90 for chapter in range(4))
"""Markdown: four chapters, of which a message takes one."""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Gateway]:
    telegram = Sandbox(limits="none")
    telegram.add_chat(OPS, title="Ops", topics=(42,))
    async with gateway(tmp_path / "data", telegram) as opened:
        yield opened


@pytest.fixture
async def ops(running: Gateway) -> AsyncIterator[Client]:
    async with running.client(OPS) as client:
        yield client


async def test_it_is_sent_in_parts_that_stand_one_below_the_other(running: Gateway, ops: Client) -> None:
    asked = await ops.send("How is it?", thread_id=42)
    report = {"text_format": TextFormat.MARKDOWN, "overflow": Overflow.SPLIT}
    explained = await ops.explain(REPORT, **report)
    message = await ops.send(
        REPORT,
        thread_id=42,
        reply_to=asked.telegram_message_ids[0],
        buttons=[[Button("all", url="https://example.org/")]],
        silent=True,
        **report,
    )
    assert (message.state, message.parts, len(message.telegram_message_ids)) == (State.DELIVERED, 4, 4)
    assert (explained.parts, explained.allowed) == (4, True)
    seen = running.telegram.messages(OPS)[1:]
    assert [each["message_id"] for each in seen] == list(message.telegram_message_ids)
    assert [each["text"].partition("\n")[0] for each in seen] == [f"Chapter {chapter}" for chapter in range(4)]
    assert sum(len(each["text"]) for each in seen) == explained.text_length - 3 * len("\n\n")
    assert all(sum(entity["type"] == "bold" for entity in each["entities"]) == 91 for each in seen)
    assert [each["message_thread_id"] for each in seen] == [42] * 4
    assert ["reply_to_message" in each for each in seen] == [True, False, False, False]
    assert ["reply_markup" in each for each in seen] == [False, False, False, True]


async def test_it_is_one_message_to_its_client(running: Gateway, ops: Client) -> None:
    options = {"overflow": Overflow.SPLIT, "request_id": "report"}
    message = await ops.send(REPORT, **options)
    assert await ops.send(REPORT, **options) == message
    assert await ops.get(message.id) == message
    assert [each.id async for each in ops.list()] == [message.id]
    with pytest.raises(InvalidRequest, match="4 parts"):
        await ops.edit(message.id, "shorter")
    delete = await ops.delete(message.id)
    assert (delete.state, delete.telegram_message_ids) == (State.DELIVERED, message.telegram_message_ids)
    assert running.telegram.messages(OPS) == []
    assert [entry["method"] for entry in running.telegram.log()].count("deleteMessages") == 1


async def test_it_is_refused_unless_its_client_says_what_to_do(running: Gateway, ops: Client) -> None:
    with pytest.raises(TextTooLong):
        await ops.send(REPORT)
    with pytest.raises(InvalidRequest) as refused:
        await ops.send(REPORT, text_format=TextFormat.HTML, overflow=Overflow.SPLIT)
    assert [violation.field for violation in refused.value.violations] == ["overflow"]
    checked = await ops.send(REPORT, overflow=Overflow.DOCUMENT, validate_only=True)
    assert (checked.id, running.telegram.messages(OPS)) == ("", [])


async def test_it_is_sent_as_a_file(running: Gateway, ops: Client) -> None:
    message = await ops.send(REPORT, text_format=TextFormat.MARKDOWN, overflow=Overflow.DOCUMENT)
    assert (message.state, message.parts) == (State.DELIVERED, 1)
    (seen,) = running.telegram.messages(OPS)
    assert seen["document"]["file_name"] == "message.txt"
    stored = running.telegram.files.find(int(BOT_TOKEN.partition(":")[0]), seen["document"]["file_id"])
    assert stored is not None
    assert stored.content.decode() == REPORT
    assert seen["caption"].startswith("Chapter 0\n\nSome bold words")
    assert len(seen["caption"]) <= 1024
    with pytest.raises(InvalidRequest, match="document"):
        await ops.edit(message.id, "shorter")
    await ops.delete(message.id)
    assert running.telegram.messages(OPS) == []


async def test_the_command_takes_what_another_program_writes(running: Gateway) -> None:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "send", "-", "--overflow", "split", "--format", "markdown", "--json"),
        env=os.environ | {"CHATKEY_ADDRESS": running.address, "CHATKEY_TOKEN": running.token(OPS)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await command.communicate(REPORT.encode())
    assert command.returncode == 0
    assert len(json.loads(said)["telegram_message_ids"]) == len(running.telegram.messages(OPS)) == 4


@pytest.mark.slow  # two starts of a server, and a second between two parts
async def test_killed_between_two_parts_the_server_goes_on_with_the_next(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": OPS}])
    text = REPORT[: REPORT.index("## Chapter 2")]
    async with sandbox_running(telegram) as url, server(tmp_path, url, pacing="telegram") as killed:
        await killed.start()
        async with killed.client(OPS) as client:
            message = await client.send(text, overflow=Overflow.SPLIT, wait_for=WaitFor.ACCEPTANCE)
            await until(lambda: _has_begun(client, message), "a part has arrived")
        await killed.kill()
        await killed.start()
        async with killed.client(OPS) as client:
            await until(lambda: _is_final(client, message), "all parts have arrived")
            ended = await client.get(message.id)
    assert (ended.state, len(ended.telegram_message_ids)) == (State.DELIVERED, 2)
    begins = [seen.partition("\n")[0] for seen in shown(telegram, OPS)]
    # On a slow machine the kill may come so late that it meets the second part.
    assert begins == ["## Chapter 0", *["## Chapter 1"] * (1 + ended.possibly_duplicated)]


async def _has_begun(client: Client, message: Message) -> bool:
    return bool((await client.get(message.id)).telegram_message_ids)


async def _is_final(client: Client, message: Message) -> bool:
    return (await client.get(message.id)).state.is_final
