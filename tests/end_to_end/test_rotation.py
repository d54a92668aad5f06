"""Keys and the bot token are changed while clients send all the time: no good call is refused, and what is old dies."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

import chatkey
from chatkey import Client, State
from gateway.access.key_ring import KeyState, RingKey, open_ring
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.server import Server, serving, until

CHATS = (-1001, -1002, -1003, -1004)
NEXT_BOT_TOKEN = "4242424242:BBCanaryCanaryCanaryCanaryCanaryCan"


class Load:
    """A client for each chat that sends without a pause, with whatever token is in its file; none may fail.

    Attributes:
        delivered: How many messages of each chat were delivered, by the key that signed the token it was sent with.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._files = {chat_id: folder / f"token{chat_id}" for chat_id in CHATS}
        self._kids: dict[int, str] = {}
        self.delivered: Counter[tuple[int, str]] = Counter()

    def issue(self) -> None:
        """Give each client a new token, at once and whole."""
        for chat_id, file in self._files.items():
            token = self._server.token(chat_id, f"svc:{chat_id}")
            new = file.with_suffix(".new")
            new.touch(0o600)
            new.write_text(token)
            new.replace(file)
            self._kids[chat_id] = active(self._server).kid

    async def more_of_each(self, count: int = 5) -> None:
        """Return when each client has had so many more messages delivered with the token that it has now."""
        before = self.delivered.copy()
        places = [(chat_id, self._kids[chat_id]) for chat_id in CHATS]
        await until(
            lambda: all(self.delivered[place] - before[place] >= count for place in places), "every client sends on"
        )

    async def send(self, chat_id: int) -> None:
        """Send until cancelled."""
        async with Client(self._server.address, token_file=self._files[chat_id]) as client:
            while True:
                # Whichever token is in the file now or a moment later: a call that began before a change counts for it.
                kid = self._kids[chat_id]
                message = await client.send("on and on", chat_id=chat_id)
                assert message.state is State.DELIVERED
                self.delivered[chat_id, kid] += 1


@asynccontextmanager
async def under_load(server: Server, folder: Path) -> AsyncIterator[Load]:
    """Run the clients while the block runs; a call that fails ends it, and at its end all were answered well."""
    load = Load(server, folder)
    load.issue()
    async with asyncio.TaskGroup() as clients:
        sending = [clients.create_task(load.send(chat_id)) for chat_id in CHATS]
        await load.more_of_each()
        yield load
        await load.more_of_each()
        for task in sending:
            task.cancel()


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Sandbox, str]]:
    sandbox = Sandbox(limits="none", chats=[{"id": chat_id} for chat_id in CHATS])
    async with sandbox_running(sandbox) as url:
        yield sandbox, url


def active(server: Server) -> RingKey:
    keys = open_ring(server.config.data_dir).read()
    return next(key for key in keys if key.state is KeyState.ACTIVE)


async def published(server: Server) -> set[str]:
    _, page = await server.page("/.well-known/jwks.json")
    return {key["kid"] for key in json.loads(page)["keys"]}


async def run(server: Server, *arguments: str) -> None:
    assert await server.command(*arguments) == 0, arguments


async def test_the_signing_key_is_rotated_under_load_and_no_good_call_is_refused(
    telegram: tuple[Sandbox, str], tmp_path: Path
) -> None:
    async with serving(tmp_path / "gateway", telegram[1]) as server, under_load(server, tmp_path) as load:
        old = active(server).kid
        async with AsyncExitStack() as witnesses:
            witness = await witnesses.enter_async_context(server.client(CHATS[0], "svc:witness"))
            await witness.describe()

            await run(server, "key", "prepare")
            (new,) = {key.kid for key in open_ring(server.config.data_dir).read()} - {old}
            await until(lambda: _is(published(server), {old, new}), "the prepared key is published")
            await load.more_of_each()

            await run(server, "key", "activate", new, "--at-once")
            load.issue()
            await load.more_of_each()
            await run(server, "key", "taint", old)
            assert await published(server) == {old, new}

            async def is_told() -> bool:
                # Asked again each time: a call that comes before the server read the ring anew has nothing to tell.
                await witness.describe()
                return bool(server.lines("token.tainted_key"))

            await until(is_told, "the use of a tainted key is told")

            await run(server, "key", "revoke", old)
            await until(lambda: _is(published(server), {new}), "the revoked key is published no more")
            with pytest.raises(chatkey.Unauthenticated):
                await witness.describe()
        await load.more_of_each()
    assert {kid for _, kid in load.delivered} == {old, new}
    assert {chat_id for chat_id, _ in load.delivered} == set(CHATS)


async def test_a_revoked_key_is_dead_for_tokens_that_the_gateway_remembers_and_after_a_restart(
    telegram: tuple[Sandbox, str], tmp_path: Path
) -> None:
    async with serving(tmp_path / "gateway", telegram[1]) as server, server.client(CHATS[0]) as client:
        await client.describe()
        await run(server, "key", "revoke", active(server).kid)

        async def is_refused() -> bool:
            try:
                await client.describe()
            except chatkey.Unauthenticated:
                return True
            return False

        await until(is_refused, "the token is refused")
        await server.stop()
        await server.start()
        assert await is_refused()
        assert await published(server) == set()


async def test_the_bot_token_is_rotated_under_load_and_no_message_fails(
    telegram: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = telegram
    canary.watch(f".{NEXT_BOT_TOKEN.partition(':')[2]}")
    async with serving(tmp_path / "gateway", url) as server, under_load(server, tmp_path) as load:
        await load.more_of_each()
        server.put_token(NEXT_BOT_TOKEN)
        sandbox.revoke(canary.BOT_TOKEN)
        await load.more_of_each(20)
        assert not server.lines("bot.refused")
    for chat_id in CHATS:
        delivered = sum(count for (chat, _), count in load.delivered.items() if chat == chat_id)
        assert len(sandbox.messages(chat_id)) >= delivered


async def _is(found: object, expected: object) -> bool:
    return await found == expected  # type: ignore[misc]
