"""What `gateway.store.registry` promises, of every store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid, NotDurable, StateConflict
from gateway.model import Ancestor, Permission, Record, State
from gateway.store.registry import IssuedToken, Quota, StoredChat, StoredClient, Uses, token_digest
from gateway.store.registry_sqlite import open_registry
from gateway.store.sqlite import SqliteStore, open_sqlite, open_sqlite_in_memory
from tests.support.messages import NOW, a_message, a_record

HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite-memory":
            yield await stack.enter_async_context(open_sqlite_in_memory())
        elif request.param == "postgres":
            yield await stack.enter_async_context(request.getfixturevalue("postgres").opened())
        else:
            yield await stack.enter_async_context(open_sqlite(tmp_path / "data" / "chatkey.db"))


def a_client(name: str = "svc:a", **fields: object) -> StoredClient:
    return replace(StoredClient(name=name, created_by="os:root", created_at=NOW), **fields)  # type: ignore[arg-type]


def a_chat(chat_id: int = -1001, **fields: object) -> StoredChat:
    return replace(StoredChat(chat_id=chat_id, created_by="os:root", created_at=NOW), **fields)  # type: ignore[arg-type]


def a_token(token_id: str, client: str = "svc:a", age: timedelta = timedelta(), **fields: object) -> IssuedToken:
    token = IssuedToken(
        token_id=token_id,
        client=client,
        key_id="k1",
        chat_ids=(-1001, 5),
        issued_at=NOW - age,
        expires_at=NOW - age + HOUR,
        issued_by="os:root",
    )
    return replace(token, **fields)  # type: ignore[arg-type]


def record(event: str = "event") -> Record:
    return Record(at=NOW, event=event, decision="allow", facts={"by": "os:root"})


async def put(store: SqliteStore, client: StoredClient, event: str = "client") -> StoredClient:
    return await store.registry.change_client(client.name, lambda _: client, record(event))


async def events(store: SqliteStore) -> list[str]:
    return [kept.event for _, kept in await store.records(limit=1000)]


async def revision(store: SqliteStore) -> int:
    changes = await store.registry.changes(-1)
    assert changes is not None
    return changes.revision


async def test_an_empty_registry_says_so(store: SqliteStore) -> None:
    changes = await store.registry.changes(-1)
    assert changes is not None
    assert (changes.revision, changes.clients, changes.chats, changes.revoked_keys) == (0, [], [], [])
    assert (changes.not_before, changes.swept_until) == (None, EPOCH)
    assert await store.registry.changes(0) is None
    assert await store.registry.client("svc:a") is None
    assert await store.registry.chat(-1001) is None
    assert await store.registry.issued_token("t") is None


async def test_a_client_is_kept_as_given(store: SqliteStore) -> None:
    client = a_client(
        registered=True,
        enabled=False,
        chat_ids=frozenset({-1001, 5}),
        address_ranges=AddressRanges.parse(["10.0.0.0/8", "2001:db8::/32", "unix"]),
        quota=Quota(per_minute=1, per_day=2, queue_depth=3),
        min_generation=7,
        not_before=NOW - HOUR,
        second_factor=True,
        label="näin",
    )
    assert await put(store, client) == client
    assert await store.registry.client("svc:a") == client
    assert await put(store, a_client("svc:b", chat_ids=frozenset())) == await store.registry.client("svc:b")
    assert [each.name for each in await store.registry.clients()] == ["svc:a", "svc:b"]


async def test_a_chat_is_kept_as_given(store: SqliteStore) -> None:
    chat = a_chat(authorized=True, permissions=frozenset({Permission.READ}), suspended=True, title="Ops")
    assert await store.registry.change_chat(-1001, lambda _: chat, record()) == chat
    assert await store.registry.chat(-1001) == chat
    other = a_chat(-5)
    await store.registry.change_chat(-5, lambda _: other, record())
    assert await store.registry.chats() == [chat, other]


async def test_a_change_is_made_of_what_is_kept(store: SqliteStore) -> None:
    seen: list[StoredClient | None] = []

    def changed(before: StoredClient | None) -> StoredClient:
        seen.append(before)
        return replace(before or a_client(), label=f"{before.label}x" if before else "x")

    for _ in range(3):
        await store.registry.change_client("svc:a", changed, record())
    assert [None if each is None else each.label for each in seen] == [None, "x", "xx"]


async def test_a_change_that_is_refused_keeps_nothing_and_takes_no_other_along(store: SqliteStore) -> None:
    def refuse(_: object) -> StoredClient:
        raise StateConflict("no")

    refused, kept = await asyncio.gather(
        store.registry.change_client("svc:a", refuse, record("refused")),
        put(store, a_client("svc:b"), "kept"),
        return_exceptions=True,
    )
    assert isinstance(refused, StateConflict)
    assert kept == await store.registry.client("svc:b")
    assert await events(store) == ["kept"]
    assert await store.registry.client("svc:a") is None


async def test_each_change_has_its_record_and_what_changes_nothing_has_none(store: SqliteStore) -> None:
    await put(store, a_client(), "1")
    await put(store, a_client(), "again")
    await store.registry.change_chat(-1001, lambda _: a_chat(), record("2"))
    await store.registry.change_chat(-1001, lambda _: a_chat(), record("again"))
    assert await store.registry.revoke_token("t", NOW, record("3"))
    assert not await store.registry.revoke_token("t", NOW + HOUR, record("again"))
    assert await store.registry.revoke_key("iss", "k", record("4"))
    assert not await store.registry.revoke_key("iss", "k", record("again"))
    assert await store.registry.revoke_all(NOW, record("5"))
    assert not await store.registry.revoke_all(NOW, record("again"))
    assert not await store.registry.revoke_all(NOW - HOUR, record("again"))
    assert await store.registry.revoke_all(NOW + HOUR, record("6"))
    assert await events(store) == list("123456")
    assert await revision(store) == 6
    changes = await store.registry.changes(5)
    assert changes is not None
    assert (changes.not_before, changes.revoked_keys) == (NOW + HOUR, [("iss", "k")])


async def test_changes_are_those_after_a_revision(store: SqliteStore) -> None:
    await put(store, a_client("svc:a"))
    await put(store, a_client("svc:b"))
    await store.registry.change_chat(-1, lambda _: a_chat(-1), record())
    first = await store.registry.changes(-1)
    assert first is not None
    assert {client.name for client in first.clients} == {"svc:a", "svc:b"}
    await put(store, a_client("svc:a", label="new"))
    await store.registry.change_chat(-2, lambda _: a_chat(-2), record())
    second = await store.registry.changes(first.revision)
    assert second is not None
    assert [client.name for client in second.clients] == ["svc:a"]
    assert [chat.chat_id for chat in second.chats] == [-2]
    assert await store.registry.changes(second.revision) is None


async def test_revoked_tokens_are_found_by_number_and_by_name(store: SqliteStore) -> None:
    for name in ("a", "b", "c"):
        await store.registry.revoke_token(name, NOW, record())
    first = await store.registry.revoked_tokens(0, 2)
    rest = await store.registry.revoked_tokens(first[-1][0], 10)
    assert [digest for _, digest in [*first, *rest]] == [token_digest(name) for name in ("a", "b", "c")]
    assert await store.registry.revoked_tokens(rest[-1][0], 10) == []
    assert await store.registry.is_revoked_token("a")
    assert not await store.registry.is_revoked_token("d")


async def test_a_canary_is_kept_for_good_once_and_on_record(store: SqliteStore) -> None:
    assert await store.registry.mark_canary("c", record("marked"))
    assert not await store.registry.mark_canary("c", record("again"))
    assert await events(store) == ["marked"]
    changes = await store.registry.changes(0)
    assert changes is not None
    assert list(changes.canaries) == [token_digest("c")]
    assert await store.registry.is_canary_token("c")
    assert not await store.registry.is_canary_token("d")
    await store.registry.sweep(NOW + 1000 * HOUR, 10)
    assert await store.registry.is_canary_token("c")


async def test_a_number_is_never_given_to_a_second_revocation(store: SqliteStore) -> None:
    """Row 34: whoever has read up to a number would miss what takes the place of a forgotten one."""
    await store.registry.revoke_token("a", NOW - HOUR, record())
    ((before, _),) = await store.registry.revoked_tokens(0, 10)
    await store.registry.sweep(NOW, 10)
    await store.registry.revoke_token("b", NOW, record())
    assert await store.registry.revoked_tokens(before, 10) == [(before + 1, token_digest("b"))]


async def test_an_issued_token_is_kept_as_given_and_changes_no_right(store: SqliteStore) -> None:
    await store.registry.add_issued(a_token("t"), record("token.issued"))
    assert await store.registry.issued_token("t") == a_token("t")
    assert await revision(store) == 0
    assert await events(store) == ["token.issued"]


async def test_issued_tokens_are_listed_newest_first(store: SqliteStore) -> None:
    for hours, client in enumerate(["svc:a", "svc:b", "svc:a"]):
        await store.registry.add_issued(a_token(f"t{hours}", client, hours * HOUR), record())
    assert [token.token_id for token in await store.registry.issued_tokens(None, 10)] == ["t0", "t1", "t2"]
    assert [token.token_id for token in await store.registry.issued_tokens("svc:a", 10)] == ["t0", "t2"]
    assert [token.token_id for token in await store.registry.issued_tokens(None, 1)] == ["t0"]


async def test_issued_tokens_go_on_after_one_of_them_also_among_those_of_one_instant(store: SqliteStore) -> None:
    kept = [a_token("t2"), a_token("t1"), a_token("t0"), a_token("old", "svc:b", HOUR)]
    for token in kept:
        await store.registry.add_issued(token, record())
    for index, token in enumerate(kept):
        assert await store.registry.issued_tokens(None, 10, token) == kept[index + 1 :]
    assert await store.registry.issued_tokens("svc:b", 10, kept[0]) == [kept[3]]
    assert await store.registry.issued_tokens(None, 1, kept[0]) == [kept[1]]


async def test_uses_are_noted_of_whom_is_there_and_never_go_back(store: SqliteStore) -> None:
    await put(store, a_client())
    await store.registry.change_chat(-1001, lambda _: a_chat(), record())
    before = await revision(store)
    later = Uses(
        seen={"svc:a": (NOW + HOUR, "::1"), "svc:stranger": (NOW, "::1")},
        denied={"svc:a": (NOW, "10.0.0.1")},
        accessed={-1001: NOW + HOUR, -5: NOW},
    )
    await store.registry.note(later)
    await store.registry.note(Uses(seen={"svc:a": (NOW, "late")}, denied={}, accessed={-1001: NOW}))
    client, chat = await store.registry.client("svc:a"), await store.registry.chat(-1001)
    assert client == a_client(
        last_seen_at=NOW + HOUR, last_seen_from="::1", last_denied_at=NOW, last_denied_from="10.0.0.1"
    )
    assert chat == a_chat(last_access_at=NOW + HOUR)
    assert await store.registry.client("svc:stranger") is None
    assert await store.registry.chat(-5) is None
    assert await revision(store) == before
    assert len(await events(store)) == 2


async def test_a_change_leaves_the_last_use_alone(store: SqliteStore) -> None:
    await put(store, a_client())
    await store.registry.change_chat(-1001, lambda _: a_chat(), record())
    await store.registry.note(Uses(seen={"svc:a": (NOW, "::1")}, accessed={-1001: NOW}))
    await put(store, a_client(label="new"))
    await store.registry.change_chat(-1001, lambda _: a_chat(title="new"), record())
    client, chat = await store.registry.client("svc:a"), await store.registry.chat(-1001)
    assert client is not None
    assert chat is not None
    assert (client.label, client.last_seen_at) == ("new", NOW)
    assert (chat.title, chat.last_access_at) == ("new", NOW)


async def test_what_expired_is_forgotten_in_portions_and_not_before(store: SqliteStore) -> None:
    for number in range(3):
        await store.registry.revoke_token(f"old{number}", NOW - HOUR, record())
    await store.registry.revoke_token("new", NOW, record())
    await store.registry.add_issued(a_token("old", age=2 * HOUR), record())
    await store.registry.add_issued(a_token("new"), record())
    first = await store.registry.sweep(NOW, 2)
    second = await store.registry.sweep(NOW, 2)
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == {token_digest(f"old{number}") for number in range(3)}
    assert await store.registry.is_revoked_token("new")
    assert await store.registry.issued_token("new") is not None
    assert await store.registry.issued_token("old") is None


async def test_until_when_was_forgotten_is_kept_and_never_goes_back(store: SqliteStore) -> None:
    before = await revision(store)
    await store.registry.sweep(NOW, 1)
    await store.registry.sweep(NOW - HOUR, 1)
    changes = await store.registry.changes(before)
    assert changes is not None
    assert changes.swept_until == NOW


async def test_a_message_keeps_what_its_credential_may_end_by(store: SqliteStore) -> None:
    lineage = (Ancestor(token_id="p", key_id="k0", issued_at=NOW - HOUR),)
    message = a_message(issuer="iss", generation=0, ancestors=lineage, state=State.FAILED)
    kept = await store.add(message, a_record(message))
    assert kept == await store.get(message.id)
    anew = replace(kept, state=State.QUEUED, token_id="t2", issuer="other", generation=None, ancestors=())
    requeued = await store.requeue(anew, (State.FAILED, 0), a_record(message))
    assert requeued == await store.get(message.id)
    assert requeued is not None
    assert (requeued.issuer, requeued.generation, requeued.ancestors) == ("other", None, ())


# Beside a server, on a file.


async def test_what_another_process_changes_is_seen_and_the_numbers_stay_one_line(tmp_path: Path) -> None:
    """The audit log has no gap and no number twice, whoever writes it."""
    path = tmp_path / "chatkey.db"
    async with open_sqlite(path) as server:
        await server.registry.revoke_token("1", NOW, record("1"))
        async with open_registry(path) as beside:
            await beside.revoke_token("2", NOW, record("2"))
            await asyncio.gather(*(_both(server, beside, str(number)) for number in range(3, 23)))
        message = a_message()
        await server.add(message, a_record(message))
        numbers = [number for number, _ in await server.records(limit=1000)]
        assert numbers == list(range(1, 44))
        assert len(await server.registry.revoked_tokens(0, 100)) == 42
        assert await revision(server) == 42


async def _both(server: SqliteStore, beside: object, name: str) -> None:
    await server.registry.revoke_token(f"s{name}", NOW, record())
    await beside.revoke_token(f"b{name}", NOW, record())  # type: ignore[attr-defined]


async def test_the_command_makes_the_registry_where_there_is_none_and_keeps_no_server_out(tmp_path: Path) -> None:
    path = tmp_path / "data" / "chatkey.db"
    async with open_registry(path) as beside:
        await beside.revoke_token("t", NOW, record())
        async with open_sqlite(path) as server:
            assert await server.registry.is_revoked_token("t")
    async with open_registry(path) as again:
        assert await again.is_revoked_token("t")


async def test_a_database_of_an_older_server_that_runs_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "chatkey.db"
    async with open_sqlite(path) as server:
        await server._writer.submit(lambda database: database.connection.pragma("user_version", 1))
        with pytest.raises(ConfigInvalid, match="in use by another server"):
            async with open_registry(path):
                pytest.fail("it was opened")


async def test_a_closed_store_is_not_durable(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "chatkey.db") as server:
        registry = server.registry
    with pytest.raises(NotDurable):
        await registry.revoke_token("t", NOW, record())
    with pytest.raises(NotDurable):
        await registry.changes(-1)
