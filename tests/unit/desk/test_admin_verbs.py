"""The verbs of the admin desk do what the command line does, on behalf of an operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.access.approvals import Approvals
from gateway.access.issue import Terms
from gateway.access.key_ring import KeyState
from gateway.audit.proof import Verdict
from gateway.desk.admin.audit import Audit
from gateway.desk.admin.credentials import Whose
from gateway.desk.admin.pages import Page, token_after
from gateway.desk.admin.rooms import SeenChat
from gateway.errors import (
    ApprovalRequired,
    MethodUnknown,
    PermissionDenied,
    RequestInvalid,
    ResourceNotFound,
    ShuttingDown,
    StateConflict,
)
from gateway.model import Grant, Permission, Record
from gateway.store.chats import Closure, Move
from tests.support import canary
from tests.support.open_administration import Offices, open_offices
from tests.support.open_house import CHAT, ISSUER, KEY

WRITE = frozenset({Permission.WRITE})
PAGE = Page()


@pytest.fixture
async def offices(tmp_path: Path) -> AsyncIterator[Offices]:
    async with open_offices(tmp_path) as opened:
        yield opened


def terms(client: str = "svc:a", chat_id: int = CHAT) -> Terms:
    return Terms(client=client, grants=(Grant(chat_id=chat_id, permissions=WRITE),))


async def issue(offices: Offices, client: str = "svc:a") -> str:
    token, kept = await offices.desk.credentials.issue(offices.ask(), terms(client))
    canary.watch(token)
    return kept.token_id


# Credentials.


async def test_what_is_issued_is_taken_and_kept(offices: Offices) -> None:
    token, kept = await offices.desk.credentials.issue(offices.ask(), terms())
    canary.watch(token)
    caller = offices.house.verifier.verify(token)
    assert (caller.client, caller.chat_ids, caller.token_id) == ("svc:a", (CHAT,), kept.token_id)
    found, state = await offices.desk.credentials.get(offices.ask(), kept.token_id)
    assert (found, state, found.issued_by) == (kept, "valid", "operator:alice")


async def test_terms_that_are_not_sound_issue_nothing(offices: Offices) -> None:
    with pytest.raises(RequestInvalid):
        await offices.desk.credentials.issue(offices.ask(), terms(chat_id=0))
    assert await offices.desk.credentials.list(offices.ask(), "", (), PAGE) == ([], "")


async def test_no_client_is_called_like_an_operator(offices: Offices) -> None:
    with pytest.raises(RequestInvalid, match="must not begin with operator:"):
        await offices.desk.credentials.issue(offices.ask(), terms("operator:alice"))


async def test_a_token_that_is_not_known_is_not_found(offices: Offices) -> None:
    with pytest.raises(ResourceNotFound, match="no token of this id"):
        await offices.desk.credentials.get(offices.ask(), "none")


async def test_tokens_are_listed_in_pages_by_client_and_state(offices: Offices) -> None:
    ids = {await issue(offices) for _ in range(3)} | {await issue(offices, "svc:b")}
    credentials, listed, token = offices.desk.credentials, set(), ""
    for _ in range(2):
        page, token = await credentials.list(offices.ask(), "", (), Page(2, token))
        listed |= {kept.token_id for kept, _ in page}
    assert listed == ids
    assert await credentials.list(offices.ask(), "", (), Page(2, token)) == ([], "")

    of_b, _ = await credentials.list(offices.ask(), "svc:b", (), PAGE)
    assert [kept.client for kept, _ in of_b] == ["svc:b"]
    await credentials.revoke(offices.ask(), of_b[0][0].token_id)
    revoked, _ = await credentials.list(offices.ask(), "", {"revoked"}, PAGE)
    assert [(kept.token_id, state) for kept, state in revoked] == [(of_b[0][0].token_id, "revoked")]


async def test_a_page_of_another_list_or_of_a_forgotten_token_is_refused(offices: Offices) -> None:
    for _ in range(2):
        await issue(offices)
    _, token = await offices.desk.credentials.list(offices.ask(), "", (), Page(1))
    with pytest.raises(RequestInvalid, match="page_token"):
        await offices.desk.credentials.list(offices.ask(), "svc:a", (), Page(1, token))
    with pytest.raises(RequestInvalid, match="forgotten"):
        await offices.desk.credentials.list(offices.ask(), "", (), Page(1, token_after("gone", "", [])))


async def test_a_token_is_revoked_once(offices: Offices) -> None:
    token_id = await issue(offices)
    assert await offices.desk.credentials.revoke(offices.ask(), token_id)
    assert not await offices.desk.credentials.revoke(offices.ask(), token_id)


async def test_a_token_is_made_a_bait_once(offices: Offices) -> None:
    token_id = await issue(offices)
    assert await offices.desk.credentials.mark_canary(offices.ask(), token_id)
    assert not await offices.desk.credentials.mark_canary(offices.ask(), token_id)
    assert (await offices.desk.credentials.get(offices.ask(), token_id))[1] == "canary"


async def test_what_another_operator_asked_for_is_approved(offices: Offices) -> None:
    approvals = Approvals(offices.house.store.second_factors, offices.house.clock, lambda: "a-1")
    with pytest.raises(ApprovalRequired):
        await approvals.require("alice", "keys.prepare", b"request", None)
    (waiting,) = await offices.desk.second_persons.pending(offices.ask())
    assert (waiting.approval_id, waiting.operator, waiting.function) == ("a-1", "alice", "keys.prepare")
    with pytest.raises(StateConflict):
        await offices.desk.second_persons.approve(offices.ask(), "a-1")
    assert (await offices.desk.second_persons.approve(offices.ask(name="bob"), "a-1")).approved_by == "bob"
    await approvals.require("alice", "keys.prepare", b"request", "a-1")
    assert not await offices.desk.second_persons.pending(offices.ask())


async def test_everything_of_a_client_a_key_or_everybody_is_revoked(offices: Offices) -> None:
    credentials, now = offices.desk.credentials, offices.house.clock.now()
    token_id = await issue(offices)
    until = await credentials.revoke_all(offices.ask(), Whose(client="svc:a"), None)
    assert until is not None
    assert until >= now
    assert (await credentials.get(offices.ask(), token_id))[1] == "revoked"

    before = now - timedelta(hours=1)
    assert await credentials.revoke_all(offices.ask(), Whose(everybody=True), before) == before
    assert await credentials.revoke_all(offices.ask(), Whose(key=("", KEY.kid)), None) is None
    assert await credentials.revoke_all(offices.ask(), Whose(key=("https://other", "k")), None) is None
    changes = await offices.house.store.registry.changes(-1)
    assert changes is not None
    assert set(changes.revoked_keys) == {(ISSUER, KEY.kid), ("https://other", "k")}
    assert changes.not_before == before


@pytest.mark.parametrize(
    ("whose", "has_instant", "path"),
    [
        (Whose(), False, "whose"),
        (Whose(everybody=True), False, "not_before"),
        (Whose(key=("", "k")), True, "not_before"),
    ],
)
async def test_a_revocation_that_is_half_said_revokes_nothing(
    offices: Offices, whose: Whose, has_instant: bool, path: str
) -> None:
    at = offices.house.clock.now() if has_instant else None
    with pytest.raises(RequestInvalid) as refused:
        await offices.desk.credentials.revoke_all(offices.ask(), whose, at)
    assert refused.value.violations[0][0] == path


async def test_a_gateway_without_private_keys_issues_and_rotates_nothing(tmp_path: Path) -> None:
    async with open_offices(tmp_path, has_keys=False) as offices:
        with pytest.raises(MethodUnknown):
            await offices.desk.credentials.issue(offices.ask(), terms())
        with pytest.raises(MethodUnknown):
            await offices.desk.keys.list(offices.ask())
        with pytest.raises(MethodUnknown):
            await offices.desk.keys.prepare(offices.ask())
        assert await offices.desk.keys.jwks(offices.ask())


# Keys.


async def test_keys_are_rotated_on_record(offices: Offices) -> None:
    keys = offices.desk.keys
    ((first, _),) = await keys.list(offices.ask())
    second, advice = await keys.prepare(offices.ask())
    assert second.state is KeyState.PREPARED
    assert advice.startswith("activate it after")
    with pytest.raises(StateConflict):
        await keys.activate(offices.ask(), second.kid, at_once=False)
    assert (await keys.activate(offices.ask(), "", at_once=True))[0].state is KeyState.ACTIVE
    assert (await keys.taint(offices.ask(), second.kid))[0].state is KeyState.TAINTED
    assert (await keys.revoke(offices.ask(), first.kid))[0].state is KeyState.REVOKED
    changes = [each for each in await offices.done_by() if each[0].startswith("key.")]
    assert changes == [
        ("key.change_intended", "allow"), ("key.prepared", "allow"),
        ("key.change_intended", "allow"), ("key.change_refused", "deny"),
        ("key.change_intended", "allow"), ("key.activated", "allow"),
        ("key.change_intended", "allow"), ("key.tainted", "allow"),
        ("key.change_intended", "allow"), ("key.revoked", "allow"),
    ]  # fmt: skip


async def test_a_damaged_ring_is_told_without_its_path(offices: Offices) -> None:
    offices.ring.path.write_text("{")
    with pytest.raises(StateConflict) as refused:
        await offices.desk.keys.list(offices.ask())
    assert str(offices.ring.path) not in str(refused.value)


# Clients.


async def test_clients_are_added_changed_disabled_and_enabled(offices: Offices) -> None:
    clients = offices.desk.clients
    assert (await clients.add(offices.ask(), "svc:a", {"per_minute": 5})).created_by == "operator:alice"
    assert (await clients.update(offices.ask(), "svc:a", {"label": "A"})).quota.per_minute == 5
    assert not (await clients.disable(offices.ask(), "svc:a")).enabled
    assert (await clients.enable(offices.ask(), "svc:a")).enabled
    assert (await clients.get(offices.ask(), "svc:a")).label == "A"
    with pytest.raises(ResourceNotFound):
        await clients.get(offices.ask(), "svc:none")


async def test_clients_are_listed_in_pages_by_state_and_staleness(offices: Offices) -> None:
    clients = offices.desk.clients
    for name in ("a", "b", "c"):
        await clients.add(offices.ask(), name, {})
    await clients.disable(offices.ask(), "b")
    await clients.disable(offices.ask(), "z")
    await clients.enable(offices.ask(), "z")
    page, token = await clients.list(offices.ask(), None, (), Page(3))
    assert [client.name for client in page] == ["a", "b", "c"]
    page, token = await clients.list(offices.ask(), None, (), Page(3, token))
    assert ([client.name for client in page], token) == (["z"], "")

    for state, names in (("enabled", ["a", "c"]), ("disabled", ["b"]), ("unregistered", ["z"])):
        page, _ = await clients.list(offices.ask(), None, {state}, PAGE)
        assert [client.name for client in page] == names
    stale, _ = await clients.list(offices.ask(), timedelta(days=1), (), PAGE)
    assert not stale
    offices.house.clock.ahead = timedelta(days=2)
    stale, _ = await clients.list(offices.ask(), timedelta(days=1), (), PAGE)
    assert len(stale) == 4


# Chats.


async def test_chats_are_authorized_suspended_and_resumed(offices: Offices) -> None:
    chats = offices.desk.chats
    assert (await chats.authorize(offices.ask(), CHAT, (), "Ops")).permissions == frozenset(Permission)
    assert (await chats.authorize(offices.ask(), CHAT, WRITE, None)).permissions == WRITE
    assert (await chats.suspend(offices.ask(), CHAT)).suspended
    assert not (await chats.resume(offices.ask(), CHAT)).suspended
    await chats.suspend(offices.ask(), 5)
    await chats.suspend(offices.ask(), 6)
    await chats.resume(offices.ask(), 6)
    for state, ids in (("authorized", [CHAT]), ("suspended", [5]), ("unauthorized", [6])):
        page, _ = await chats.list(offices.ask(), {state}, PAGE)
        assert [chat.chat_id for chat in page] == ids
    page, token = await chats.list(offices.ask(), (), Page(2))
    assert [chat.chat_id for chat in page] == [CHAT, 5]
    assert [chat.chat_id for chat in (await chats.list(offices.ask(), (), Page(2, token)))[0]] == [6]


async def test_chats_are_discovered(offices: Offices) -> None:
    offices.seen.append(SeenChat(chat_id=7, type="private", title="Ann"))
    assert await offices.desk.chats.discovered(offices.ask()) == offices.seen


async def test_migrations_are_listed_and_approved(offices: Offices) -> None:
    chats, now = offices.desk.chats, offices.house.clock.now()
    for chat_id in (-5, -6):
        move = Move(chat_id=chat_id, new_chat_id=-1000000000000 + chat_id, approved=False, noticed_at=now)
        await offices.house.store.chats.add_move(move, Record(at=now, event="chat.migrated", decision="allow"))
    assert (await chats.approve_migration(offices.ask(), -5)).approved
    with pytest.raises(ResourceNotFound):
        await chats.approve_migration(offices.ask(), -5)
    moves, _ = await chats.migrations(offices.ask(), PAGE, waiting_only=False)
    assert {(move.chat_id, move.approved) for move in moves} == {(-5, True), (-6, False)}
    waiting, _ = await chats.migrations(offices.ask(), PAGE, waiting_only=True)
    assert [move.chat_id for move in waiting] == [-6]
    assert ("chat.migration_approved", "allow") in await offices.done_by()


async def test_chats_that_are_closed_are_listed_and_opened_by_either_id(offices: Offices) -> None:
    chats, store, now = offices.desk.chats, offices.house.store.chats, offices.house.clock.now()
    noted = Record(at=now, event="noted", decision="error")
    for chat_id in (7, -1000000000005):
        closure = Closure(chat_id=chat_id, closed_at=now, until=now, description="blocked", code=403)
        await store.close_chat(closure, noted)
    await store.add_move(Move(chat_id=-5, new_chat_id=-1000000000005, approved=True, noticed_at=now), noted)
    page, token = await chats.closed(offices.ask(), Page(1))
    page = [*page, *(await chats.closed(offices.ask(), Page(1, token)))[0]]
    assert [closure.chat_id for closure in page] == [-1000000000005, 7]
    assert await chats.reopen(offices.ask(), 7) == 7
    assert await chats.reopen(offices.ask(), -5) == -1000000000005
    with pytest.raises(ResourceNotFound):
        await chats.reopen(offices.ask(), 7)
    assert [each for each in await offices.done_by() if each[0] == "chat.opened"] == [("chat.opened", "allow")] * 2


# Audit.


async def test_records_are_searched_in_pages(offices: Offices) -> None:
    for name in ("a", "b", "c"):
        await offices.desk.clients.disable(offices.ask(), name)
    audit, wanted = offices.desk.audit, {"event": "client.disabled"}
    page, token = await audit.search(offices.ask(), wanted, Page(2))
    assert [record.client for _, record in page] == ["c", "b"]
    page, token = await audit.search(offices.ask(), wanted, Page(2, token))
    assert ([record.client for _, record in page], token) == (["a"], "")
    with pytest.raises(RequestInvalid):
        await audit.search(offices.ask(), {}, Page(2, token_after("7", [("event", "client.disabled")])))


@pytest.mark.parametrize("page", [Page(-1), Page(1001), Page(1, "?"), Page(1, "AAAA"), Page(1, "é")])
async def test_a_page_that_is_none_is_refused(offices: Offices, page: Page) -> None:
    with pytest.raises(RequestInvalid):
        await offices.desk.audit.search(offices.ask(), {}, page)


@pytest.mark.parametrize("place", ["a", "1 2"])
async def test_a_place_that_is_no_number_is_refused(offices: Offices, place: str) -> None:
    with pytest.raises(RequestInvalid):
        await offices.desk.audit.search(offices.ask(), {}, Page(1, token_after(place, [])))


def test_an_entry_that_went_leaves_nothing_out() -> None:
    page, token = Page(2).of(["a", "b", "c"], str)
    assert (page, bool(token)) == (["a", "b"], True)
    assert Page(2, token).of(["a", "c"], str) == (["a", "c"], "")
    assert Page(2, token).of(["a", "b", "c"], str) == (["c"], "")
    assert Page(2).of([], str) == ([], "")


async def test_the_log_is_verified_also_against_a_link_that_was_kept(offices: Offices) -> None:
    await offices.seal()
    await offices.desk.clients.disable(offices.ask(), "a")
    await offices.seal()
    verdict = await offices.desk.audit.verify(offices.ask(), ())
    assert not verdict.problems
    assert verdict.checkpoints == 2
    assert not (await offices.desk.audit.verify(offices.ask(), [verdict.head])).problems
    other = await offices.desk.audit.verify(offices.ask(), [(1, bytes(32))])
    assert other.problems == ["record 1 is gone or is not the one whose link was kept elsewhere"]


@pytest.mark.parametrize("expected", [[(1, bytes(31))], [(0, bytes(32))], [(1, bytes(32))] * 101])
async def test_a_link_that_is_none_is_refused(offices: Offices, expected: list[tuple[int, bytes]]) -> None:
    with pytest.raises(RequestInvalid, match="expected_links"):
        await offices.desk.audit.verify(offices.ask(), expected)


async def test_the_log_is_followed(offices: Offices) -> None:
    for name in ("a", "b", "c"):
        await offices.desk.clients.disable(offices.ask(), name)
    records = offices.desk.audit.tail(offices.ask(), {"event": "client.disabled"}, 2)
    assert [(await anext(records))[1].client for _ in range(2)] == ["b", "c"]
    upcoming = asyncio.ensure_future(anext(records))
    await asyncio.sleep(0)
    await offices.desk.clients.disable(offices.ask(), "d")
    assert (await upcoming)[1].client == "d"
    offices.desk.entrance.drain()
    with pytest.raises(ShuttingDown):
        await anext(records)


async def test_whoever_is_stopped_gets_nothing_more_however_slowly_they_read(offices: Offices) -> None:
    store, now = offices.house.store, offices.house.clock.now()
    await store.record([Record(at=now, event="x", decision="allow", client=str(number)) for number in range(9)])
    for last in (3, 0):
        ask = offices.ask(name=f"mallory-{last}")
        records = offices.desk.audit.tail(ask, {"event": "x"}, last)
        upcoming = asyncio.ensure_future(anext(records))
        while not upcoming.done():
            await store.record([Record(at=now, event="x", decision="allow") for _ in range(3)])
        await upcoming
        await offices.desk.clients.disable(offices.ask(), f"operator:mallory-{last}")
        await offices.house.registry.refresh()
        with pytest.raises(PermissionDenied):
            await anext(records)


async def test_the_log_is_proven_once_at_a_time(offices: Offices) -> None:
    under_way, most = 0, 0

    async def prove(expected: Mapping[int, bytes]) -> Verdict:
        nonlocal under_way, most
        under_way, most = under_way + 1, max(most, under_way + 1)
        await asyncio.sleep(0)
        under_way -= 1
        return Verdict(records=len(expected))

    audit = Audit(offices.desk.entrance, offices.house.store, prove=prove)
    verdicts = await asyncio.gather(*(audit.verify(offices.ask(), ()) for _ in range(5)))
    assert ([verdict.records for verdict in verdicts], most) == ([0] * 5, 1)


@pytest.mark.parametrize("place", [str(1 << 63), str(-(1 << 63) - 1), "9" * 30, "1 2", "x", "9" * 5000])
async def test_a_page_that_no_store_can_have_is_refused(offices: Offices, place: str) -> None:
    with pytest.raises(RequestInvalid, match="page_token"):
        await offices.desk.audit.search(offices.ask(), {}, Page(1, token_after(place, [])))


async def test_a_log_is_followed_from_its_beginning_and_in_more_than_one_page(offices: Offices) -> None:
    with pytest.raises(RequestInvalid):
        await anext(offices.desk.audit.tail(offices.ask(), {}, 1001))
    store, now = offices.house.store, offices.house.clock.now()
    await store.record([Record(at=now, event="x", decision="allow", client="first")])
    records = offices.desk.audit.tail(offices.ask(), {"event": "x"}, 1)
    assert (await anext(records))[1].client == "first"
    await store.record([Record(at=now, event="x", decision="allow", client=str(number)) for number in range(1500)])
    seen = [(await anext(records))[1].client for _ in range(1500)]
    assert seen == [str(number) for number in range(1500)]
    await records.aclose()
    from_now_on = offices.desk.audit.tail(offices.ask(), {"event": "x"}, 0)
    upcoming = asyncio.ensure_future(anext(from_now_on))
    while not upcoming.done():
        await store.record([Record(at=now, event="x", decision="allow", client="new")])
    assert (await upcoming)[1].client == "new"
    await from_now_on.aclose()


async def test_changes_carry_the_call_that_made_them(offices: Offices) -> None:
    ask = offices.ask()
    origin = replace(ask.operator.origin, method="/chatkey.admin.v1.ClientService/DisableClient", call_id="c1")
    await offices.desk.clients.disable(replace(ask, operator=replace(ask.operator, origin=origin)), "a")
    ((_, record),) = await offices.house.store.records(event="client.disabled")
    assert (record.address, record.method, record.call_id) == ("::1", origin.method, "c1")
