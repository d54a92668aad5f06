"""P5: how near to Telegram's limits a burst is delivered, when the sandbox enforces them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Target, ratio, spread
from tests.benchmarks.load import DELIVERED, Caller, Unexpected, connected, request, sender
from tests.benchmarks.report import Row

GROUPS, PEOPLE = 10, 46
PAUSE = 3
"""Seconds that Telegram asks to keep away from one chat."""


def optimum(counts: dict[int, int]) -> float:
    """Return the seconds that so many messages to each chat take at least.

    The limits are Telegram's (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): 30 in a
    second in all, 1 in a second to a chat, 20 in a minute to a group, whose id is below 0. The first may go at once.
    """
    in_all = (sum(counts.values()) - 1) // 30
    to_a_chat = max(count - 1 for count in counts.values())
    to_a_group = max((60 * ((count - 1) // 20) for chat_id, count in counts.items() if chat_id < 0), default=0)
    return float(max(in_all, to_a_chat, to_a_group))


async def paced(effort: Effort, folder: Path) -> list[Row]:
    """P5: the time of a burst against the optimum, and what one chat's pause costs the others."""
    each = 6 if effort.seconds > 1 else 2
    sick: list[float] = []
    well: list[float] = []
    for number in range(effort.rounds):
        # New chats and bots in each round: no window of an earlier one is still taken.
        quiet, struck = _chats(2 * number), _chats(2 * number + 1)
        async with (
            servers.sandbox(folder, [*quiet, *struck], limits="telegram") as box,
            servers.gateway(folder / f"quiet-{number}", box, pacing="telegram", bot_id=4000000001) as one,
            servers.gateway(folder / f"struck-{number}", box, pacing="telegram", bot_id=4000000002) as other,
        ):
            await _tell_to_wait(box, struck[-1])
            ended = await asyncio.gather(_burst(one, quiet, each), _burst(other, struck, each))
            await _require_no_other_refusal(box)
            well.append(max(ended[0]))
            sick.append(max(ended[1][:-each]))
    best = optimum(dict.fromkeys(quiet, each))
    note = (
        f"{each * len(quiet)} messages at once to {GROUPS} groups and {PEOPLE} people, no 429 beside the scripted one. "
        "The optimum is computed. Both bursts run at the same time, each with its own gateway and bot."
    )
    return [
        Row(
            id="P5",
            measured="time of a paced burst",
            against="optimum",
            unit="s",
            ours=spread(well),
            theirs=spread([best]),
            figure=ratio(well, [best] * len(well)),
            target=Target(1.03, at_least=False),
            note=note,
        ),
        Row(
            id="P5",
            measured=f"time for the other chats, one told to wait {PAUSE} s",
            against="none told",
            unit="s",
            ours=spread(sick),
            theirs=spread(well),
            figure=ratio(sick, well),
            target=Target(1.01, at_least=False),
        ),
    ]


def _chats(number: int) -> list[int]:
    first = 5001 + 1000 * number
    return [*range(-first - GROUPS, -first), *range(first, first + PEOPLE)]


async def _tell_to_wait(box: servers.Server, chat_id: int) -> None:
    fault = {"kind": "rate_limited", "retry_after": PAUSE}
    await servers.ask(
        box.address, "/sandbox/faults", {"method": "sendMessage", "chat_id": chat_id, "times": 1, "fault": fault}
    )


async def _require_no_other_refusal(box: servers.Server) -> None:
    log = await servers.ask(box.address, "/sandbox/log")
    refused = sum(entry.get("error_code") == 429 for entry in log)
    if refused != 1:
        raise Unexpected(f"the sandbox refused {refused} messages as too fast, and 1 was scripted")


async def _burst(gateway: servers.Gateway, chats: Sequence[int], each: int) -> list[float]:
    """Hand all in at once; return when each was delivered, in seconds, chat by chat."""
    began = time.perf_counter()

    async def delivered(call: Caller) -> float:
        await call()
        return time.perf_counter() - began

    async with connected(gateway.address, each * len(chats)) as channels:
        keys = [(chat_id, gateway.keys.mint(chat_id)) for chat_id in chats for _ in range(each)]
        calls = [
            sender(channel, request(chat_id, pb.WAIT_FOR_DELIVERY), key, DELIVERED)
            for channel, (chat_id, key) in zip(channels, keys, strict=True)
        ]
        began = time.perf_counter()
        return list(await asyncio.gather(*(delivered(call) for call in calls)))
