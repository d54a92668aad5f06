"""The command on the host changes who may do what while the server runs, as a security team would do it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from chatkey import Client, CredentialEnded, MessageNotFound, PermissionDenied, StateStale
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.gateway import gateway
from tests.support.server import Server, serving, until

OPS, FINANCE = -1001, -1002


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Sandbox, str]]:
    """Telegram, and where it is."""
    sandbox = Sandbox(limits="none", chats=[{"id": OPS, "title": "Ops"}, {"id": FINANCE, "title": "Finance"}])
    async with sandbox_running(sandbox) as url:
        yield sandbox, url


async def issued(server: Server, chat_id: int, client: str) -> str:
    """Issue a token with the command."""
    token = await server.ask("token", "issue", "--client", client, "--chat", str(chat_id))
    return canary.watch(token.strip())


async def refused_with(client: Client, chat_id: int, kind: type[Exception]) -> bool:
    """Whether a message is refused in this way; until it is, it is delivered."""
    try:
        await client.send("hello", chat_id=chat_id)
    except CredentialEnded:
        return False  # it was accepted before
    except kind:
        return True
    return False


async def is_delivered(client: Client) -> bool:
    """Whether a message is delivered; until it is, it is refused."""
    return not await refused_with(client, OPS, PermissionDenied)


async def was_refused_for(server: Server, *reasons: str) -> bool:
    """Whether the audit log has refusals for each of these reasons."""
    return set(reasons) <= {row["reason"] for row in await server.rows("audit", "search", "--decision", "deny")}


async def test_the_registry_comes_into_use_while_the_server_runs(telegram: tuple[Sandbox, str], tmp_path: Path) -> None:
    """B3.8b: once a client is registered, an unknown subject is refused."""
    async with (
        serving(tmp_path, telegram[1]) as server,
        Client(server.address, token=await issued(server, OPS, "svc:a")) as known,
        Client(server.address, token=await issued(server, OPS, "svc:b")) as unknown,
    ):
        assert server.lines("registry.loaded")[0]["unknown_clients"].startswith("the token decides, until")
        assert not await refused_with(unknown, OPS, PermissionDenied)
        await server.ask("client", "add", "svc:a")
        await until(lambda: refused_with(unknown, OPS, PermissionDenied), "the unknown client is refused")
        assert not await refused_with(known, OPS, PermissionDenied)
        assert server.lines("registry.in_use")[0]["unknown_clients"] == "denied"
        await server.ask("client", "disable", "svc:a")
        await until(lambda: refused_with(known, OPS, PermissionDenied), "the disabled client is refused")
        await server.ask("client", "enable", "svc:a")
        await until(lambda: is_delivered(known), "the enabled client is let in")
        await until(lambda: was_refused_for(server, "client_unknown", "client_disabled"), "the log says why")


async def test_a_chat_is_suspended_for_every_token_and_resumed(telegram: tuple[Sandbox, str], tmp_path: Path) -> None:
    async with serving(tmp_path, telegram[1]) as server, server.client(OPS, "svc:a") as a, server.client(OPS) as b:
        await server.ask("chat", "suspend", str(OPS))
        await until(lambda: refused_with(a, OPS, PermissionDenied), "the first client is refused")
        await until(lambda: refused_with(b, OPS, PermissionDenied), "the second client is refused")
        async with server.client(FINANCE, "svc:a") as elsewhere:
            await elsewhere.send("not concerned", chat_id=FINANCE)
        await server.ask("chat", "resume", str(OPS))
        await until(lambda: is_delivered(a), "it is written to again")


async def test_what_a_client_may_is_restricted_while_it_calls(telegram: tuple[Sandbox, str], tmp_path: Path) -> None:
    async with serving(tmp_path, telegram[1]) as server, server.client(OPS, "svc:a") as client:
        await client.send("unrestricted", chat_id=OPS)
        await server.ask("client", "add", "svc:a", "--chat", str(FINANCE))
        await until(lambda: refused_with(client, OPS, PermissionDenied), "its chat is not allowed")
        await server.ask("client", "set", "svc:a", "--any-chat", "--address", "192.0.2.0/24")
        await until(lambda: was_refused_for(server, "chat_not_allowed_for_client"), "the log says why")
        await until(lambda: _comes_to(server, client, "address_denied"), "its address is not allowed")
        await server.ask("client", "set", "svc:a", "--any-address")
        await until(lambda: is_delivered(client), "it may call again")


async def _comes_to(server: Server, client: Client, reason: str) -> bool:
    assert await refused_with(client, OPS, PermissionDenied)
    return await was_refused_for(server, reason)


async def test_last_use_is_written_at_the_end_and_for_who_was_let_in(
    telegram: tuple[Sandbox, str], tmp_path: Path
) -> None:
    async with serving(tmp_path, telegram[1]) as server:
        await server.ask("client", "add", "svc:a")
        await server.ask("client", "add", "svc:idle")
        await server.ask("chat", "authorize", str(OPS))
        async with server.client(OPS, "svc:a") as client, server.client(FINANCE, "svc:a") as denied:
            await client.send("hello", chat_id=OPS)
            await until(lambda: refused_with(denied, FINANCE, PermissionDenied), "the chat is not authorized")
        (shown,) = await server.rows("client", "show", "svc:a")
        assert (shown["last_seen_at"], shown["last_denied_at"]) == (None, None)
        assert await server.stop() == 0
        (shown,) = await server.rows("client", "show", "svc:a")
        assert (shown["last_seen_from"], shown["last_denied_from"]) == ("127.0.0.1", "127.0.0.1")
        (idle,) = await server.rows("client", "show", "svc:idle")
        (chat,) = await server.rows("chat", "list")
        assert (idle["last_seen_at"], chat["last_access_at"] is None) == (None, False)


async def test_the_title_of_a_chat_is_kept_when_it_is_discovered(telegram: tuple[Sandbox, str], tmp_path: Path) -> None:
    async with serving(tmp_path, telegram[1]) as server:
        await server.ask("chat", "authorize", str(OPS))
        telegram[0].inject({"chat_id": OPS, "text": "hello"})
        assert await server.ask("chat", "discover") == f"{OPS}\tgroup\tOps\n"
        telegram[0].add_chat(-1099, type="group", title="Ops\u202e\x1b]0;x\x07\n-1\tgroup")
        telegram[0].inject({"chat_id": -1099, "text": "hello"})
        assert "-1099\tgroup\tOps\\u202e\\x1b]0;x\\x07\\n-1\\tgroup\n" in await server.ask("chat", "discover")
        (chat,) = await server.rows("chat", "list")
        assert chat["title"] == "Ops"


async def test_while_it_can_not_be_told_what_was_revoked_nothing_is_accepted(tmp_path: Path) -> None:
    # No store is asked as often as that: the view is stale from the first moment on.
    async with gateway(tmp_path / "data", max_staleness=timedelta(microseconds=1)) as house:
        async with house.client(OPS) as client:
            with pytest.raises(StateStale):
                await client.send("hello", chat_id=OPS, timeout=0.5)
            with pytest.raises(MessageNotFound):
                await client.get("01890000-0000-7000-8000-000000000000")
        await until(lambda: _is_not_ready(house.app.http_port), "the page for probes says so")
        assert house.telegram.messages(OPS) == []


async def _is_not_ready(port: int) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as answer:
        return answer.status == 503 and await answer.text() == "It can't be told what was revoked.\n"
