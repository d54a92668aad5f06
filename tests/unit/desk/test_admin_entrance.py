"""Every function of the admin desk begins at one place: right, freshness, second factor, record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access.administration import Administration
from gateway.access.failed_attempts import FailedAttempts
from gateway.access.issue import Terms
from gateway.access.registry import Registry
from gateway.addresses import AddressRanges
from gateway.desk.admin.credentials import Whose
from gateway.desk.admin.desk import AdminDesk
from gateway.desk.admin.functions import Ask, Function
from gateway.desk.admin.pages import Page
from gateway.errors import (
    AuditUnavailable,
    PermissionDenied,
    QuotaExceeded,
    RequestInvalid,
    ResourceNotFound,
    StateConflict,
    StateStale,
    StepUpRequired,
    TooManyFailures,
    Unauthenticated,
)
from gateway.model import Grant, Origin, Permission
from gateway.operators import AdminRight
from tests.support.open_administration import CODE, Offices, open_offices
from tests.support.open_house import CHAT

WRITE = frozenset({Permission.WRITE})
LONG_AGO, TO_COME = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
TERMS = Terms(client="svc:a", grants=(Grant(chat_id=CHAT, permissions=WRITE),))
PAGE = Page()


async def _tail(desk: AdminDesk, ask: Ask) -> None:
    await anext(desk.audit.tail(ask, {}, 1))


Call = Callable[[AdminDesk, Ask], Awaitable[Any]]

CALLS: dict[Function, Call] = {
    Function.ISSUE_CREDENTIAL: lambda desk, ask: desk.credentials.issue(ask, TERMS),
    Function.GET_CREDENTIAL: lambda desk, ask: desk.credentials.get(ask, "t"),
    Function.LIST_CREDENTIALS: lambda desk, ask: desk.credentials.list(ask, "", (), PAGE),
    Function.REVOKE_CREDENTIAL: lambda desk, ask: desk.credentials.revoke(ask, "t"),
    Function.MARK_CANARY: lambda desk, ask: desk.credentials.mark_canary(ask, "t"),
    Function.REVOKE_ALL_CREDENTIALS: lambda desk, ask: desk.credentials.revoke_all(ask, Whose(client="svc:a"), None),
    Function.LIST_KEYS: lambda desk, ask: desk.keys.list(ask),
    Function.GET_JWKS: lambda desk, ask: desk.keys.jwks(ask),
    Function.PREPARE_KEY: lambda desk, ask: desk.keys.prepare(ask),
    Function.ACTIVATE_KEY: lambda desk, ask: desk.keys.activate(ask, "", at_once=True),
    Function.TAINT_KEY: lambda desk, ask: desk.keys.taint(ask, "k"),
    Function.REVOKE_KEY: lambda desk, ask: desk.keys.revoke(ask, "k"),
    Function.GET_CLIENT: lambda desk, ask: desk.clients.get(ask, "svc:a"),
    Function.LIST_CLIENTS: lambda desk, ask: desk.clients.list(ask, None, (), PAGE),
    Function.ADD_CLIENT: lambda desk, ask: desk.clients.add(ask, "svc:a", {}),
    Function.UPDATE_CLIENT: lambda desk, ask: desk.clients.update(ask, "svc:a", {"label": "x"}),
    Function.DISABLE_CLIENT: lambda desk, ask: desk.clients.disable(ask, "svc:a"),
    Function.ENABLE_CLIENT: lambda desk, ask: desk.clients.enable(ask, "svc:a"),
    Function.LIST_CHATS: lambda desk, ask: desk.chats.list(ask, (), PAGE),
    Function.DISCOVER_CHATS: lambda desk, ask: desk.chats.discovered(ask),
    Function.LIST_MIGRATIONS: lambda desk, ask: desk.chats.migrations(ask, PAGE, waiting_only=False),
    Function.LIST_CLOSED_CHATS: lambda desk, ask: desk.chats.closed(ask, PAGE),
    Function.REOPEN_CHAT: lambda desk, ask: desk.chats.reopen(ask, CHAT),
    Function.AUTHORIZE_CHAT: lambda desk, ask: desk.chats.authorize(ask, CHAT, (), None),
    Function.SUSPEND_CHAT: lambda desk, ask: desk.chats.suspend(ask, CHAT),
    Function.RESUME_CHAT: lambda desk, ask: desk.chats.resume(ask, CHAT),
    Function.APPROVE_MIGRATION: lambda desk, ask: desk.chats.approve_migration(ask, -5),
    Function.LIST_APPROVALS: lambda desk, ask: desk.second_persons.pending(ask),
    Function.GIVE_APPROVAL: lambda desk, ask: desk.second_persons.approve(ask, "none"),
    Function.SEARCH_RECORDS: lambda desk, ask: desk.audit.search(ask, {}, PAGE),
    Function.VERIFY_LOG: lambda desk, ask: desk.audit.verify(ask, ()),
    Function.TAIL_RECORDS: lambda desk, ask: _tail(desk, ask),
}
CRITICAL = [function for function in Function if function.value.is_critical]


@pytest.fixture
async def offices(tmp_path: Path) -> AsyncIterator[Offices]:
    async with open_offices(tmp_path) as opened:
        yield opened


def test_every_function_is_tried() -> None:
    assert set(CALLS) == set(Function)
    assert len({function.value.name for function in Function}) == len(Function)


def test_what_changes_what_somebody_may_do_is_critical_but_for_taking_one_token_away() -> None:
    changing = {function for function in Function if function.value.right not in (AdminRight.READ, AdminRight.AUDIT)}
    assert changing - set(CRITICAL) == {Function.REVOKE_CREDENTIAL}
    assert set(CRITICAL) < changing


UNSOUND: dict[Function, list[Call]] = {
    Function.ISSUE_CREDENTIAL: [
        lambda desk, ask: desk.credentials.issue(
            ask, Terms(client="a b", grants=(Grant(chat_id=CHAT, permissions=WRITE),))
        ),
        lambda desk, ask: desk.credentials.issue(ask, replace(TERMS, grants=())),
    ],
    Function.REVOKE_CREDENTIAL: [lambda desk, ask: desk.credentials.revoke(ask, "")],
    Function.MARK_CANARY: [lambda desk, ask: desk.credentials.mark_canary(ask, "a\0")],
    Function.REVOKE_ALL_CREDENTIALS: [
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(), None),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(client=""), None),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(client="svc:a"), TO_COME),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(key=("", "")), None),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(key=("\n", "k")), None),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(key=("", "k")), LONG_AGO),
        lambda desk, ask: desk.credentials.revoke_all(ask, Whose(everybody=True), None),
    ],
    Function.ACTIVATE_KEY: [lambda desk, ask: desk.keys.activate(ask, "a b", at_once=True)],
    Function.TAINT_KEY: [lambda desk, ask: desk.keys.taint(ask, "")],
    Function.REVOKE_KEY: [lambda desk, ask: desk.keys.revoke(ask, "../ring")],
    Function.ADD_CLIENT: [
        lambda desk, ask: desk.clients.add(ask, "a b", {}),
        lambda desk, ask: desk.clients.add(ask, "svc:a", {"label": "\x1b[2J"}),
        lambda desk, ask: desk.clients.add(ask, "operator:bob", {}),
    ],
    Function.UPDATE_CLIENT: [
        lambda desk, ask: desk.clients.update(ask, "svc:a", {"chat_ids": frozenset({0})}),
        lambda desk, ask: desk.clients.update(ask, "operator:bob", {"address_ranges": None}),
    ],
    Function.DISABLE_CLIENT: [lambda desk, ask: desk.clients.disable(ask, "")],
    Function.ENABLE_CLIENT: [
        lambda desk, ask: desk.clients.enable(ask, "a\0b"),
        lambda desk, ask: desk.clients.enable(ask, "operator:bob"),
    ],
    Function.AUTHORIZE_CHAT: [
        lambda desk, ask: desk.chats.authorize(ask, 0, (), None),
        lambda desk, ask: desk.chats.authorize(ask, CHAT, (), "\u202e"),
    ],
    Function.SUSPEND_CHAT: [lambda desk, ask: desk.chats.suspend(ask, 0)],
    Function.RESUME_CHAT: [lambda desk, ask: desk.chats.resume(ask, 0)],
    Function.REOPEN_CHAT: [lambda desk, ask: desk.chats.reopen(ask, 1 << 62)],
    Function.APPROVE_MIGRATION: [lambda desk, ask: desk.chats.approve_migration(ask, 0)],
    Function.GIVE_APPROVAL: [lambda desk, ask: desk.second_persons.approve(ask, "")],
}
WITHOUT_PARAMETERS = {Function.PREPARE_KEY}


def test_the_form_of_whatever_is_critical_is_tried() -> None:
    assert set(CRITICAL) - WITHOUT_PARAMETERS <= set(UNSOUND)


@pytest.mark.parametrize(
    ("function", "call"), [(function, call) for function, calls in UNSOUND.items() for call in calls]
)
async def test_a_request_that_is_not_sound_uses_up_no_code(offices: Offices, function: Function, call: Call) -> None:
    with pytest.raises(RequestInvalid):
        await call(offices.desk, offices.ask())
    assert offices.second_factor.asked == []
    assert await offices.house.store.records(limit=10) == []
    with pytest.raises(PermissionDenied):
        await call(offices.desk, offices.ask(AdminRight.READ))


async def test_over_the_network_an_operator_is_stopped_and_nothing_else(offices: Offices) -> None:
    await offices.desk.clients.disable(offices.ask(), "operator:bob")
    await offices.desk.credentials.revoke_all(offices.ask(), Whose(client="operator:bob"), None)
    with pytest.raises(RequestInvalid, match="that is for the host"):
        await offices.desk.clients.enable(offices.ask(), "operator:bob")
    kept = await offices.house.store.registry.client("operator:bob")
    assert kept is not None
    assert not kept.enabled


@pytest.mark.parametrize("function", Function)
async def test_a_function_needs_its_right_and_no_other_does(offices: Offices, function: Function) -> None:
    others = frozenset(AdminRight) - {function.value.right}
    with pytest.raises(PermissionDenied) as refused:
        await CALLS[function](offices.desk, offices.ask(*others))
    assert refused.value.cause == "missing_right"
    assert refused.value.record["facts"] == {"by": "operator:alice", "right": function.value.right.value}
    assert await offices.done_by() == []


@pytest.mark.parametrize("function", CRITICAL)
async def test_a_critical_function_needs_a_second_factor(offices: Offices, function: Function) -> None:
    for code in (None, "271828"):
        with pytest.raises(StepUpRequired) as refused:
            await CALLS[function](offices.desk, offices.ask(code=code))
        assert refused.value.record["facts"] == {"by": "operator:alice", "function": function.value.name}
    assert await offices.done_by() == []
    assert offices.second_factor.asked == [("alice", function.value.name, b"request")] * 2


@pytest.mark.parametrize("function", Function)
async def test_whatever_is_let_in_is_in_the_log_before_it_is_done(offices: Offices, function: Function) -> None:
    # Most of them find nothing to work on.
    with suppress(RequestInvalid, ResourceNotFound, StateConflict):
        await CALLS[function](offices.desk, offices.ask(function.value.right))
    assert (await offices.done_by())[0] == ("operator.call", "allow")
    ((_, record), *_) = await offices.house.store.records(event="operator.call")
    assert record.facts == {"by": "operator:alice", "function": function.value.name}
    assert (record.address, record.issuer, record.verified) == ("::1", "test-issuer", True)
    assert record.client == "operator:alice"
    assert bool(offices.second_factor.asked) == function.value.is_critical


async def test_a_second_factor_learns_what_it_is_asked_for(offices: Offices) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    ask = offices.ask()
    for thumbprint, counts in (("A" * 43, True), ("", False)):
        operator = replace(ask.operator, authenticated_at=at, certificate_thumbprint=thumbprint)
        asked = replace(ask, operator=operator, has_certificate=True, approval_id="a1")
        await offices.desk.entrance.begin(asked, Function.PREPARE_KEY)
        assert offices.second_factor.last == {"auth_time": at, "has_certificate": counts, "approval_id": "a1"}
    assert CODE not in repr(ask)


async def test_nothing_is_done_while_it_cannot_be_told_what_was_revoked(offices: Offices, tmp_path: Path) -> None:
    house = offices.house
    never_loaded = Registry(house.store.registry, house.clock, trusts=house.verifier.trusts)
    async with open_offices(tmp_path, house, registry=never_loaded) as blind:
        with pytest.raises(StateStale):
            await blind.desk.clients.list(blind.ask(), None, (), PAGE)


async def test_nothing_is_done_that_cannot_be_written_down(offices: Offices) -> None:
    ask = offices.ask()
    await offices.house.store.close()
    with pytest.raises(AuditUnavailable):
        await offices.desk.keys.prepare(ask)
    assert len(offices.ring.read()) == 1


async def test_an_operator_is_revoked_disabled_and_bound_to_addresses_by_name(offices: Offices) -> None:
    administration, entrance = offices.house.administration, offices.desk.entrance
    bearer, origin = [f"Bearer {offices.token()}"], Origin(address="192.0.2.1")

    await administration.disable_client("operator:alice")
    await offices.house.registry.refresh()
    with pytest.raises(PermissionDenied) as disabled:
        entrance.authenticate(bearer, origin)
    assert disabled.value.cause == "client_disabled"
    assert disabled.value.record["facts"] == {"by": "operator:alice"}
    await administration.enable_client("operator:alice")

    await administration.add_client("operator:alice", {"address_ranges": AddressRanges.parse(["10.0.0.0/8"])})
    await offices.house.registry.refresh()
    operator = entrance.authenticate(bearer, origin)
    with pytest.raises(PermissionDenied) as elsewhere:
        entrance.admit(operator, lambda: None)
    assert elsewhere.value.cause == "address_denied"

    await administration.revoke_client("operator:alice")
    await offices.house.registry.refresh()
    with pytest.raises(Unauthenticated) as revoked:
        entrance.authenticate(bearer, origin)
    assert revoked.value.cause == "revoked_client"


async def test_an_operators_token_is_revoked_by_its_id(offices: Offices) -> None:
    ask = offices.ask(name="mallory")
    await offices.desk.credentials.revoke(offices.ask(), ask.operator.token_id)
    await offices.house.registry.refresh()
    with pytest.raises(Unauthenticated, match="unauthenticated") as revoked:
        offices.house.registry.require_operator(ask.operator)
    assert revoked.value.cause == "revoked_jti"


async def test_a_bait_is_written_down_as_one_also_when_it_has_expired(offices: Offices) -> None:
    entrance = offices.desk.entrance
    bearer, house = [f"Bearer {offices.token(name='mallory')}"], offices.house
    token_id = entrance.authenticate(bearer, Origin()).token_id
    await offices.desk.credentials.mark_canary(offices.ask(), token_id)
    await house.registry.refresh()
    for ahead in (timedelta(0), timedelta(hours=1)):
        house.clock.ahead = ahead
        with pytest.raises(Unauthenticated) as refused:
            entrance.authenticate(bearer, Origin())
        assert refused.value.cause == "canary_used"


async def test_operators_need_not_be_registered(offices: Offices) -> None:
    await offices.house.administration.add_client("svc:a", {})
    await offices.house.registry.refresh()
    assert offices.house.registry.denies_unknown_clients
    assert offices.ask().operator.name == "alice"


async def test_a_flood_of_bad_tokens_is_counted_by_address_and_passes_by_what_was_good(tmp_path: Path) -> None:
    async with open_offices(tmp_path) as opened:
        failures = FailedAttempts(opened.house.clock, 1)
        async with open_offices(tmp_path, opened.house, failures=failures) as offices:
            entrance, good, origin = offices.desk.entrance, [f"Bearer {offices.token()}"], Origin(address="192.0.2.1")
            entrance.authenticate(good, origin)
            with pytest.raises(Unauthenticated):
                entrance.authenticate(["Bearer a.b.c"], origin)
            with pytest.raises(TooManyFailures):
                entrance.authenticate([f"Bearer {offices.token()}"], origin)
            assert entrance.authenticate(good, origin).name == "alice"


async def test_everybody_may_be_kept_to_some_addresses(tmp_path: Path) -> None:
    async with open_offices(tmp_path, allowed_addresses=AddressRanges.parse(["10.0.0.0/8"])) as offices:
        entrance, good = offices.desk.entrance, [f"Bearer {offices.token()}"]
        for values in (good, [], ["Bearer a.b.c"]):
            with pytest.raises(PermissionDenied) as outside:
                entrance.authenticate(values, Origin(address="192.0.2.1"))
            assert (outside.value.cause, outside.value.record) == ("address_denied", {"verified": False})
        assert entrance.authenticate(good, Origin(address="10.1.2.3")).name == "alice"


async def test_a_refusal_is_written_with_what_is_known(offices: Offices) -> None:
    entrance, operator = offices.desk.entrance, offices.ask().operator
    origin = Origin(method="/chatkey.admin.v1.KeyService/ListKeys", address="::1", call_id="c1")
    entrance.refused(PermissionDenied("missing_right"), origin, operator, "e1")
    entrance.refused(Unauthenticated("missing_token", verified=False), origin, None, "e2")
    await offices.house.ledger.flush()
    known, unknown = [record for _, record in await offices.house.store.records(event="operator.refused")]
    assert (known.reason, known.error_id, known.facts, known.verified) == (
        "missing_right", "e1", {"by": "operator:alice"}, True,
    )  # fmt: skip
    assert (known.token_id, known.key_id) == (operator.token_id, operator.key_id)
    assert (unknown.reason, unknown.error_id, unknown.facts, unknown.verified) == ("missing_token", "e2", {}, False)
    assert unknown.method == origin.method


async def test_a_token_that_ends_ends_a_stream(offices: Offices) -> None:
    records = offices.desk.audit.tail(offices.ask(), {}, 0)
    offices.house.clock.ahead = timedelta(hours=1)
    with pytest.raises(Unauthenticated):
        async for _ in records:
            pass


async def test_whoever_was_disabled_or_revoked_since_does_not_stand(offices: Offices) -> None:
    house = offices.house
    administration, stands = Administration(house.store.registry, house.clock, "os:root"), house.registry.stands
    before, later = house.clock.now() - timedelta(minutes=1), house.clock.now() + timedelta(minutes=1)
    assert stands("operator:bob", before)
    await administration.revoke_client("operator:bob")
    await house.registry.refresh()
    assert (stands("operator:bob", before), stands("operator:bob", later)) == (False, True)
    await administration.disable_client("operator:bob")
    await house.registry.refresh()
    assert not stands("operator:bob", later)
    await administration.add_client("svc:a", {})
    await house.registry.refresh()
    assert stands("svc:a", before)


async def test_a_token_makes_no_more_calls_than_the_disk_should_have_records_of(tmp_path: Path) -> None:
    async with open_offices(tmp_path, calls_per_minute=1) as offices:
        ask, clients = offices.ask(), offices.desk.clients
        await clients.list(ask, None, (), PAGE)
        for _ in range(200):
            with pytest.raises(QuotaExceeded) as refused:
                await clients.list(ask, None, (), PAGE)
            offices.desk.entrance.refused(refused.value, Origin(), ask.operator, "e")
        assert 0 < refused.value.retry_after.total_seconds() <= 60
        await clients.list(offices.ask(), None, (), PAGE)  # with another token
        await offices.house.ledger.close()
        records = [record for _, record in await offices.house.store.records(limit=1000)]
        assert sum(record.event == "operator.call" for record in records) == 2
        refusals = [record for record in records if record.reason == "quota_exceeded"]
        assert sum(record.count for record in refusals) == 200
        assert len(refusals) < 200
