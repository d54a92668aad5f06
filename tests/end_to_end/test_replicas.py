"""Gateways on one PostgreSQL database, as processes: one attempts messages, and what it leaves another takes up."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import chatkey
from chatkey import Client, State
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.kept import TEXTS, accepted, require_delivered, shown
from tests.support.postgres import Postgres
from tests.support.server import NotStarted, Server, server, until

CHAT = -1001


def a_telegram() -> Sandbox:
    return Sandbox(limits="none", chats=[{"id": CHAT}])


@asynccontextmanager
async def replica(folder: Path, telegram: str, database: str) -> AsyncIterator[Server]:
    """One of several gateways that share a database, and the keys in the data folder; not started yet."""
    folder.mkdir(exist_ok=True)
    password = folder / "database-password"
    password.write_text(f"{canary.DATABASE_PASSWORD}\n")
    data = str(folder.parent / "data")
    settings = {"database": database, "database_password_file": str(password), "data_dir": data}
    async with server(folder, telegram, **settings) as made:
        yield made


async def leads(made: Server) -> bool:
    _, text = await made.page("/metrics")
    return "chatkey_leader 1.0" in text


async def test_a_crash_loses_nothing(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with sandbox_running(telegram) as url, replica(tmp_path / "one", url, database) as one:
        await one.start()
        async with one.client(CHAT) as client:
            assert (await client.send("first", chat_id=CHAT)).state is State.DELIVERED
            telegram.add_fault("sendMessage", CHAT, fault={"kind": "rate_limited", "retry_after": 1})
            kept = await accepted(client, CHAT)
            await one.kill()
            await one.start()
            await require_delivered(telegram, client, kept)
        assert shown(telegram, CHAT) == ["first", *TEXTS]
        assert "as written" in await one.ask("audit", "verify")
        assert canary.DATABASE_PASSWORD not in await one.ask("config", "print")
        assert await one.stop() == 0


async def test_one_attempts_what_all_accept_and_each_hears_of_the_end(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        await one.start()
        await until(lambda: leads(one), "the first one leads")
        await two.start()
        texts = []
        async with one.client(CHAT) as near, two.client(CHAT) as far:
            for number in range(6):
                client = (near, far)[number % 2]
                texts.append(f"{number}")
                assert (await client.send(texts[-1], chat_id=CHAT)).state is State.DELIVERED
            assert shown(telegram, CHAT) == texts
            assert not await leads(two)
            await one.ask("client", "disable", "svc:test")
            for made in (near, far):
                await until(lambda made=made: _is_refused(made), "both refuse the client")
        assert await one.stop() == 0
        await until(lambda: leads(two), "the other one leads")
        assert "as written" in await two.ask("audit", "verify")


async def test_a_quota_counts_what_is_handed_in_to_all_of_them(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        one.settings["quota_per_day"] = two.settings["quota_per_day"] = "6"
        await one.start()
        await two.start()
        async with one.client(CHAT) as near, two.client(CHAT) as far:
            for number in range(6):
                await (near, far)[number % 2].send(f"{number}", chat_id=CHAT)
            for made in (near, far):
                await until(lambda made=made: _has_no_more(made), "both have heard of all six")
            await two.kill()
            await two.start()
            assert await _has_no_more(far)
            with pytest.raises(chatkey.QuotaExceeded):
                await far.send("one too many", chat_id=CHAT)


async def _has_no_more(client: Client) -> bool:
    return (await client.explain("one too many", chat_id=CHAT)).rule == "quota"


async def _is_refused(client: Client) -> bool:
    try:
        await client.send("too late", chat_id=CHAT)
    except chatkey.CredentialEnded:
        return False  # it was still accepted, and did not leave any more
    except chatkey.PermissionDenied:
        return True
    return False


async def test_another_one_takes_over_from_one_that_crashed(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        await one.start()
        await until(lambda: leads(one), "the first one leads")
        await two.start()
        async with two.client(CHAT) as client:
            await one.kill()
            assert (await client.send("after", chat_id=CHAT)).state is State.DELIVERED
        assert await leads(two)
        assert shown(telegram, CHAT) == ["after"]


async def test_one_that_stood_still_keeps_nothing_any_more_and_ends(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        await one.start()
        await until(lambda: leads(one), "the first one leads")
        await two.start()
        async with two.client(CHAT) as client:
            one.signal(signal.SIGSTOP)
            assert (await client.send("meanwhile", chat_id=CHAT)).state is State.DELIVERED
            one.signal(signal.SIGCONT)
            assert await one.ended() == 1
            assert "delivery.deposed" in one.log
            assert (await client.send("afterwards", chat_id=CHAT)).state is State.DELIVERED
        assert shown(telegram, CHAT) == ["meanwhile", "afterwards"]


async def test_a_wrong_password_is_one_line_without_it(tmp_path: Path, postgres: Postgres) -> None:
    async with replica(tmp_path / "one", "http://127.0.0.1:1", await postgres.database()) as one:
        Path(one.settings["database_password_file"]).write_text("wrong\n")
        with pytest.raises(NotStarted) as refused:
            await one.start()
    line = refused.value.said.splitlines()[-1]
    assert "CHATKEY_DATABASE: the PostgreSQL server can't be used: password authentication failed" in line
    assert "Traceback" not in refused.value.said
