"""The room with a Telegram, a delivery and an audit log that do as a test tells them, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from gateway.errors import AuditUnavailable
from gateway.model import Caller, Chat, ChatAct, ChatMember, ChatType, Grant, MemberStatus, Origin, Permission, Record
from gateway.moderation.moderation import Moderation
from gateway.moderation.rooms import Ask
from gateway.telegram.failures import BotFailure, ChatMoved, Unanswered
from tests.support.virtual_time import BEGINNING, VirtualClock

CHAT, NEW = -77, -1_000_000_000_077
CALLER = Caller(
    client="mod",
    token_id="t1",
    key_id="k1",
    issuer="chatkey",
    grants=(Grant(chat_id=CHAT, permissions=frozenset(Permission)),),
    issued_at=BEGINNING,
    expires_at=BEGINNING + timedelta(days=1),
    origin=Origin(method="/m", address="192.0.2.1", call_id="c1"),
)
HANG = "hang"


@dataclass
class Telegram:
    """Answers each request with the next of `script`: a failure, `HANG`, or nothing, which is a success."""

    script: list[BotFailure | str | None] = field(default_factory=list)
    asked: list[tuple[float, Any]] = field(default_factory=list)
    chat_is_there: bool = True
    cannot_tell: bool = False
    is_silent: bool = False
    member: ChatMember = field(default_factory=lambda: ChatMember(user_id=1, status=MemberStatus.MEMBER))
    answers_asked: int = 0

    async def get_chat(self, chat_id: int) -> Chat:
        await self._answer(chat_id)
        return Chat(id=chat_id, type=ChatType.GROUP)

    async def get_member(self, chat_id: int, user_id: int) -> ChatMember:
        await self._answer((chat_id, user_id))
        return self.member

    async def administrators(self, chat_id: int) -> tuple[ChatMember, ...]:
        await self._answer(chat_id)
        return ()

    async def carry_out(self, act: ChatAct) -> None:
        await self._answer(act)

    async def chat_answers(self, chat_id: int) -> bool:
        self.answers_asked += 1
        if self.cannot_tell:
            await asyncio.sleep(1)
            raise Unanswered("x")
        if self.is_silent:
            await asyncio.Event().wait()
        return self.chat_is_there

    async def _answer(self, what: Any) -> None:
        self.asked.append((asyncio.get_running_loop().time(), what))
        outcome = self.script.pop(0) if self.script else None
        if isinstance(outcome, BotFailure):
            raise outcome
        if outcome == HANG:
            await asyncio.Event().wait()
        await asyncio.sleep(0.1)

    @property
    def instants(self) -> list[float]:
        return [round(at, 3) for at, _ in self.asked]


@dataclass
class Delivery:
    """Knows where chats moved; believes a move where it is told to."""

    bot_ok: bool = True
    believes: bool = True
    hangs: bool = False
    moves: dict[int, int] = field(default_factory=dict)

    def bot_refused(self) -> None:
        self.bot_ok = False

    def present_id(self, chat_id: int) -> int:
        return self.moves.get(chat_id, chat_id)

    async def chat_moved(self, caller: Caller, chat_id: int, failure: ChatMoved) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.believes:
            self.moves[chat_id] = failure.new_chat_id


@dataclass
class Log:
    """Keeps records, unless it fails."""

    records: list[Record] = field(default_factory=list)
    failures: int = 0
    hangs: bool = False

    async def record(self, records: Sequence[Record]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        if self.failures:
            self.failures -= 1
            raise AuditUnavailable
        self.records.extend(records)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return [
            (record.event.removeprefix("chat.moderation_"), record.decision, record.reason) for record in self.records
        ]


class Room:
    """All of it."""

    def __init__(self) -> None:
        self.telegram, self.delivery, self.log = Telegram(), Delivery(), Log()
        self.moderation = Moderation(self.telegram, self.delivery, self.log, VirtualClock(), lambda: 0.5)
        self.refused_with: Exception | None = None
        self.looked_at: list[int] = []

    def ask(self, seconds: float = 30, chat_id: int = CHAT, client: str = CALLER.client) -> Ask:
        return Ask(
            caller=replace(CALLER, client=client), chat_id=chat_id, within=timedelta(seconds=seconds), still=self._still
        )

    def _still(self, present_id: int) -> None:
        self.looked_at.append(present_id)
        if self.refused_with is not None:
            raise self.refused_with
