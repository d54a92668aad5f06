"""The processes that are measured: each is started on a free port and is stopped by whoever started it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from gateway.access.issue import Issuer
from gateway.access.key_file import issuer_key
from gateway.clock import SystemClock
from gateway.config import PREFIX
from tests.benchmarks import profiling

NAME = "chatkey/benchmarks"
_START = 20
_STOP = 20


class NotStarted(Exception):
    """A server ended, or said nothing, before it served."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is reached (`HOST:PORT`), and its process."""

    address: str
    process: psutil.Process


@dataclass(frozen=True, slots=True)
class Gateway(Server):
    """A running gateway; `keys` mints for it."""

    keys: Keys


class Keys:
    """Mints keys with the issuer's key of a data directory; makes that key where there is none."""

    def __init__(self, data: Path) -> None:
        """Read or make the issuer's key."""
        self._issuer = Issuer(
            issuer_key(data), issuer=NAME, audience=NAME, clock=SystemClock(), random_bytes=secrets.token_bytes
        )

    def mint(self, chat_id: int) -> str:
        """Return the key of one client for one chat."""
        return self._issuer.issue(client=f"bench:{chat_id}", chat_id=chat_id, ttl=timedelta(hours=1)).token


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def inherited(environ: Mapping[str, str] | None) -> dict[str, str]:
    """Return this process's environment with no settings of Chatkey but these."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | dict(environ or {})


@asynccontextmanager
async def process(
    arguments: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[psutil.Process, str]]:
    """Run Python with these arguments; yield its process and the first line that it printed, and stop it at the end.

    Raises:
        NotStarted: with the end of what it wrote to standard error.
    """
    with log.open("ab") as errors:
        running = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=inherited(environ), stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        line = await _first_line(running)
        if not line:
            raise NotStarted(f"{' '.join(arguments)}:\n{_end_of(log)}")
        yield psutil.Process(running.pid), line
    finally:
        await _stop(running)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _first_line(running: asyncio.subprocess.Process) -> str:
    assert running.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(_START):
            return (await running.stdout.readline()).decode().strip()
    return ""


async def _stop(running: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        running.terminate()
    try:
        async with asyncio.timeout(_STOP):
            await running.wait()
    except TimeoutError:
        running.kill()
        await running.wait()


@asynccontextmanager
async def echo(folder: Path) -> AsyncIterator[Server]:
    """Run the bare gRPC server."""
    async with process(["-m", "tests.benchmarks.echo"], folder / "echo.log") as (started, address):
        yield Server(address, started)


@asynccontextmanager
async def bare(folder: Path, box: Server) -> AsyncIterator[Server]:
    """Run the bare way to a sandbox, which keeps its database in `folder`."""
    arguments = ["-m", "tests.benchmarks.bare", str(folder), f"http://{box.address}"]
    async with process(arguments, folder / "bare.log") as (started, address):
        yield Server(address, started)


@asynccontextmanager
async def sandbox(folder: Path, chats: Iterable[int], limits: str = "none") -> AsyncIterator[Server]:
    """Run the sandbox with these chats: groups below 0, people above."""
    address = f"127.0.0.1:{free_port()}"
    arguments = ["-m", "gateway", "sandbox", "--listen", address, "--limits", limits]
    async with process(arguments, folder / "sandbox.log") as (started, _):
        for chat_id in chats:
            kind = {"type": "supergroup"} if chat_id < 0 else {"type": "private"}
            await ask(address, "/sandbox/chats", {"id": chat_id, "title": f"Chat {chat_id}", **kind})
        yield Server(address, started)


async def ask(address: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Return what the sandbox's control answers to a GET, or to a POST of `body`."""
    data = None if body is None else json.dumps(body).encode()
    question = urllib.request.Request(f"http://{address}{path}", data, {"content-type": "application/json"})

    def answer() -> Any:
        with urllib.request.urlopen(question, timeout=30) as reply:
            return json.loads(reply.read() or b"null")

    return await asyncio.to_thread(answer)


def settings(folder: Path, box: Server, pacing: str, bot_id: int = 4242424242) -> dict[str, str]:
    """Return the environment of a gateway that keeps everything in `folder`: what it does not name is the default."""
    folder.mkdir(exist_ok=True)
    token = folder / "bot-token"
    token.touch(mode=0o600)
    token.write_text(f"{bot_id}:{secrets.token_urlsafe(26)}\n")
    return {
        "CHATKEY_BOT_TOKEN_FILE": str(token),
        "CHATKEY_BOT_API_URL": f"http://{box.address}",
        "CHATKEY_DATA_DIR": str(folder / "data"),
        "CHATKEY_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "CHATKEY_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
        "CHATKEY_ISSUER": NAME,
        "CHATKEY_AUDIENCE": NAME,
        "CHATKEY_PACING": pacing,
        "CHATKEY_QUOTA_PER_MINUTE": "0",
        "CHATKEY_QUOTA_QUEUE": "0",
        "CHATKEY_QUOTA_QUEUE_TOTAL": "0",
    }


@asynccontextmanager
async def gateway(
    folder: Path, box: Server, pacing: str, *, bot_id: int = 4242424242, profiled: bool = False, **more: str
) -> AsyncIterator[Gateway]:
    """Run the gateway against a sandbox; `profiled`, it leaves its profile in `folder`.

    `more` are settings that are not as by default, in lower case and without their prefix.
    """
    environ = settings(folder, box, pacing, bot_id) | {f"CHATKEY_{name.upper()}": more[name] for name in more}
    arguments = [*(profiling.arguments(folder) if profiled else []), "-m", "gateway", "serve"]
    async with process(arguments, folder / "gateway.log", environ) as (started, _):
        yield Gateway(environ["CHATKEY_GRPC_LISTEN"], started, Keys(folder / "data"))
        if profiled:
            (folder / "threads").write_text(profiling.threads(started))
