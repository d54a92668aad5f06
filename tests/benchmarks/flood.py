"""A flood of calls that are refused, from a process of its own: its work must not slow down whoever measures.

python -m tests.benchmarks.flood   takes one JSON line, floods until standard input ends, and prints the rate
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks.load import Caller, asker, request


@asynccontextmanager
async def running(
    address: str, chat_id: int, keys: Sequence[str], in_flight: int
) -> AsyncIterator[Callable[[], float]]:
    """Flood a gateway with keys that it refuses; what is yielded returns the rate per second once the flood is over."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.flood"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    order = {"address": address, "chat_id": chat_id, "keys": list(keys), "in_flight": in_flight}
    rates: list[float] = []
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
        await process.stdout.readline()
        yield lambda: rates[0]
        process.stdin.close()
        rates.append(float(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def main() -> None:
    """Read the order, flood, and say at what rate."""
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    sent = request(order["chat_id"], pb.WAIT_FOR_DELIVERY)
    calls = 0

    async def repeat(call: Caller) -> None:
        nonlocal calls
        while True:
            await call()
            calls += 1

    async with grpc.aio.insecure_channel(order["address"]) as channel:
        # At first each is looked at; then, too many from this address were bad.
        codes = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED
        callers = [
            asker(channel, sent, order["keys"][first :: order["in_flight"]], *codes)
            for first in range(order["in_flight"])
        ]
        await callers[0]()
        began = time.perf_counter()
        print("flooding", flush=True)
        floods = [asyncio.create_task(repeat(call)) for call in callers]
        await asyncio.to_thread(sys.stdin.read)
        print(calls / (time.perf_counter() - began), flush=True)
        for task in floods:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
