"""P9: two gateways on one PostgreSQL database, against one; how long nothing is delivered when the sending one dies."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Target, spread
from tests.benchmarks.load import ACCEPTED, DELIVERED, Side, connected, interleaved, request, sender
from tests.benchmarks.report import Row, rates
from tests.support.postgres import PASSWORD, USER, Cluster, folder_for_servers

CHATS = range(2001, 2065)
KILLS = 5


async def replicated(effort: Effort, folder: Path) -> list[Row]:
    """P9: durable accepts per second, and seconds from the dispatcher's death to the next delivery."""
    rows = []
    async with servers.sandbox(folder, CHATS) as box:
        # A database each: what the first leaves in the queue would have to be delivered before the second's messages.
        async with _database(folder / "accepts") as more:
            rows.append(await _accepts(effort, folder / "accepts", box, more))
        async with _database(folder / "failover") as more:
            rows.append(await _failover(folder / "failover", box, more))
    return rows


@asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run a server on disk, and give the settings with which gateways share it."""
    folder.mkdir()
    place = folder_for_servers(in_memory=False)
    cluster = Cluster(place / "server")
    password = folder / "password"
    password.write_text(PASSWORD)
    try:
        cluster.make()
        cluster.start()
        yield {
            "database": f"postgresql://{USER}@127.0.0.1:{cluster.port}/postgres",
            "database_password_file": str(password),
            "data_dir": str(folder / "one" / "data"),
        }
    finally:
        cluster.close()
        shutil.rmtree(place, ignore_errors=True)


async def _accepts(effort: Effort, folder: Path, box: servers.Server, more: dict[str, str]) -> Row:
    async with (
        servers.gateway(folder / "one", box, pacing="telegram", **more) as one,
        servers.gateway(folder / "two", box, pacing="telegram", **more) as two,
        connected(one.address, len(CHATS)) as to_one,
        connected(two.address, len(CHATS)) as to_two,
    ):
        keys = [one.keys.mint(chat_id) for chat_id in CHATS]
        near, far = (
            [
                sender(channel, request(chat_id, pb.WAIT_FOR_ACCEPTANCE), key, ACCEPTED)
                for channel, chat_id, key in zip(channels, CHATS, keys, strict=True)
            ]
            for channels in (to_one, to_two)
        )
        both = [caller for pair in zip(near[::2], far[1::2], strict=True) for caller in pair]
        processes = {"one": one.process, "two": two.process, "sandbox": box.process}
        ours, theirs = await interleaved([Side(both, processes), Side(near, processes)], effort.rounds, effort.seconds)
    note = "64 in flight, wait_for=ACCEPTANCE; gateways, PostgreSQL, sandbox and load generator share the machine."
    return rates("P9", "durable accepts, two gateways on PostgreSQL", "one", (ours, theirs), 1.6, note)


async def _failover(folder: Path, box: servers.Server, more: dict[str, str]) -> Row:
    seconds = []
    for number in range(KILLS):
        async with AsyncExitStack() as stack:
            leader, follower = [
                await stack.enter_async_context(servers.gateway(folder / name, box, pacing="off", **more))
                for name in ("one", "two")
            ]
            keys = servers.Keys(folder / "one" / "data")
            [channel] = await stack.enter_async_context(connected(follower.address, 1))
            chat_id = CHATS[number]
            deliver = sender(channel, request(chat_id, pb.WAIT_FOR_DELIVERY), keys.mint(chat_id), DELIVERED)
            await deliver()
            leader.process.kill()
            began = time.perf_counter()
            async with asyncio.timeout(60):
                await deliver()
            seconds.append(time.perf_counter() - began)
    figure = spread(seconds)
    return Row(
        id="P9",
        measured="the one that sends is killed, to the next delivery",
        unit="s",
        ours=figure,
        figure=figure,
        target=Target(5, at_least=False),
        note=f"{KILLS} kills; the message is handed to the other gateway right after.",
    )
