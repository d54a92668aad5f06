"""The store as plain Python: what `gateway.store.base` promises, in the fewest words. Simulations run on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import Message, Record, State, Update, UpdateKind
from gateway.store.base import HandedIn, Pending, Place, Search
from gateway.store.chats import ChatStates, Closure, Move
from gateway.store.updates import SeenChat, UpdatePage, UpdatePlace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEARCHED = frozenset({"event", "decision", "reason", "client", "chat_id", "error_id", "message_id", "token_id"})


class ModelStore:
    """Keeps everything in memory. While `is_failing`, every call fails as it does on a full disk."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.log: list[Record] = []
        self.is_failing = False
        self._change = 0
        self._seq = 0
        self._requests: dict[tuple[str, str], str] = {}
        self.chats = ModelChats(self)
        self.updates = ModelUpdates(self)

    async def add(self, message: Message, record: Record) -> Message:
        self._require_storage()
        if message.request_id:
            first = self._requests.setdefault((message.client, message.request_id), message.id)
            if first != message.id:
                return self.messages[first]
        self.log.append(record)
        self._seq += 1
        return self._put(replace(message, seq=self._seq))

    async def start(self, message_id: str, at: datetime) -> Message | None:
        self._require_storage()
        message = self.messages.get(message_id)
        if message is None or message.state not in {State.QUEUED, State.RETRY_WAIT}:
            return None
        return self._put(replace(message, state=State.SENDING, attempts=message.attempts + 1, attempted_at=at))

    async def save(self, message: Message, expected: tuple[State, int], record: Record | None = None) -> Message | None:
        self._require_storage()
        kept = self.messages.get(message.id)
        if kept is None or (kept.state, kept.attempts) != expected:
            return None
        if record is not None:
            self.log.append(record)
        return self._put(message)

    async def requeue(self, message: Message, expected: tuple[State, int], record: Record) -> Message | None:
        self._seq += 1
        kept = await self.save(replace(message, seq=self._seq), expected, record)
        self._seq -= kept is None
        return kept

    async def get(self, message_id: str) -> Message | None:
        self._require_storage()
        return self.messages.get(message_id)

    async def find(self, client: str, request_id: str) -> Message | None:
        self._require_storage()
        return self.messages.get(self._requests.get((client, request_id), ""))

    async def forget(self, finished_before: datetime, dead_before: datetime, limit: int) -> int:
        self._require_storage()
        touched = {message.target_id for message in self.messages.values() if not message.state.is_final}
        ended = [(message, message.finished_at) for message in self.messages.values()]
        old = [
            (at, message.seq, message)
            for message, at in ended
            if at is not None and at < finished_before and at + message.ttl < dead_before and message.id not in touched
        ]
        for _, _, message in sorted(old, key=lambda entry: entry[:2])[:limit]:
            del self.messages[message.id]
            self._requests.pop((message.client, message.request_id), None)
        return min(limit, len(old))

    async def unfinished(self) -> Sequence[Pending]:
        self._require_storage()
        return [
            Pending(
                seq=message.seq,
                id=message.id,
                client=message.client,
                chat_id=message.chat_id,
                priority=message.priority,
                accepted_at=message.accepted_at,
                due_at=message.due_at,
                expires_at=message.expires_at,
                state=message.state,
                target_id=message.target_id,
                telegram_chat_id=message.telegram_chat_id,
                parts_left=message.parts - len(message.telegram_message_ids),
            )
            for message in sorted(self.messages.values(), key=lambda message: message.seq)
            if not message.state.is_final
        ]

    async def recent_attempts(self, since: datetime) -> Sequence[tuple[int, datetime]]:
        self._require_storage()
        attempts = [(message.chat_id, message.attempted_at) for message in self.messages.values()]
        recent = [(chat_id, at) for chat_id, at in attempts if at is not None and at >= since]
        return sorted(recent, key=lambda attempt: attempt[1])

    async def handed_in(self, since: datetime, span: timedelta) -> tuple[int, Sequence[HandedIn]]:
        self._require_storage()
        found = [
            (message.client, message.accepted_at)
            for message in self.messages.values()
            if message.accepted_at >= since
            and (not message.state.is_final or (message.finished_at is not None and message.finished_at >= since))
        ]
        for record in reversed(self.log):
            if record.event == "message.retried":
                if record.at < since:
                    break
                found.append((record.client, record.at))
        spans: dict[tuple[str, int], list[datetime]] = {}
        for client, at in found:
            spans.setdefault((client, (at - EPOCH) // span), []).append(at)
        entries = [HandedIn(client, max(instants), len(instants)) for (client, _), instants in spans.items()]
        return self._seq, sorted(entries, key=lambda entry: entry.last_at)

    async def changes(self, client: str, chat_ids: Collection[int], after: int, limit: int) -> Sequence[Message]:
        self._require_storage()
        changed = [
            message
            for message in self.messages.values()
            if message.client == client and message.chat_id in chat_ids and message.change > after
        ]
        return sorted(changed, key=lambda message: message.change)[:limit]

    async def list_messages(
        self, search: Search, after: Place | None, limit: int
    ) -> tuple[Sequence[Message], Place | None]:
        self._require_storage()
        found = [
            message
            for message in self.messages.values()
            if message.client == search.client
            and message.chat_id in search.chat_ids
            and (not search.states or message.state in search.states)
            and (search.accepted_from is None or message.accepted_at >= search.accepted_from)
            and (search.accepted_until is None or message.accepted_at < search.accepted_until)
            and (after is None or _place(message) < after)
        ]
        page = sorted(found, key=_place, reverse=True)[:limit]
        return page, _place(page[-1]) if len(page) < len(found) else None

    async def last_change(self) -> int:
        self._require_storage()
        return self._change

    async def record(self, records: Sequence[Record]) -> None:
        if self.is_failing:
            raise AuditUnavailable
        self.log.extend(records)

    async def records(
        self,
        *,
        after: int = 0,
        below: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
        **equal: str | int,
    ) -> Sequence[tuple[int, Record]]:
        if self.is_failing:
            raise AuditUnavailable
        if unknown := equal.keys() - SEARCHED:
            raise ValueError(f"no search by {', '.join(sorted(unknown))}")
        found = [
            (seq, record)
            for seq, record in enumerate(self.log, 1)
            if seq > after
            and (below is None or seq < below)
            and all(getattr(record, field) == value for field, value in equal.items())
        ]
        return (found[::-1] if newest_first else found)[:limit]

    async def close(self) -> None:
        self.is_failing = True

    def _put(self, message: Message) -> Message:
        self._change += 1
        changed = replace(message, change=self._change)
        self.messages[changed.id] = changed
        return changed

    def _require_storage(self) -> None:
        if self.is_failing:
            raise NotDurable


class ModelChats:
    """Keeps chats in the memory of a store, and fails with it."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._revision = 0
        self.moves: dict[int, Move] = {}
        self.closures: dict[int, Closure] = {}

    async def chat_states(self, after: int = -1) -> ChatStates | None:
        self._store._require_storage()
        if after == self._revision:
            return None
        moves = [self.moves[chat_id] for chat_id in sorted(self.moves)]
        closures = [self.closures[chat_id] for chat_id in sorted(self.closures)]
        return ChatStates(revision=self._revision, moves=moves, closures=closures)

    async def add_move(self, move: Move, record: Record) -> Move:
        self._store._require_storage()
        if move.chat_id not in self.moves:
            self._change(record)
        return self.moves.setdefault(move.chat_id, move)

    async def approve_move(self, chat_id: int, record: Record) -> Move | None:
        self._store._require_storage()
        move = self.moves.get(chat_id)
        if move is None or move.approved:
            return None
        self._change(record)
        self.moves[chat_id] = replace(move, approved=True)
        return self.moves[chat_id]

    async def close_chat(self, closure: Closure, record: Record) -> None:
        self._store._require_storage()
        self._change(record)
        self.closures[closure.chat_id] = closure

    async def open_chat(self, chat_id: int, record: Record) -> bool:
        self._store._require_storage()
        if chat_id not in self.closures:
            return False
        self._change(record)
        del self.closures[chat_id]
        return True

    def _change(self, record: Record) -> None:
        self._revision += 1
        self._store.log.append(record)


def _place(message: Message) -> Place:
    return message.accepted_at, message.seq


class ModelUpdates:
    """Keeps updates in memory; `forgotten` are those that were, `asked` behind which numbers pages were asked for."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._last = 0
        self.kept: list[Update] = []
        self.forgotten: list[Update] = []
        self.asked: list[int] = []
        self.seen_chats: dict[int, SeenChat] = {}

    async def add(self, updates: Sequence[Update]) -> Sequence[Update]:
        self._store._require_storage()
        known = {update.update_id for update in self.kept}
        new: list[Update] = []
        for update in updates:
            if update.update_id not in known:
                known.add(update.update_id)
                self._last += 1
                new.append(replace(update, seq=self._last))
        self.kept += new
        return new

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        self._store._require_storage()
        self.asked.append(after)

        def is_asked_for(update: Update) -> bool:
            is_there = {UpdatePlace(update.chat_id), UpdatePlace(update.chat_id, update.message_thread_id)} & {*places}
            return bool(is_there) and (not kinds or update.kind in kinds)

        updates = [update for update in self.kept if update.seq > after and is_asked_for(update)][:limit]
        forgotten = max((update.seq for update in self.forgotten if is_asked_for(update)), default=0)
        upto = updates[-1].seq if len(updates) == limit else self._last
        return UpdatePage(updates=updates, upto=upto, forgotten=forgotten)

    async def last(self) -> int:
        self._store._require_storage()
        return self._last

    async def oldest(self) -> int:
        self._store._require_storage()
        return self.kept[0].seq - 1 if self.kept else self._last

    async def chats_after(self, after: int) -> tuple[int, Collection[int]]:
        self._store._require_storage()
        return self._last, {update.chat_id for update in self.kept if update.seq > after}

    async def pressed(self, callback_id: str) -> Update | None:
        self._store._require_storage()
        return next((update for update in reversed(self.kept) if update.callback_id == callback_id), None)

    async def forget(self, received_before: datetime, limit: int) -> int:
        self._store._require_storage()
        old = list(takewhile(lambda update: update.received_at < received_before, self.kept[:limit]))
        self.forgotten += old
        del self.kept[: len(old)]
        return len(old)

    async def see(self, chats: Sequence[SeenChat]) -> None:
        self._store._require_storage()
        self.seen_chats |= {chat.chat_id: chat for chat in chats}

    async def seen(self, limit: int) -> Sequence[SeenChat]:
        self._store._require_storage()
        return sorted(self.seen_chats.values(), key=lambda chat: chat.seen_at, reverse=True)[:limit]

    async def forget_seen(self, seen_before: datetime, most: int) -> None:
        latest = [chat for chat in await self.seen(most) if chat.seen_at >= seen_before]
        self.seen_chats = {chat.chat_id: chat for chat in latest}
