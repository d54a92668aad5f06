"""P3: taking messages in, against a server that does nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.load import ACCEPTED, Caller, Side, connected, interleaved, request, sender, streamer
from tests.benchmarks.report import Row, rates

CHATS = range(2001, 2065)
"""One chat for each of the 64 callers."""
STREAMS = 8


async def accepted(effort: Effort, folder: Path) -> list[Row]:
    """P3: durable accepts per second, 64 in flight, by unary calls and by streams."""
    async with (
        servers.sandbox(folder, CHATS) as box,
        # Paced as for Telegram, 30 a second are delivered and the rest stays queued: what a burst meets in production.
        servers.gateway(folder / "gateway", box, pacing="telegram", profiled=effort.profiled) as gateway,
        servers.echo(folder) as echo,
        servers.bare(folder, box) as bare,
        connected(gateway.address, len(CHATS)) as to_gateway,
        connected(echo.address, len(CHATS)) as to_echo,
        connected(bare.address, len(CHATS)) as to_bare,
        connected(gateway.address, STREAMS) as streamed,
    ):
        keys = [gateway.keys.mint(chat_id) for chat_id in CHATS]
        ours = {"gateway": gateway.process, "sandbox": box.process}
        sides = [
            Side(_callers(to_gateway, keys), ours),
            Side(await _streamers(streamed, keys), ours),
            Side(_callers(to_echo, keys), {"echo": echo.process}),
            Side(_callers(to_bare, keys), {"bare": bare.process}),
        ]
        unary, stream, theirs, least = await interleaved(sides, effort.rounds, effort.seconds)
    queued = sum(reading.calls for reading in [*unary, *stream])
    note = (
        "64 in flight, wait_for=ACCEPTANCE; meanwhile CHATKEY_PACING=telegram delivers 30/s, and "
        f"{queued:,} messages queue up."
    )
    each = f"one chat and key per caller, {note}"
    many = f"{STREAMS} streams with a chat and key each, {note}"
    return [
        rates("P3", "durable accepts, unary", "echo", (unary, theirs), 0.8, each),
        rates("P3", "durable accepts, unary", "the bare way", (unary, least), None, each),
        rates("P3", "durable accepts, by SendMessages", "echo", (stream, theirs), 1.5, many),
    ]


def _callers(channels: Sequence[grpc.aio.Channel], keys: Sequence[str]) -> list[Caller]:
    return [
        sender(channel, request(chat_id, pb.WAIT_FOR_ACCEPTANCE), key, ACCEPTED)
        for channel, chat_id, key in zip(channels, CHATS, keys, strict=True)
    ]


async def _streamers(channels: Sequence[grpc.aio.Channel], keys: Sequence[str]) -> list[Caller]:
    callers = []
    for channel, chat_id, key in zip(channels, CHATS, keys, strict=False):
        message = pb.SendMessageRequest.FromString(request(chat_id, pb.WAIT_FOR_ACCEPTANCE))
        sent = pb.SendMessagesRequest(message=message).SerializeToString()
        callers.append(await streamer(channel, sent, key, ACCEPTED, len(CHATS) // STREAMS))
    return callers
