"""The server and a Telegram that is away, refuses the bot, floods or crawls: what is accepted waits, and arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from chatkey import Client, Message, State, WaitFor
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.kept import TEXTS, accepted, answered, require_delivered, shown
from tests.support.server import Server, free_port, serving, until

CHAT, OTHER = -1001, -1002
REPLACED = f"4242424242:{canary.watch('BBanotherCanaryBanotherCanary12345')}"


def quiet_telegram(**options: object) -> Sandbox:
    return Sandbox(**{"limits": "none", "chats": [{"id": CHAT}, {"id": OTHER}]} | options)  # type: ignore[arg-type]


async def refuses_the_bot(server: Server) -> bool:
    return not await server.serves() and (await server.page("/readyz"))[0] == 503


async def accepts_the_bot(server: Server) -> bool:
    return await server.serves() and (await server.page("/readyz"))[0] == 200


async def are_untried(client: Client, messages: Sequence[Message]) -> bool:
    found = [await client.get(message.id) for message in messages]
    return all((message.state, message.attempts) == (State.QUEUED, 0) for message in found)


async def test_a_wrong_bot_token_is_told_at_start_and_corrected_without_a_restart(tmp_path: Path) -> None:
    telegram = quiet_telegram()
    telegram.revoke(canary.BOT_TOKEN)
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        await until(lambda: refuses_the_bot(server), "health says that nothing can be delivered")
        (line,) = server.lines("bot.refused")
        assert line["level"] == "error"
        assert "put the right token into the token file" in line["meaning"]
        assert (await server.page("/readyz")) == (503, "Telegram refuses the bot token.\n")
        assert (await server.page("/healthz")) == (200, "ok\n")

        messages = await accepted(client, CHAT)
        assert {message.state for message in messages} == {State.QUEUED}
        await server.kill()
        await server.start()
        await until(lambda: refuses_the_bot(server), "health says that nothing can be delivered")
        await until(lambda: are_untried(client, messages), "no attempt counts that a wrong token has made")

        server.put_token(REPLACED)
        await require_delivered(telegram, client, messages)
        assert await accepts_the_bot(server)
        assert shown(telegram, CHAT) == list(TEXTS)


async def test_a_bot_token_that_is_revoked_under_way_keeps_the_queue(tmp_path: Path) -> None:
    telegram = quiet_telegram()
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server, server.client(CHAT) as client:
        await client.send("before", chat_id=CHAT)
        telegram.revoke(canary.BOT_TOKEN)
        messages = await accepted(client, CHAT)
        await until(lambda: refuses_the_bot(server), "health says that nothing can be delivered")
        assert not [message for message in messages if (await client.get(message.id)).state.is_final]
        server.put_token("nonsense")
        server.put_token(REPLACED)
        await require_delivered(telegram, client, messages)
        assert await accepts_the_bot(server)
        assert shown(telegram, CHAT) == ["before", *TEXTS]


async def test_a_telegram_that_is_away_is_waited_for(tmp_path: Path) -> None:
    telegram, port = quiet_telegram(), free_port()
    url = f"http://127.0.0.1:{port}"
    async with serving(tmp_path, url) as server, server.client(CHAT) as client:
        await until(lambda: server.lines("bot.unreachable"), "the log says that Telegram is away")
        told = await answered(client, "kept: zero", chat_id=CHAT, timeout=1)
        assert told.state in (State.RETRY_WAIT, State.SENDING)
        messages = [told, *await accepted(client, CHAT)]
        await server.kill()
        await server.start()
        async with sandbox_running(telegram, port=port):
            await require_delivered(telegram, client, messages)
        assert shown(telegram, CHAT) == ["kept: zero", *TEXTS]
        assert not any([(await client.get(message.id)).possibly_duplicated for message in messages])


async def test_a_flood_of_refusals_delays_and_loses_nothing(tmp_path: Path) -> None:
    people = range(1, 6)
    telegram = quiet_telegram(limits="telegram", chats=[{"id": person} for person in people])
    async with sandbox_running(telegram) as url, serving(tmp_path, url) as server:
        clients = {person: server.client(person) for person in people}
        messages = {
            person: await accepted(client, person, [f"{person}: {number}" for number in range(2)])
            for person, client in clients.items()
        }
        for person, client in clients.items():
            await require_delivered(telegram, client, messages[person])
            assert shown(telegram, person) == [f"{person}: {number}" for number in range(2)]
            await client.close()
    refusals = [entry for entry in telegram.log() if entry.get("error_code") == 429]
    assert refusals, "Telegram had nothing to refuse"


async def test_a_slow_telegram_holds_up_its_chat_alone_and_callers_hear_of_it_in_time(tmp_path: Path) -> None:
    telegram = quiet_telegram()
    telegram.add_fault("sendMessage", CHAT, fault={"kind": "delay", "seconds": 4})
    async with (
        sandbox_running(telegram) as url,
        serving(tmp_path, url) as server,
        server.client(CHAT) as client,
        server.client(OTHER) as other,
    ):
        slow, behind = await asyncio.gather(
            answered(client, "slow", chat_id=CHAT, timeout=1),
            answered(client, "behind", chat_id=CHAT, timeout=1),
        )
        assert (await other.send("elsewhere", chat_id=OTHER)).state is State.DELIVERED
        assert shown(telegram, CHAT) == []
        assert {slow.state, behind.state} == {State.SENDING, State.QUEUED}
        await require_delivered(
            telegram, client, sorted([slow, behind], key=lambda message: message.state.value, reverse=True)
        )
        assert (await client.send("after", chat_id=CHAT, wait_for=WaitFor.DELIVERY)).state is State.DELIVERED
