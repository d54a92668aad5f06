"""The tour of the demo: each step does something real and checks that it came out as promised."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from chatkey import Client, Message, PermissionDenied, State
from gateway.access.issue import Issuer
from gateway.access.key_file import issuer_key
from gateway.clock import SystemClock
from gateway.config import PREFIX
from gateway.model import Permission
from gateway.sandbox import Sandbox, running

OPS, FINANCE = -1001, -1002
PEOPLE = range(501, 509)
AUDIENCE = ISSUER = "chatkey/demo"
WAIT_S = 10
"""Seconds in which what was written has to be told."""


class TourFailed(Exception):
    """A step did not come out as promised."""


class Tour:
    """Runs sandbox and gateway in a folder of their own, and walks through them."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """Prepare; nothing is started yet.

        Args:
            folder: Where keys, messages and the bot token are; whoever made it removes it.
            say: Prints a line.
        """
        self._folder = folder
        self._say = say
        self._step = 0
        self._sandbox = Sandbox()
        self._grpc = f"127.0.0.1:{_free_port(50051)}"
        self._http = f"127.0.0.1:{_free_port(8080)}"
        self._server: asyncio.subprocess.Process | None = None

    async def run(self, *, stay: bool) -> None:
        """Walk through every step; then serve until Ctrl-C if `stay`.

        Raises:
            TourFailed: a step did not come out as promised.
        """
        self._say("Chatkey: one Telegram bot, one key per chat.\n")
        async with running(self._sandbox, port=_free_port(8081)) as url:
            self._set_up(url)
            try:
                await self._start()
                await self._a_key_opens_its_chat()
                await self._and_no_other()
                await self._what_is_written_reaches_its_key()
                await self._a_burst_is_paced()
                await self._a_crash_loses_nothing()
                self._say("\nThe tour is passed.\n")
                self._how_to_try(url)
                if stay:
                    await self._until_interrupted()
            finally:
                await self._stop()

    def _set_up(self, url: str) -> None:
        self._sandbox.add_chat(OPS, type="supergroup", title="Ops")
        self._sandbox.add_chat(FINANCE, type="supergroup", title="Finance")
        for person in PEOPLE:
            self._sandbox.add_chat(person, type="private", title=f"Person {person}")
        token = self._folder / "bot-token"
        token.touch(mode=0o600)
        token.write_text(f"4242424242:{secrets.token_urlsafe(26)}\n")
        self._environment = {
            "CHATKEY_BOT_TOKEN_FILE": str(token),
            "CHATKEY_BOT_API_URL": url,
            "CHATKEY_DATA_DIR": str(self._folder / "data"),
            "CHATKEY_GRPC_LISTEN": self._grpc,
            "CHATKEY_HTTP_LISTEN": self._http,
            "CHATKEY_ISSUER": ISSUER,
            "CHATKEY_AUDIENCE": AUDIENCE,
            "CHATKEY_LOG_FORMAT": "text",
            "CHATKEY_UPDATES": "polling",
        }
        self._tell(f"Telegram is a Bot API in a box at {url} - open it in a browser to watch the chats.")
        self._tell(f'The bot is in two groups: A is {OPS} "Ops", B is {FINANCE} "Finance"; and it knows 8 people.')

    async def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with (self._folder / "gateway.log").open("ab") as log:
            self._server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve"),
                env=environment | self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._server.stdout is not None  # noqa: S101 - it is piped
        if not await self._server.stdout.readline():
            raise TourFailed(f"the gateway did not start:\n{(self._folder / 'gateway.log').read_text()}")
        if self._step == 2:
            self._tell(f"The gateway serves gRPC at {self._grpc}. It alone can read the bot token.")

    async def _stop(self) -> None:
        if self._server and self._server.returncode is None:
            self._server.terminate()
            await self._server.wait()

    async def _a_key_opens_its_chat(self) -> None:
        self._key = self._issue("demo:alice", OPS)
        self._tell(f"A key for chat A, valid for an hour:\n      {self._key[:60]}... ({len(self._key)} characters)")
        async with Client(self._grpc, token=self._key) as alice:
            sent = await alice.send("Hello from Chatkey", chat_id=OPS)
        self._expect(sent.state is State.DELIVERED, f"the message to A is {sent.state.name}")
        seen = self._sandbox.messages(OPS)[-1]
        self._expect(seen["message_id"] in sent.telegram_message_ids, "Telegram has another message id")
        self._tell(
            f'With it, "Hello from Chatkey" went to A: delivered, Telegram\'s message id {seen["message_id"]},'
            f" ours {sent.id}."
        )

    async def _and_no_other(self) -> None:
        before = len(self._sandbox.log())
        async with Client(self._grpc, token=self._key) as alice:
            try:
                await alice.send("Hello, Finance", chat_id=FINANCE)
            except PermissionDenied as error:
                refused = error
            else:
                raise TourFailed("the key of chat A wrote to chat B")
        asked = [entry for entry in self._sandbox.log()[before:] if entry["method"].lower() == "sendmessage"]
        self._expect(not asked, "Telegram was asked for chat B")
        self._tell("The same key for chat B: PERMISSION_DENIED. Telegram was never asked, and the audit log has it:")
        record = await self._audit(refused.error_id)
        shown = ("at", "decision", "reason", "client", "chat_id", "claimed_chat_id", "address", "error_id")
        self._say("      " + json.dumps({name: record[name] for name in shown if name in record}))
        self._expect(record.get("claimed_chat_id") == FINANCE, "the record does not name the chat")

    async def _audit(self, error_id: str) -> dict[str, object]:
        command = (sys.executable, "-m", "gateway", "audit", "search", "--error-id", error_id, "--json")
        for _ in range(50):
            search = await asyncio.create_subprocess_exec(
                *command, env=os.environ | self._environment, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await search.communicate()
            if output.strip():
                record = json.loads(output.splitlines()[0])
                assert isinstance(record, dict)  # noqa: S101 - a record is an object
                return record
        raise TourFailed(f"the audit log has no record of {error_id}")

    async def _what_is_written_reaches_its_key(self) -> None:
        self._sandbox.inject({"chat_id": FINANCE, "text": "Only Finance may read this"})
        self._sandbox.inject({"chat_id": OPS, "text": "Is anybody there?"})
        key = self._issue("demo:carol", OPS, Permission.READ)
        async with asyncio.timeout(WAIT_S), Client(self._grpc, token=key) as carol:
            first = await anext(carol.updates(from_oldest=True))
        self._expect(first.chat_id == OPS and first.message is not None, "a key of A was told of another chat")
        self._tell(
            "Somebody writes in B, then in A. A key that reads A is told of A alone:\n"
            f'      "{first.message.text if first.message else ""}"'
        )

    async def _a_burst_is_paced(self) -> None:
        self._tell(
            "40 messages at once to the 8 people, each with a key of its own; Telegram takes 1 a second for each:"
        )
        texts = [f"burst {number}" for number in range(1, 41)]
        sent = await self._burst(texts)
        refusals = [entry for entry in self._sandbox.log() if "429" in str(entry["outcome"])]
        self._expect(all(message.state is State.DELIVERED for message in sent), "some were not delivered")
        self._expect(not refusals, f"Telegram refused {len(refusals)} as too fast")
        self._say(f"      {len(sent)} delivered, and Telegram had to say 'too many requests' 0 times.")

    async def _a_crash_loses_nothing(self) -> None:
        self._tell("24 more, and in the middle of them the gateway is killed with SIGKILL and started again:")
        texts = [f"crash {number}" for number in range(1, 25)]
        burst = asyncio.create_task(self._burst(texts))
        while len(self._arrived("crash ")) < 8:  # noqa: ASYNC110 - the sandbox tells nobody of its messages
            await asyncio.sleep(0.02)
        assert self._server is not None  # noqa: S101 - it was started
        self._server.send_signal(signal.SIGKILL)
        await self._server.wait()
        self._say(f"      killed after {len(self._arrived('crash '))} had arrived; starting again ...")
        await self._start()
        sent = await burst
        arrived = self._arrived("crash ")
        self._expect(all(message.state is State.DELIVERED for message in sent), "some were not delivered")
        self._expect(set(arrived) == set(texts), f"lost: {sorted(set(texts) - set(arrived))}")
        twice = len(arrived) - len(texts)
        said = sum(message.possibly_duplicated for message in sent)
        self._expect(twice <= said, f"{twice} came twice and only {said} are marked so")
        self._say(
            f"      all {len(sent)} delivered. {twice} came twice, because their answers were lost in the crash; the\n"
            f"      gateway marked {said} as possibly duplicated, and callers noticed nothing else."
        )
        refusals = [entry for entry in self._sandbox.log() if "429" in str(entry["outcome"])]
        self._expect(not refusals, f"Telegram refused {len(refusals)} as too fast")

    async def _burst(self, texts: Sequence[str]) -> list[Message]:
        async with contextlib.AsyncExitStack() as stack:
            keys = [self._issue(f"demo:{person}", person) for person in PEOPLE]
            clients = [await stack.enter_async_context(Client(self._grpc, token=key)) for key in keys]
            turns = (number % len(PEOPLE) for number in range(len(texts)))
            sends = [clients[turn].send(text, chat_id=PEOPLE[turn]) for turn, text in zip(turns, texts, strict=True)]
            return await asyncio.gather(*sends)

    def _arrived(self, prefix: str) -> list[str]:
        return [
            message["text"]
            for person in PEOPLE
            for message in self._sandbox.messages(person)
            if message["text"].startswith(prefix)
        ]

    def _how_to_try(self, url: str) -> None:
        command = Path(sys.executable).with_name("chatkey")
        settings = self._environment | {"CHATKEY_ADDRESS": self._grpc, "CHATKEY_TOKEN_FILE": str(self._folder / "key")}
        (self._folder / "key").write_text(self._key)
        (self._folder / "key").chmod(0o600)
        (self._folder / "env").write_text("".join(f"export {name}={value}\n" for name, value in settings.items()))
        self._say(
            f"Try it by hand in another terminal, with the chats open at {url}:\n\n"
            f"  . {self._folder / 'env'}                      # where the gateway is, and the key for chat A\n"
            f"  {command} send --chat {OPS} 'It works'\n"
            f"  {command} send --chat {FINANCE} 'It must not'        # refused: another chat's key\n"
            f"  {command} token issue --client me --chat {FINANCE}    # a key for B\n"
            f"  {command} token issue --client me --chat {OPS} --scope read > read.key\n"
            f"  CHATKEY_TOKEN_FILE=read.key {command} receive    # what you write in A on the page above\n"
            f"  {command} audit tail\n"
        )

    async def _until_interrupted(self) -> None:
        self._say("Serving until Ctrl-C.")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    def _issue(self, client: str, chat_id: int, permission: Permission = Permission.WRITE) -> str:
        issuer = Issuer(
            issuer_key(self._folder / "data"),
            issuer=ISSUER,
            audience=AUDIENCE,
            clock=SystemClock(),
            random_bytes=secrets.token_bytes,
        )
        issued = issuer.issue(
            client=client, chat_id=chat_id, permissions=frozenset({permission}), ttl=timedelta(hours=1)
        )
        return str(issued.token)

    def _tell(self, line: str) -> None:
        self._step += 1
        self._say(f"{self._step:>2}. {line}")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise TourFailed(otherwise)


def _free_port(wished: int) -> int:
    for port in (wished, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise TourFailed("no port is free")
