"""The room by itself: the model of a store below it, a Telegram that does as it is told beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from gateway.delivery.dispatcher import LEARN_EVERY, Dispatcher
from gateway.delivery.outbox import Outbox
from gateway.delivery.pacing import MODES, Pacing
from gateway.delivery.quota import Quotas
from gateway.model import Caller, Draft, Grant, Kind, Message, Origin, Permission
from tests.support.model_store import ModelStore
from tests.support.virtual_time import BEGINNING, VirtualClock

Answer = Callable[[Draft], Awaitable[tuple[int, ...]]] | Exception | None
WAY = 0.05
"""Seconds from the bot to Telegram, and from there back."""


class ScriptedBot:
    """A Telegram that sends every message, unless `script` holds something else for the next one or for its chat.

    Attributes:
        script: What becomes of the next messages, one after the other.
        of_chat: What becomes of every message of a chat.
        unseen: Chats that getChat refuses.
        is_known: Whether the token is good.
        sent: When each attempt arrived, for which chat, with which text; an edit or a delete has an id before it.
    """

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.of_chat: dict[int, Answer] = {}
        self.unseen: set[int] = set()
        self.chat_failure: Exception | None = None
        self.identity_failure: Exception | None = None
        self.sent: list[tuple[float, int, str]] = []

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text in self.sent]

    async def identify(self) -> object:
        if self.identity_failure:
            raise self.identity_failure
        return self

    async def chat_answers(self, chat_id: int) -> bool:
        if self.chat_failure:
            raise self.chat_failure
        return chat_id not in self.unseen

    async def edit_message(self, draft: Draft, message_id: int) -> None:
        await self._take(draft, f"{message_id}: {draft.text}")

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        await self._take(Draft(chat_id=chat_id, text=""), f"{message_id}: gone")

    async def delete_messages(self, chat_id: int, message_ids: Sequence[int]) -> None:
        await self._take(Draft(chat_id=chat_id, text=""), f"{' '.join(map(str, message_ids))}: gone")

    async def send_message(self, draft: Draft) -> tuple[int, ...]:
        return await self._take(draft, draft.text)

    async def _take(self, draft: Draft, said: str) -> tuple[int, ...]:
        answer = self.script.pop(0) if self.script else self.of_chat.get(draft.chat_id)
        await asyncio.sleep(WAY)
        self.sent.append((asyncio.get_running_loop().time(), draft.chat_id, said))
        number = len(self.sent)
        await asyncio.sleep(WAY)
        if isinstance(answer, Exception):
            raise answer
        return await answer(draft) if answer else (number,)


class Room:
    """A gateway's delivery, with all that it stands on in reach."""

    def __init__(
        self, store: ModelStore, bot: ScriptedBot, mode: str, quotas: Quotas | None = None, **settings: Any
    ) -> None:
        self.store = store
        self.bot = bot
        self.clock = VirtualClock()
        self.bot_states: list[bool] = []
        self.dispatcher = Dispatcher(
            store,
            bot,
            self.clock,
            lambda: 0.5,
            pacing=Pacing(MODES[mode]),
            on_bot_state=self.bot_states.append,
            **settings,
        )
        # Not one for each message: a repeat takes an id too, and an earlier room's must not be given again.
        ids = count(max((int(each[1:]) for each in store.messages if each[1:].isdigit()), default=0) + 1)
        self.outbox = Outbox(store, self.dispatcher, self.clock, lambda: f"m{next(ids)}", quotas)

    async def accept(self, text: str, *, client: str = "ops", chat_id: int = 1, **fields: Any) -> Message:
        draft = Draft(chat_id=chat_id, text=text, **fields)
        return await self.outbox.accept(caller(client, chat_id), draft, sha256(text.encode()).digest())

    async def edit(self, target: Message, text: str, **fields: Any) -> Message:
        return await self.touch(Draft(kind=Kind.EDIT, chat_id=0, target_id=target.id, text=text, **fields))

    async def delete(self, target: Message, **fields: Any) -> Message:
        return await self.touch(Draft(kind=Kind.DELETE, chat_id=0, target_id=target.id, text="", **fields))

    async def touch(self, draft: Draft, chat_id: int = 1) -> Message:
        fingerprint = sha256(f"{draft.kind}{draft.target_id}{draft.text}".encode()).digest()
        return await self.outbox.touch(caller(chat_id=chat_id), draft, fingerprint)

    async def settled(self, message: Message, seconds: float = 3600) -> Message:
        return await self.outbox.settled(message.id, timedelta(seconds=seconds))


@asynccontextmanager
async def open_room(
    store: ModelStore | None = None,
    bot: ScriptedBot | None = None,
    mode: str = "telegram",
    learn_every: float = LEARN_EVERY,
    **settings: Any,
) -> AsyncIterator[Room]:
    """Run a room; leaving it ends its run as a crash does, without a word to the store."""
    room = Room(store or ModelStore(), bot or ScriptedBot(), mode, **settings)
    running = asyncio.create_task(room.dispatcher.run(learn_every))
    await asyncio.sleep(0)
    try:
        yield room
    finally:
        await room.dispatcher.drain(timedelta())
        running.cancel()


def caller(client: str = "ops", chat_id: int = 1) -> Caller:
    return Caller(
        client=client,
        token_id="t1",
        key_id="k1",
        issuer="issuer",
        grants=(Grant(chat_id=chat_id, permissions=frozenset({Permission.WRITE})),),
        issued_at=BEGINNING,
        expires_at=BEGINNING + timedelta(hours=1),
        origin=Origin(method="/chatkey.v1.MessagingGateway/SendMessage", address="192.0.2.1", call_id="c1"),
    )
