"""What `gateway.store.base` promises, of every store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import AuditUnavailable, NotDurable
from gateway.model import Failure, Kind, Message, Priority, Record, State, WhenUnknown
from gateway.store import operations
from gateway.store.base import HandedIn, Pending, Place, Search, Store
from gateway.store.sqlite import open_sqlite, open_sqlite_in_memory
from tests.support.messages import NOW, a_message, a_record
from tests.support.model_store import ModelStore

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


REAL = ["sqlite-memory", "sqlite-file", "postgres"]


@pytest.fixture(params=["model", *REAL])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "model":
                yield ModelStore()
            case "sqlite-memory":
                yield await stack.enter_async_context(open_sqlite_in_memory())
            case "postgres":
                yield await stack.enter_async_context(request.getfixturevalue("postgres").opened())
            case _:
                yield await stack.enter_async_context(open_sqlite(tmp_path / "data" / "chatkey.db"))


async def added(store: Store, **fields: object) -> Message:
    message = a_message(**fields)
    return await store.add(message, a_record(message))


async def log(store: Store) -> list[str]:
    return [record.event for _, record in await store.records(limit=1000)]


async def test_a_message_is_kept_as_given(store: Store) -> None:
    message = a_message(
        content=b"\x00\xff" * 9000,
        priority=Priority.HIGH,
        when_unknown=WhenUnknown.GIVE_UP,
        due_at=NOW + timedelta(microseconds=1),
        state=State.FAILED,
        attempts=3,
        unknown_attempts=2,
        attempted_at=NOW + timedelta(days=400),
        finished_at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        telegram_message_ids=(1, 2**40),
        failure=Failure(reason="CHAT_UNAVAILABLE", description="näin", telegram_error_code=403),
    )
    kept = await store.add(message, a_record(message))
    assert kept == replace(message, seq=1, change=1)
    assert await store.get(message.id) == kept


async def test_a_message_may_be_accepted_into_an_attempt(store: Store) -> None:
    kept = await added(store, state=State.SENDING, attempts=1, attempted_at=NOW)
    assert await store.start(kept.id, NOW) is None
    assert await store.recent_attempts(NOW) == [(kept.chat_id, NOW)]


async def test_a_message_that_is_not_there_is_none(store: Store) -> None:
    assert await store.get("no such id") is None


async def test_a_repeat_is_found_whatever_its_id_is_made_of(store: Store) -> None:
    names = {"client": "a\\0\\", "request_id": '\\n{}",\0'}
    first = await added(store, **names)
    assert await added(store, **names) == first
    assert await store.find(names["client"], names["request_id"]) == first


@pytest.mark.parametrize("store", REAL, indirect=True)
async def test_what_can_not_be_kept_takes_nothing_else_along(store: Store) -> None:
    good, bad = a_message(), a_message()
    kept, refused = await asyncio.gather(
        store.add(good, a_record(good)),
        store.add(bad, replace(a_record(bad), token_id="\ud800")),
        return_exceptions=True,
    )
    assert isinstance(refused, Exception)
    assert not isinstance(refused, NotDurable)
    assert kept == await store.get(good.id)
    assert await store.get(bad.id) is None
    assert len(await store.records()) == 1


async def test_a_message_comes_with_its_record(store: Store) -> None:
    message = a_message()
    record = a_record(message)
    await store.add(message, record)
    assert await store.records() == [(1, record)]


async def test_seq_rises_in_the_order_in_which_messages_are_kept(store: Store) -> None:
    kept = [await added(store) for _ in range(5)]
    assert [message.seq for message in kept] == sorted({message.seq for message in kept})


async def test_seq_rises_in_the_order_in_which_messages_are_handed_in(store: Store) -> None:
    kept = await asyncio.gather(*(added(store) for _ in range(700)))
    assert [message.seq for message in kept] == list(range(1, 701))


async def test_what_is_handed_in_is_kept_in_that_order_whichever_methods_are_called(store: Store) -> None:
    message = await added(store)
    other = a_message()
    started, kept, saved = await asyncio.gather(
        store.start(message.id, NOW),
        store.add(other, a_record(other)),
        store.save(replace(message, state=State.DELIVERED, attempts=1), (State.SENDING, 1)),
    )
    assert started is not None
    assert saved is not None, "it found what the call before it left, which had not returned yet"
    assert started.change < kept.change < saved.change


async def test_a_request_is_found_by_its_client_and_id(store: Store) -> None:
    kept = await added(store, request_id="r1")
    await added(store, client="another", request_id="r2")
    started = await store.start(kept.id, NOW)
    assert await store.find("client", "r1") == started
    assert await store.find("client", "r2") is None


def ended(days: float, state: State = State.DELIVERED, **fields: object) -> dict[str, object]:
    return {"state": state, "finished_at": NOW + timedelta(days=days), "ttl": timedelta(days=1), **fields}


async def test_what_ended_long_ago_is_forgotten_with_its_request_id_and_the_log_stays(store: Store) -> None:
    old = await added(store, request_id="r1", **ended(0))
    young = await added(store, request_id="r2", **ended(3))
    long_lived = await added(store, request_id="r3", **ended(0, ttl=timedelta(days=7)))
    waiting = await added(store, request_id="r4", accepted_at=NOW - timedelta(days=30))
    records = await log(store)
    assert await store.forget(NOW + timedelta(days=2), NOW + timedelta(days=5), 10) == 1
    assert await store.get(old.id) is None
    assert await store.find("client", "r1") is None
    for message in (young, long_lived, waiting):
        assert await store.get(message.id) == message
    assert await log(store) == records
    assert (await added(store, request_id="r1")).seq > waiting.seq, "a number is never given twice"


async def test_a_bounded_number_is_forgotten_the_first_that_ended_first(store: Store) -> None:
    kept = [await added(store, **ended(-days)) for days in range(5)]
    assert await store.forget(NOW + SECOND, NOW + timedelta(days=9), 2) == 2
    assert [await store.get(message.id) is None for message in kept] == [False, False, False, True, True]
    assert await store.forget(NOW + SECOND, NOW + timedelta(days=9), 100) == 3
    assert await store.forget(NOW + SECOND, NOW + timedelta(days=9), 100) == 0


async def test_what_is_to_be_sent_again_is_not_forgotten(store: Store) -> None:
    message = await added(store, **ended(0, state=State.FAILED))
    again = replace(message, state=State.QUEUED, finished_at=None)
    await asyncio.gather(
        store.requeue(again, (State.FAILED, 0), a_record(message, event="message.retried")),
        store.forget(NOW + timedelta(days=9), NOW + timedelta(days=9), 10),
    )
    assert await store.get(message.id) is not None
    assert len(await store.unfinished()) == 1


async def test_an_edit_is_kept_with_what_it_touches(store: Store) -> None:
    message = await added(store)
    edit = await added(store, kind=Kind.EDIT, target_id=message.id)
    delete = await added(store, kind=Kind.DELETE, target_id=message.id)
    assert [await store.get(each.id) for each in (message, edit, delete)] == [message, edit, delete]
    assert [each.target_id for each in await store.unfinished()] == ["", message.id, message.id]


async def test_where_telegram_has_a_message_is_kept_with_its_end(store: Store) -> None:
    message = await added(store)
    assert message.telegram_chat_id is None
    delivered = replace(
        message, state=State.DELIVERED, telegram_message_ids=(7,), telegram_chat_id=-(2**41), finished_at=NOW
    )
    kept = await store.save(delivered, (State.QUEUED, 0))
    assert kept is not None
    assert await store.get(message.id) == replace(delivered, change=kept.change)


async def test_how_far_a_message_in_parts_has_come_is_kept_with_each_of_them(store: Store) -> None:
    message = await added(store, parts=3)
    assert (await added(store)).parts == 1
    started = await store.start(message.id, NOW)
    assert started is not None
    arrived = replace(
        started,
        state=State.RETRY_WAIT,
        telegram_message_ids=(7,),
        telegram_chat_id=-8,
        unknown_attempts=1,
        earlier_attempts=1,
        earlier_unknown_attempts=1,
    )
    kept = await store.save(arrived, (State.SENDING, 1), a_record(message, event="message.retry_wait"))
    assert kept is not None
    assert kept == replace(arrived, change=kept.change)
    assert await store.get(message.id) == kept
    assert [(each.telegram_chat_id, each.parts_left) for each in await store.unfinished()] == [(-8, 2), (None, 1)]
    second = await store.start(message.id, NOW)
    assert second is not None
    assert (second.attempts_at_part, second.telegram_message_ids, second.parts) == (1, (7,), 3)


async def test_what_an_unfinished_edit_touches_is_not_forgotten(store: Store) -> None:
    targets = [await added(store, **ended(0)) for _ in range(3)]
    edit = await added(store, kind=Kind.EDIT, target_id=targets[0].id)
    await added(store, kind=Kind.EDIT, target_id=targets[1].id, **ended(9))
    late = NOW + timedelta(days=8)
    assert await store.forget(late, late, 10) == 2
    assert await store.get(targets[0].id) == targets[0]
    assert await store.save(replace(edit, state=State.DELIVERED, finished_at=NOW), (State.QUEUED, 0))
    assert await store.forget(late, late, 10) == 2


async def test_what_is_touched_meanwhile_is_not_forgotten_either(store: Store) -> None:
    message = await added(store, **ended(0))
    late = NOW + timedelta(days=8)
    edit = a_message(kind=Kind.EDIT, target_id=message.id)
    _, forgotten = await asyncio.gather(store.add(edit, a_record(edit)), store.forget(late, late, 10))
    assert forgotten == 0
    assert await store.get(message.id) == message


async def test_a_repeat_returns_the_first_and_keeps_nothing(store: Store) -> None:
    first = await added(store, request_id="r1")
    again = await added(store, request_id="r1", content=b"another")
    assert again == first
    assert len(await store.unfinished()) == 1
    assert len(await log(store)) == 1


async def test_a_repeat_returns_the_first_as_it_is_now(store: Store) -> None:
    first = await added(store, request_id="r1")
    started = await store.start(first.id, NOW)
    assert await added(store, request_id="r1") == started


async def test_request_ids_of_two_clients_have_nothing_to_do_with_each_other(store: Store) -> None:
    one = await added(store, client="one", request_id="r1")
    two = await added(store, client="two", request_id="r1")
    assert one.id != two.id


async def test_an_empty_request_id_repeats_nothing(store: Store) -> None:
    first = await added(store, request_id="")
    second = await added(store, request_id="")
    assert first.seq != second.seq
    assert second.request_id == ""


async def test_of_concurrent_adds_with_one_request_id_one_is_kept(store: Store) -> None:
    kept = await asyncio.gather(*(added(store, request_id="r1") for _ in range(50)))
    assert len({message.id for message in kept}) == 1
    assert len(await log(store)) == 1


async def test_a_start_counts_an_attempt(store: Store) -> None:
    message = await added(store)
    at = NOW + timedelta(seconds=1)
    started = await store.start(message.id, at)
    assert started is not None
    assert started == replace(message, state=State.SENDING, attempts=1, attempted_at=at, change=started.change)
    assert await store.get(message.id) == started


@pytest.mark.parametrize("state", set(State) - {State.QUEUED, State.RETRY_WAIT})
async def test_a_start_changes_nothing_in_any_other_state(store: Store, state: State) -> None:
    message = await added(store, state=state)
    assert await store.start(message.id, NOW) is None
    assert await store.get(message.id) == message


async def test_a_waiting_message_is_started_again(store: Store) -> None:
    message = await added(store, state=State.RETRY_WAIT, attempts=4)
    started = await store.start(message.id, NOW)
    assert started is not None
    assert started.attempts == 5


async def test_a_start_of_no_message_is_none(store: Store) -> None:
    assert await store.start("no such id", NOW) is None


async def test_of_concurrent_starts_one_begins(store: Store) -> None:
    message = await added(store)
    started = await asyncio.gather(*(store.start(message.id, NOW) for _ in range(20)))
    assert sum(one is not None for one in started) == 1


async def test_a_save_puts_what_can_change(store: Store) -> None:
    message = await added(store)
    changed = replace(
        message,
        state=State.FAILED,
        due_at=NOW + timedelta(seconds=1),
        expires_at=NOW + timedelta(seconds=2),
        attempts=2,
        unknown_attempts=1,
        attempted_at=NOW + timedelta(seconds=3),
        finished_at=NOW + timedelta(seconds=4),
        telegram_message_ids=(7, 8),
        failure=Failure(reason="TELEGRAM_REFUSED", description="why"),
    )
    saved = await store.save(changed, (State.QUEUED, 0), a_record(message, event="message.failed"))
    assert saved is not None
    assert saved == replace(changed, change=saved.change)
    assert await store.get(message.id) == saved
    assert await log(store) == ["message.accepted", "message.failed"]


async def test_a_save_without_a_record_leaves_the_log(store: Store) -> None:
    message = await added(store)
    assert await store.save(replace(message, state=State.CANCELLED), (State.QUEUED, 0)) is not None
    assert len(await log(store)) == 1


@pytest.mark.parametrize("expected", [(State.SENDING, 0), (State.QUEUED, 1)])
async def test_a_save_compares_first(store: Store, expected: tuple[State, int]) -> None:
    message = await added(store)
    changed = replace(message, state=State.CANCELLED)
    assert await store.save(changed, expected, a_record(message, event="message.cancelled")) is None
    assert await store.get(message.id) == message
    assert len(await log(store)) == 1


async def test_a_save_of_no_message_is_none(store: Store) -> None:
    assert await store.save(a_message(), (State.QUEUED, 0)) is None


async def test_of_concurrent_saves_one_wins(store: Store) -> None:
    message = await added(store)
    finals = [replace(message, state=state) for state in (State.CANCELLED, State.EXPIRED, State.FAILED)]
    saved = await asyncio.gather(*(store.save(final, (State.QUEUED, 0)) for final in finals))
    [winner] = [one for one in saved if one is not None]
    assert await store.get(message.id) == winner


async def test_unfinished_are_those_not_final_in_the_order_of_seq(store: Store) -> None:
    kept = [await added(store, state=state) for state in State]
    unfinished = [
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
        )
        for message in kept
        if not message.state.is_final
    ]
    assert await store.unfinished() == unfinished


async def test_recent_attempts_are_the_last_of_each_message_oldest_first(store: Store) -> None:
    await added(store, chat_id=-1)
    await added(store, chat_id=-2, attempted_at=NOW - timedelta(microseconds=1))
    await added(store, chat_id=-3, attempted_at=NOW + timedelta(seconds=2))
    await added(store, chat_id=-4, attempted_at=NOW)
    assert await store.recent_attempts(NOW) == [(-4, NOW), (-3, NOW + timedelta(seconds=2))]


def a_retry(message: Message, at: datetime) -> Record:
    return replace(a_record(message, "message.retried"), at=at)


async def test_what_was_handed_in_is_counted_by_client_and_span_of_time(store: Store) -> None:
    assert await store.handed_in(NOW, MINUTE) == (0, [])
    minute = NOW.replace(second=0, microsecond=0)
    for second in (0, 10, 59, 60):
        await added(store, client="one", accepted_at=minute + second * SECOND)
    await added(store, client="two", accepted_at=minute + 20 * SECOND)
    await added(store, client="one", accepted_at=minute - SECOND)
    number, found = await store.handed_in(minute, MINUTE)
    assert number == 6
    assert found == [
        HandedIn("two", minute + 20 * SECOND, 1),
        HandedIn("one", minute + 59 * SECOND, 3),
        HandedIn("one", minute + 60 * SECOND, 1),
    ]
    _, found = await store.handed_in(minute - SECOND, timedelta(days=1))
    assert found == [HandedIn("two", minute + 20 * SECOND, 1), HandedIn("one", minute + 60 * SECOND, 5)]


@pytest.mark.parametrize("state", State)
async def test_a_message_is_counted_whatever_became_of_it(store: Store, state: State) -> None:
    await added(store, state=state, finished_at=NOW + SECOND if state.is_final else None)
    assert await store.handed_in(NOW, MINUTE) == (1, [HandedIn("client", NOW, 1)])
    assert await store.handed_in(NOW + SECOND, MINUTE) == (1, [])


async def test_a_message_that_is_sent_again_was_handed_in_again(store: Store) -> None:
    message = await added(store, state=State.FAILED, finished_at=NOW)
    for minutes in (1, 2):
        at = NOW + minutes * MINUTE
        again = replace(message, state=State.QUEUED, finished_at=None)
        requeued = await store.requeue(again, (State.FAILED, 0), a_retry(message, at))
        assert requeued
        ended = replace(requeued, state=State.FAILED, finished_at=at)
        assert await store.save(ended, (State.QUEUED, 0), a_record(message, "message.failed"))
    both = [HandedIn("client", NOW + MINUTE, 1), HandedIn("client", NOW + 2 * MINUTE, 1)]
    assert await store.handed_in(NOW, MINUTE) == (3, [HandedIn("client", NOW, 1), *both])
    assert await store.handed_in(NOW + SECOND, MINUTE) == (3, both)
    assert await store.handed_in(NOW + MINUTE + SECOND, MINUTE) == (3, both[1:])


async def test_neither_a_repeat_nor_a_refusal_is_handed_in(store: Store) -> None:
    await added(store, request_id="r1")
    await added(store, request_id="r1")
    await store.record([replace(a_record(a_message()), event="call.refused", decision="deny")])
    assert await store.handed_in(NOW, MINUTE) == (1, [HandedIn("client", NOW, 1)])


async def test_every_change_has_a_higher_number(store: Store) -> None:
    assert await store.last_change() == 0
    one = await added(store)
    two = await added(store)
    started = await store.start(one.id, NOW)
    assert started is not None
    saved = await store.save(replace(started, state=State.DELIVERED), (State.SENDING, 1))
    assert saved is not None
    numbers = [one.change, two.change, started.change, saved.change]
    assert numbers == sorted(set(numbers))
    assert await store.last_change() == saved.change


async def test_what_changes_nothing_is_no_change(store: Store) -> None:
    message = await added(store, request_id="r1", state=State.SENDING)
    await added(store, request_id="r1")
    await store.start(message.id, NOW)
    await store.save(message, (State.QUEUED, 0))
    assert await store.last_change() == message.change


async def test_changes_are_those_of_the_client_in_the_chats_in_order(store: Store) -> None:
    one = await added(store, chat_id=-1)
    two = await added(store, chat_id=-2)
    await added(store, chat_id=-3)
    await added(store, chat_id=-1, client="another")
    three = await added(store, chat_id=-2)
    started = await store.start(one.id, NOW)
    assert await store.changes("client", {-1, -2}, 0, 10) == [two, three, started]
    assert await store.changes("client", [-1, -2, -1], 0, 2) == [two, three]
    assert await store.changes("client", {-1, -2}, three.change, 10) == [started]
    assert await store.changes("client", {-1}, 0, 10) == [started]
    assert await store.changes("client", (), 0, 10) == []


async def test_records_are_kept_as_given_and_in_order(store: Store) -> None:
    records = [
        Record(at=NOW, event="call.refused", decision="deny"),
        Record(
            at=NOW + timedelta(microseconds=1),
            event="call.refused",
            decision="deny",
            reason="chat_mismatch",
            client="näin\n\x00",
            token_id="t1",
            key_id="k1",
            issuer="https://issuer.example",
            verified=False,
            address="::1",
            method="/chatkey.v1.MessagingGateway/SendMessage",
            call_id="c1",
            error_id="e1",
            chat_id=-100,
            claimed_chat_id=7,
            message_id="m1",
            count=12,
            facts={"b": 1, "a": True, "c": "x"},
        ),
    ]
    await store.record(records)
    await store.record(records[:1])
    assert await store.records() == [(1, records[0]), (2, records[1]), (3, records[0])]


async def test_numbers_of_records_have_no_gap(store: Store) -> None:
    await asyncio.gather(
        *(added(store, request_id=f"r{number % 7}") for number in range(20)),
        *(store.record([Record(at=NOW, event="call.refused", decision="deny")] * 2) for _ in range(10)),
    )
    assert [seq for seq, _ in await store.records(limit=1000)] == list(range(1, 28))


async def test_records_are_found_by_their_fields(store: Store) -> None:
    fields: dict[str, str | int] = {
        "event": "call.refused",
        "decision": "deny",
        "reason": "expired",
        "client": "c",
        "chat_id": 5,
        "error_id": "e",
        "message_id": "m",
        "token_id": "t",
    }
    plain = Record(at=NOW, event="message.accepted", decision="allow")
    refusal = replace(plain, **fields)  # type: ignore[arg-type]
    await store.record([plain, refusal, plain, refusal])
    for field, value in fields.items():
        assert await store.records(**{field: value}) == [(2, refusal), (4, refusal)], field
    assert await store.records(**fields, after=2) == [(4, refusal)]
    assert await store.records(client="c", reason="another") == []
    assert await store.records(client="") == [(1, plain), (3, plain)]


async def test_records_come_a_page_at_a_time_from_either_end(store: Store) -> None:
    records = [Record(at=NOW, event=f"e{number}", decision="allow") for number in range(1, 6)]
    await store.record(records)
    numbered = list(enumerate(records, 1))
    assert await store.records(limit=2) == numbered[:2]
    assert await store.records(after=2, limit=2) == numbered[2:4]
    assert await store.records(newest_first=True, limit=2) == numbered[:2:-1]
    assert await store.records(after=3, newest_first=True) == numbered[:2:-1]
    assert await store.records(below=4, newest_first=True, limit=2) == numbered[2:0:-1]
    assert await store.records(after=1, below=4) == numbered[1:3]
    assert await store.records(below=1) == []


async def test_there_is_no_search_by_another_field(store: Store) -> None:
    with pytest.raises(ValueError, match="address"):
        await store.records(address="::1")


async def test_a_store_that_was_closed_is_not_durable(store: Store) -> None:
    await store.close()
    message = a_message()
    with pytest.raises(NotDurable):
        await store.add(message, a_record(message))
    with pytest.raises(NotDurable):
        await store.get(message.id)
    with pytest.raises(AuditUnavailable):
        await store.record([a_record(message)])
    with pytest.raises(AuditUnavailable):
        await store.records()


async def test_a_close_finishes_what_was_handed_in(store: Store) -> None:
    adding = [asyncio.ensure_future(added(store)) for _ in range(100)]
    await asyncio.sleep(0)
    await store.close()
    assert [message.seq for message in await asyncio.gather(*adding)] == list(range(1, 101))


async def listed(store: Store, limit: int = 3, **search: object) -> list[Message]:
    """Go through all pages."""
    found: list[Message] = []
    place: Place | None = None
    fields: dict[str, object] = {"client": "client", "chat_ids": frozenset({-100})} | search
    while True:
        page, place = await store.list_messages(Search(**fields), place, limit)  # type: ignore[arg-type]
        assert len(page) <= limit
        found += page
        if place is None:
            return found


async def test_a_list_is_of_one_client_and_of_the_chats_that_were_asked_for_newest_first(store: Store) -> None:
    kept = [await added(store, chat_id=-100 - index % 3, accepted_at=NOW + index * SECOND) for index in range(9)]
    await added(store, client="other", accepted_at=NOW)
    two = frozenset({-100, -102})
    assert await listed(store, chat_ids=two) == [each for each in reversed(kept) if each.chat_id in two]
    assert await listed(store, chat_ids=frozenset()) == []


async def test_what_is_accepted_meanwhile_is_on_no_page_and_nothing_else_is_missed_or_shown_twice(
    store: Store,
) -> None:
    kept = [await added(store) for _ in range(5)]
    search = Search(client="client", chat_ids=frozenset({-100}))
    first, place = await store.list_messages(search, None, 2)
    await added(store, accepted_at=NOW + SECOND)
    second, place = await store.list_messages(search, place, 2)
    third, end = await store.list_messages(search, place, 2)
    assert [*first, *second, *third] == kept[::-1]
    assert end is None


async def test_a_list_is_of_the_time_that_was_asked_for(store: Store) -> None:
    kept = [await added(store, accepted_at=NOW + index * SECOND) for index in range(5)]
    assert await listed(store, accepted_from=NOW + SECOND, accepted_until=NOW + 3 * SECOND) == kept[2:0:-1]
    assert await listed(store, accepted_from=NOW + SECOND, limit=1) == kept[:0:-1]
    assert await listed(store, accepted_until=NOW + SECOND) == kept[:1]


async def test_a_list_is_of_the_states_that_were_asked_for(store: Store) -> None:
    kept = [await added(store, state=[*State][index % len(State)]) for index in range(20)]
    wanted = frozenset({State.FAILED, State.QUEUED})
    assert await listed(store, states=wanted) == [each for each in reversed(kept) if each.state in wanted]


async def test_a_rare_state_is_found_however_much_lies_above_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LOOKED_AT", 4)
    rare = await added(store, state=State.FAILED)
    for _ in range(11):
        await added(store, chat_id=-101, state=State.DELIVERED)
    chats = frozenset({-100, -101})
    assert await listed(store, chat_ids=chats, states=frozenset({State.FAILED})) == [rare]


async def test_what_is_sent_again_stands_last_and_under_the_token_that_asked_for_it(store: Store) -> None:
    first = await added(store, state=State.FAILED, attempts=1)
    second = await added(store)
    fields = {"state": State.QUEUED, "token_id": "t2", "key_id": "k2", "issued_at": NOW + SECOND}
    after = replace(first, **fields, due_at=NOW + SECOND)
    kept = await store.requeue(after, (State.FAILED, 1), a_record(first, event="message.retried"))
    assert kept == replace(after, seq=3, change=3)
    assert await store.get(first.id) == kept
    assert [each.id for each in await store.unfinished()] == [second.id, first.id]
    assert (await added(store)).seq == 4
    assert (await log(store))[2] == "message.retried"


async def test_what_is_not_as_expected_is_not_sent_again(store: Store) -> None:
    message = await added(store, state=State.DELIVERED, attempts=1)
    record = a_record(message, event="message.retried")
    assert await store.requeue(replace(message, state=State.QUEUED), (State.FAILED, 1), record) is None
    assert await store.get(message.id) == message
    assert await log(store) == ["message.accepted"]
    assert (await added(store)).seq == 2
