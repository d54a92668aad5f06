"""Whatever is done, in whatever order, SQLite and the model answer the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.model import DEFAULT_TTL, Failure, Message, Priority, Record, State
from gateway.store.base import Place, Search, Store
from gateway.store.sqlite import open_sqlite_in_memory
from tests.support.messages import NOW, a_message, a_record
from tests.support.model_store import ModelStore

CLIENTS = st.sampled_from(["one", "two"])
CHATS = st.sampled_from([-1, -2, 3])
INSTANTS = st.integers(-2, 2).map(lambda seconds: NOW + timedelta(seconds=seconds))
STATES = st.sampled_from(State)


class BothStores(RuleBasedStateMachine):
    """Does everything twice."""

    messages: Bundle[Message] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._model = ModelStore()
        self._sqlite = self._run(self._stack.enter_async_context(open_sqlite_in_memory()))

    def teardown(self) -> None:
        self._run(self._stack.aclose())
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(coroutine)

    def _both(self, method: str, *arguments: Any, **named: Any) -> Any:
        stores: tuple[Store, Store] = (self._model, self._sqlite)
        expected, answer = (self._run(getattr(store, method)(*arguments, **named)) for store in stores)
        assert answer == expected, method
        return answer

    @rule(
        target=messages,
        client=CLIENTS,
        chat_id=CHATS,
        request_id=st.sampled_from(["", "", "r1", "r2"]),
        priority=st.sampled_from(Priority),
        state=STATES,
        accepted_at=INSTANTS,
        attempted_at=st.none() | INSTANTS,
        finished_at=INSTANTS,
    )
    def add(self, state: State, finished_at: Any, **fields: Any) -> Message:
        message = a_message(**fields, state=state, finished_at=finished_at if state.is_final else None)
        added: Message = self._both("add", message, a_record(message))
        return added

    @rule(finished_before=INSTANTS, dead_before=INSTANTS.map(lambda at: at + DEFAULT_TTL), limit=st.integers(1, 3))
    def forget(self, **fields: Any) -> None:
        self._both("forget", **fields)

    @rule(client=CLIENTS, request_id=st.sampled_from(["r1", "r2"]))
    def find(self, **fields: Any) -> None:
        self._both("find", **fields)

    @rule(target=messages, message=consumes(messages), at=INSTANTS)
    def start(self, message: Message, at: Any) -> Message:
        return self._both("start", message.id, at) or message

    @rule(
        target=messages,
        message=consumes(messages),
        state=STATES,
        expected_state=st.none() | STATES,
        attempts=st.integers(0, 2),
        telegram_message_ids=st.lists(st.integers(1, 9), max_size=2).map(tuple),
        failure=st.none() | st.just(Failure(reason="CHAT_UNAVAILABLE", description="gone", telegram_error_code=403)),
        with_record=st.booleans(),
    )
    def save(
        self, message: Message, expected_state: State | None, attempts: int, with_record: bool, **fields: Any
    ) -> Message:
        message = self._run(self._model.get(message.id)) or message  # another name for it may have changed it
        expected = (expected_state or message.state, attempts if expected_state else message.attempts)
        record = a_record(message, event="message.changed") if with_record else None
        after = replace(message, **fields)
        after = replace(after, finished_at=NOW if after.state.is_final else None)
        return self._both("save", after, expected, record) or message

    @rule(
        target=messages, message=consumes(messages), is_expected=st.booleans(), token_id=st.sampled_from(["t1", "t2"])
    )
    def requeue(self, message: Message, is_expected: bool, token_id: str) -> Message:
        message = self._run(self._model.get(message.id)) or message  # another name for it may have changed it
        after = replace(message, state=State.QUEUED, finished_at=None, token_id=token_id)
        expected = (message.state, message.attempts if is_expected else -1)
        return self._both("requeue", after, expected, a_record(message, event="message.retried")) or message

    @rule(count=st.integers(0, 3), client=CLIENTS, chat_id=st.none() | CHATS, reason=st.sampled_from(["", "expired"]))
    def record(self, count: int, **fields: Any) -> None:
        self._both("record", [Record(at=NOW, event="call.refused", decision="deny", **fields)] * count)

    @rule(message=messages)
    def get(self, message: Message) -> None:
        self._both("get", message.id)

    @rule(since=INSTANTS)
    def recent_attempts(self, since: Any) -> None:
        stores: tuple[Store, Store] = (self._model, self._sqlite)
        expected, answer = (self._run(store.recent_attempts(since)) for store in stores)
        assert [at for _, at in answer] == [at for _, at in expected]
        assert sorted(answer) == sorted(expected)

    @rule(since=INSTANTS, span=st.sampled_from([1, 3]).map(lambda seconds: timedelta(seconds=seconds)))
    def handed_in(self, since: Any, span: timedelta) -> None:
        stores: tuple[Store, Store] = (self._model, self._sqlite)
        (number, expected), (its_number, answer) = (self._run(store.handed_in(since, span)) for store in stores)
        assert its_number == number
        assert [each.last_at for each in answer] == [each.last_at for each in expected]
        assert {*answer} == {*expected}

    @rule(client=CLIENTS, chats=st.sets(CHATS), after=st.integers(0, 10), limit=st.integers(1, 4))
    def changes(self, client: str, chats: set[int], after: int, limit: int) -> None:
        self._both("changes", client, chats, after, limit)

    @rule(
        client=CLIENTS,
        chat_ids=st.frozensets(CHATS),
        states=st.just(frozenset()) | st.frozensets(STATES),
        accepted_from=st.none() | INSTANTS,
        accepted_until=st.none() | INSTANTS,
        limit=st.integers(1, 3),
    )
    def list_messages(self, limit: int, **search: Any) -> None:
        expected, answer = (self._listed(store, Search(**search), limit) for store in (self._model, self._sqlite))
        assert answer == expected

    def _listed(self, store: Store, search: Search, limit: int) -> list[Message]:
        """Walk all pages: where one ends may differ, what is on them all may not."""
        found: list[Message] = []
        place: Place | None = None
        while True:
            page, next_place = self._run(store.list_messages(search, place, limit))
            assert len(page) <= limit
            assert next_place is None or place is None or next_place < place
            found += page
            place = next_place
            if place is None:
                return found

    @rule(
        after=st.integers(0, 5),
        below=st.none() | st.integers(0, 8),
        limit=st.integers(0, 4),
        newest_first=st.booleans(),
        equal=st.fixed_dictionaries({}, optional={"client": CLIENTS, "chat_id": CHATS, "reason": st.just("expired")}),
    )
    def records(self, after: int, below: int | None, limit: int, newest_first: bool, equal: dict[str, Any]) -> None:
        self._both("records", after=after, below=below, limit=limit, newest_first=newest_first, **equal)

    @invariant()
    def same(self) -> None:
        self._both("last_change")
        self._both("unfinished")


TestBothStores = BothStores.TestCase
TestBothStores.settings = settings(max_examples=settings().max_examples // 4, stateful_step_count=30)
