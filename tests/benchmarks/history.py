"""P6: what a message costs when a million were sent before."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from pathlib import Path

import apsw

from tests.benchmarks import servers
from tests.benchmarks.delivery import CHATS, through_gateway
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Target, ratio, spread
from tests.benchmarks.load import cpu_per_call, interleaved, strangers
from tests.benchmarks.report import Row

SHORT = 1000
SPREAD_OVER = 1000
"""Chats and clients of the history; those that are measured are among them."""


async def aged(effort: Effort, folder: Path) -> list[Row]:
    """P6: the cost of a delivery with a long history against one with a short."""
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(servers.sandbox(folder, CHATS))
        sides, starts = [], []
        for size in (effort.history, SHORT):
            home = folder / f"history-{size}"
            await _one_message(home, box)
            multiply(home / "data" / "chatkey.db", size)
            began = time.perf_counter()
            gateway = await stack.enter_async_context(
                servers.gateway(home, box, pacing="off", profiled=effort.profiled)
            )
            starts.append(time.perf_counter() - began)
            sides.append(await stack.enter_async_context(through_gateway(gateway, box, CHATS)))
        long, short = await interleaved(sides, effort.rounds, effort.seconds)
    costs = [[1000 / reading.rate for reading in readings] for readings in (long, short)]
    return [
        Row(
            id="P6",
            measured=f"cost of a delivery after {effort.history:,} messages",
            against=f"after {SHORT:,}",
            unit="ms",
            ours=spread(costs[0]),
            theirs=spread(costs[1]),
            figure=ratio(*costs),
            target=Target(1.2, at_least=False),
            note=f"as P1, time over messages; each message of the history has its audit records. The server starts in "
            f"{starts[0]:.2f} s against {starts[1]:.2f}. CPU ms each: {cpu_per_call(long)}; {cpu_per_call(short)}; "
            f"{strangers([*long, *short])}.",
        )
    ]


async def _one_message(home: Path, box: servers.Server) -> None:
    """Let the gateway itself write the rows that the history is made of."""
    async with (
        servers.gateway(home, box, pacing="off") as gateway,
        through_gateway(gateway, box, CHATS[:1]) as side,
    ):
        await side.callers[0]()


def multiply(path: Path, size: int) -> None:
    """Repeat the one message and its audit records so many times, under other ids and earlier."""
    connection = apsw.Connection(str(path))
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
        connection.execute(f"PRAGMA {setting}")
    identity = "printf('00000000-0000-7000-8000-%012x', n)"
    client = f"'bench:' || ({CHATS[0]} + n % {SPREAD_OVER})"
    chat = f"{CHATS[0]} + n % {SPREAD_OVER}"
    whose = {"client": client, "chat_id": chat}
    instants = ("at", "accepted_at", "attempted_at", "finished_at")
    earlier = {name: f"{name} - 86400000000 - n * 1000000" for name in instants}
    message = {"seq": "n + 1", "change": "n + 10", "id": identity, "request_id": "'r' || n", **whose, **earlier}
    _repeat(connection, "messages", size, message)
    records = connection.execute("SELECT max(seq) FROM audit").get
    record = {"seq": f"n * {records} + seq", "message_id": f"iif(message_id IS NULL, NULL, {identity})"}
    _repeat(connection, "audit", size, record | whose | earlier)
    # Links that nobody verifies here; without them the server would be busy with sealing all the history anew.
    connection.execute(
        "INSERT INTO audit_links SELECT seq, randomblob(32) FROM audit WHERE true ON CONFLICT DO NOTHING"
    )
    connection.execute(
        "UPDATE numbers SET message = (SELECT max(seq) FROM messages), change = (SELECT max(change) FROM messages), "
        "record = (SELECT max(seq) FROM audit)"
    )
    connection.pragma("journal_mode", "wal")
    connection.close()


def _repeat(connection: apsw.Connection, table: str, times: int, changed: dict[str, str]) -> None:
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, column) for column in columns)
    connection.execute(
        f"WITH RECURSIVE numbered (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbered WHERE n < {times}) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM (SELECT * FROM {table}), numbered ORDER BY n"
    )
