"""P3: taking messages in, against a server that does nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import ACCEPTED, Caller, Side, connected, interleaved, request, sender
from tests.benchmarks.report import Row, rates

CHATS = range(2001, 2065)
"""One chat for each of the 64 callers."""


async def unary(effort: Effort, folder: Path) -> list[Row]:
    """P3: durable accepts per second by unary calls, 64 in flight."""
    async with (
        servers.sandbox(folder, CHATS) as box,
        # Paced as for Telegram, 30 a second are delivered and the rest stays queued: what a burst meets in production.
        servers.gateway(folder / "gateway", box, pacing="telegram", profiled=effort.profiled) as gateway,
        servers.echo(folder) as echo,
        connected(gateway.address, len(CHATS)) as to_gateway,
        connected(echo.address, len(CHATS)) as to_echo,
    ):
        keys = [gateway.keys.mint(chat_id) for chat_id in CHATS]
        sides = [
            Side(_callers(to_gateway, keys), {"gateway": gateway.process, "sandbox": box.process}),
            Side(_callers(to_echo, keys), {"echo": echo.process}),
        ]
        ours, theirs = await interleaved(sides, effort.rounds, effort.seconds)
    note = (
        "64 in flight, one chat and key per caller, wait_for=ACCEPTANCE; meanwhile CHATKEY_PACING=telegram delivers "
        f"30/s, and {sum(reading.calls for reading in ours):,} messages queue up."
    )
    return [rates("P3", "durable accepts, unary", "echo", (ours, theirs), 0.8, note)]


def _callers(channels: Sequence[grpc.aio.Channel], keys: Sequence[str]) -> list[Caller]:
    return [
        sender(channel, request(chat_id, pb.WAIT_FOR_ACCEPTANCE), key, ACCEPTED)
        for channel, chat_id, key in zip(channels, CHATS, keys, strict=True)
    ]
