"""Each change says who asked for it, may be repeated, and is refused if it is not sound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.access.administration import Administration
from gateway.addresses import AddressRanges
from gateway.errors import RequestInvalid, StateConflict
from gateway.model import Caller, Grant, Permission, Record
from gateway.store.registry import Quota
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.unit.access.forge import NOW, Hands

HOUR = timedelta(hours=1)


class Bureau:
    """Somebody who changes a registry, and what is on record of it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = Hands()
        self.does = Administration(store.registry, self.clock, by="os:alice")

    async def records(self) -> list[Record]:
        return [record for _, record in await self.store.records(limit=1000)]

    async def record(self) -> Record:
        return (await self.records())[-1]


@pytest.fixture
async def bureau() -> AsyncIterator[Bureau]:
    async with open_sqlite_in_memory() as store:
        yield Bureau(store)


async def test_a_client_is_registered_with_its_terms(bureau: Bureau) -> None:
    ranges = AddressRanges.parse(["10.0.0.0/8"])
    terms: dict[str, Any] = {
        "chat_ids": frozenset({5, -1001}),
        "address_ranges": ranges,
        "min_generation": 1,
        "second_factor": True,
        "label": "Billing",
        "per_minute": 60,
        "per_day": 1000,
        "queue_depth": 10,
    }
    client = await bureau.does.add_client("svc:a", terms)
    assert client == await bureau.store.registry.client("svc:a")
    assert client.registered
    assert client.enabled
    assert (client.chat_ids, client.address_ranges, client.label) == (frozenset({5, -1001}), ranges, "Billing")
    assert client.quota == Quota(per_minute=60, per_day=1000, queue_depth=10)
    assert (client.min_generation, client.second_factor) == (1, True)
    assert (client.created_by, client.created_at) == ("os:alice", NOW)
    record = await bureau.record()
    assert (record.event, record.decision, record.client) == ("client.added", "allow", "svc:a")
    assert record.facts == {
        "by": "os:alice",
        "chat_ids": "-1001 5",
        "address_ranges": "10.0.0.0/8",
        "min_generation": 1,
        "second_factor": True,
        "label": "Billing",
        "per_minute": 60,
        "per_day": 1000,
        "queue_depth": 10,
    }


async def test_adding_again_changes_nothing_and_with_other_terms_is_refused(bureau: Bureau) -> None:
    first = await bureau.does.add_client("svc:a", {"label": "A"})
    assert await bureau.does.add_client("svc:a", {"label": "A"}) == first
    with pytest.raises(StateConflict, match="client set"):
        await bureau.does.add_client("svc:a", {"label": "B"})
    assert [record.event for record in await bureau.records()] == ["client.added"]


async def test_who_was_disabled_before_is_registered_and_stays_disabled(bureau: Bureau) -> None:
    await bureau.does.disable_client("svc:a")
    await bureau.does.revoke_client("svc:a")
    client = await bureau.does.add_client("svc:a", {})
    assert (client.registered, client.enabled, client.not_before) == (True, False, NOW)


async def test_only_what_is_given_changes(bureau: Bureau) -> None:
    await bureau.does.add_client("svc:a", {"label": "A", "per_minute": 60, "per_day": 100})
    client = await bureau.does.set_client("svc:a", {"per_minute": None, "chat_ids": frozenset({5})})
    assert client.label == "A"
    assert client.quota == Quota(per_day=100)
    assert client.chat_ids == {5}
    record = await bureau.record()
    assert (record.event, record.facts) == ("client.changed", {"by": "os:alice", "per_minute": "any", "chat_ids": "5"})


