"""Whoever takes the bot's updates is killed: what people wrote is told to every reader, in order and once."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest

from chatkey import Client
from chatkey.errors import ChatkeyError
from gateway.model import Permission
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.end_to_end.test_replicas import leads, replica
from tests.support.gateway import issue
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.server import Server, server, until
from tests.support.update_auditor import Happened, Reader, audit_updates

ROUNDS = int(os.environ.get("CHATKEY_UPDATE_KILLS", "2"))
CHATS = (-1001, -1002, 501)


def a_telegram() -> Sandbox:
    telegram = Sandbox(limits="none")
    for chat_id in CHATS:
        telegram.add_chat(chat_id, type="supergroup" if chat_id < 0 else "private", title="T")
    return telegram


def a_client(at: Server, chat_id: int) -> Client:
    return Client(at.address, token=issue(at.config, chat_id, f"svc:{chat_id}", Permission.READ))


class People:
    """Whoever writes in the chats."""

    def __init__(self, telegram: Sandbox) -> None:
        self.happened: list[Happened] = []
        self._telegram = telegram
        self._names = count()

    def write(self, chat_id: int | None = None) -> str:
        name = f"text {next(self._names)}"
        chat_id = chat_id or random.choice(CHATS)
        self._telegram.inject({"chat_id": chat_id, "text": name})
        self.happened.append(Happened(name=name, chat_id=chat_id, kind="message"))
        return name

    async def run(self) -> None:
        """Write, for ever."""
        while True:
            await asyncio.sleep(random.expovariate(40))
            self.write()

    def are_heard(self, reader: Reader) -> bool:
        """Whether a reader was told all."""
        return {each.name for each in self.happened if reader.may_hear(each)} <= {name for name, _ in reader.heard}


async def read(reader: Reader, servers: list[Server]) -> None:
    """Read for ever: at any of the servers that run, from where it left off."""
    cursor = ""
    while True:
        running = [each for each in servers if each.runs]
        if not running:
            await asyncio.sleep(0.05)
            continue
        async with a_client(random.choice(running), reader.chat_id) as client:
            try:
                async with (
                    asyncio.timeout(random.uniform(0.5, 3)),
                    aclosing(client.updates(cursor, from_oldest=not cursor)) as updates,
                ):
                    async for update in updates:
                        if update.message is not None:
                            reader.heard.append((update.message.text, update.cursor))
                        cursor = update.cursor
            except (ChatkeyError, TimeoutError):
                await asyncio.sleep(0.05)


async def test_a_gateway_that_is_killed_between_keeping_and_confirming_tells_everything_once(tmp_path: Path) -> None:
    telegram = a_telegram()
    async with sandbox_running(telegram) as url, server(tmp_path / "one", url, updates="polling") as one:
        people = People(telegram)
        readers = [Reader(name=str(chat_id), chat_id=chat_id) for chat_id in CHATS]
        for _ in range(ROUNDS):
            people.write()
            people.write()
            await one.start()
            kept = 'chatkey_updates_total{outcome="kept"} '

            async def has_kept(kept: str = kept) -> bool:
                return f"{kept}0.0" not in (await one.page("/metrics"))[1]

            # The first call brings what waits; whatever comes after it, and would confirm, never arrives.
            await until(has_kept, "what waits is kept")
            telegram.add_fault("getUpdates", None, 50, fault={"kind": "reset_after_body"})
            people.write()
            await one.kill()
            telegram.clear_faults()
            people.write()
        await one.start()
        reading = [asyncio.create_task(read(reader, [one])) for reader in readers]
        await until(lambda: all(map(people.are_heard, readers)), "everything is told")
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    assert audit_updates(people.happened, readers) == []


@pytest.mark.slow
async def test_of_two_gateways_the_other_goes_on_fetching_and_readers_of_both_miss_nothing(
    tmp_path: Path, postgres: Postgres
) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        for each in (one, two):
            each.settings["updates"] = "polling"
            await each.start()
        await until(lambda: leads(one), "the first one leads")
        people = People(telegram)
        readers = [Reader(name=f"{chat_id} {number}", chat_id=chat_id) for chat_id in CHATS for number in range(2)]
        work = [asyncio.create_task(read(reader, [one, two])) for reader in readers]
        writing = asyncio.create_task(people.run())
        for leader, other in ((one, two), (two, one)):
            await asyncio.sleep(random.uniform(0.5, 1))
            await leader.kill()
            await until(lambda other=other: leads(other), "the other one leads")
            await leader.start()
        await asyncio.sleep(0.5)
        writing.cancel()
        await until(lambda: all(map(people.are_heard, readers)), "everything is told")
        for task in work:
            task.cancel()
        await asyncio.gather(*work, writing, return_exceptions=True)
        assert len(people.happened) > 50
        assert audit_updates(people.happened, readers) == []


@pytest.mark.slow
async def test_what_is_sent_to_a_gateway_that_does_not_lead_is_told_by_both(tmp_path: Path, postgres: Postgres) -> None:
    telegram = a_telegram()
    database = await postgres.database()
    async with (
        sandbox_running(telegram) as url,
        replica(tmp_path / "one", url, database) as one,
        replica(tmp_path / "two", url, database) as two,
    ):
        listening = f"localhost:{free_port()}"
        for each, listen in ((one, f"127.0.0.1:{free_port()}"), (two, listening.replace("localhost", "127.0.0.1"))):
            # Both find one secret, in the data folder that they share.
            each.settings |= {"updates": "webhook", "webhook_url": f"http://{listening}/hook", "webhook_listen": listen}
            await each.start()
        await until(lambda: leads(one), "the first one leads")
        people = People(telegram)
        readers = [Reader(name=str(chat_id), chat_id=chat_id) for chat_id in CHATS]
        work = [asyncio.create_task(read(reader, [one, two])) for reader in readers]
        for _ in range(30):
            people.write()
        await until(lambda: all(map(people.are_heard, readers)), "everything is told")
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        assert audit_updates(people.happened, readers) == []
        assert 'outcome="kept"} 30.0' in (await two.page("/metrics"))[1]
        assert 'outcome="kept"} 0.0' in (await one.page("/metrics"))[1]
