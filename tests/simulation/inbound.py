"""A world of updates: people who write, gateways that crash, take turns or believe to, and readers who come and go.

`python -m tests.simulation.inbound SEED [COUNT]` replays a seed, or COUNT seeds from it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import orjson
import structlog

from gateway.errors import CursorExpired, NotDurable, ShuttingDown
from gateway.model import Caller, Grant, Permission, UpdateKind, WebhookState
from gateway.telegram.failures import BotFailure, NotSent, ServerFailed, Unanswered
from gateway.updates.feed import Feed
from gateway.updates.intake import Intake
from gateway.updates.patience import Patience
from gateway.updates.polling import Polling
from gateway.updates.retention import Retention
from gateway.updates.webhook import Webhook
from tests.simulation.clock import SettableClock
from tests.simulation.disk import Disk
from tests.simulation.inline import InlineSqlite
from tests.support.model_store import ModelStore
from tests.support.telegram_updates import TelegramUpdates
from tests.support.update_auditor import Happened, Reader, audit_updates
from tests.support.virtual_time import BEGINNING, run

TROUBLE = 120.0
"""Seconds during which things go wrong and people write."""
REST = 600.0
ABSENCE = 400.0
"""Seconds that a reader may be away: in some worlds longer than updates are kept."""
SILENCE = 600.0
"""Seconds after which this Telegram numbers updates anew, which the real one does after a week."""


class Line:
    """One gateway's way to Telegram; what is on its way when the gateway dies arrives, and nobody hears the answer."""

    def __init__(self, telegram: TelegramUpdates, random: Random, roughness: float) -> None:
        self._telegram = telegram
        self._random = random
        self.roughness, self.is_resting = roughness, False

    async def updates(self, offset: int | None, limit: int) -> Sequence[object]:
        await self._go()
        found = await self._telegram.updates(offset, limit)
        await self._come_back()
        return found

    async def delete_webhook(self) -> None:
        await self._go()
        await self._telegram.delete_webhook()
        await self._come_back()

    async def set_webhook(self, url: str, secret: str) -> None:
        await self._telegram.set_webhook(url, secret)

    async def webhook(self) -> WebhookState:
        return await self._telegram.webhook()

    async def _go(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.2))
        self._maybe(NotSent("x"), ServerFailed(502, "Bad Gateway"))

    async def _come_back(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.2))
        self._maybe(Unanswered("x"))

    def _maybe(self, *failures: BotFailure) -> None:
        if self._random.random() < self.roughness:
            raise self._random.choice(failures)


class Gateway:
    """As much of a gateway as takes and tells updates, on the store and the Telegram of all."""

    def __init__(self, world: InboundWorld) -> None:
        self.disk = Disk(world.model, world.random, world.slowness)
        self.is_our_turn = True
        self.streams: dict[asyncio.Timeout, None] = {}
        self.feed = Feed(self.disk.updates)
        intake = Intake(self.disk.updates, world.clock, on_kept=self.feed.kept)
        patience = Patience(world.clock, world.random.random, lambda: None)
        self.line = Line(world.telegram, world.random, world.roughness)
        self.webhook = Webhook(intake, "secret", world.clock, lambda _: None)
        work = [self.feed.run(), Retention(self.disk.updates, world.clock, world.keep).run()]
        if not world.is_sent:
            polling = Polling(self.line, intake, patience, world.clock, is_our_turn=lambda: self.is_our_turn)
            work.append(polling.run())
        self._work = [asyncio.create_task(each) for each in work]

    async def crash(self) -> None:
        await self.disk.lose_power()
        for stream in self.streams:
            stream.reschedule(0)
        for each in self._work:
            each.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)


