"""The world of a simulation: clients, a gateway that crashes, a disk that fails, a Telegram that does what it wants."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from random import Random

from gateway.delivery import chats, usage
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.outbox import Outbox
from gateway.delivery.pacing import MODES, Pacing
from gateway.delivery.quota import Quotas
from gateway.delivery.retention import SHORTEST, Retention
from gateway.errors import NotDurable, StateStale
from gateway.model import Message
from gateway.store.registry import Quota
from tests.simulation.clients import TROUBLE, Clients
from tests.simulation.clock import SettableClock
from tests.simulation.disk import Disk
from tests.simulation.inline import InlineSqlite
from tests.simulation.telegram import LONGEST_WAY, Faults, Line, Telegram
from tests.support.auditor import Evidence, audit
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, run

LEARN_EVERY = 60.0
"""Seconds; an operator's word may be acted on so much later."""
PATIENCE = 3 * 86_400.0
"""Seconds after which what is not final never will be: more than any message lives."""


class World(Clients):
    """Everything around the room, drawn from one seed."""

    def __init__(self, seed: int, store: type[ModelStore] | type[InlineSqlite] = ModelStore) -> None:
        super().__init__()
        self.random = random = Random(seed)
        self.clock = SettableClock()
        self.model = store()
        rough = random.choice([0.0, 0.3, 1.0])
        self.telegram = Telegram(
            random,
            Faults(
                not_sent=rough * random.choice([0, 0.1, 0.3]),
                request_lost=rough * random.choice([0, 0.05]),
                reply_lost=rough * random.choice([0, 0.1, 0.3]),
                rate_limited=rough * random.choice([0, 0.05, 0.2]),
                server_failed=rough * random.choice([0, 0.05, 0.1]),
                slow=rough * random.choice([0, 0.1]),
            ),
        )
        self.crashes = random.choice([0, 0, 1, 3, 10])
        self.slowness = random.choice([0.001, 0.02, 0.1])
        self.disk_fails = random.random() < 0.3
        self.chats, self.amounts = random.choice(
            [
                (random.sample(range(1, 9), random.randint(1, 4)), [3, 8, 15]),
                (random.sample(range(-6, 0), random.randint(1, 2)), [8, 25]),
                ([*range(1, 9), *range(-8, 0), 2**40 - 1, -4_000_000_000_000], [3, 8, 15]),
                (list(range(1, 61)), [40]),
                ([7], [25]),
            ]
        )
        self.follows = random.random() < 0.5
        self.quota = random.choice([Quota(), Quota(), Quota(per_minute=20, per_day=200), Quota(queue_depth=5)])
        self.stale = rough * random.choice([0, 0, 0.1])
        self.revoked: dict[str, float] = {}
        self.forgotten: dict[str, tuple[Message, datetime]] = {}
        self.restarts: list[float] = []
        self._ids = 0

    # The gateway.

    def new_id(self) -> str:
        """Return an id that says nothing of the order, as ids of two processes do."""
        self._ids += 1
        return f"{self.random.getrandbits(32):08x}-{self._ids}"

    async def start(self) -> None:
        self.disk = Disk(self.model, self.random, self.slowness)
        self.line = Line(self.telegram)
        self.dispatcher = Dispatcher(
            self.disk,
            self.line,
            self.clock,
            self.random.random,
            pacing=Pacing(MODES["telegram"]),
            may_leave=self.may_leave,
            follow_migration=self.follows,
        )
        quotas = Quotas(self.quota)
        await usage.recall(quotas, self.model, self.clock)
        self.outbox = Outbox(self.disk, self.dispatcher, self.clock, self.new_id, quotas)
        self.crashed = asyncio.get_running_loop().create_future()
        self.running = asyncio.create_task(self.dispatcher.run(LEARN_EVERY))
        self.is_up.set()

    def may_leave(self, message: Message, chat_id: int) -> str | None:
        if self.random.random() < self.stale:
            raise StateStale
        return "client_revoked" if message.client in self.revoked else None

    async def stop(self, *, gently: bool) -> None:
        self.is_up.clear()
        if gently:
            await self.dispatcher.drain(timedelta(seconds=self.random.choice([0, 1, 10])))
        self.line.is_cut = True
        await self.disk.lose_power()
        self.crashed.set_result(None)
        self.running.cancel()
        await self.dispatcher.drain(timedelta())

    # Its troubles.

    async def trouble(self) -> None:
        random = self.random
        for _ in range(self.crashes):
            await asyncio.sleep(random.uniform(0, TROUBLE / self.crashes))
            # The worst moment to die is while something is being kept.
            self.disk.asked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self.disk.asked.wait()
            await asyncio.sleep(random.choice([0, random.uniform(0, 2 * self.slowness)]))
            await self.stop(gently=random.random() < 0.3)
            await asyncio.sleep(LONGEST_WAY + random.uniform(0, 5))
            if random.random() < 0.15:
                self.clock.behind += timedelta(seconds=random.choice([1, 60, 3600]))
            self.restarts.append(self.clock.monotonic())
            await self.start()

    async def disk_trouble(self) -> None:
        while self.disk_fails:
            await asyncio.sleep(self.random.uniform(1, 40))
            self.model.is_failing = True
            await asyncio.sleep(self.random.uniform(0, 10))
            self.model.is_failing = False

    async def telegram_trouble(self) -> None:
        random, telegram = self.random, self.telegram
        while True:
            await asyncio.sleep(random.uniform(1, 60))
            chat_id = random.choice(self.chats)
            where = random.choice([telegram.closed, telegram.unknown])
            where.add(chat_id)
            await asyncio.sleep(random.uniform(0, 5))
            where.discard(chat_id)
            if random.random() < 0.3:
                self.dispatcher.chat_is_back(chat_id)
            if chat_id in chats.GROUPS and random.random() < 0.3:
                telegram.moved[chat_id] = -1_000_000_000_000 + chat_id
            if random.random() < 0.2:
                telegram.token_is_good = False
                await asyncio.sleep(random.uniform(0, 20))
                telegram.token_is_good = True

    async def operator(self) -> None:
        """Approve what moved and open what is closed, beside the gateway and whether it runs or not."""
        while True:
            await asyncio.sleep(self.random.uniform(1, 90))
            with contextlib.suppress(NotDurable):
                await self.approve_and_open()

    async def approve_and_open(self) -> None:
        states = await self.model.chats.chat_states()
        for move in states.moves if states else ():
            await self.model.chats.approve_move(move.chat_id, chats.approved(move.chat_id, "op", self.clock.now()))
        for closure in states.closures if states else ():
            if self.random.random() < 0.3:
                record = chats.opened(closure.chat_id, "operator", self.clock.now(), by="op")
                await self.model.chats.open_chat(closure.chat_id, record)

    async def revoker(self, names: list[str]) -> None:
        """Take one client's right away, in some worlds."""
        await asyncio.sleep(self.random.uniform(0, 4 * TROUBLE))
        if self.random.random() < 0.3:
            self.revoked[self.random.choice(names)] = self.clock.monotonic()

    # The run.

    async def live(self) -> list[str]:
        """Let it all happen, then let it come to rest, and return what the auditor finds."""
        await self.start()
        names = [f"c{number}" for number in range(self.random.randint(1, 4))]
        watchers = [asyncio.create_task(self.watcher(name, chat)) for name in names for chat in self.chats[:2]]
        await asyncio.sleep(1)
        troubles = [
            asyncio.create_task(trouble)
            for trouble in (self.disk_trouble(), self.telegram_trouble(), self.operator(), self.revoker(names))
        ]
        await asyncio.gather(self.trouble(), *(self.client(name) for name in names))
        for task in troubles:
            task.cancel()
        self.model.is_failing = False
        self.telegram.token_is_good = True
        self.telegram.closed.clear()
        self.telegram.unknown.clear()
        self.telegram.faults = Faults()
        self.stale = 0
        await self.approve_and_open()
        await self.rest()
        for task in watchers:
            task.cancel()
        if self.random.random() < 0.2:
            await self.stop(gently=True)
            await self.grow_old()
        return [*audit(self.evidence()), *self.unwatched(names), *self.unanswered]

    async def rest(self) -> None:
        """Wait until all is final, or never will be."""
        until = self.clock.monotonic() + PATIENCE
        pause = 1.0
        while self.clock.monotonic() < until and await self.model.unfinished():
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 3600)
        await asyncio.sleep(60)

    async def grow_old(self) -> None:
        """Let time pass, and requests be repeated: for a day each has its message, and in the end none is left."""
        retention = Retention(self.model, self.clock, SHORTEST)
        for hours in (20, 3.9, 1, 40):
            await asyncio.sleep(hours * 3600)
            before = self.model.messages.copy()
            await retention.forget()
            now = self.clock.now()
            self.forgotten |= {each: (before[each], now) for each in before.keys() - self.model.messages.keys()}
            for told in self.told:
                if told.request_id and (kept := await self.model.find(told.client, told.request_id)):
                    told.accepted.append(kept.id)
        if self.model.messages:
            self.unanswered.append(f"R {len(self.model.messages)} messages are kept for ever")

    def evidence(self) -> Evidence:
        return Evidence(
            told=self.told,
            arrivals=self.telegram.arrivals,
            messages=[*self.model.messages.values(), *(message for message, _ in self.forgotten.values())],
            records=self.model.log,
            beginning=BEGINNING,
            restarts=self.restarts,
            forgotten={each: at for each, (_, at) in self.forgotten.items()},
            revoked={client: at + LONGEST_WAY for client, at in self.revoked.items()},
            really=self.clock.really if self.clock.behind else {},
            per_minute=self.quota.per_minute,
        )

    def unwatched(self, names: list[str]) -> list[str]:
        return [
            f"W {message.client} watched chat {message.chat_id} and never saw {message.id} {message.state.value}"
            for message in self.evidence().messages
            if message.chat_id in self.chats[:2]
            and (message.client, message.chat_id) not in self.blind
            and (message.id, message.state.value) not in self.watched
        ]


async def _live(seed: int, store: type[ModelStore] | type[InlineSqlite]) -> tuple[list[str], World]:
    world = World(seed, store)
    return await world.live(), world


def simulate(seed: int, store: type[ModelStore] | type[InlineSqlite] = ModelStore) -> tuple[list[str], World]:
    """Run the world of a seed, and return what the auditor finds with the world that is left."""
    return run(_live(seed, store))
