"""P1 and P2: sending through the gateway and without it, against the same sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from telegram import Bot

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Target, percentile, ratio, spread
from tests.benchmarks.load import (
    DELIVERED,
    TEXT,
    Caller,
    Reading,
    Side,
    connected,
    interleaved,
    request,
    sender,
    strangers,
)
from tests.benchmarks.report import Row, rates

CHATS = range(1001, 1033)
"""One chat, and so one key, for each of the 32 callers."""

RIVAL = "python-telegram-bot"
BARE = "the bare way"


async def throughput(effort: Effort, folder: Path) -> list[Row]:
    """P1: delivered messages per second, 32 callers."""
    ours, theirs, least = await _compared(effort, folder, CHATS)
    per_second = spread([reading.rate for reading in ours])
    note = "32 in flight, one chat and key per caller, wait_for=DELIVERY, CHATKEY_PACING=off."
    return [
        rates("P1", "delivered messages", RIVAL, (ours, theirs), 4.0, note),
        Row(
            id="P1",
            measured="delivered messages: Telegram's paid ceiling",
            unit="/s",
            ours=per_second,
            figure=per_second,
            target=Target(1000.0, at_least=True),
        ),
        rates("P1", "delivered messages", BARE, (ours, least), None, f"{note} The bare way: see bare.py."),
    ]


async def latency(effort: Effort, folder: Path) -> list[Row]:
    """P2: how long one caller waits for the delivery of one message."""
    ours, theirs, least = await _compared(effort, folder, CHATS[:1])
    rows = []
    for percent, limit in ((50, 1.0), (99, 1.5)):
        mine = [percentile(reading.latencies, percent) * 1000 for reading in ours]
        others = [percentile(reading.latencies, percent) * 1000 for reading in theirs]
        rows.append(
            Row(
                id="P2",
                measured=f"latency of a delivery, p{percent}",
                against=RIVAL,
                unit="ms",
                ours=spread(mine),
                theirs=spread(others),
                figure=ratio(mine, others),
                target=Target(limit, at_least=False),
                note=f"one caller, {min(reading.calls for reading in [*ours, *theirs])} or more calls a round; "
                f"{strangers([*ours, *theirs])}.",
            )
        )
    mine, others = ([percentile(reading.latencies, 50) * 1000 for reading in side] for side in (ours, least))
    rows.append(
        Row(
            id="P2",
            measured="latency of a delivery, p50",
            against=BARE,
            unit="ms",
            ours=spread(mine),
            theirs=spread(others),
            figure=ratio(mine, others),
            target=None,
        )
    )
    return rows


@asynccontextmanager
async def through_gateway(gateway: servers.Gateway, box: servers.Server, chats: Sequence[int]) -> AsyncIterator[Side]:
    """Yield the side of callers that wait for delivery, each with the key of one chat."""
    async with connected(gateway.address, len(chats)) as channels:
        callers = [
            sender(channel, request(chat_id, pb.WAIT_FOR_DELIVERY), gateway.keys.mint(chat_id), DELIVERED)
            for channel, chat_id in zip(channels, chats, strict=True)
        ]
        yield Side(callers, {"gateway": gateway.process, "sandbox": box.process})


@asynccontextmanager
async def _bare(bare: servers.Server, box: servers.Server, chats: Sequence[int]) -> AsyncIterator[Side]:
    async with connected(bare.address, len(chats)) as channels:
        callers = [
            sender(channel, request(chat_id, pb.WAIT_FOR_DELIVERY), "", DELIVERED)
            for channel, chat_id in zip(channels, chats, strict=True)
        ]
        yield Side(callers, {"bare": bare.process, "sandbox": box.process})


@asynccontextmanager
async def _direct(box: servers.Server, chats: Sequence[int]) -> AsyncIterator[Side]:
    # As installed: the transport and the sizes of its pools are the library's own.
    async with Bot("4242424242:AAEbenchmarkbenchmarkbenchmarkbench", base_url=f"http://{box.address}/bot") as bot:
        yield Side([_direct_sender(bot, chat_id) for chat_id in chats], {"sandbox": box.process})


def _direct_sender(bot: Bot, chat_id: int) -> Caller:
    async def call() -> None:
        await bot.send_message(chat_id, TEXT)

    return call


async def _compared(effort: Effort, folder: Path, chats: Sequence[int]) -> list[list[Reading]]:
    async with (
        servers.sandbox(folder, chats) as box,
        servers.gateway(folder / "gateway", box, pacing="off", profiled=effort.profiled) as gateway,
        through_gateway(gateway, box, chats) as ours,
        _direct(box, chats) as theirs,
        servers.bare(folder, box) as bare,
        _bare(bare, box, chats) as least,
    ):
        return await interleaved([ours, theirs, least], effort.rounds, effort.seconds)
