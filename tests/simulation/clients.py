"""The clients of a simulation: they write, repeat, wait, hang up, think better of it, and note what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import TypeVar

from gateway.delivery.outbox import Outbox
from gateway.errors import MessageNotFound, NotDurable, QuotaExceeded, ShuttingDown, StateConflict
from gateway.model import Caller, Draft, Grant, Kind, Message, Part, Permission, Priority, State, WhenUnknown
from tests.simulation.clock import SettableClock
from tests.simulation.telegram import Telegram
from tests.support.auditor import Told
from tests.support.virtual_time import BEGINNING

TROUBLE = 120.0
"""Seconds during which things go wrong and clients write."""

_Result = TypeVar("_Result")


class Crashed(Exception):
    """The gateway died before it answered."""


class Clients:
    """Whoever calls the gateway that is up."""

    random: Random
    clock: SettableClock
    telegram: Telegram
    chats: Sequence[int]
    amounts: Sequence[int]
    outbox: Outbox
    crashed: asyncio.Future[None]

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.unanswered: list[str] = []
        self.blind: set[tuple[str, int]] = set()
        self.touched: set[str] = set()
        self.watched: set[tuple[str, str]] = set()
        self.is_up = asyncio.Event()

    async def ask(self, call: Awaitable[_Result], patience: float | None = 3600) -> _Result:
        """Return the gateway's answer, if it lives to give it. To give none in an hour is a violation."""
        answer = asyncio.ensure_future(call)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            done, _ = await asyncio.wait([answer, self.crashed], return_when=asyncio.FIRST_COMPLETED, timeout=patience)
            if not done:
                self.unanswered.append(f"A {answer} was never answered")
        finally:
            hung_up = answer.cancel()
        if hung_up:
            raise Crashed
        return answer.result()

    async def client(self, name: str) -> None:
        """Write a number of messages, each without waiting for what becomes of the one before."""
        await asyncio.sleep(self.random.uniform(0, TROUBLE / 2))
        pace = self.random.choice([0.2, 1, 2, 1000])
        writing = []
        for number in range(self.random.choice(self.amounts)):
            await asyncio.sleep(self.random.expovariate(pace))
            writing.append(asyncio.create_task(self.write(name, number)))
        await asyncio.gather(*writing)

    async def write(self, name: str, number: int) -> None:
        random = self.random
        chat_id = random.choice(self.chats)
        if random.random() < 0.2:
            # Somebody has a credential for the supergroup as well.
            chat_id = self.telegram.moved.get(chat_id, chat_id)
        caller = caller_of(name, chat_id)
        now = self.clock.now()
        wait = random.choice([None, None, None, timedelta(seconds=random.uniform(0.5, 60))])
        bad = "<b" if random.random() < 0.05 else ""
        more = random.choice([0] * 17 + [1, 1, 3])
        texts = [f"{name}-{number}{'' if more else bad}", *(f"{name}-{number}+{part}{bad}" for part in range(more))]
        draft = Draft(
            chat_id=chat_id,
            text=texts[0],
            parts=tuple(Part(text=text) for text in texts) if more else (),
            request_id=f"r{number}" if random.random() < 0.9 else "",
            when_unknown=random.choice(list(WhenUnknown)),
            priority=random.choice(list(Priority)),
            ttl=random.choice([timedelta(hours=24), timedelta(seconds=random.uniform(1, 40))]),
            send_at=now + wait if wait else None,
        )
        told = Told(
            client=name,
            chat_id=chat_id,
            text=draft.text,
            parts=texts,
            request_id=draft.request_id,
            give_up=draft.when_unknown is WhenUnknown.GIVE_UP,
        )
        if wait:
            told.due = self.clock.monotonic() + wait.total_seconds()
        self.told.append(told)
        repeats = random.choice([1, 1, 1, 2, 3]) if draft.request_id else 1
        await asyncio.gather(*(self.insist(caller, draft, told) for _ in range(repeats)))

    async def insist(self, caller: Caller, draft: Draft, told: Told) -> None:
        """Ask until there is an answer, as a client with a request id may; without one it asks once."""
        fingerprint = sha256(draft.text.encode()).digest()
        while True:
            await self.is_up.wait()
            try:
                if draft.request_id and self.random.random() < 0.1:
                    async with asyncio.timeout(self.random.uniform(0, 0.01)):
                        message = await self.ask(self.outbox.accept(caller, draft, fingerprint))
                else:
                    message = await self.ask(self.outbox.accept(caller, draft, fingerprint))
                told.accepted.append(message.id)
                await self.follow(caller, message, told)
                return
            except QuotaExceeded as refused:
                if not draft.request_id:
                    return
                await asyncio.sleep(refused.retry_after.total_seconds() * self.random.uniform(1, 8))
            except (Crashed, NotDurable, ShuttingDown, TimeoutError):
                if not draft.request_id:
                    return
                await asyncio.sleep(self.random.uniform(0, 2))

    async def follow(self, caller: Caller, message: Message, told: Told) -> None:
        """Wait for the end, look, or call it off."""
        does = self.random.choice(["settled"] * 4 + ["get", "cancel", "nothing", "touch", "touch", "again", "settle"])
        await asyncio.sleep(self.random.choice([0, 0, 0.01, 1]))
        try:
            if does == "settled":
                within = timedelta(seconds=self.random.uniform(0, 30))
                message = await self.ask(self.outbox.settled(message.id, within))
            elif does == "get":
                message = await self.ask(self.outbox.get(caller, message.id))
            elif does == "cancel":
                message = await self.ask(self.outbox.cancel(caller, message.id))
            elif does == "touch":
                await self.touch(caller, message, told)
            elif does in ("again", "settle"):
                message = await self.undo(caller, message, told, does)
        except (Crashed, NotDurable, StateConflict, MessageNotFound, QuotaExceeded, ShuttingDown):
            return
        if message.state.is_final:
            told.ends.append((message.id, message.state))

    async def undo(self, caller: Caller, message: Message, told: Told, does: str) -> Message:
        """Have sent again what did not arrive, or settle what nobody knows by looking into the chat."""
        message = await self.ask(self.outbox.settled(message.id, timedelta(seconds=90)))
        if message.state.is_final:
            told.ends.append((message.id, message.state))
        if does == "again":
            await asyncio.sleep(self.random.choice([0, 5, 90]))
            return await self.ask(self.outbox.retry(caller, message.id))
        seen = {arrival.text for arrival in self.telegram.arrivals if not arrival.code}
        resolution = State.DELIVERED if seen.issuperset(told.parts) else State.CANCELLED
        return await self.ask(self.outbox.resolve(caller, message.id, resolution))

    async def touch(self, caller: Caller, message: Message, told: Told) -> None:
        """Edit a message some times, one after the other, and sometimes delete it in the end."""
        if message.id in self.touched:
            return
        self.touched.add(message.id)
        edits = self.random.choice([0, 1, 1, 2, 3]) if message.parts == 1 else 0
        texts = [f"{told.text}~{number}" for number in range(edits)]
        texts += self.random.choice([[], [], [""]])
        for text in texts:
            draft = Draft(
                kind=Kind.EDIT if text else Kind.DELETE,
                chat_id=0,
                target_id=message.id,
                text=text,
                request_id=f"{message.id}{text}",
                ttl=self.random.choice([timedelta(hours=24), timedelta(seconds=self.random.uniform(1, 40))]),
            )
            name = text or f"-{told.text}"
            self.told.append(Told(client=told.client, chat_id=told.chat_id, text=name, request_id=draft.request_id))
            if not await self.insist_on_touch(caller, draft, self.told[-1]):
                return
            await asyncio.sleep(self.random.choice([0, 0, 1, 20]))

    async def insist_on_touch(self, caller: Caller, draft: Draft, told: Told) -> bool:
        """Ask until there is an answer; return whether it is worth going on."""
        fingerprint = sha256(told.text.encode()).digest()
        while True:
            await self.is_up.wait()
            try:
                touch = await self.ask(self.outbox.touch(caller, draft, fingerprint))
                told.accepted.append(touch.id)
                if self.random.random() < 0.1:
                    touch = await self.ask(self.outbox.cancel(caller, touch.id))
                if touch.state.is_final:
                    told.ends.append((touch.id, touch.state))
                return True
            except (MessageNotFound, StateConflict):
                return False
            except (Crashed, NotDurable, ShuttingDown, QuotaExceeded):
                await asyncio.sleep(self.random.uniform(0, 5))

    async def watcher(self, name: str, chat_id: int) -> None:
        token = ""
        while True:
            await self.is_up.wait()
            changes = self.outbox.watch(caller_of(name, chat_id), token)
            try:
                while True:
                    message, token = await self.ask(anext(changes), patience=None)
                    if message.state.is_final:
                        self.watched.add((message.id, message.state.value))
            except (Crashed, NotDurable, ShuttingDown):
                if not token:
                    # Cut off before the first change, it has nothing to go on after.
                    self.blind.add((name, chat_id))
                    return
                await asyncio.sleep(0.1)


def caller_of(client: str, chat_id: int) -> Caller:
    return Caller(
        client=client,
        token_id=f"token of {client}",
        key_id="key",
        issuer="issuer",
        grants=(Grant(chat_id=chat_id, permissions=frozenset({Permission.WRITE})),),
        issued_at=BEGINNING,
        expires_at=BEGINNING + timedelta(days=32),
    )
