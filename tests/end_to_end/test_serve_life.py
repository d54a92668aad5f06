"""How the server ends: waiting callers are answered, attempts under way end, and what waits is there the next time."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing
from pathlib import Path

import apsw
import grpc
import pytest

import chatkey
from chatkey import Client, Message, State
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support.gateway import gateway
from tests.support.kept import accepted, require_delivered, shown
from tests.support.server import Server, serving, until

CHAT, OTHER = -1001, -1002


def telegram_that_takes(seconds: float) -> Sandbox:
    """A Telegram that takes its time for one message to the first chat."""
    telegram = Sandbox(limits="none", chats=[{"id": CHAT}, {"id": OTHER}])
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "delay", "seconds": seconds})
    return telegram


async def waiting_calls(server: Server, client: Client) -> list[asyncio.Task[Message]]:
    """Calls that wait for the delivery of a message on its way, and of one behind it."""
    calls = []
    for number, text in enumerate(("on its way", "behind it"), 1):
        calls.append(asyncio.create_task(client.send(text, chat_id=CHAT)))
        await until(lambda number=number: _waits(server, number), f"{number} messages wait")
    return calls


async def _waits(server: Server, number: int) -> bool:
    return await server.waiting() == number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains(tmp_path: Path, number: signal.Signals) -> None:
    telegram = telegram_that_takes(1.5)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        calls = await waiting_calls(server, client)
        server.signal(number)
        answers = [await call for call in calls]
        assert [answer.state for answer in answers] == [State.SENDING, State.QUEUED]
        assert shown(telegram, CHAT) == []
        assert await server.ended() == 0
        assert shown(telegram, CHAT) == ["on its way"]
        await server.start()
        await require_delivered(telegram, client, answers)
        assert shown(telegram, CHAT) == ["on its way", "behind it"]
        assert [(await client.get(answer.id)).attempts for answer in answers] == [1, 1]


async def test_a_draining_server_takes_no_more(tmp_path: Path) -> None:
    telegram = telegram_that_takes(1.5)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        calls = await waiting_calls(server, client)
        server.signal(signal.SIGTERM)
        await asyncio.gather(*calls)
        with pytest.raises(chatkey.Unavailable) as refused:
            await client.send("too late", chat_id=CHAT, timeout=0.5, request_id="late")
        assert refused.value.code is grpc.StatusCode.UNAVAILABLE
        assert await server.ended() == 0
        await server.start()
        late = await client.send("too late", chat_id=CHAT, request_id="late")
        await require_delivered(telegram, client, [*(call.result() for call in calls), late])


async def test_whoever_asks_a_draining_server_is_told_that_it_is_not_ready(tmp_path: Path) -> None:
    telegram = telegram_that_takes(600)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        calls = await waiting_calls(server, client)
        assert (await server.page("/readyz"))[0] == 200
        server.signal(signal.SIGTERM)
        await asyncio.gather(*calls)
        assert await server.page("/readyz") == (503, "The gateway is stopping.\n")
        assert await server.page("/healthz") == (200, "ok\n")
        assert (await server.page("/metrics"))[0] == 200


async def test_a_second_signal_ends_it_at_once_and_loses_nothing(tmp_path: Path) -> None:
    telegram = telegram_that_takes(600)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        answers = []
        calls = await waiting_calls(server, client)
        server.signal(signal.SIGTERM)
        answers = [await call for call in calls]
        server.signal(signal.SIGTERM)
        assert await server.ended() == 130
        await server.start()
        await require_delivered(telegram, client, answers)
        # Whether Telegram had it could not be known.
        assert (await client.get(answers[0].id)).possibly_duplicated
        assert not (await client.get(answers[1].id)).possibly_duplicated


async def test_an_attempt_that_outlasts_the_drain_is_known_to_be_unknown(tmp_path: Path) -> None:
    telegram = telegram_that_takes(600)
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path, url, drain="1s") as server,
        server.client(CHAT) as client,
    ):
        calls = await waiting_calls(server, client)
        server.signal(signal.SIGTERM)
        answers = [await call for call in calls]
        assert await server.ended() == 0
        await server.start()
        await require_delivered(telegram, client, answers)
        assert (await client.get(answers[0].id)).possibly_duplicated


async def test_a_server_that_can_not_deliver_does_not_go_on_accepting(tmp_path: Path) -> None:
    telegram = telegram_that_takes(600)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        messages = await accepted(client, CHAT)
        await server.kill()
        spoil(server.config.database_path, priority=99)
        server.has_a_planted_bug = True
        await server.start()
        assert await server.ended() == 1
        (said,) = [line for line in server.log.splitlines() if not line.startswith("{")][-1:]
        assert said == "chatkey: A part of the server has stopped, and with it the whole; its log says why."
        assert [line["task"] for line in server.lines("server.bug")] == ["dispatcher"]
        spoil(server.config.database_path, priority=2)
        await server.start()
        await require_delivered(telegram, client, messages)


async def test_a_checkpoint_in_the_log_proves_the_audit_log(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": CHAT}])
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        await client.send("on record", chat_id=CHAT)
        assert await server.stop() == 0
        last = server.lines("audit.checkpoint")[-1]
        kept = f"{last['seq']}:{last['link']}"
        assert await server.command("audit", "verify", "--expect", kept) == 0
        other = f"{last['seq']}:{last['link'][::-1]}"
        assert await server.command("audit", "verify", "--expect", other) == 1


def spoil(database: Path, priority: int) -> None:
    """Give messages that wait a priority that the server itself would not write."""
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute("UPDATE messages SET priority = ? WHERE finished_at IS NULL", (priority,))


async def test_a_restart_frees_no_quota(tmp_path: Path) -> None:
    for room in (2, 0):
        async with gateway(tmp_path / "data", quota_per_day=2) as made, made.client(CHAT) as client:
            for number in range(room):
                await client.send(f"{number}", chat_id=CHAT)
            with pytest.raises(chatkey.QuotaExceeded) as refused:
                await client.send("one too many", chat_id=CHAT)
            assert refused.value.retry_after is not None
            assert refused.value.retry_after.total_seconds() > 86_000