async def test_a_generation_only_rises(bureau: Bureau) -> None:
    await bureau.does.add_client("svc:a", {"min_generation": 3})
    with pytest.raises(RequestInvalid, match="must not go back"):
        await bureau.does.set_client("svc:a", {"min_generation": 2})


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        ({"per_minute": -1}, "per_minute: must be 0 or more"),
        ({"per_day": -1}, "per_day: must be 0 or more"),
        ({"queue_depth": 1 << 63}, "queue_depth: must be 0 or more"),
        ({"min_generation": -1}, "min_generation: must be 0 or more"),
        ({"chat_ids": frozenset({0})}, "chat_ids: 0 is no chat"),
        ({"label": "x" * 201}, "label: must be at most 200"),
        ({"label": "two\nlines"}, "label: must be at most 200"),
        ({"colour": "red"}, "colour: is no term"),
    ],
)
async def test_terms_that_are_not_sound_are_refused(bureau: Bureau, terms: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RequestInvalid, match=complaint):
        await bureau.does.add_client("svc:a", terms)
    await bureau.does.add_client("svc:b", {})
    with pytest.raises(RequestInvalid, match=complaint):
        await bureau.does.set_client("svc:b", terms)
    assert await bureau.store.registry.client("svc:a") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda does: does.add_client("a b", {}),
        lambda does: does.disable_client(""),
        lambda does: does.revoke_client("a\nb"),
        lambda does: does.authorize_chat(0),
        lambda does: does.authorize_chat(True),
        lambda does: does.authorize_chat(-1001, ()),
        lambda does: does.authorize_chat(-1001, title="x" * 201),
        lambda does: does.suspend_chat(1 << 60),
        lambda does: does.revoke_token(""),
        lambda does: does.revoke_token("x" * 201),
        lambda does: does.revoke_token("t\x1b[2J"),
        lambda does: does.revoke_key("", "k"),
        lambda does: does.revoke_key("iss", ""),
        lambda does: does.revoke_all(NOW + HOUR),
        lambda does: does.revoke_client("svc:a", NOW + HOUR),
    ],
)
async def test_what_is_not_sound_is_refused_and_leaves_no_trace(
    bureau: Bureau, ask: Callable[[Administration], Awaitable[object]]
) -> None:
    with pytest.raises(RequestInvalid):
        await ask(bureau.does)
    assert await bureau.records() == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda does: does.set_client("svc:a", {}),
        lambda does: does.enable_client("svc:a"),
        lambda does: does.resume_chat(-1001),
    ],
)
async def test_what_is_not_there_can_not_be_changed(
    bureau: Bureau, ask: Callable[[Administration], Awaitable[object]]
) -> None:
    with pytest.raises(StateConflict):
        await ask(bureau.does)
    assert await bureau.records() == []


async def test_who_was_only_disabled_has_no_terms_to_change(bureau: Bureau) -> None:
    await bureau.does.disable_client("svc:a")
    with pytest.raises(StateConflict, match="not registered"):
        await bureau.does.set_client("svc:a", {"label": "A"})


async def test_whatever_is_repeated_succeeds_and_is_recorded_once(bureau: Bureau) -> None:
    for _ in range(2):
        await bureau.does.disable_client("svc:a")
        await bureau.does.revoke_client("svc:a", NOW - HOUR)
        await bureau.does.authorize_chat(-1001, {Permission.READ, Permission.WRITE}, "Ops")
        await bureau.does.suspend_chat(-1001)
        await bureau.does.revoke_token("t")
        await bureau.does.revoke_key("iss", "k")
        await bureau.does.revoke_all(NOW - HOUR)
    told = [(each.event, each.client, each.chat_id, each.token_id, each.key_id) for each in await bureau.records()]
    assert told == [
        ("client.disabled", "svc:a", None, "", ""),
        ("client.revoked", "svc:a", None, "", ""),
        ("chat.authorized", "", -1001, "", ""),
        ("chat.suspended", "", -1001, "", ""),
        ("token.revoked", "", None, "t", ""),
        ("key.revoked", "", None, "", "k"),
        ("token.all_revoked", "", None, "", ""),
    ]
    assert all(record.facts["by"] == "os:alice" for record in await bureau.records())


async def test_an_earlier_time_takes_nothing_back(bureau: Bureau) -> None:
    await bureau.does.revoke_client("svc:a", NOW)
    client = await bureau.does.revoke_client("svc:a", NOW - HOUR)
    assert client.not_before == NOW


