"""What the store promises. Each promise has a test in `tests/contract/test_store.py`, run on every backend."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.model import Message, Priority, Record, State
from gateway.store.chats import ChatStore
from gateway.store.updates import UpdateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """As much of an unfinished message as its place in the queue needs.

    Attributes:
        telegram_chat_id: The chat in which the first of its parts has arrived; None: nothing of it is confirmed.
        parts_left: How many of its parts have not.
    """

    seq: int
    id: str
    client: str
    chat_id: int
    priority: Priority
    accepted_at: datetime
    due_at: datetime
    expires_at: datetime
    state: State
    target_id: str = ""
    telegram_chat_id: int | None = None
    parts_left: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which messages to list.

    Attributes:
        states: Only those in one of these; empty: in any.
        accepted_from: Only those accepted then or later.
        accepted_until: Only those accepted before.
    """

    client: str
    chat_ids: frozenset[int]
    states: frozenset[State] = frozenset()
    accepted_from: datetime | None = None
    accepted_until: datetime | None = None


Place = tuple[datetime, int]
"""A message's place in a list: `accepted_at` and `seq`."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """Messages that a client handed in within a span of time.

    Attributes:
        last_at: When the last of them was.
    """

    client: str
    last_at: datetime
    count: int


class OutboxStore(Protocol):
    """Keeps messages.

    Whatever a method returns is on durable storage before it returns, what it read included: a repeat that finds
    its message never answers from a write that is still on its way. What is handed in is kept in the order in which it
    is handed in, whichever methods are called and before any of them returns. Every method raises `NotDurable` when the
    storage fails; then nothing of the call was kept.
    """

    async def add(self, message: Message, record: Record) -> Message:
        """Keep a new message and its audit record, or neither, and return it with `seq` and `change`.

        If a message of the same client and (not empty) request id is there, nothing is kept and the one that is there
        is returned: its `id` differs from the given one. `seq` rises in the order in which messages are kept.
        """

    async def start(self, message_id: str, at: datetime) -> Message | None:
        """Move a message from QUEUED or RETRY_WAIT to SENDING, with one more attempt, begun at `at`.

        Returns None, and changes nothing, if it is in neither.
        """

    async def save(self, message: Message, expected: tuple[State, int], record: Record | None = None) -> Message | None:
        """Put what can change of a message, and an audit record, in the place of what was.

        What can change: `state`, `due_at`, `expires_at`, `attempts`, `unknown_attempts`, `attempted_at`,
        `finished_at`, `telegram_message_ids`, `telegram_chat_id`, `failure`, `earlier_attempts`,
        `earlier_unknown_attempts`. The message is compared first: unless its state and attempts are as `expected`,
        nothing is kept and None returned.
        """

    async def requeue(self, message: Message, expected: tuple[State, int], record: Record) -> Message | None:
        """Do as `save`, and give the message a new `seq`, the highest, and the token that it has now.

        The token: `token_id`, `key_id`, `issued_at`, `issuer`, `generation`, `ancestors`.
        """

    async def get(self, message_id: str) -> Message | None:
        """Return a message."""

    async def find(self, client: str, request_id: str) -> Message | None:
        """Return the message that a request of a client made; `request_id` is not empty."""

    async def forget(self, finished_before: datetime, dead_before: datetime, limit: int) -> int:
        """Remove up to `limit` messages that ended long ago, with their request ids; return how many.

        Those that were finished before `finished_before`, and whose time to live, counted from then, was over before
        `dead_before`; the first finished go first. One that an unfinished edit or delete touches stays. Records stay.
        """

    async def list_messages(
        self, search: Search, after: Place | None, limit: int
    ) -> tuple[Sequence[Message], Place | None]:
        """Return up to `limit` messages, the last accepted first, and the place after which there may be more.

        With `after`, those behind that place. A search by state looks at a bounded number of messages at a time: there
        may be more where fewer than `limit`, or none, are returned. None: there are no more.
        """

    async def unfinished(self) -> Sequence[Pending]:
        """Return every message that is not final, in the order of `seq`."""

    async def recent_attempts(self, since: datetime) -> Sequence[tuple[int, datetime]]:
        """Return chat id and instant of each message's last attempt that began at `since` or later, oldest first."""

    async def handed_in(self, since: datetime, span: timedelta) -> tuple[int, Sequence[HandedIn]]:
        """Return the highest `seq` given so far, and what was handed in at `since` or later, in the order of `last_at`.

        Handed in is a message when it is accepted, and once more for each record that it was sent again
        (`message.retried`). For each client there is one entry for each span of that length, counted from 1970, in
        which it handed in anything. Messages that ended before `since` are not looked at, nor records before the last
        one that is older than `since`.
        """

    async def changes(self, client: str, chat_ids: Collection[int], after: int, limit: int) -> Sequence[Message]:
        """Return messages of a client in these chats that changed later than `after`, in the order of change."""

    async def last_change(self) -> int:
        """Return the number of the last change of any message."""


class AuditReader(Protocol):
    """Finds in the audit log."""

    async def records(
        self,
        *,
        after: int = 0,
        below: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
        **equal: str | int,
    ) -> Sequence[tuple[int, Record]]:
        """Return records with their numbers: those numbered above `after` whose named fields have these values.

        With `below`, only those numbered below it.

        `equal` takes `event`, `decision`, `reason`, `client`, `chat_id`, `error_id`, `message_id` and `token_id`.

        Raises:
            AuditUnavailable: the storage failed.
            ValueError: there is no search by a name in `equal`.
        """


class AuditStore(AuditReader, Protocol):
    """Keeps the audit log. Records are numbered from 1 in the order in which they become durable, without a gap."""

    async def record(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none, in this order.

        Raises:
            AuditUnavailable: the storage failed.
        """


class Store(OutboxStore, AuditStore, Protocol):
    """All that is kept."""

    @property
    def chats(self) -> ChatStore:
        """Chats that moved or are closed."""

    @property
    def updates(self) -> UpdateStore:
        """What happened in chats."""

    async def close(self) -> None:
        """Finish what was handed in, then let go of the storage."""
