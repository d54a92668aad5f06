"""The primary dies under live clients and its synchronous standby is promoted, again and again: nothing lost.

`CHATKEY_FAILOVER_ROUNDS` says how often; 0 losses in n rounds is fewer than 3/n a round, with 95 % confidence.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from gateway.store.postgres.place import Place
from gateway.store.postgres.session import Unfit
from tests.faults.evidence import evidence
from tests.faults.test_kill import CHATS, Writer
from tests.support.auditor import audit
from tests.support.postgres import PASSWORD, USER, Cluster, folder_for_servers, require_postgres
from tests.support.server import server, until

ROUNDS = int(os.environ.get("CHATKEY_FAILOVER_ROUNDS", "3"))
CLIENTS = 6
STANDBY = "standby"


class Pair:
    """A server that takes writes, and one that every commit waits for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = 0
        self.primary = Cluster(folder / "first")
        self.primary.make()
        self.primary.start()
        self.standby: Cluster | None = None
        self.address = ""

    async def pair(self, port: int | None = None) -> None:
        """Give the primary a standby, for which every commit waits from now on."""
        self._copies += 1
        standby = await asyncio.to_thread(self.primary.copy, self._folder / f"copy{self._copies}", STANDBY)
        standby.port = port or standby.port
        await asyncio.to_thread(standby.start)
        self.standby = standby
        self.address = f"postgresql://{USER}@127.0.0.1:{self.primary.port},127.0.0.1:{standby.port}/postgres"
        await self._wait_for(STANDBY)
        await until(self._is_synchronous, "commits wait for the standby")

    async def fail_over(self, *, is_stalled: bool) -> None:
        """Kill the primary, promote the standby, and give that a standby in its turn.

        Args:
            is_stalled: Whether the standby got nothing for a while before, so that commits hang.
        """
        assert self.standby is not None
        if is_stalled:
            for pid in self.primary.children("walsender"):
                os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.3)
        self.primary.kill()
        port, self.primary = self.primary.port, self.standby
        assert await self.ask("SELECT pg_promote()")
        await self._wait_for("")
        await self.pair(port)

    async def _wait_for(self, standby: str) -> None:
        await self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        await self.ask("SELECT pg_reload_conf()")

    async def _is_synchronous(self) -> bool:
        return await self.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1

    async def ask(self, sql: str) -> object:
        """Return the first value that a question to the primary brings."""
        connection = await asyncpg.connect(
            f"postgresql://{USER}@127.0.0.1:{self.primary.port}/postgres", password=PASSWORD
        )
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def close(self) -> None:
        """Kill what runs."""
        for cluster in filter(None, (self.primary, self.standby)):
            cluster.close()


@pytest.fixture
def servers() -> Iterator[Pair]:
    require_postgres()
    folder = folder_for_servers()
    pair = Pair(folder)
    try:
        yield pair
    finally:
        pair.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * ROUNDS)
async def test_failover_loses_nothing(tmp_path: Path, servers: Pair) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": chat_id} for chat_id in CHATS], log_size=1_000_000)
    writers = [Writer(f"svc:{number}", random.choice(CHATS)) for number in range(CLIENTS)]
    await servers.pair()
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    settings = {"database": servers.address, "database_password_file": str(password), "log_level": "WARNING"}
    async with sandbox_running(telegram) as url, server(tmp_path / "gateway", url, **settings) as gateway:
        await gateway.start()
        stop = asyncio.Event()
        writing = [asyncio.create_task(writer.run(gateway, stop)) for writer in writers]
        for number in range(ROUNDS):
            await _goes_on(telegram)
            await servers.fail_over(is_stalled=number % 3 == 2)
        await _goes_on(telegram)
        stop.set()
        await asyncio.gather(*writing)
        await until(gateway.is_done, "every message is final")
        told = [each for writer in writers for each in writer.told]
        assert audit(await evidence(gateway.config, telegram, told)) == []
        assert "as written" in await gateway.ask("audit", "verify")


async def test_a_primary_that_was_replaced_and_is_back_is_refused(servers: Pair) -> None:
    await servers.pair()
    place = Place(servers.address, "test", PASSWORD)
    old, new = servers.primary, servers.standby
    assert new is not None
    assert await _port(place) == old.port
    old.kill()
    servers.primary = new
    assert await servers.ask("SELECT pg_promote()")
    assert await _port(place) == new.port
    new.kill()
    await asyncio.to_thread(old.start)
    servers.primary = old
    assert await servers.ask("SELECT NOT pg_is_in_recovery()")
    with pytest.raises(Unfit, match="another server has taken its place"):
        await place.connect()


async def _port(place: Place) -> object:
    connection = await place.connect()
    try:
        return await connection.fetchval("SELECT inet_server_port()")
    finally:
        await connection.close()


async def _goes_on(telegram: Sandbox) -> None:
    """Return once some more messages reached Telegram, at a moment that nothing announces."""
    arrived = len(telegram.log()) + random.randrange(20, 60)
    await until(lambda: len(telegram.log()) >= arrived, "messages reach Telegram")
