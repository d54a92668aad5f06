"""What is PostgreSQL's own: commits without an answer, the lease, what is refused at the start, and text with NUL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from secrets import token_hex

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import AuditUnavailable, ConfigInvalid, NotDurable
from gateway.model import State
from gateway.store.leases import Deposed
from gateway.store.postgres import PostgresStore, open_postgres, read_postgres
from gateway.store.postgres.dialect import escaped, unescaped
from tests.support.messages import NOW, a_message, a_record
from tests.support.postgres import PASSWORD, Postgres
from tests.support.relay import Relay, relayed
from tests.support.server import until

MANY = 700


@asynccontextmanager
async def far_away(postgres: Postgres) -> AsyncIterator[tuple[Relay, PostgresStore]]:
    """Open a store behind a relay."""
    async with (
        relayed(postgres.cluster.port) as relay,
        open_postgres(await postgres.database(relay.own_port), PASSWORD) as store,
    ):
        yield relay, store


def lose(relay: Relay, what: str) -> None:
    """Break the connection at the next commit: the `request` for it, or the `answer`."""

    def asked(data: bytes) -> bytes:
        if b"COMMIT\0" not in data:
            return data
        relay.asked = bytes
        if what == "request":
            relay.close()
        else:
            relay.answered = answered
        return data

    def answered(_data: bytes) -> bytes:
        relay.answered = bytes
        relay.close()
        return b""

    relay.asked = asked


@pytest.mark.parametrize("lost", ["answer", "request"])
async def test_a_commit_without_an_answer_is_looked_up_and_kept_once(postgres: Postgres, lost: str) -> None:
    async with far_away(postgres) as (relay, store):
        first = a_message(request_id="r1")
        await store.add(first, a_record(first))
        lose(relay, lost)
        message = a_message()
        kept = await store.add(message, a_record(message))
        assert kept == replace(message, seq=2, change=2)
        assert await store.get(message.id) == kept
        assert [seq for seq, _ in await store.records()] == [1, 2]


async def test_what_is_unknown_as_the_store_closes_is_not_done_again(postgres: Postgres) -> None:
    async with relayed(postgres.cluster.port) as relay, AsyncExitStack() as stack:
        address = await postgres.database(relay.own_port)
        store = await stack.enter_async_context(open_postgres(address, PASSWORD))
        first = a_message()
        await store.add(first, a_record(first))
        is_answered = asyncio.Event()

        def asked(data: bytes) -> bytes:
            relay.answered = answered if b"COMMIT\0" in data else bytes
            return data

        def answered(data: bytes) -> bytes:
            is_answered.set()
            relay.flows.clear()
            return data

        relay.asked = asked
        recording = [asyncio.ensure_future(store.record([a_record(first)])) for _ in range(2)]
        await is_answered.wait()
        relay.asked = relay.answered = bytes
        closing = asyncio.create_task(store.close())
        await until(lambda: store._writer._is_closed, "it closes")
        relay.refuses = 1
        relay.close()
        for each in recording:
            with pytest.raises(AuditUnavailable):
                await each
        await closing
        async with read_postgres(address, PASSWORD) as readings:
            assert len(await readings.records()) == 3


async def test_a_server_that_is_gone_keeps_nothing_and_is_found_again(postgres: Postgres) -> None:
    async with far_away(postgres) as (relay, store):
        port, relay.port = relay.port, 1
        message = a_message()
        with pytest.raises(NotDurable) as refused:
            await store.add(message, a_record(message))
        assert str(refused.value) == NotDurable.__doc__, "nobody is told the server's words"
        relay.port = port
        assert (await store.add(message, a_record(message))).seq == 1


@asynccontextmanager
async def two_gateways(postgres: Postgres) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    address = await postgres.database()
    async with open_postgres(address, PASSWORD) as one, open_postgres(address, PASSWORD) as two:
        one.share()
        two.share()
        yield one, two


async def expire(store: PostgresStore) -> None:
    """Let the lease be one that was not renewed for a while."""
    await change_lease(store, "led_until = led_until - interval '1 hour'")


async def test_one_has_the_lease_until_it_is_given_up_or_not_renewed(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (one, two):
        assert one.lease is not None
        assert two.lease is not None
        assert sorted(await asyncio.gather(one.lease.take(), two.lease.take())) == [False, True]
        first, second = (one.lease, two.lease) if one.lease.is_ours else (two.lease, one.lease)
        await first.renew()
        assert first.is_valid
        assert not await second.take()
        await first.give_up()
        assert not first.is_ours
        assert await second.take()
        await expire(two)
        assert await first.take()
        with pytest.raises(Deposed):
            await second.renew()
        assert not second.is_ours


async def change_lease(store: PostgresStore, change: str) -> None:
    await store._writer.submit(lambda t: t.execute(f"UPDATE numbers SET {change}"))


async def test_a_database_whose_clock_was_set_back_has_a_leader_again(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (gone, other):
        assert gone.lease is not None
        assert other.lease is not None
        assert await gone.lease.take()
        await change_lease(other, "led_until = led_until + interval '1 second'")
        assert not await other.lease.take(), "a standby's clock may be a little behind"
        await change_lease(other, "led_until = led_until + interval '1 hour'")
        assert await other.lease.take()
        with pytest.raises(Deposed):
            await gone.lease.renew()


async def test_a_right_of_the_same_number_that_another_one_has_keeps_nothing(postgres: Postgres) -> None:
    """As after a database was put back to what it was before the right was taken."""
    async with two_gateways(postgres) as (old, new):
        assert old.lease is not None
        assert new.lease is not None
        assert await old.lease.take()
        await change_lease(new, "epoch = epoch - 1, leader = ''")
        assert await new.lease.take()
        assert new.lease.epoch == old.lease.epoch
        with pytest.raises(Deposed):
            await old.lease.renew()
        await new.lease.renew()


async def test_of_whoever_was_deposed_nothing_is_kept(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (old, new):
        assert old.lease is not None
        assert new.lease is not None
        assert await old.lease.take()
        message = a_message(state=State.SENDING, attempts=1, attempted_at=NOW)
        kept = await old.add(message, a_record(message))
        waiting = a_message()
        await old.add(waiting, a_record(waiting))
        await expire(new)
        assert await new.lease.take()
        late = a_message()
        for attempt in (
            old.save(replace(kept, state=State.DELIVERED), (State.SENDING, 1), a_record(kept, "message.delivered")),
            old.start(waiting.id, NOW),
            old.add(late, a_record(late)),
            old.requeue(kept, (State.SENDING, 1), a_record(kept)),
        ):
            with pytest.raises(Deposed):
                await attempt
        assert await new.get(kept.id) == kept
        assert len(await new.records()) == 2
        assert await new.start(waiting.id, NOW) is not None


async def test_who_has_no_lease_accepts_and_attempts_nothing(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (leader, follower):
        assert leader.lease is not None
        assert await leader.lease.take()
        message = a_message()
        kept = await follower.add(message, a_record(message))
        with pytest.raises(Deposed):
            await follower.start(kept.id, NOW)
        assert await leader.start(kept.id, NOW) is not None


async def test_a_text_too_long_for_an_index_is_no_fault_of_the_storage(postgres: Postgres) -> None:
    async with postgres.opened() as store:
        good, bad = a_message(), a_message()
        kept, refused = await asyncio.gather(
            store.add(good, a_record(good)),
            store.add(bad, replace(a_record(bad), token_id=token_hex(4000))),
            return_exceptions=True,
        )
        assert isinstance(refused, asyncpg.ProgramLimitExceededError)
        assert kept == await store.get(good.id)


async def test_each_gateway_hears_of_what_the_others_changed_and_not_of_its_own(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (one, two):
        await one.feed.begin()
        await two.feed.begin()
        message = a_message()
        kept = await two.add(message, a_record(message))
        await one.feed.wait(5)
        [heard] = await one.feed.changed()
        assert (heard.id, heard.seq, heard.state) == (kept.id, 1, State.QUEUED)
        assert await one.feed.changed() == []
        assert await two.feed.changed() == []
        await one.save(replace(kept, state=State.CANCELLED), (State.QUEUED, 0))
        assert [each.state for each in await two.feed.changed()] == [State.CANCELLED]


async def test_each_number_is_told_once_to_whoever_asks_after_the_last(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (one, two):
        assert await one.feed.handed_in(0) == (0, {})
        for client in ("a", "b", "a"):
            message = a_message(client=client, state=State.FAILED, finished_at=NOW)
            kept = await two.add(message, a_record(message))
        assert await one.feed.handed_in(0) == (3, {"a": 2, "b": 1})
        assert await one.feed.handed_in(3) == (3, {})
        requeued = await two.requeue(
            replace(kept, state=State.QUEUED), (State.FAILED, 0), a_record(kept, "message.retried")
        )
        assert requeued
        await one.save(replace(requeued, state=State.CANCELLED), (State.QUEUED, 0))
        assert await one.feed.handed_in(3) == await two.feed.handed_in(3) == (4, {"a": 1})
        assert await one.feed.handed_in(2) == (4, {"a": 1})


async def test_a_fault_between_two_looks_at_what_changed_loses_nothing(postgres: Postgres) -> None:
    address = await postgres.database()
    async with (
        relayed(postgres.cluster.port) as relay,
        open_postgres(address.replace(str(postgres.cluster.port), str(relay.own_port)), PASSWORD) as one,
        open_postgres(address, PASSWORD) as two,
    ):
        await one.feed.begin()
        messages = [a_message() for _ in range(MANY)]
        await asyncio.gather(*(two.add(message, a_record(message)) for message in messages))

        def asked(data: bytes) -> bytes:
            relay.refuses = MANY
            relay.close()
            return data

        def answered(data: bytes) -> bytes:
            if len(data) > MANY:
                relay.asked, relay.answered = asked, bytes
            return data

        relay.answered = answered
        heard: list[str] = []
        faults = 0
        for _ in range(5):
            try:
                heard += [each.id for each in await one.feed.changed()]
            except NotDurable:
                faults, relay.asked, relay.refuses = faults + 1, bytes, 0
        assert faults == 1
        assert heard == [message.id for message in messages]


async def test_a_repeat_is_found_whichever_gateway_was_asked_first(postgres: Postgres) -> None:
    async with two_gateways(postgres) as (one, two):
        messages = [a_message(request_id="r1") for _ in range(20)]
        kept = await asyncio.gather(
            *((one, two)[number % 2].add(message, a_record(message)) for number, message in enumerate(messages))
        )
        assert len({message.id for message in kept}) == 1
        found = await two.find("client", "r1")
        assert found == kept[0]
        assert len(await one.records()) == 1


async def test_a_server_that_would_lose_messages_is_refused(postgres: Postgres) -> None:
    address = f"{await postgres.database()}&synchronous_commit=off"
    with pytest.raises(ConfigInvalid, match="synchronous_commit = off and would lose accepted messages"):
        async with open_postgres(address, PASSWORD):
            pytest.fail("it was opened")


async def test_a_database_of_a_newer_version_is_refused(postgres: Postgres) -> None:
    address = await postgres.database()
    async with open_postgres(address, PASSWORD) as store:
        await store._writer.submit(lambda t: t.execute("INSERT INTO schema_versions VALUES (99)"))
    with pytest.raises(ConfigInvalid, match="has version 99"):
        async with open_postgres(address, PASSWORD):
            pytest.fail("it was opened")


async def test_gateways_that_start_at_once_make_the_tables_once(postgres: Postgres) -> None:
    address = await postgres.database()

    async def start() -> int:
        async with open_postgres(address, PASSWORD) as store:
            return await store.last_change()

    assert await asyncio.gather(*(start() for _ in range(4))) == [0] * 4


@given(st.text(alphabet=st.sampled_from(["\\", "\0", "0", "a"])))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert "\0" not in escaped(text)
    assert unescaped(escaped(text)) == text
