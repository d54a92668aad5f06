"""A gateway in this process for tests: every room is the real one; only Telegram, which is not ours, is played."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from gateway.access.administration import Administration
from gateway.access.children import Children
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.issue import Issuer, Terms
from gateway.access.keys import KeySet, SigningKey
from gateway.access.last_use import LastUse
from gateway.access.registry import Registry
from gateway.access.slow_lane import SlowLane
from gateway.access.tokens import Verifier
from gateway.addresses import AddressRanges
from gateway.audit.ledger import Ledger
from gateway.clock import Clock, SystemClock
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.outbox import Outbox
from gateway.delivery.pacing import MODES, Pacing
from gateway.desk.chats import Chats
from gateway.desk.desk import Desk
from gateway.model import (
    Caller,
    Chat,
    ChatAct,
    ChatMember,
    ChatType,
    Draft,
    Grant,
    MemberStatus,
    Permission,
    Record,
)
from gateway.moderation.moderation import Moderation
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from gateway.telegram.failures import BotFailure
from gateway.updates.feed import Feed
from gateway.updates.intake import Intake

ISSUER, AUDIENCE, CLIENT = "test-issuer", "test-audience", "billing"
CHAT = -1001234567890
CHAT_CALLS_PER_MINUTE = 60
KEY = SigningKey.generate()


class TurnedClock(SystemClock):
    """The machine's clock, put forward by `ahead`."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass
class PlayedTelegram:
    """The far side: takes what it is sent, unless told to fail or to keep silent."""

    sent: list[Draft] = field(default_factory=list)
    done: list[ChatAct] = field(default_factory=list)
    looked_at: list[int] = field(default_factory=list)
    failure: BotFailure | None = None
    chat_is_there: bool = True
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.answers.set()

    async def identify(self) -> object:
        return None

    async def send_message(self, draft: Draft) -> tuple[int, ...]:
        self.sent.append(draft)
        self.asked.set()
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return (next(self._ids),)

    async def edit_message(self, draft: Draft, message_id: int) -> None:
        await self.send_message(draft)

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        await self.send_message(Draft(chat_id=chat_id, text=""))

    async def delete_messages(self, chat_id: int, message_ids: Sequence[int]) -> None:
        await self.delete_message(chat_id, message_ids[0])

    async def get_chat(self, chat_id: int) -> Chat:
        self.looked_at.append(chat_id)
        if self.failure is not None:
            raise self.failure
        return Chat(id=chat_id, type=ChatType.SUPERGROUP, title="Ops")

    async def get_member(self, chat_id: int, user_id: int) -> ChatMember:
        await self.get_chat(chat_id)
        return ChatMember(user_id=user_id, first_name="Ann", status=MemberStatus.MEMBER, is_present=True)

    async def administrators(self, chat_id: int) -> tuple[ChatMember, ...]:
        return (await self.get_member(chat_id, 1),)

    async def carry_out(self, act: ChatAct) -> None:
        self.done.append(act)
        self.asked.set()
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure

    async def chat_answers(self, chat_id: int) -> bool:
        return self.chat_is_there


@dataclass
class House:
    """An open house."""

    desk: Desk
    telegram: PlayedTelegram
    ledger: Ledger
    clock: TurnedClock
    store: SqliteStore
    verifier: Verifier
    registry: Registry
    last_use: LastUse
    intake: Intake

    async def happen(self, *updates: dict[str, Any]) -> None:
        """Have Telegram tell of these; they are kept when this returns."""
        await self.intake.take(updates)

    @property
    def administration(self) -> Administration:
        """Whoever changes the registry; the desk learns of it by `registry.refresh()`."""
        return Administration(self.store.registry, self.clock, by="os:test")

    async def refusals(self) -> list[Record]:
        """Return what the audit log has of refused calls, oldest first."""
        await self.ledger.flush()
        return [record for _, record in await self.store.records(event="call.refused")]

    def token(
        self,
        chat_id: int = CHAT,
        client: str = CLIENT,
        permissions: Collection[Permission] = frozenset({Permission.WRITE}),
        ttl: timedelta = timedelta(hours=1),
    ) -> str:
        return issuer_of(self.clock).issue(client=client, chat_id=chat_id, permissions=permissions, ttl=ttl).token

    def minted(self, *grants: Grant, **terms: Any) -> str:
        """Return a token of any form."""
        return issuer_of(self.clock).mint(Terms(client=CLIENT, grants=grants, **terms)).token

    def caller(
        self,
        chat_id: int = CHAT,
        client: str = CLIENT,
        permissions: Collection[Permission] = frozenset({Permission.WRITE}),
    ) -> Caller:
        return self.verifier.verify(self.token(chat_id, client, permissions))


def issuer_of(clock: Clock) -> Issuer:
    """Return what mints the tokens of a house."""
    return Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=clock, random_bytes=os.urandom)


@asynccontextmanager
async def open_house(
    recheck: timedelta = timedelta(milliseconds=20),
    allowed_addresses: AddressRanges | None = None,
    storage: AbstractAsyncContextManager[SqliteStore] | None = None,
    failures: FailedAttempts | None = None,
    lane: SlowLane | None = None,
    takes_updates: bool = True,
) -> AsyncIterator[House]:
    clock, telegram = TurnedClock(), PlayedTelegram()
    verifier = Verifier(KeySet([KEY.verification_key]), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    async with storage or open_sqlite_in_memory() as store:
        registry = Registry(store.registry, clock, trusts=verifier.trusts, max_staleness=timedelta(days=3650))
        await registry.load()
        pacing = Pacing(MODES["off"])
        dispatcher = Dispatcher(store, telegram, clock, lambda: 0.5, pacing=pacing, may_leave=registry.may_leave)
        outbox = Outbox(store, dispatcher, clock, lambda: str(uuid4()))
        running = asyncio.create_task(dispatcher.run())
        ledger = Ledger(store, clock)
        last_use = LastUse(store.registry)
        feed = Feed(store.updates)
        moderation = Moderation(telegram, dispatcher, store, clock, lambda: 0.5)
        desk = Desk(
            verifier=verifier,
            registry=registry,
            last_use=last_use,
            outbox=outbox,
            chats=Chats(
                registry=registry,
                last_use=last_use,
                moderation=moderation,
                clock=clock,
                calls_per_minute=CHAT_CALLS_PER_MINUTE,
            ),
            ledger=ledger,
            clock=clock,
            failures=failures,
            lane=lane,
            children=Children(issuer_of(clock), verifier.verify, store.registry, clock),
            updates=feed if takes_updates else None,
            allowed_addresses=allowed_addresses,
            recheck=recheck,
        )
        # Before it has read what is kept, it lets a message wait that may begin at once later.
        while not dispatcher.schedule.is_open:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
        try:
            intake = Intake(store.updates, clock, on_kept=feed.kept)
            yield House(desk, telegram, ledger, clock, store, verifier, registry, last_use, intake)
        finally:
            telegram.answers.set()
            await dispatcher.drain(timedelta(seconds=1))
            await running
