"""The real server for minutes: three clients, forty chats, Telegram's limits, every fault mixed, then the auditor."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

from chatkey import ChatkeyError, Client, DeadlineExceeded, Unavailable, WaitFor, WhenUnknown
from gateway import model
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.faults.evidence import evidence
from tests.support.auditor import Evidence, Limits, Told, audit
from tests.support.server import Server, server, until

CLIENTS = 3
PEOPLE = range(501, 531)
GROUPS = range(-1010, -1000)
CHATS = (*PEOPLE, *GROUPS)
RATE = 8.0
"""Messages a second: what forty chats of this kind take without a queue that only grows."""
PAUSE = (2.0, 6.0)
"""Seconds between two faults."""
FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "rate_limited", "retry_after": 2},
    {"kind": "rate_limited_bare"},
    {"kind": "internal_error"},
    {"kind": "bad_gateway_html"},
    {"kind": "bad_gateway"},
    {"kind": "lost_reply"},
    {"kind": "reset_before_body"},
    {"kind": "reset_after_body"},
    {"kind": "truncated_json"},
    {"kind": "ok_false_200"},
    {"kind": "delay", "seconds": 1.5},
    {"kind": "slow_drip", "seconds": 0.001},
)


@dataclass(slots=True)
class Found:
    """What a run came to.

    Attributes:
        violations: What the auditor found; empty when every promise was kept.
        evidence: What the auditor was given.
        memory: Resident memory of the server in MiB, once a second.
        seconds: How long clients wrote.
    """

    violations: list[str]
    evidence: Evidence
    memory: list[float]
    seconds: float

    @property
    def slope(self) -> float:
        """Growth of the memory over the second half of the run, in MiB an hour, by least squares."""
        half = self.memory[len(self.memory) // 2 :]
        if len(half) < 2:
            return 0.0
        middle = (len(half) - 1) / 2
        mean = sum(half) / len(half)
        spread = sum((at - middle) ** 2 for at in range(len(half)))
        return 3600 * sum((at - middle) * (size - mean) for at, size in enumerate(half)) / spread

    def told(self) -> str:
        """Return the run in one line."""
        messages = self.evidence.messages
        states = {state: sum(message.state is state for message in messages) for state in model.State}
        shown = ", ".join(f"{number:,} {state.value}" for state, number in states.items() if number)
        unknown = sum(bool(message.unknown_attempts) for message in messages)
        refused = sum(arrival.code == 429 for arrival in self.evidence.arrivals)
        memory = f"{self.memory[-1]:.0f} MiB, {self.slope:+.1f} MiB/h" if self.memory else "not weighed"
        return (
            f"{self.seconds / 60:.1f} min, {CLIENTS} clients, {len(CHATS)} chats: {len(messages):,} messages "
            f"({shown}), {unknown:,} with attempts that got no answer, {refused:,} answers 429; "
            f"memory {memory}; {len(self.violations)} violations"
        )


async def run(folder: Path, seconds: float, seed: int) -> Found:
    """Let clients write for so long, let everything end, and judge it.

    Args:
        folder: Where the server lives; empty.
        seed: Decides texts, pauses and faults; not how threads and sockets interleave.
    """
    chance = random.Random(seed)
    telegram = Sandbox(chats=[{"id": chat_id} for chat_id in CHATS], log_size=2_000_000, history_size=1_000_000)
    memory: list[float] = []
    async with sandbox_running(telegram) as url, server(folder, url, log_level="WARNING", pacing="telegram") as gateway:
        await gateway.start()
        stop, began = asyncio.Event(), time.monotonic()
        writers = [_Writer(f"svc:{number}", gateway, chance) for number in range(CLIENTS)]
        work = [asyncio.create_task(writer.run(stop)) for writer in writers]
        work += [
            asyncio.create_task(_make_trouble(telegram, chance, stop)),
            asyncio.create_task(_weigh(gateway, memory, stop)),
        ]
        await asyncio.sleep(seconds)
        stop.set()
        await asyncio.gather(*work)
        telegram.clear_faults()
        wrote = time.monotonic() - began
        await until(gateway.is_done, "every message is final")
        if await gateway.stop():
            raise AssertionError("the server did not stop in order")
        told = [each for writer in writers for each in writer.told]
        found = await evidence(gateway.config.database_path, telegram, told, limits=Limits())
    return Found(audit(found), found, memory, wrote)


class _Writer:
    def __init__(self, name: str, server: Server, chance: random.Random) -> None:
        self._name = name
        self._server = server
        self._chance = chance
        self._calls: set[asyncio.Task[None]] = set()
        self.told: list[Told] = []

    async def run(self, stop: asyncio.Event) -> None:
        clients = {chat_id: self._server.client(chat_id, self._name) for chat_id in CHATS}
        for number in count():
            if await _over(stop, self._chance.expovariate(RATE / CLIENTS)):
                break
            chat_id = self._chance.choice(CHATS if number % 4 else PEOPLE)
            call = asyncio.create_task(self._insist(clients[chat_id], chat_id, f"{self._name} {number}"))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        await asyncio.gather(*self._calls)
        for client in clients.values():
            await client.close()

    async def _insist(self, client: Client, chat_id: int, text: str) -> None:
        give_up = self._chance.random() < 0.3
        told = Told(client=self._name, chat_id=chat_id, text=text, request_id=text.replace(" ", "-"), give_up=give_up)
        self.told.append(told)
        while True:
            try:
                answer = await client.send(
                    text,
                    chat_id=chat_id,
                    request_id=told.request_id,
                    wait_for=self._chance.choice(list(WaitFor)),
                    when_unknown=WhenUnknown.GIVE_UP if give_up else WhenUnknown.RESEND,
                    timeout=self._chance.choice([1, 5, 30]),
                )
            except (Unavailable, DeadlineExceeded):
                continue
            except ChatkeyError as error:
                if error.message_id:
                    told.accepted.append(error.message_id)
                    return
                raise
            told.accepted.append(answer.id)
            if answer.state.is_final:
                told.ends.append((answer.id, model.State(answer.state.value)))
            return


async def _make_trouble(telegram: Sandbox, chance: random.Random, stop: asyncio.Event) -> None:
    while not await _over(stop, chance.uniform(*PAUSE)):
        fault = chance.choice(FAULTS)
        where = None if fault["kind"] == "reset_before_body" else chance.choice([None, *CHATS])
        telegram.add_fault("sendMessage", where, times=chance.randint(1, 2), fault=fault)


async def _weigh(gateway: Server, memory: list[float], stop: asyncio.Event) -> None:
    process = psutil.Process(gateway.pid)
    while not await _over(stop, 1):
        memory.append(process.memory_info().rss / 2**20)


async def _over(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
