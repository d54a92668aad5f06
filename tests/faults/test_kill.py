"""kill -9 of the whole server under live clients, again and again on the same data: nothing lost, nothing out of turn.

Clients send, also what has to be split, edit and delete.

`CHATKEY_KILL_ROUNDS` says how often; 0 losses in n rounds is fewer than 3/n a round, with 95 % confidence.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from chatkey import (
    Client,
    DeadlineExceeded,
    MessageUnavailable,
    Overflow,
    StateConflict,
    Unavailable,
    WaitFor,
    WhenUnknown,
)
from gateway import model
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.faults.evidence import evidence
from tests.support.auditor import Told, audit
from tests.support.server import NotStarted, Server, server, until

ROUNDS = int(os.environ.get("CHATKEY_KILL_ROUNDS", "25"))
BATCH = 25
CHATS = (-1001, -1002, 501, 502, 503, 504, 505, 506)
CLIENTS = 16
FAULTS = ({"kind": "delay", "seconds": 0.05}, {"kind": "delay", "seconds": 0.3}, {"kind": "lost_reply"})


class Writer:
    """A client that writes one message after the other, and asks again, with its request id, until it is answered."""

    def __init__(self, name: str, chat_id: int) -> None:
        self.name = name
        self.chat_id = chat_id
        self.told: list[Told] = []

    async def run(self, server: Server, stop: asyncio.Event) -> None:
        async with server.client(self.chat_id, self.name) as client:
            for number in count():
                if stop.is_set():
                    return
                await self._insist(client, f"{self.name} {number}")

    async def _insist(self, client: Client, text: str) -> None:
        when_unknown = random.choice(list(WhenUnknown))
        wait_for = random.choice(list(WaitFor))
        parts = [f"{text} + {part} ".ljust(3000, "x") for part in range(random.choice([2, 3]))]
        parts = parts if random.random() < 0.2 else [text]
        told = Told(
            client=self.name,
            chat_id=self.chat_id,
            text=parts[0],
            parts=parts,
            request_id=text.replace(" ", "-"),
            give_up=when_unknown is WhenUnknown.GIVE_UP,
        )
        self.told.append(told)
        while True:
            try:
                answer = await client.send(
                    "\n\n".join(parts),
                    overflow=Overflow.SPLIT,
                    chat_id=self.chat_id,
                    request_id=told.request_id,
                    wait_for=wait_for,
                    when_unknown=when_unknown,
                    timeout=random.choice([0.05, 1, 5]),
                )
            except (Unavailable, DeadlineExceeded):
                continue
            told.accepted.append(answer.id)
            if answer.state.is_final:
                told.ends.append((answer.id, model.State(answer.state.value)))
            if random.random() < 0.8:  # and now and then it asks again although it was answered
                break
        for edit in random.choice([[], [], ["edited"], ["edited", "edited again"], [""], ["edited", ""]]):
            if not edit or len(parts) == 1:
                await self._touch(client, answer.id, told, f"{text} {edit}" if edit else "")

    async def _touch(self, client: Client, message_id: str, target: Told, edit: str) -> None:
        told = Told(client=self.name, chat_id=self.chat_id, text=edit or f"-{target.text}")
        told.request_id = edit.replace(" ", "-") or f"-{target.request_id}"
        self.told.append(told)
        wait_for, request_id = random.choice(list(WaitFor)), told.request_id
        while True:
            try:
                if edit:
                    touch = await client.edit(message_id, edit, request_id=request_id, wait_for=wait_for, timeout=5)
                else:
                    touch = await client.delete(message_id, request_id=request_id, wait_for=wait_for, timeout=5)
            except (Unavailable, DeadlineExceeded):
                continue
            except (StateConflict, MessageUnavailable) as refused:  # its message ended in DELIVERY_UNKNOWN
                told.accepted += [refused.message_id] if isinstance(refused, MessageUnavailable) else []
                return
            told.accepted.append(touch.id)
            if touch.state.is_final:
                told.ends.append((touch.id, model.State(touch.state.value)))
            return


async def live_and_die(server: Server, telegram: Sandbox) -> None:
    """Kill the server somewhere in its work: at some further request to Telegram, or while it begins."""
    if random.random() < 0.2:
        starting = asyncio.create_task(server.start())
        await until(lambda: server.runs, "the process is there")
        await asyncio.sleep(random.uniform(0, 1))  # a moment that nothing announces
        await server.kill()
        with suppress(NotStarted):
            await starting
        return
    await server.start()
    arrived = len(telegram.log()) + random.randrange(100)
    telegram.add_fault("sendMessage", times=random.randint(1, 3), fault=random.choice(FAULTS))
    await until(lambda: len(telegram.log()) >= arrived, "Telegram is asked more")
    await server.kill()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(-(-ROUNDS // BATCH)))
async def test_kill_loses_nothing(tmp_path: Path, batch: int) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": chat_id} for chat_id in CHATS], log_size=1_000_000)
    writers = [Writer(f"svc:{number}", random.choice(CHATS)) for number in range(CLIENTS)]
    restarts: list[float] = []
    async with sandbox_running(telegram) as url, server(tmp_path, url, log_level="WARNING") as killed:
        stop = asyncio.Event()
        writing = [asyncio.create_task(writer.run(killed, stop)) for writer in writers]
        for _ in range(min(BATCH, ROUNDS - batch * BATCH)):
            await live_and_die(killed, telegram)
            restarts.append(time.monotonic())
        telegram.clear_faults()
        await killed.start()
        stop.set()
        await asyncio.gather(*writing)
        await until(killed.is_done, "every message is final")
        assert await killed.stop() == 0
        told = [each for writer in writers for each in writer.told]
        found = await evidence(killed.config.database_path, telegram, told, restarts=restarts)
    assert audit(found) == []
    sent = [message for message in found.messages if message.kind is model.Kind.SEND]
    assert {message.state for message in sent} <= {model.State.DELIVERED, model.State.DELIVERY_UNKNOWN}
    assert {message.kind for message in found.messages if message.state is model.State.DELIVERED} == {*model.Kind}
    assert {message.parts for message in sent} == {1, 2, 3}
    unknown = [message for message in found.messages if message.unknown_attempts]
    assert unknown, "no kill met an attempt under way"
    print(f"{len(restarts)} kills, {len(found.messages)} messages, {len(unknown)} with attempts that got no answer")
