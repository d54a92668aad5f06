"""What the server's own settings, a pooler or a standby that stands still must not change: what an answer promises."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid, NotDurable
from gateway.model import Record
from gateway.store.postgres import PostgresReadings, PostgresStore, open_postgres, read_postgres
from gateway.store.postgres.feed import PostgresFeed
from gateway.store.postgres.place import Connection, Place
from gateway.store.postgres.reader import CONNECTIONS, Reader, Reading
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
from tests.support.certificates import certificate
from tests.support.messages import NOW, a_message, a_record
from tests.support.ports import free_port
from tests.support.postgres import PASSWORD, USER, Postgres
from tests.support.relay import relayed
from tests.support.server import until

HOSTILE = {
    "client_min_messages": "error",
    "default_transaction_isolation": "serializable",
    "idle_session_timeout": "1ms",
    "lock_timeout": "1ms",
    "statement_timeout": "1ms",
}

HALF = "half " * 1000
Opened = Callable[[str, str], AbstractAsyncContextManager[PostgresReadings]]
BACKEND_KEY = b"K\0\0\0\x0c"


@asynccontextmanager
async def as_role(postgres: Postgres, **settings: str) -> AsyncIterator[str]:
    """Give the address of a database for a role with settings of its own."""
    address = await postgres.database()
    schema = address.rpartition("=")[2]
    role = f"role_of_{schema}"
    await postgres.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    await postgres.execute(f"ALTER SCHEMA {schema} OWNER TO {role}")
    for name, value in settings.items():
        await postgres.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    yield address.replace("postgres@", f"{role}@")


async def add(store: PostgresStore) -> int:
    message = a_message()
    return (await store.add(message, a_record(message))).seq


async def test_settings_of_a_role_change_nothing(postgres: Postgres) -> None:
    async with (
        as_role(postgres, **HOSTILE) as address,
        open_postgres(address, PASSWORD) as one,
        open_postgres(address, PASSWORD) as two,
    ):
        seqs = [await asyncio.gather(add(one), add(two)) for _ in range(10)]
    assert sorted(seq for pair in seqs for seq in pair) == list(range(1, 21))


@asynccontextmanager
async def a_standby_that_is_gone(postgres: Postgres) -> AsyncIterator[int]:
    """Let every commit wait for a standby that never answers; give the process of one that does."""
    await postgres.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await postgres.execute("SELECT pg_reload_conf()")
    probing = asyncio.create_task(commit_for_ever(postgres))
    try:
        # Until then commits may still go through: the server takes up what it is set to in its own time.
        yield await until_waiting(postgres)
    finally:
        probing.cancel()
        await postgres.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await postgres.execute("SELECT pg_reload_conf()")
        await asyncio.gather(probing, return_exceptions=True)


async def commit_for_ever(postgres: Postgres) -> None:
    while True:
        await postgres.execute("SELECT pg_logical_emit_message(true, 'chatkey', '')")


async def test_a_cancelled_wait_for_the_standby_is_no_answer(postgres: Postgres) -> None:
    async with as_role(postgres, client_min_messages="error") as address, open_postgres(address, PASSWORD) as store:
        assert await add(store) == 1
        async with a_standby_that_is_gone(postgres) as probing:
            adding = asyncio.create_task(add(store))
            waiting = await until_waiting(postgres, probing)
            assert await postgres.ask(f"SELECT pg_cancel_backend({waiting})")
            await until_waiting(postgres, probing, waiting, adding=adding)
            assert not adding.done(), "it was answered, and is on one server only"
        assert await adding == 2
        assert len(await store.records()) == 2


async def until_waiting(postgres: Postgres, *known: int, adding: asyncio.Task[int] | None = None) -> int:
    """Return the process of a commit that waits for the standby, once there is one that is not known."""
    found: list[int] = []

    async def is_waiting() -> bool:
        pids = await postgres.ask("SELECT array_agg(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        assert isinstance(pids, list | None)
        found[:] = set(pids or []) - {*known}
        return bool(found) or (adding is not None and adding.done())

    await until(is_waiting, "a commit waits for the standby")
    return found[0] if found else 0


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"synchronous_commit": "local"}, "synchronous_commit = local and would lose accepted messages"),
        ({"default_transaction_read_only": "on"}, "takes no writes"),
    ],
)
async def test_a_role_that_would_lose_messages_is_refused(
    postgres: Postgres, settings: dict[str, str], why: str
) -> None:
    async with as_role(postgres, **settings) as address:
        with pytest.raises(ConfigInvalid, match=why):
            async with open_postgres(address, PASSWORD):
                pytest.fail("it was opened")


async def test_a_database_that_can_not_have_any_text_is_refused(postgres: Postgres) -> None:
    await postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(ConfigInvalid, match="server_encoding = LATIN1"):
        async with open_postgres(f"{postgres.address}/latin", PASSWORD):
            pytest.fail("it was opened")


async def test_a_pooler_is_refused(postgres: Postgres) -> None:
    """It gives each of its clients a number of its own, and none a session of its own."""

    def renumbered(data: bytes) -> bytes:
        before, key, after = data.partition(BACKEND_KEY)
        return before + key + bytes(4) + after[4:] if key else data

    async with relayed(postgres.cluster.port) as pooler:
        pooler.answered = renumbered
        with pytest.raises(ConfigInvalid, match="a connection pooler stands before it"):
            async with open_postgres(await postgres.database(pooler.own_port), PASSWORD):
                pytest.fail("it was opened")


async def test_a_machine_that_is_gone_does_not_hide_the_next_and_is_asked_last(postgres: Postgres) -> None:
    async with relayed(postgres.cluster.port) as gone:
        gone.flows.clear()
        hosts = f"127.0.0.1:{gone.own_port},127.0.0.1:{postgres.cluster.port}"
        place = Place(f"postgresql://{USER}@{hosts}/postgres", "test", PASSWORD, connect_s=2)
        for _ in range(3):
            connection = await place.connect()
            assert await connection.fetchval("SELECT inet_server_port()") == postgres.cluster.port
            await connection.close()
        assert gone.taken == 1


async def test_of_servers_that_can_not_be_used_the_one_that_answers_is_heard(postgres: Postgres) -> None:
    wrong = postgres.address.replace(f"{USER}@", "stranger@")
    with pytest.raises(ConfigInvalid, match="password authentication failed"):
        async with open_postgres(f"{wrong},127.0.0.1:{free_port()}/postgres", PASSWORD):
            pytest.fail("it was opened")


async def test_several_servers_of_which_none_is_waited_for_are_said_once(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(f"{postgres.address},127.0.0.1:{free_port()}/postgres", "test", PASSWORD)
    for _ in range(2):
        await (await place.connect()).close()
    assert [record.message for record in caplog.records if "a failover may lose" in record.message] == [
        "the address of the database names several servers, but no commit waits for a standby "
        "(synchronous_standby_names is empty): a failover may lose accepted messages"
    ]


async def own_process(transaction: Transaction | Reading) -> int:
    return int((await transaction.every("SELECT pg_backend_pid()"))[0][0])


async def test_a_server_that_takes_no_writes_any_more_is_left_for_the_one_that_does(postgres: Postgres) -> None:
    async with postgres.opened() as store:
        await store._writer.submit(lambda transaction: transaction.every("SET default_transaction_read_only = on"))
        with pytest.raises(NotDurable):
            await add(store)
        assert await add(store) == 1


async def test_who_writes_to_another_server_reads_there_too(postgres: Postgres) -> None:
    async with postgres.opened() as store:
        old = await store._reader.run(own_process)
        assert await store._reader.run(own_process) == old
        writer = await store._writer.submit(own_process)
        await postgres.ask(f"SELECT pg_terminate_backend({writer}, 5000)")
        await store.feed.begin()
        await until(lambda: store.feed._connection is not None, "it listens")
        bell = store.feed._connection
        await add(store)
        assert await store._reader.run(own_process) != old
        await until(lambda: store.feed._connection not in (None, bell), "it listens anew")


async def test_a_doorbell_at_a_server_that_is_silent_is_hung_anew(postgres: Postgres) -> None:
    async with relayed(postgres.cluster.port) as silent, postgres.opened() as store:
        place = Place(f"postgresql://{USER}@127.0.0.1:{silent.own_port}/postgres", "test", PASSWORD)
        feed = PostgresFeed(place.connect, store._reader, patience_s=0.2)
        await feed.begin()
        await until(lambda: feed._connection is not None, "it listens")
        silent.flows.clear()
        taken = silent.taken
        feed.ring()
        await until(lambda: silent.taken > taken, "it connects anew")
        silent.flows.set()
        await feed.close()


async def test_a_doorbell_that_stumbles_says_so_and_goes_on(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with postgres.opened() as store:
        place = Place(postgres.address + "/postgres", "test", PASSWORD)
        stumbles = iter([True, False])

        async def connect() -> Connection:
            if next(stumbles):
                raise LookupError("a bug")
            return await place.connect()

        feed = PostgresFeed(connect, store._reader)
        await feed.begin()
        await until(lambda: feed._connection is not None, "it listens after all")
        await feed.close()
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
            "the doorbell stumbled; what others change comes later"
        ]


async def test_a_caller_that_hangs_up_leaves_a_connection_that_can_be_used(postgres: Postgres) -> None:
    async with postgres.opened() as store:
        old = await store._reader.run(own_process)
        reading = asyncio.create_task(store._reader.every("SELECT pg_sleep(0.2)"))
        await until(lambda: store._reader._turns._value < CONNECTIONS, "it reads")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(lambda: store._reader._turns._value == CONNECTIONS, "it has read")
        assert await store._reader.run(own_process) == old


async def test_a_read_without_an_answer_is_not_asked_again(postgres: Postgres) -> None:
    async with relayed(postgres.cluster.port) as silent:
        place = Place(f"postgresql://{USER}@127.0.0.1:{silent.own_port}/postgres", "test", PASSWORD)
        reader = Reader(place.connect, patience_s=1.5)
        await asyncio.gather(*(reader.every("SELECT pg_sleep(0.1)") for _ in range(CONNECTIONS)))
        silent.flows.clear()
        with pytest.raises(NotDurable) as failed:
            await reader.every("SELECT 1")
        assert isinstance(failed.value.__cause__, TimeoutError)
        assert len(reader._idle) == CONNECTIONS - 1, (
            "one was asked, and each of the others would have been given up too"
        )
        silent.flows.set()
        await reader.close()


async def test_a_read_of_much_may_take_longer(postgres: Postgres) -> None:
    place = Place(f"{postgres.address}/postgres", "test", PASSWORD)
    reader = Reader(place.connect, patience_s=0.05)
    slowly = "SELECT 1 FROM pg_sleep(0.2)"
    with pytest.raises(NotDurable):
        await reader.every(slowly)
    assert await reader.run(lambda reading: reading.every(slowly, patience_s=30)) == [(1,)]
    await reader.close()


@asynccontextmanager
async def as_guest(postgres: Postgres, *rights: str) -> AsyncIterator[str]:
    """Give the address of tables that are there, for a role that has no rights but these on them."""
    address = await postgres.database()
    schema = address.rpartition("=")[2]
    async with open_postgres(address, PASSWORD):
        guest = f"guest_of_{schema}"
    await postgres.execute(f"CREATE ROLE {guest} LOGIN PASSWORD '{PASSWORD}'")
    await postgres.execute(f"GRANT USAGE ON SCHEMA {schema} TO {guest}")
    if rights:
        await postgres.execute(f"GRANT {', '.join(rights)} ON ALL TABLES IN SCHEMA {schema} TO {guest}")
    yield address.replace(f"{USER}@", f"{guest}@")


async def test_a_gateway_needs_no_more_than_its_rows_once_the_tables_are_there(postgres: Postgres) -> None:
    async with (
        as_guest(postgres, "SELECT", "INSERT", "UPDATE", "DELETE") as address,
        open_postgres(address, PASSWORD) as store,
    ):
        assert await store.share().take()
        assert await add(store) == 1
        assert await store.registry.revoke_token("jti", NOW, Record(at=NOW, event="token.revoked", decision="allow"))
        assert await store.seals.head(lambda: "chain")


@pytest.mark.parametrize("opened", [open_postgres, read_postgres])
async def test_who_has_no_rights_is_told_so_in_one_line(postgres: Postgres, opened: Opened) -> None:
    async with as_guest(postgres) as address:
        with pytest.raises(ConfigInvalid, match=r"can't be used: permission denied for table schema_versions\.$"):
            async with opened(address, PASSWORD):
                pytest.fail("it was opened")


async def test_a_server_that_is_lost_while_it_is_prepared_is_one_line(postgres: Postgres) -> None:
    async with relayed(postgres.cluster.port) as lost:

        def asked(data: bytes) -> bytes:
            if b"advisory" in data:
                lost.close()
            return data

        lost.asked = asked
        with pytest.raises(ConfigInvalid, match="CHATKEY_DATABASE: the PostgreSQL server can't be used: "):
            async with open_postgres(await postgres.database(lost.own_port), PASSWORD):
                pytest.fail("it was opened")


async def test_who_stands_still_in_the_middle_of_a_word_keeps_no_other_waiting(postgres: Postgres) -> None:
    """A transaction is not idle, as far as the server knows, while half of a statement has come."""
    address = await postgres.database()
    async with relayed(postgres.cluster.port) as still, open_postgres(address, PASSWORD) as other:
        near = address.replace(str(postgres.cluster.port), str(still.own_port))
        writer = Writer(Place(near, "test", PASSWORD).connect, longest_s=1.5)
        chunks = itertools.count()

        def asked(data: bytes) -> bytes:
            if len(data) > len(HALF) and next(chunks):
                still.flows.clear()
            return data

        still.asked = asked
        speaking = writer.submit(lambda transaction: transaction.one("SELECT length($1::text)", HALF * 100))
        await until(lambda: not still.flows.is_set(), "it stands still")
        assert await add(other) == 1
        still.asked = bytes
        still.flows.set()
        assert await speaking == (len(HALF) * 100,), "what was not done is done again"
        await writer.close()


async def test_a_server_proves_its_name_and_who_vouches_for_it(postgres: Postgres, tmp_path: Path) -> None:
    for name in ("right", "wrong"):
        (tmp_path / name).mkdir()
    right, wrong = (certificate(tmp_path / name, name) for name in ("right", "wrong"))
    async with relayed(postgres.cluster.port) as protected:
        protected.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        protected.tls.load_cert_chain(right.cert_file, right.key_file)
        address = f"{await postgres.database(protected.own_port)}&sslmode=verify-full&sslrootcert="
        async with open_postgres(f"{address}{right.cert_file}", PASSWORD) as store:
            assert await add(store) == 1
        for unproven in (
            f"{address}{wrong.cert_file}",
            f"{address}{tmp_path / 'missing'}",
            f"{address}{right.cert_file}".replace("127.0.0.1", "localhost"),
            f"{await postgres.database()}&sslmode=verify-full&sslrootcert={right.cert_file}",
        ):
            with pytest.raises(ConfigInvalid, match="CHATKEY_DATABASE: the PostgreSQL server can't be used: ") as said:
                async with open_postgres(unproven, PASSWORD):
                    pytest.fail("it was opened")
            assert PASSWORD not in str(said.value)