class InboundWorld:
    """Everything around the room, drawn from one seed."""

    def __init__(self, seed: int, store: type[ModelStore] | type[InlineSqlite] = ModelStore) -> None:
        self.random = random = Random(seed)
        self.clock = SettableClock()
        self.model = store()
        self.telegram = TelegramUpdates()
        self.roughness = random.choice([0.0, 0.05, 0.3])
        self.slowness = random.choice([0.001, 0.02, 0.1])
        self.is_sent = random.random() < 0.3
        self.crashes = random.choice([0, 1, 3, 10])
        self.disk_fails = random.random() < 0.3
        self.falls_silent = random.random() < 0.2
        self.keep = timedelta(minutes=random.choice([5, 60]))
        self.chats = random.choice([[7], [7, 8], [*range(-3, 0), *range(1, 6)]])
        self.is_resting = False
        self.happened: list[Happened] = []
        self.readers: list[Reader] = []
        self.gateways: list[Gateway] = []
        self._numbers = count(random.randint(1, 1000))
        self._names = count()
        self._places: dict[str, dict[str, Any]] = {}

    # What happens.

    def happens(self) -> None:
        """Have something happen in some chat, or something that is nobody's."""
        random = self.random
        chat_id = random.choice(self.chats)
        name, update_id = f"u{next(self._names)}", next(self._numbers)
        kind = random.choice(["message", "message", "edited_message", "message_reaction"])
        content: dict[str, Any] = {"chat": {"id": chat_id, "type": "group"}, "text": name}
        topic = random.choice([None, None, 1, 2])
        if topic is not None:
            content |= {"message_thread_id": topic, "is_topic_message": True}
        match random.randrange(40):
            case 0:
                content["business_connection_id"] = "b"
            case 1:
                kind = "poll"
            case 2:
                content["chat"] = {"id": str(chat_id)}
            case _:
                self.happened.append(Happened(name=name, chat_id=chat_id, kind=kind, topic=topic))
        self.telegram.add({"update_id": update_id, kind: content})

    async def people(self) -> None:
        pace = self.random.choice([0.2, 1])
        until = self.clock.monotonic() + TROUBLE
        while self.clock.monotonic() < until:
            await asyncio.sleep(self.random.expovariate(pace))
            for _ in range(self.random.choice([1] * 20 + [120])):
                self.happens()

    # Telegram, where it sends.

    async def sender(self) -> None:
        """Send what waits, what is of one chat one after the other, and repeat what is not answered."""
        while True:
            await asyncio.sleep(self.random.uniform(0, 0.1))
            heads: dict[object, dict[str, Any]] = {}
            for update in self.telegram.waiting:
                (content,) = (value for key, value in update.items() if key != "update_id")
                heads.setdefault(str(content["chat"]["id"]), update)
            await asyncio.gather(*map(self.send, heads.values()))

    async def send(self, update: dict[str, Any]) -> None:
        gateway = self.random.choice(self.gateways) if self.gateways else None
        if gateway is None or self.random.random() < self.roughness:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                if await gateway.webhook.take(update) and self.random.random() >= self.roughness:
                    self.telegram.waiting.remove(update)

    # Who reads.

    def new_reader(self, number: int) -> Reader:
        random = self.random
        kinds = random.choice([(), (), ("message",), ("edited_message", "message_reaction")])
        reader = Reader(
            name=f"r{number}",
            chat_id=random.choice(self.chats),
            topic=random.choice([None, None, 1]),
            kinds=frozenset(kinds),
            since=len(self.happened),
        )
        self.readers.append(reader)
        return reader

    async def read(self, reader: Reader) -> None:
        """Read for ever: at some gateway, from where it left off, as often as need be."""
        random = self.random
        grant = Grant(chat_id=reader.chat_id, permissions=frozenset({Permission.READ}), message_thread_id=reader.topic)
        caller = Caller(
            client=reader.name,
            token_id="t",
            key_id="k",
            issuer="i",
            grants=(grant,),
            issued_at=BEGINNING,
            expires_at=BEGINNING,
        )
        kinds = [UpdateKind(kind) for kind in reader.kinds]
        cursor = ""
        patience = random.choice([5.0, 30.0, 1000.0])
        while True:
            is_away = random.random() < 0.02 and bool(cursor) and not self.is_resting
            await asyncio.sleep(ABSENCE if is_away else random.uniform(0.1, 3))
            if not self.gateways:
                continue
            gateway = random.choice(self.gateways)
            feed, stream = gateway.feed, asyncio.timeout(patience * random.uniform(0.5, 1))
            try:
                async with stream:
                    gateway.streams[stream] = None
                    cursor = cursor or await feed.oldest()
                    async for update, behind in feed.watch(caller, kinds, cursor):
                        reader.heard.append((orjson.loads(update.content)["text"], behind))
                        # Who crashes before the cursor is put away is told again.
                        cursor = behind if random.random() < 0.9 else cursor
                        if random.random() < 0.1 and not self.is_resting:
                            await asyncio.sleep(random.choice([0.1, 1, 10]))
            except CursorExpired:
                reader.gaps.append(len(reader.heard))
                cursor = ""
            except (TimeoutError, NotDurable, ShuttingDown):
                continue
            finally:
                gateway.streams.pop(stream, None)

    # Its troubles.

    async def trouble(self) -> None:
        random = self.random
        for _ in range(self.crashes):
            await asyncio.sleep(random.uniform(0, TROUBLE / self.crashes))
            gateway = random.choice(self.gateways)
            gateway.disk.asked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await gateway.disk.asked.wait()
            await asyncio.sleep(random.choice([0, random.uniform(0, 2 * self.slowness)]))
            self.gateways.remove(gateway)
            await gateway.crash()
            await asyncio.sleep(random.uniform(0, 5))
            self.gateways.append(Gateway(self))

    async def turns(self) -> None:
        """Have another gateway's turn begin, and now and then two at once believe to have it."""
        while True:
            chosen = self.random.choice(self.gateways) if self.gateways else None
            for gateway in self.gateways:
                gateway.is_our_turn = gateway is chosen or self.random.random() < 0.1
            await asyncio.sleep(self.random.uniform(1, 40))

    async def disk_trouble(self) -> None:
        while self.disk_fails:
            await asyncio.sleep(self.random.uniform(1, 40))
            self.model.is_failing = True
            await asyncio.sleep(self.random.uniform(0, 10))
            self.model.is_failing = False

    # The run.

    async def live(self) -> list[str]:
        """Let it all happen, then let it come to rest, and return what the auditor finds."""
        self.gateways = [Gateway(self) for _ in range(self.random.choice([1, 1, 2]))]
        reading = [asyncio.create_task(self.read(self.new_reader(number))) for number in range(6)]
        troubles = [asyncio.create_task(each) for each in (self.turns(), self.disk_trouble())]
        if self.is_sent:
            troubles.append(asyncio.create_task(self.sender()))
        await asyncio.gather(self.people(), self.trouble())
        await self.rest()
        if self.falls_silent:
            await asyncio.sleep(SILENCE)
            self._numbers = count(self.random.choice([1, 5_000_000]))
            for _ in range(3):
                self.happens()
            await self.rest()
        for task in [*troubles, *reading]:
            task.cancel()
        return audit_updates(self.happened, self.readers)

    async def rest(self) -> None:
        """Let nothing go wrong any more, and wait until all is told."""
        self.is_resting = True
        roughness, self.roughness = self.roughness, 0.0
        for gateway in self.gateways:
            gateway.line.roughness = 0.0
        for _ in range(20):
            self.model.is_failing = False
            await asyncio.sleep(REST / 20)
        self.roughness = roughness


async def _live(seed: int, store: type[ModelStore] | type[InlineSqlite]) -> tuple[list[str], InboundWorld]:
    world = InboundWorld(seed, store)
    return await world.live(), world


def simulate(seed: int, store: type[ModelStore] | type[InlineSqlite] = ModelStore) -> tuple[list[str], InboundWorld]:
    """Run the world of a seed, and return what the auditor finds with the world that is left."""
    return run(_live(seed, store))


def main(seed: str, count: str = "1") -> int:
    """Run `count` worlds from a seed on, and print what the auditor finds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    failed = heard = 0
    for each in range(int(seed), int(seed) + int(count)):
        violations, world = simulate(each)
        for violation in violations:
            print(f"python -m tests.simulation.inbound {each}: {violation}")
        failed += bool(violations)
        heard += sum(len(reader.heard) for reader in world.readers)
    print(f"{count} seeds, {failed} failed; readers were told {heard} updates")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