async def test_a_time_that_is_just_to_come_is_now(bureau: Bureau) -> None:
    """Whoever gives a time reads it from another clock."""
    client = await bureau.does.revoke_client("svc:a", NOW + timedelta(milliseconds=500))
    assert client.not_before == NOW


async def test_a_chat_keeps_its_title_unless_another_is_given(bureau: Bureau) -> None:
    await bureau.does.authorize_chat(-1001, title="Ops")
    assert (await bureau.does.authorize_chat(-1001, {Permission.READ})).title == "Ops"
    assert (await bureau.does.authorize_chat(-1001, title="")).title == ""


async def test_a_chat_is_resumed(bureau: Bureau) -> None:
    await bureau.does.suspend_chat(-1001)
    chat = await bureau.does.resume_chat(-1001)
    assert (chat.suspended, chat.authorized) == (False, False)


async def test_discovered_titles_are_kept_of_chats_that_are_here_without_what_can_not_be_seen(bureau: Bureau) -> None:
    await bureau.does.authorize_chat(-1001)
    await bureau.does.name_chats({-1001: "Ops\n\x1b[2J\u202e!" + "x" * 300, 5: "Stranger"})
    (chat,) = await bureau.store.registry.chats()
    assert chat.title == ("Ops[2J!" + "x" * 300)[:200]
    events = len(await bureau.records())
    await bureau.does.name_chats({-1001: chat.title})
    assert len(await bureau.records()) == events


async def test_an_issued_token_is_revoked_until_it_expires(bureau: Bureau) -> None:
    caller = Caller(
        client="svc:a",
        token_id="t",
        key_id="k",
        issuer="iss",
        grants=(Grant(chat_id=-1001, permissions=frozenset({Permission.WRITE})),),
        issued_at=NOW,
        expires_at=NOW + HOUR,
    )
    await bureau.does.note_issued(caller)
    record = await bureau.record()
    assert (record.event, record.client, record.token_id, record.chat_id) == ("token.issued", "svc:a", "t", -1001)
    assert record.facts == {"by": "os:alice", "chats": 1, "expires_at": (NOW + HOUR).isoformat()}
    issued = await bureau.store.registry.issued_token("t")
    assert issued is not None
    assert (issued.issued_by, issued.chat_ids, issued.expires_at) == ("os:alice", (-1001,), NOW + HOUR)
    assert await bureau.does.revoke_token("t")
    assert not await bureau.does.revoke_token("t")
    assert (await bureau.record()).client == "svc:a"
    assert await bureau.store.registry.sweep(NOW + HOUR, 10) == []
    assert len(await bureau.store.registry.sweep(NOW + HOUR + timedelta(seconds=1), 10)) == 1


async def test_a_token_that_would_be_refused_at_once_is_not_handed_out(bureau: Bureau) -> None:
    caller = Caller(
        client="svc:a", token_id="t", key_id="k", issuer="iss", grants=(), issued_at=NOW, expires_at=NOW + HOUR
    )
    await bureau.does.add_client("svc:a", {"min_generation": 2})
    with pytest.raises(StateConflict, match="--generation 2"):
        await bureau.does.note_issued(replace(caller, generation=1))
    await bureau.does.note_issued(replace(caller, generation=2))
    await bureau.does.revoke_client("svc:a")
    with pytest.raises(StateConflict, match="of this second"):
        await bureau.does.note_issued(replace(caller, token_id="t2", generation=2))
    assert await bureau.store.registry.issued_token("t2") is None


async def test_an_unknown_token_is_revoked_as_long_as_any_could_live(bureau: Bureau) -> None:
    assert await bureau.does.revoke_token("foreign")
    assert await bureau.store.registry.sweep(NOW + timedelta(days=32), 10) == []
    assert len(await bureau.store.registry.sweep(NOW + timedelta(days=32, minutes=2), 10)) == 1
