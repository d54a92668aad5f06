"""P4: refusing, against a server that does nothing at all; and what a flood of bad keys does to a good caller."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks import flood, servers
from tests.benchmarks.delivery import through_gateway
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Target, percentile, ratio, spread
from tests.benchmarks.load import Caller, Side, asker, connected, interleaved, request
from tests.benchmarks.report import Row, rates

CHAT, OTHER_CHAT = 3001, 3002
IN_FLIGHT = 64
FLOOD_IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that the gateway refuses with `code`, and how fast it has to be against the echo."""

    cause: str
    chat_id: int
    keys: Sequence[str]
    code: grpc.StatusCode
    at_least: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The gateway that refuses a call and the echo that answers it, each with the channels of the callers to it."""

    gateway: tuple[servers.Server, Sequence[grpc.aio.Channel]]
    echo: tuple[servers.Server, Sequence[grpc.aio.Channel]]


def forged(key: str, count: int) -> list[str]:
    """Return as many keys that say what `key` says, each with another signature, of the right form and wrong."""
    signed, _, _ = key.rpartition(".")
    return [f"{signed}.{base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b'=').decode()}" for _ in range(count)]


async def refused(effort: Effort, folder: Path) -> list[Row]:
    """P4: refusals per second for three causes, and the latency of a good caller during a flood."""
    async with (
        servers.sandbox(folder, [CHAT, OTHER_CHAT]) as box,
        # Each bad token is to be looked at.
        servers.gateway(
            folder / "gateway", box, pacing="off", profiled=effort.profiled, failures_per_minute="0"
        ) as gateway,
    ):
        good = gateway.keys.mint(CHAT)
        bad = forged(good, 512)
        denied, unauthenticated = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
        async with (
            servers.echo(folder) as echo,
            connected(gateway.address, IN_FLIGHT) as to_gateway,
            connected(echo.address, IN_FLIGHT) as to_echo,
        ):
            pair = Pair((gateway, to_gateway), (echo, to_echo))
            rows = [
                await _compared(effort, pair, Refusal("wrong chat", OTHER_CHAT, [good], denied, 0.8)),
                await _compared(effort, pair, Refusal("no token", CHAT, [], unauthenticated, 0.8)),
                await _compared(effort, pair, Refusal("bad signature", CHAT, bad, unauthenticated, 0.5)),
            ]
    async with (
        servers.sandbox(folder, [CHAT]) as box,
        servers.gateway(folder / "flooded", box, pacing="off", profiled=effort.profiled) as gateway,
    ):
        return [*rows, await _flooded(effort, gateway, box, forged(gateway.keys.mint(CHAT), 512))]


async def _compared(effort: Effort, pair: Pair, refusal: Refusal) -> Row:
    (gateway, to_gateway), (echo, to_echo) = pair.gateway, pair.echo
    sides = [
        Side(_askers(to_gateway, refusal, refusal.code), {"gateway": gateway.process}),
        Side(_askers(to_echo, refusal, grpc.StatusCode.OK), {"echo": echo.process}),
    ]
    ours, theirs = await interleaved(sides, effort.rounds, effort.seconds / 2)
    note = f"{refusal.cause}, {IN_FLIGHT} in flight; nobody is served meanwhile, so no answer waits."
    return rates("P4", f"refusals, {refusal.cause}", "echo", (ours, theirs), refusal.at_least, note)


def _askers(channels: Sequence[grpc.aio.Channel], refusal: Refusal, code: grpc.StatusCode) -> list[Caller]:
    sent = request(refusal.chat_id, pb.WAIT_FOR_DELIVERY)
    return [asker(channel, sent, refusal.keys, code) for channel in channels]


async def _flooded(effort: Effort, gateway: servers.Gateway, box: servers.Server, bad: Sequence[str]) -> Row:
    quiet, loud, floods = [], [], []
    async with through_gateway(gateway, box, [CHAT]) as side:
        await side.run(effort.seconds / 2)
        for _ in range(effort.rounds):
            quiet.append(await side.run(effort.seconds))
            async with flood.running(gateway.address, CHAT, bad, FLOOD_IN_FLIGHT) as rate:
                loud.append(await side.run(effort.seconds))
            floods.append(rate())
    calm = [percentile(reading.latencies, 99) * 1000 for reading in quiet]
    pressed = [percentile(reading.latencies, 99) * 1000 for reading in loud]
    flooded = f"{spread(floods).median:,.0f} refused a second, {FLOOD_IN_FLIGHT} in flight from another process"
    return Row(
        id="P4",
        measured="latency of a delivery, p99, in a flood",
        against="without",
        unit="ms",
        ours=spread(pressed),
        theirs=spread(calm),
        figure=ratio(pressed, calm),
        target=Target(2.0, at_least=False),
        note=f"the flood of bad signatures: {flooded}.",
    )
