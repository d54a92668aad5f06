"""The real server as a process: started, killed and started again on the same data, and watched for what it says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatkey import Client
from gateway.config import PREFIX, Config, load
from gateway.store.databases import open_readings
from tests.support import canary
from tests.support.gateway import issue
from tests.support.ports import free_port as free_port

PATIENCE = 30
"""Seconds after which what a test waits for is taken for never coming."""


class NotStarted(Exception):
    """The server ended before it served.

    Attributes:
        code: Its exit code.
        said: What it wrote to standard error.
    """

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"exit code {code}: {said}")
        self.code = code
        self.said = said


class Server:
    """A gateway that runs as a process of its own, with its data in a folder of its own.

    Attributes:
        settings: Its `CHATKEY_...` variables without the prefix, in lower case; they may be changed between two starts.
        prepare: Run in the process before the program.
        has_a_planted_bug: Whether it may log exceptions.
    """

    def __init__(self, folder: Path, telegram: str, **settings: str) -> None:
        """Prepare a server that speaks to Telegram at this address; nothing is started yet."""
        folder.mkdir(exist_ok=True)
        self.token_file = folder / "bot-token"
        self.put_token(canary.BOT_TOKEN)
        self.settings = {
            "bot_token_file": str(self.token_file),
            "bot_api_url": telegram,
            "data_dir": str(folder / "data"),
            "grpc_listen": f"127.0.0.1:{free_port()}",
            "http_listen": f"127.0.0.1:{free_port()}",
            "pacing": "off",
            "log_level": "DEBUG",
        } | settings
        self.prepare: Callable[[], None] | None = None
        self.has_a_planted_bug = False
        self._log = folder / "gateway.log"
        self._log.touch()
        self._reading: set[asyncio.Task[None]] = set()
        self._process: asyncio.subprocess.Process | None = None

    # Its life.

    async def start(self) -> None:
        """Start it, and return when it takes calls.

        Raises:
            NotStarted: It refused to.
        """
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve"),
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=self.prepare,
        )
        before = len(self.log)
        # Through this process, because a limit of the server's own on the files that it writes must not reach its log.
        self._reading = {asyncio.create_task(self._keep(process.stderr))}
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            announced = await process.stdout.readline()
        if not announced:
            raise NotStarted(await self.ended(), self.log[before:])
        self._reading.add(asyncio.create_task(self._keep(process.stdout)))

    async def ended(self) -> int:
        """Return its exit code once it has ended; minus the number of the signal that it died of."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await asyncio.gather(*self._reading)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a crash does, at whatever it is doing."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """Tell it to end in peace, and return its exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def close(self) -> None:
        """Kill it if it runs."""
        if self.runs:
            await self.kill()

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its number among the processes."""
        assert self._process is not None
        return self._process.pid

    async def command(self, *arguments: str) -> int:
        """Run another command with its configuration, and return the exit code."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments), env=self._environment(), stdout=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    async def ask(self, *arguments: str) -> str:
        """Run another command with its configuration, which must succeed, and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments),
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, (arguments, err.decode())
        return out.decode()

    async def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what such a command printed as JSON lines."""
        return [json.loads(line) for line in (await self.ask(*arguments, "--json")).splitlines()]

    # What it says.

    @property
    def log(self) -> str:
        """All that it has said so far, earlier runs included."""
        return self._log.read_text(errors="replace")

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return its log lines about an event."""
        return [line for line in self._parsed() if line["event"] == event]

    def bugs(self) -> list[str]:
        """Return every exception that it logged or died of."""
        # gRPC logs it as an exception of its own when a caller hangs up while it is being answered.
        logged = [line for line in self._parsed() if not line.get("logger", "").startswith("grpc.")]
        plain = [line for line in self.log.splitlines() if not line.startswith("{")]
        return [line["exception"] for line in logged if "exception" in line] + [
            line for line in plain if line.startswith("Traceback")
        ]

    def _parsed(self) -> list[dict[str, Any]]:
        whole = [line for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in whole]

    async def page(self, path: str) -> tuple[int, str]:
        """Return status and text of a page of its HTTP door."""
        async with aiohttp.ClientSession() as http, http.get(f"http://{self.settings['http_listen']}{path}") as answer:
            return answer.status, await answer.text()

    async def serves(self) -> bool:
        """Ask its gRPC health service."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def waiting(self) -> int:
        """Return how many of its messages are not final: those that it keeps, whether it has taken them up or not."""
        async with open_readings(self.config) as store:
            return len(await store.unfinished())

    async def is_done(self) -> bool:
        """Tell whether every message is final."""
        return await self.waiting() == 0

    # Its clients.

    @property
    def address(self) -> str:
        """Where its gRPC door is."""
        return self.settings["grpc_listen"]

    @property
    def config(self) -> Config:
        """Its configuration."""
        return load(self._variables(), Path(self.settings["data_dir"]))

    def token(self, chat_id: int, client: str = "svc:test") -> str:
        """Issue a token for a chat."""
        return issue(self.config, chat_id, client)

    def client(self, chat_id: int, client: str = "svc:test") -> Client:
        """Return the Python client with a token for a chat."""
        return Client(self.address, token=self.token(chat_id, client))

    def put_token(self, token: str) -> None:
        """Put another bot token into its token file."""
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(f"{token}\n")

    def require_no_secret(self) -> None:
        """Look for secrets in all that it said and keeps."""
        data = Path(self.settings["data_dir"])
        for path in (self._log, *(data.iterdir() if data.is_dir() else ())):
            if path.is_file():
                assert not canary.found_in(path.read_bytes()), f"{path.name} holds a secret"

    def _variables(self) -> dict[str, str]:
        return {f"{PREFIX}{name.upper()}": value for name, value in self.settings.items()}

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return own | self._variables()

    async def _keep(self, said: asyncio.StreamReader | None) -> None:
        assert said is not None
        with self._log.open("ab", buffering=0) as log:
            while data := await said.read(1 << 16):
                log.write(data)


@asynccontextmanager
async def searched(made: Server) -> AsyncIterator[Server]:
    """Give a server; at the end it is killed if it runs, and searched for secrets and for signs of a bug."""
    try:
        yield made
    finally:
        await made.close()
        made.require_no_secret()
    assert made.has_a_planted_bug or not made.bugs()


@asynccontextmanager
async def server(folder: Path, telegram: str, **settings: str) -> AsyncIterator[Server]:
    """Give a server that is not started yet, `searched` at the end.

    Args:
        folder: Where its token file, its log and its data directory are.
        telegram: The address of the Bot API.
        settings: Its `CHATKEY_...` variables without the prefix, in lower case.
    """
    async with searched(Server(folder, telegram, **settings)) as made:
        yield made


@asynccontextmanager
async def serving(folder: Path, telegram: str, **settings: str) -> AsyncIterator[Server]:
    """Give a server that serves, as `server` does."""
    async with server(folder, telegram, **settings) as made:
        await made.start()
        yield made


async def until(holds: Callable[[], Any], what: str) -> None:
    """Return once `holds()`, or what it awaits, is true.

    Raises:
        TimeoutError: It does not become true; the text says what did not come.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = holds()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"it never came to this: {what}") from None
