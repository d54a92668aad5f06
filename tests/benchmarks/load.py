"""The load: callers that ask again as soon as they are answered, and two sides that take turns."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import grpc
import psutil  # type: ignore[import-untyped]

from chatkey.v1 import messaging_gateway_pb2 as pb

SEND = "/chatkey.v1.MessagingGateway/SendMessage"
SEND_MANY = "/chatkey.v1.MessagingGateway/SendMessages"
TEXT = "Deployment 4711 of billing finished: 12 of 12 instances are healthy."

DELIVERED = (pb.STATE_DELIVERED,)
ACCEPTED = (pb.STATE_QUEUED, pb.STATE_SENDING)
"""A message for an idle chat is kept as being sent from the start."""

Caller: TypeAlias = Callable[[], Awaitable[None]]
"""Makes one call and returns when it is answered as it should be."""

Stream: TypeAlias = grpc.aio.StreamStreamCall[bytes, bytes]
Method: TypeAlias = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]

_LONGEST_ROUND = 60
_PER_CONNECTION = 8


class Unexpected(Exception):
    """A side did not do the work that was to be measured."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One round of one side: latencies and the CPU time of each process, in seconds.

    Attributes:
        machine: The CPU time of everything that ran on the machine meanwhile, in seconds.
    """

    calls: int
    seconds: float
    latencies: Sequence[float]
    cpu: Mapping[str, float]
    machine: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: as many calls in flight as it has callers.

    Attributes:
        processes: Whose CPU time to read, by name; the load generator's own is added as `load`.
    """

    callers: Sequence[Caller]
    processes: Mapping[str, psutil.Process]

    async def run(self, seconds: float) -> Reading:
        """Let the callers call for so long, at least once each, and wait for the answers that are still out."""
        latencies: list[float] = []
        cpu, machine = self._cpu(), _machine_cpu()
        began = time.perf_counter()

        async def repeat(call: Caller) -> None:
            asked = began
            while True:
                await call()
                answered = time.perf_counter()
                latencies.append(answered - asked)
                if answered >= began + seconds:
                    return
                asked = answered

        async with asyncio.timeout(seconds + _LONGEST_ROUND), asyncio.TaskGroup() as tasks:
            for caller in self.callers:
                tasks.create_task(repeat(caller))
        took = time.perf_counter() - began
        spent = {name: after - cpu[name] for name, after in self._cpu().items()}
        return Reading(len(latencies), took, latencies, spent, _machine_cpu() - machine)

    def _cpu(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self.processes.items()}
        return {name: spent.user + spent.system for name, spent in times.items()} | {"load": time.process_time()}


def _machine_cpu() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system)


async def interleaved(sides: Sequence[Side], rounds: int, seconds: float) -> list[list[Reading]]:
    """Return the readings of each side: they take turns, and who begins alternates. A warm-up goes before."""
    readings: list[list[Reading]] = [[] for _ in sides]
    for side in sides:
        await side.run(min(seconds, 0.7))
    for number in range(rounds):
        turns = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for turn in turns:
            readings[turn].append(await sides[turn].run(seconds))
    return readings


def cpu_per_call(readings: Sequence[Reading]) -> str:
    """Say how many milliseconds of CPU a call cost in each process, over all rounds."""
    calls = sum(reading.calls for reading in readings)
    spent = {name: sum(reading.cpu[name] for reading in readings) for name in readings[0].cpu}
    return ", ".join(f"{name} {seconds / calls * 1000:.2f}" for name, seconds in spent.items())


def strangers(readings: Sequence[Reading]) -> str:
    """Say how many cores were busy with something else: what else runs makes a figure worse and its spread wide."""
    seconds = sum(reading.seconds for reading in readings)
    foreign = sum(reading.machine - sum(reading.cpu.values()) for reading in readings)
    return f"{max(0.0, foreign / seconds):.1f} cores were busy with something else"


@asynccontextmanager
async def connected(address: str, callers: int) -> AsyncIterator[Sequence[grpc.aio.Channel]]:
    """Yield one channel for each of so many callers; eight of them share a connection."""
    async with AsyncExitStack() as stack:
        channels = [
            # Without a pool of its own, each channel of a process would use the same connection.
            await stack.enter_async_context(
                grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
            )
            for _ in range(0, callers, _PER_CONNECTION)
        ]
        yield [channels[caller // _PER_CONNECTION] for caller in range(callers)]


def raw(channel: grpc.aio.Channel, method: str) -> Method:
    """Return a method that takes and returns bytes: whoever generates load has no time for messages."""
    unserialized: Method = channel.unary_unary(method)
    return unserialized


def request(chat_id: int, wait_for: pb.WaitFor) -> bytes:
    """Return a serialized request for one short message."""
    return pb.SendMessageRequest(chat_id=chat_id, text=TEXT, wait_for=wait_for).SerializeToString()


def sender(channel: grpc.aio.Channel, sent: bytes, key: str, states: Container[pb.State]) -> Caller:
    """Return a caller that sends one message and expects it in one of `states`."""
    method = raw(channel, SEND)
    metadata = (("authorization", f"Bearer {key}"),)

    async def call() -> None:
        message = pb.SendMessageResponse.FromString(await method(sent, metadata=metadata)).message
        if message.state not in states:
            raise Unexpected(f"a message is {pb.State.Name(message.state)}")

    return call


async def streamer(
    channel: grpc.aio.Channel, sent: bytes, key: str, states: Container[pb.State], in_flight: int
) -> Caller:
    """Open a stream and return a caller that hands one message in and expects the answer to one of `in_flight`."""
    stream: Stream = channel.stream_stream(SEND_MANY)(metadata=(("authorization", f"Bearer {key}"),))
    for _ in range(in_flight - 1):
        await stream.write(sent)

    async def call() -> None:
        await stream.write(sent)
        answer = await stream.read()
        # The end of the stream is no bytes; awaiting its code raises nothing, so the reason can be told.
        if not isinstance(answer, bytes):
            raise Unexpected(f"the stream ended: {await stream.code()}")
        outcome = pb.SendMessagesResponse.FromString(answer)
        if outcome.message.state not in states:
            raise Unexpected(f"a message of a stream ended as {outcome}")

    return call


def asker(channel: grpc.aio.Channel, sent: bytes, keys: Sequence[str], *expected: grpc.StatusCode) -> Caller:
    """Return a caller that goes round the keys (none: it shows no key) and looks at nothing but the status."""
    method = raw(channel, SEND)
    shown = itertools.cycle([(("authorization", f"Bearer {key}"),) for key in keys] or [()])

    async def call() -> None:
        # Asked for the code alone, grpc.aio builds no exception: both sides cost the load generator about the same.
        code = await method(sent, metadata=next(shown)).code()
        if code not in expected:
            raise Unexpected(f"answered {code.name} instead of {' or '.join(each.name for each in expected)}")

    return call
