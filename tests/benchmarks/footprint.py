"""P7 and P8: memory of an idle server, and how long it takes until something is there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc

from chatkey.v1 import credential_self_pb2 as pb
from tests.benchmarks import servers
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Spread, Target, spread
from tests.benchmarks.load import raw
from tests.benchmarks.report import Row

DESCRIBE = "/chatkey.v1.CredentialSelf/DescribeCredential"
LIBRARIES = "import grpc.aio, telegram, aiohttp, apsw, os, psutil; print(psutil.Process().memory_info().rss)"
CHAT = 6001
COMMAND = str(Path(sys.executable).with_name("chatkey"))


async def memory(effort: Effort, folder: Path) -> list[Row]:
    """P7: resident memory of an idle server."""
    resident = []
    async with servers.sandbox(folder, [CHAT]) as box:
        for number in range(effort.rounds):
            async with servers.gateway(folder / f"gateway-{number}", box, pacing="telegram") as gateway:
                await _first_answer(gateway.address, gateway.keys.mint(CHAT))
                await asyncio.sleep(effort.seconds / 2)
                resident.append(_mebibytes(gateway.process.memory_info().rss))
    libraries = await asyncio.to_thread(_libraries)
    figure = spread(resident)
    return [
        Row(
            id="P7",
            measured="resident memory of an idle server",
            unit="MiB",
            ours=figure,
            figure=figure,
            target=Target(110, at_least=False),
            note=f"grpc, telegram, aiohttp and apsw alone, imported: {libraries:.0f} MiB.",
        )
    ]


async def starts(effort: Effort, folder: Path) -> list[Row]:
    """P8: from nothing to the first answered call, and two commands."""
    served = []
    async with servers.sandbox(folder, [CHAT]) as box:
        home = folder / "gateway"
        for _ in range(effort.rounds):
            began = time.perf_counter()
            async with servers.gateway(home, box, pacing="telegram") as gateway:
                await _first_answer(gateway.address, gateway.keys.mint(CHAT))
                served.append(time.perf_counter() - began)
        environ = servers.settings(home, box, "telegram")
    times = effort.rounds * 2
    issue = ["token", "issue", "--client", "bench", "--chat", str(CHAT)]
    return [
        _limit("serve to the first answered call", spread(served), 1.5),
        _limit("chatkey --help", _timed(["--help"], times), 0.25),
        _limit("chatkey token issue", _timed(issue, times, environ), 0.4),
    ]


def _limit(measured: str, figure: Spread, seconds: float) -> Row:
    return Row(id="P8", measured=measured, unit="s", ours=figure, figure=figure, target=Target(seconds, at_least=False))


async def _first_answer(address: str, key: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await raw(channel, DESCRIBE)(
            pb.DescribeCredentialRequest().SerializeToString(),
            metadata=(("authorization", f"Bearer {key}"),),
            timeout=10,
        )
    assert pb.DescribeCredentialResponse.FromString(answer).credential.client


def _timed(arguments: Sequence[str], times: int, environ: Mapping[str, str] | None = None) -> Spread:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([COMMAND, *arguments], env=servers.inherited(environ), capture_output=True, check=True)
        took.append(time.perf_counter() - began)
    return spread(took)


def _libraries() -> float:
    done = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, check=True)
    return _mebibytes(int(done.stdout))


def _mebibytes(size: int) -> float:
    return size / 2**20
