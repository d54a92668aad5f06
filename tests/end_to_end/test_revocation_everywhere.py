"""Row 34: a revoked credential is dead in calls, in open streams and in the queue, and stays so after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatkey import ChatkeyError, Client, PermissionDenied, Unauthenticated, WaitFor
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from gateway.store.sqlite import open_sqlite
from tests.support import canary
from tests.support.kept import shown
from tests.support.server import Server, serving, until

OPS = -1001


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Sandbox, str]]:
    """Telegram, and where it is."""
    sandbox = Sandbox(limits="none", chats=[{"id": OPS}])
    async with sandbox_running(sandbox) as url:
        yield sandbox, url


class Credential:
    """A token that the command issued, with what can be revoked of it."""

    def __init__(self, server: Server, token: str, token_id: str, key_id: str) -> None:
        self._server = server
        self.token = token
        self.ways = {
            "token": ("token", "revoke", token_id),
            "client": ("token", "revoke", "--client", "svc:a"),
            "key": ("token", "revoke", "--key", key_id),
            "key of the ring": ("key", "revoke", key_id),
            "disabled client": ("client", "disable", "svc:a"),
            "suspended chat": ("chat", "suspend", str(OPS)),
        }

    def client(self) -> Client:
        return Client(self._server.address, token=self.token)

    async def end(self, way: str) -> None:
        """Have it end, in another process."""
        await self._server.ask(*self.ways[way])


async def a_credential(server: Server) -> Credential:
    issued = await server.ask("token", "issue", "--client", "svc:a", "--chat", str(OPS))
    (row,) = await server.rows("token", "list", "--client", "svc:a")
    return Credential(server, canary.watch(issued.strip()), row["token_id"], row["key_id"])


WAYS = ["token", "client", "key", "key of the ring", "disabled client", "suspended chat"]


async def is_refused(client: Client) -> bool:
    """Whether a message is refused; until it is, it is accepted."""
    try:
        await client.send("hello", chat_id=OPS, wait_for=WaitFor.ACCEPTANCE)
    except (Unauthenticated, PermissionDenied):
        return True
    return False


@pytest.mark.parametrize("way", WAYS)
async def test_row_34_calls_streams_and_the_queue_end(telegram: tuple[Sandbox, str], tmp_path: Path, way: str) -> None:
    async with serving(tmp_path, telegram[1]) as server:
        credential = await a_credential(server)
        async with credential.client() as client, credential.client() as watching:
            watch = asyncio.create_task(_watched(watching))
            await client.send("good", chat_id=OPS)
            # The chat is paused for longer than it takes to revoke: what comes now waits in the queue.
            telegram[0].add_fault("sendMessage", OPS, fault={"kind": "rate_limited", "retry_after": 600})
            queued = [
                await client.send(f"queued {number}", chat_id=OPS, wait_for=WaitFor.ACCEPTANCE) for number in range(3)
            ]
            await credential.end(way)
            await until(lambda: is_refused(client), "calls are refused")
            # A stream looks at its credential each second.
            assert isinstance(await watch, Unauthenticated | PermissionDenied)
        await server.kill()
        await make_due(server)
        await server.start()
        async with credential.client() as client:
            assert await is_refused(client)
        await until(server.is_done, "every message is final")
        assert shown(telegram[0], OPS) == ["good"]
        denied = await server.rows("audit", "search", "--decision", "deny")
        ended = {row["message_id"] for row in denied if row["event"] == "message.failed"}
        assert ended >= {message.id for message in queued}


async def make_due(server: Server) -> None:
    """Let the messages of a server that is down be due at once: nobody waits ten minutes for a test."""
    async with open_sqlite(server.config.database_path) as store:
        await store._writer.submit(lambda database: database.connection.execute("UPDATE messages SET due_at = 0").get)


async def _watched(client: Client) -> ChatkeyError | None:
    try:
        async for _change in client.watch():
            continue
    except ChatkeyError as error:
        return error
    return None


async def test_a_new_token_of_a_revoked_client_is_good(telegram: tuple[Sandbox, str], tmp_path: Path) -> None:
    async with serving(tmp_path, telegram[1]) as server:
        old = await a_credential(server)
        await old.end("client")
        async with old.client() as client:
            await until(lambda: is_refused(client), "the old token is refused")
        # Tokens say when they were issued in whole seconds: one of the same second is revoked too.
        await until(lambda: _is_good(server), "a token of a later second is good")
        async with old.client() as client:
            with pytest.raises(Unauthenticated):
                await client.send("still dead", chat_id=OPS)


async def _is_good(server: Server) -> bool:
    async with server.client(OPS, "svc:a") as client:
        return not await is_refused(client)
