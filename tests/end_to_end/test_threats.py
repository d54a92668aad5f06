"""Rows of the threat model that only the whole shows."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from chatkey import ChatkeyError, Client, PermissionDenied, State, Unauthenticated, WaitFor
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.gateway import gateway
from tests.support.server import Server, server, until

OPS, FINANCE = -1001, -1002


@pytest.fixture
def telegram() -> Sandbox:
    return Sandbox(limits="none", chats=[{"id": OPS, "title": "Ops"}, {"id": FINANCE, "title": "Finance"}])


async def test_row_27_an_operator_sees_a_flood_of_bad_tokens_in_the_metrics(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", failures_per_minute=3) as running:
        for _ in range(5):
            forged = f"{running.token(OPS)[:-4]}AAAA"
            async with Client(running.address, token=canary.watch(forged)) as forger:
                with pytest.raises(ChatkeyError) as refused:
                    await forger.send("forged", chat_id=OPS)
        assert refused.value.reason == "TOO_MANY_FAILURES"
        url = f"http://127.0.0.1:{running.app.http_port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as page:
            lines = (await page.text()).splitlines()
    assert 'chatkey_tokens_refused_total{how="failed"} 3.0' in lines
    assert any(line.startswith('chatkey_tokens_refused_total{how="unread"}') for line in lines)


async def test_row_38_a_chat_that_is_told_to_wait_holds_back_no_other(tmp_path: Path, telegram: Sandbox) -> None:
    telegram.add_fault("sendMessage", OPS, times=3, fault={"kind": "rate_limited", "retry_after": 5})
    async with gateway(tmp_path / "data", telegram) as running, running.client(OPS) as ops:
        held = await ops.send("held back", wait_for=WaitFor.ACCEPTANCE)
        await until(lambda: any(entry["outcome"] != "ok" for entry in telegram.log()), "Telegram says 429")
        async with running.client(FINANCE) as finance:
            sent = await asyncio.gather(*(finance.send(f"goes on {number}") for number in range(10)))
        assert {message.state for message in sent} == {State.DELIVERED}
        assert telegram.messages(OPS) == []
        assert (await ops.cancel(held.id)).state is State.CANCELLED


async def test_row_39_no_output_of_the_server_has_the_bot_token_or_a_callers_token(
    tmp_path: Path, telegram: Sandbox
) -> None:
    """The server logs at DEBUG, is provoked in every way at hand, and `server` searches all that it said and keeps."""
    async with sandbox_running(telegram) as url, server(tmp_path, url) as provoked:
        await provoked.start()
        telegram.revoke(f"{canary.BOT_TOKEN[:-1]}x")
        async with provoked.client(OPS) as ops:
            assert (await ops.send("hello")).state is State.DELIVERED
            for kind in ("internal_error", "truncated_json", "reset_after_body", "bad_gateway_html"):
                telegram.add_fault("sendMessage", OPS, fault={"kind": kind})
                await ops.send(kind, wait_for=WaitFor.ACCEPTANCE)
            with pytest.raises(PermissionDenied) as refused:
                await ops.send("not here", chat_id=FINANCE)
        await _is_refused(provoked, canary.watch(f"{provoked.token(OPS)[:-4]}AAAA"))
        assert not canary.found_in(f"{refused.value} {refused.value!r} {refused.value.metadata}")
        telegram.revoke(canary.BOT_TOKEN)
        async with provoked.client(FINANCE) as finance:
            await finance.send("the token is revoked", wait_for=WaitFor.ACCEPTANCE)
        await until(lambda: provoked.lines("bot.refused"), "the server tells that its token is refused")
        for page in ("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json", "/nothing"):
            assert not canary.found_in((await provoked.page(page))[1])
        async with aiohttp.ClientSession() as http, http.get(f"{url}/sandbox/log") as log:
            assert not canary.found_in(await log.read())
        assert await provoked.stop() == 0


async def _is_refused(provoked: Server, token: str) -> None:
    async with Client(provoked.address, token=token) as forger:
        with pytest.raises(Unauthenticated) as refused:
            await forger.send("forged", chat_id=OPS)
    assert not canary.found_in(str(refused.value))


async def test_row_41_neither_arguments_nor_environment_hold_the_bot_token(tmp_path: Path, telegram: Sandbox) -> None:
    async with sandbox_running(telegram) as url, server(tmp_path, url) as running:
        await running.start()
        process = Path("/proc") / str(running.pid)
        for name in ("cmdline", "environ"):
            assert not canary.found_in((process / name).read_bytes())
        limits = (process / "limits").read_text()
        assert "Max core file size        0                    0" in limits
        assert await running.stop() == 0


def test_row_41_the_memory_of_the_server_is_its_own() -> None:
    script = (
        "import ctypes; from gateway.cli.secrecy import keep_memory_to_ourselves as keep; keep();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    if sys.platform != "linux":
        pytest.skip("prctl(2) is Linux's")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


async def test_every_refusal_that_a_stranger_gets_is_an_error_of_the_contract(
    tmp_path: Path, telegram: Sandbox
) -> None:
    async with gateway(tmp_path / "data", telegram) as running:
        for token in ("x", "a.b.c", running.token(OPS)[:-1]):
            async with Client(running.address, token=token) as stranger:
                with pytest.raises(ChatkeyError) as refused:
                    await stranger.send("hello", chat_id=OPS)
            assert (refused.value.reason, refused.value.error_id != "") == ("UNAUTHENTICATED", True)
