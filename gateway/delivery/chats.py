"""What is known of chats beyond their messages: which moved, and where to; which are closed, and until when.

A group that becomes a supergroup gets another id, and Telegram says so to whoever writes to the old one. That answer,
about the very chat that was asked for, is all that is believed; credentials go on naming the old id, and open nothing
else.
https://core.telegram.org/bots/api#responseparameters, `migrate_to_chat_id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.delivery.keeping import again
from gateway.model import Caller, Message, Record
from gateway.store.chats import ChatStore, Closure, Move
from gateway.telegram.failures import ChatMoved, ChatRefused, Refused

FIRST_CLOSURE = timedelta(minutes=1)
LONGEST_CLOSURE = timedelta(minutes=15)
"""A chat stays closed twice as long with each refusal after another, within these bounds."""

GROUPS = range(-999_999_999_999, 0)
SUPERGROUPS = range(-1_997_852_516_351, -1_000_000_000_000)
"""Which ids are whose: https://core.telegram.org/api/bots/ids."""


class Chats:
    """Knows moves and closures, keeps what it learns, and learns what another process keeps."""

    def __init__(self, store: ChatStore, clock: Clock, *, follows: bool) -> None:
        """Begin with nothing known; `follows` says whether a move needs nobody's approval."""
        self._store = store
        self._clock = clock
        self._follows = follows
        self._revision = -1
        self._moves: dict[int, Move] = {}
        self._closures: dict[int, tuple[float, Closure]] = {}
        # What is read and what is written are taken to heart one after the other, lest an old reading undo a writing.
        self._one_at_a_time = asyncio.Lock()

    # Moves.

    def present_id(self, chat_id: int) -> int:
        """Return the id under which a chat is written to now."""
        move = self._moves.get(chat_id)
        return move.new_chat_id if move and move.approved else chat_id

    def latest_id(self, chat_id: int) -> int:
        """Return the id that Telegram says a chat has now, whether or not it may be written to under it."""
        move = self._moves.get(chat_id)
        return move.new_chat_id if move else chat_id

    def may_move(self, chat_id: int, new_chat_id: int) -> bool:
        """Whether Telegram can mean it: a group becomes a supergroup, once."""
        move = self._moves.get(chat_id)
        return (
            chat_id in GROUPS
            and new_chat_id in SUPERGROUPS
            and new_chat_id not in self._moves
            and (move is None or move.new_chat_id == new_chat_id)
        )

    async def moved(self, source: Message | Caller, chat_id: int, failure: ChatMoved) -> Move | None:
        """Keep that a chat moved, as Telegram answered to a message or a call for it; None: that is not believed."""
        if not self.may_move(chat_id, failure.new_chat_id):
            return None
        now = self._clock.now()
        move = Move(chat_id=chat_id, new_chat_id=failure.new_chat_id, approved=self._follows, noticed_at=now)
        facts = {"new_chat_id": move.new_chat_id, "approved": move.approved}
        async with self._one_at_a_time:
            kept = await again(lambda: self._store.add_move(move, _of(source, "chat.migrated", chat_id, now, **facts)))
            self._moves[chat_id] = kept
        return kept if kept.new_chat_id == move.new_chat_id else None

    @property
    def moves_to_approve(self) -> int:
        """How many moves wait for an approval, and messages with them."""
        return sum(not move.approved for move in self._moves.values())

    # Closures.

    @property
    def closed(self) -> int:
        """How many chats are closed."""
        now = self._clock.monotonic()
        return sum(until > now for until, _ in self._closures.values())

    def refusal(self, chat_id: int) -> ChatRefused | None:
        """Return why a chat is closed now, in Telegram's words; None: it is not."""
        until, closure = self._closures.get(self.present_id(chat_id), (0.0, None))
        if closure is None or until <= self._clock.monotonic():
            return None
        return ChatRefused(closure.code, closure.description)

    def was_refused(self, chat_id: int) -> bool:
        """Whether a chat was refused and nothing was heard of it since, closed now or not."""
        return chat_id in self._closures

    async def close(self, message: Message, chat_id: int, failure: Refused) -> None:
        """Close a chat for a while, as Telegram refused it a message."""
        now = self._clock.now()
        pause = FIRST_CLOSURE
        if before := self._closures.get(chat_id):
            pause = min(2 * (before[1].until - before[1].closed_at), LONGEST_CLOSURE)
        closure = Closure(
            chat_id=chat_id, closed_at=now, until=now + pause, description=failure.description, code=failure.code
        )
        record = _of(message, "chat.closed", chat_id, now, seconds=int(pause.total_seconds()))
        async with self._one_at_a_time:
            await again(lambda: self._store.close_chat(closure, record))
            self._learn_closure(closure)

    async def open(self, chat_id: int, reason: str) -> None:
        """Open a chat again, for a reason such as `chat_wrote`."""
        record = opened(chat_id, reason, self._clock.now())
        async with self._one_at_a_time:
            await again(lambda: self._store.open_chat(chat_id, record))
            self._closures.pop(chat_id, None)

    # What is kept.

    async def learn(self) -> Sequence[Move]:
        """Learn what was kept since the last time, by whomever, and return every move that is kept, if any was.

        Raises:
            NotDurable: The store can't be read.
        """
        async with self._one_at_a_time:
            states = await self._store.chat_states(self._revision)
            if states is None:
                return ()
            self._revision = states.revision
            self._moves = {move.chat_id: move for move in states.moves}
            known, self._closures = self._closures, {}
            for closure in states.closures:
                before = known.get(closure.chat_id)
                if before and before[1] == closure:
                    self._closures[closure.chat_id] = before
                else:
                    self._learn_closure(closure)
            return states.moves

    def _learn_closure(self, closure: Closure) -> None:
        left = min(closure.until - self._clock.now(), closure.until - closure.closed_at)
        self._closures[closure.chat_id] = (self._clock.monotonic() + left.total_seconds(), closure)


def approved(chat_id: int, by: str, now: datetime) -> Record:
    """Return the record of an operator's approval of a move."""
    return Record(at=now, event="chat.migration_approved", decision="allow", chat_id=chat_id, facts={"by": by})


def opened(chat_id: int, reason: str, now: datetime, by: str = "") -> Record:
    """Return the record of a chat that is opened again: because it wrote, was written to, or an operator wants it."""
    facts = {"by": by} if by else {}
    return Record(at=now, event="chat.opened", decision="allow", reason=reason, chat_id=chat_id, facts=facts)


def _of(source: Message | Caller, event: str, chat_id: int, now: datetime, **facts: str | int | bool) -> Record:
    """Return the record of what an attempt of a message, or a call, taught about its chat."""
    return Record(
        at=now,
        event=event,
        decision="error",
        client=source.client,
        token_id=source.token_id,
        key_id=source.key_id,
        chat_id=chat_id,
        message_id=source.id if isinstance(source, Message) else "",
        facts=facts,
    )
