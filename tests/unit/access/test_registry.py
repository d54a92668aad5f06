"""Effective right = token, and stored client, and stored chat, and policy; fresh, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access import grants
from gateway.access.administration import Administration
from gateway.access.registry import KEPT_AFTER_EXPIRY, Registry, Unknown
from gateway.addresses import AddressRanges
from gateway.errors import NotDurable, PermissionDenied, StateStale, TokenExpired, Unauthenticated
from gateway.model import Ancestor, Caller, Grant, Permission, Record
from gateway.store.registry import Changes, Quota, StoredClient, token_digest
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.support.messages import a_message
from tests.support.virtual_time import VirtualClock, virtual
from tests.unit.access import forge
from tests.unit.access.forge import NOW, Hands

OPS, FINANCE = -1001, -1002
WRITE, READ = Permission.WRITE, Permission.READ
HOUR = timedelta(hours=1)


@dataclass
class Office:
    """A registry that is held in memory, the store below it and whoever changes that."""

    store: SqliteStore
    clock: Hands = field(default_factory=Hands)
    keys: set[tuple[str, str]] = field(default_factory=lambda: {("iss", "k"), ("iss", "kp")})
    told: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.administration = Administration(self.store.registry, self.clock, by="os:root")
        self.registry = self.held()

    def held(self, **settings: Any) -> Registry:
        """A view of the store, as a server that starts has it."""
        return Registry(
            self.store.registry,
            self.clock,
            trusts=lambda issuer, key_id: (issuer, key_id) in self.keys,
            on_freshness=self.told.append,
            **settings,
        )

    async def cause(self, caller: Caller | None = None) -> str:
        """Why the caller has no standing; nothing if it has."""
        await self.registry.refresh()
        try:
            self.registry.standing(caller or a_caller())
        except (Unauthenticated, PermissionDenied) as error:
            return error.cause
        return ""

    async def chat_cause(self, caller: Caller | None = None, chat_id: int = OPS) -> str:
        """Why the caller may not write in a chat; nothing if it may."""
        await self.registry.refresh()
        try:
            grants.require(self.registry.standing(caller or a_caller()), WRITE, chat_id)
        except PermissionDenied as error:
            return error.cause
        return ""


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_sqlite_in_memory() as store:
        opened = Office(store)
        await opened.registry.load()
        yield opened


def a_caller(client: str = "svc:a", **fields: Any) -> Caller:
    usual: dict[str, Any] = {
        "token_id": "t",
        "key_id": "k",
        "issuer": "iss",
        "grants": (Grant(chat_id=OPS, permissions=frozenset({WRITE, READ})),),
        "issued_at": NOW - timedelta(minutes=10),
        "expires_at": NOW + HOUR,
    }
    return Caller(client=client, **(usual | fields))


# What was revoked.


async def test_a_token_nobody_revoked_keeps_its_right(office: Office) -> None:
    caller = a_caller()
    assert office.registry.standing(caller) is caller


async def test_row_34_a_revoked_token_is_refused(office: Office) -> None:
    await office.administration.revoke_token("t")
    assert await office.cause() == "revoked_jti"
    assert await office.cause(a_caller(token_id="other")) == ""


async def test_a_child_ends_with_its_parent(office: Office) -> None:
    parent = Ancestor(token_id="parent", key_id="kp", issued_at=NOW - HOUR)
    child = a_caller(token_id="child", ancestors=(parent,))
    assert await office.cause(child) == ""
    await office.administration.revoke_token("parent")
    assert await office.cause(child) == "revoked_jti"


async def test_a_canary_is_told_from_what_was_revoked_and_so_is_its_child(office: Office) -> None:
    await office.administration.revoke_token("t")
    await office.administration.mark_canary("t")
    assert await office.cause() == "canary_used"
    assert await office.cause(a_caller(token_id="other")) == ""
    child = a_caller(token_id="child", ancestors=(Ancestor(token_id="t", key_id="k", issued_at=NOW - HOUR),))
    assert await office.cause(child) == "canary_used"


async def test_a_revoked_key_ends_its_tokens_and_no_others(office: Office) -> None:
    await office.administration.revoke_key("iss", "k")
    assert await office.cause() == "revoked_key"
    assert await office.cause(a_caller(key_id="kp")) == ""


async def test_a_key_that_is_no_longer_trusted_ends_what_it_signed(office: Office) -> None:
    office.keys.discard(("iss", "k"))
    assert await office.cause() == "revoked_key"


def test_a_key_is_trusted_for_its_issuer_and_for_no_other() -> None:
    assert forge.verifier().trusts(forge.ISSUER, forge.KID)
    assert not forge.verifier().trusts(forge.ISSUER, "other")
    assert not forge.verifier().trusts("another issuer", forge.KID)


async def test_every_token_of_a_client_ends_and_a_new_one_is_good(office: Office) -> None:
    await office.administration.revoke_client("svc:a")
    assert await office.cause() == "revoked_client"
    assert await office.cause(a_caller(issued_at=NOW)) == "revoked_client"
    assert await office.cause(a_caller(issued_at=NOW + timedelta(seconds=1))) == ""
    assert await office.cause(a_caller("svc:b")) == ""


async def test_everything_before_a_time_ends(office: Office) -> None:
    await office.administration.revoke_all(NOW - HOUR)
    assert await office.cause() == ""
    assert await office.cause(a_caller(issued_at=NOW - HOUR)) == "revoked_before"


@pytest.mark.parametrize(("generation", "cause"), [(None, "old_generation"), (0, "old_generation"), (1, ""), (2, "")])
async def test_an_old_generation_ends(office: Office, generation: int | None, cause: str) -> None:
    await office.administration.add_client("svc:a", {})
    assert await office.cause(a_caller(generation=generation)) == ""
    await office.administration.set_client("svc:a", {"min_generation": 1})
    assert await office.cause(a_caller(generation=generation)) == cause


# Clients.


async def test_a_disabled_client_is_refused_until_it_is_enabled(office: Office) -> None:
    await office.administration.disable_client("svc:a")
    assert await office.cause() == "client_disabled"
    assert await office.cause(a_caller("svc:b")) == ""
    await office.administration.enable_client("svc:a")
    assert await office.cause() == ""


async def test_b3_8b_an_unknown_subject_is_refused_once_a_client_is_registered(office: Office) -> None:
    assert await office.cause(a_caller("svc:stranger")) == ""
    await office.administration.add_client("svc:a", {})
    assert await office.cause(a_caller("svc:stranger")) == "client_unknown"
    assert await office.cause() == ""


async def test_an_emergency_shuts_out_nobody_else(office: Office) -> None:
    """What was only disabled, revoked or suspended is not registered: the registry is not in use by it."""
    await office.administration.disable_client("svc:bad")
    await office.administration.revoke_client("svc:worse")
    await office.administration.suspend_chat(FINANCE)
    assert await office.cause() == ""
    assert await office.chat_cause() == ""


@pytest.mark.parametrize(("unknown", "cause"), [(Unknown.ALLOW, ""), (Unknown.DENY, "client_unknown")])
async def test_what_holds_for_an_unknown_client_can_be_set(office: Office, unknown: Unknown, cause: str) -> None:
    office.registry = office.held(unknown_clients=unknown)
    assert await office.cause() == cause
    await office.administration.add_client("svc:b", {})
    assert await office.cause() == cause
    await office.administration.add_client("svc:a", {})
    assert await office.cause() == ""


async def test_a_client_opens_none_but_its_chats(office: Office) -> None:
    both = tuple(Grant(chat_id=chat_id, permissions=frozenset({WRITE})) for chat_id in (OPS, FINANCE))
    await office.administration.add_client("svc:a", {"chat_ids": frozenset({FINANCE})})
    caller = a_caller(grants=both)
    assert await office.chat_cause(caller, OPS) == "chat_not_allowed_for_client"
    assert await office.chat_cause(caller, FINANCE) == ""
    await office.administration.set_client("svc:a", {"chat_ids": frozenset()})
    assert await office.chat_cause(caller, FINANCE) == "chat_not_allowed_for_client"
    await office.administration.set_client("svc:a", {"chat_ids": None})
    assert await office.chat_cause(caller, OPS) == ""


async def test_a_client_calls_from_its_addresses(office: Office) -> None:
    ranges = AddressRanges.parse(["10.0.0.0/8"])
    assert office.registry.address_ranges("svc:a") is None
    await office.administration.add_client("svc:a", {"address_ranges": ranges})
    await office.registry.refresh()
    assert office.registry.address_ranges("svc:a") == ranges


async def test_a_client_has_its_own_quota(office: Office) -> None:
    assert office.registry.quota_of("svc:a") == Quota()
    await office.administration.add_client("svc:a", {"per_minute": 60})
    await office.registry.refresh()
    assert office.registry.quota_of("svc:a") == Quota(per_minute=60)


# Chats.


async def test_a_suspended_chat_is_shut_to_every_token_until_it_is_resumed(office: Office) -> None:
    await office.administration.authorize_chat(OPS)
    await office.administration.suspend_chat(OPS)
    assert await office.chat_cause() == "chat_suspended"
    assert await office.chat_cause(a_caller("svc:b")) == "chat_suspended"
    await office.administration.resume_chat(OPS)
    assert await office.chat_cause() == ""


async def test_a_chat_that_is_not_authorized_is_shut_once_one_is(office: Office) -> None:
    await office.administration.authorize_chat(FINANCE)
    assert await office.chat_cause() == "chat_not_authorized"
    await office.administration.authorize_chat(OPS)
    assert await office.chat_cause() == ""


@pytest.mark.parametrize(("unknown", "cause"), [(Unknown.ALLOW, ""), (Unknown.DENY, "chat_not_authorized")])
async def test_what_holds_for_an_unknown_chat_can_be_set(office: Office, unknown: Unknown, cause: str) -> None:
    office.registry = office.held(unknown_chats=unknown)
    assert await office.chat_cause() == cause
    await office.administration.authorize_chat(FINANCE)
    assert await office.chat_cause() == cause


async def test_what_happens_in_a_chat_is_wanted_if_a_token_could_open_it(office: Office) -> None:
    assert office.registry.is_wanted(OPS)
    await office.administration.authorize_chat(FINANCE)
    await office.registry.refresh()
    assert not office.registry.is_wanted(OPS)
    assert office.registry.is_wanted(FINANCE)
    await office.administration.suspend_chat(FINANCE)
    await office.administration.suspend_chat(OPS)
    await office.registry.refresh()
    assert office.registry.is_wanted(FINANCE)
    assert not office.registry.is_wanted(OPS)


async def test_a_chat_allows_no_more_than_its_permissions(office: Office) -> None:
    await office.administration.authorize_chat(OPS, {READ})
    assert await office.chat_cause() == "missing_permission"
    (grant,) = office.registry.standing(a_caller()).grants
    assert grant.permissions == {READ}
    assert grant.withheld == ""


async def test_a_withheld_chat_leaves_no_permission_and_the_other_chats_alone(office: Office) -> None:
    both = tuple(Grant(chat_id=chat_id, permissions=frozenset({WRITE})) for chat_id in (OPS, FINANCE))
    await office.administration.suspend_chat(OPS)
    await office.registry.refresh()
    left = office.registry.standing(a_caller(grants=both))
    assert left.grants == (replace(both[0], permissions=frozenset(), withheld="chat_suspended"), both[1])
    assert grants.allowing(left, WRITE).chat_ids == (FINANCE,)


async def test_with_no_chat_left_the_refusal_says_why(office: Office) -> None:
    await office.administration.suspend_chat(OPS)
    await office.registry.refresh()
    with pytest.raises(PermissionDenied) as refused:
        grants.allowing(office.registry.standing(a_caller()), WRITE)
    assert refused.value.cause == "chat_suspended"


# Messages that waited.


async def test_a_message_may_leave_while_its_credential_holds(office: Office) -> None:
    message = a_message(client="svc:a", chat_id=OPS, token_id="t", key_id="k", issuer="iss")
    assert office.registry.may_leave(message, OPS) is None
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) == "revoked_jti"


async def test_a_message_may_not_leave_to_a_chat_that_is_shut(office: Office) -> None:
    message = a_message(client="svc:a", chat_id=OPS, token_id="t", key_id="k", issuer="iss")
    await office.administration.authorize_chat(FINANCE)
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) == "chat_not_authorized"
    await office.administration.authorize_chat(OPS, {READ})
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) == "missing_permission"
    await office.administration.suspend_chat(OPS)
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) == "chat_suspended"


async def test_a_message_may_not_leave_to_a_supergroup_that_is_suspended(office: Office) -> None:
    """Its credential names the group that the supergroup was."""
    message = a_message(client="svc:a", chat_id=OPS, token_id="t", key_id="k", issuer="iss")
    await office.administration.authorize_chat(OPS)
    await office.administration.suspend_chat(FINANCE)
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) is None
    assert office.registry.may_leave(message, FINANCE) == "chat_suspended"


async def test_a_message_may_not_leave_to_a_chat_that_its_client_may_not_open_any_more(office: Office) -> None:
    message = a_message(client="svc:a", chat_id=OPS, token_id="t", key_id="k", issuer="iss")
    await office.administration.add_client("svc:a", {"chat_ids": frozenset({OPS})})
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) is None
    await office.administration.set_client("svc:a", {"chat_ids": frozenset({FINANCE})})
    await office.registry.refresh()
    assert office.registry.may_leave(message, OPS) is not None


async def test_of_a_stale_view_nothing_may_leave(office: Office) -> None:
    office.clock.turn(6)
    with pytest.raises(StateStale):
        office.registry.may_leave(a_message(key_id="k", issuer="iss"), OPS)


# Freshness.


async def test_a_view_is_stale_until_it_is_loaded_and_when_it_was_not_refreshed(office: Office) -> None:
    unread = office.held()
    assert unread.is_stale
    with pytest.raises(StateStale):
        unread.require_fresh()
    await unread.load()
    unread.require_fresh()
    office.clock.turn(5)
    unread.require_fresh()
    office.clock.turn(0.1)
    with pytest.raises(StateStale):
        unread.require_fresh()


async def test_it_is_as_old_as_the_question_and_not_as_the_answer(office: Office) -> None:
    slow = SlowStore(office)
    registry = Registry(slow, office.clock, trusts=lambda *_: True)  # type: ignore[arg-type]
    await registry.refresh()
    assert registry.is_stale


class SlowStore:
    """A store whose answer takes ten seconds."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def changes(self, after: int) -> Changes | None:
        changes = await self._office.store.registry.changes(after)
        self._office.clock.turn(10)
        return changes

    async def revoked_tokens(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        return []


class SwitchedStore:
    """A registry in which nothing changes, behind a switch: whole, failing, or hanging."""

    def __init__(self) -> None:
        self.works = True
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.asked = 0

    async def changes(self, after: int) -> Changes | None:
        self.asked += 1
        await self.hangs.wait()
        if not self.works:
            raise NotDurable
        return None


@pytest.mark.parametrize("way", ["fails", "hangs"])
@virtual
async def test_that_it_is_stale_is_told_and_that_it_is_fresh_again(
    way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = SwitchedStore()
    told: list[bool] = []
    registry = Registry(
        store,  # type: ignore[arg-type]
        VirtualClock(),
        trusts=lambda *_: True,
        on_freshness=told.append,
    )
    await registry.refresh()
    following = asyncio.create_task(registry.run())
    await asyncio.sleep(60)
    assert (told, registry.is_stale) == ([], False)
    store.works = way != "fails"
    if way == "hangs":
        store.hangs.clear()
    await asyncio.sleep(4.5)
    assert (told, registry.is_stale) == ([], False)
    await asyncio.sleep(1.5)
    assert (told, registry.is_stale) == ([False], True)
    said = capsys.readouterr().out
    assert "registry.stale" in said
    assert "nothing is accepted or sent" in said
    asked = store.asked
    await asyncio.sleep(60)
    # A storage that hangs is not asked again and again: it would have to answer all of it.
    assert (store.asked == asked) is (way == "hangs")
    store.works = True
    store.hangs.set()
    await asyncio.sleep(1)
    assert (told, registry.is_stale) == ([False, True], False)
    said = capsys.readouterr().out
    assert "registry.fresh" in said
    assert "messages are sent again" in said
    following.cancel()


async def test_what_another_process_changed_is_noticed(office: Office) -> None:
    following = asyncio.create_task(office.registry.run(timedelta(milliseconds=1)))
    office.registry.standing(a_caller())
    await office.administration.revoke_token("t")
    while not len(office.registry.revocations.tokens):  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)
    with pytest.raises(Unauthenticated):
        office.registry.standing(a_caller())
    following.cancel()


async def test_a_bug_while_following_is_not_kept_quiet(office: Office) -> None:
    class Broken:
        async def changes(self, after: int) -> Changes | None:
            raise LookupError("a bug")

    registry = Registry(Broken(), office.clock, trusts=lambda *_: True)  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        await registry.run(timedelta(milliseconds=1))
    assert registry.is_stale


async def test_two_refreshes_at_once_read_each_revocation_once(office: Office) -> None:
    for number in range(20):
        await office.administration.revoke_token(f"t{number}")
    await asyncio.gather(*(office.registry.refresh() for _ in range(5)))
    assert len(office.registry.revocations.tokens) == 20


async def test_more_than_a_page_of_revocations_is_read_whole(office: Office) -> None:
    rows = [(token_digest(str(number)), 1) for number in range(10_001)]
    await office.store._writer.submit(
        lambda database: database.connection.executemany(
            "INSERT INTO revoked_tokens (digest, expires_at) VALUES (?, ?)", rows
        )
    )
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    assert len(office.registry.revocations.tokens) == 10_002
    assert await office.cause() == "revoked_jti"


# What outlives a restart, and a clock that goes back.


async def test_row_34_a_restart_keeps_every_denial(office: Office) -> None:
    await office.administration.revoke_token("t")
    await office.administration.disable_client("svc:b")
    await office.administration.suspend_chat(FINANCE)
    await office.administration.revoke_key("iss", "kp")
    office.registry = office.held()
    assert await office.cause() == "revoked_jti"
    assert await office.cause(a_caller("svc:b", token_id="x")) == "client_disabled"
    assert await office.cause(a_caller(token_id="x", key_id="kp")) == "revoked_key"
    foreign = a_caller(token_id="x", grants=(Grant(chat_id=FINANCE, permissions=frozenset({WRITE})),))
    assert await office.chat_cause(foreign, FINANCE) == "chat_suspended"


async def test_row_34_a_clock_that_goes_back_brings_no_revoked_token_to_life(office: Office) -> None:
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    caller = a_caller()
    office.clock.at = NOW + 2 * KEPT_AFTER_EXPIRY
    await office.registry.sweep()
    office.clock.at = NOW
    for registry in (office.registry, office.held()):
        await registry.refresh()
        with pytest.raises(TokenExpired):
            registry.standing(caller)
        assert len(registry.revocations.tokens) == 0


async def test_nothing_that_was_swept_comes_back_however_little_the_clock_says(office: Office) -> None:
    for at in (NOW + 2 * KEPT_AFTER_EXPIRY, NOW):
        office.clock.at = at
        await office.registry.sweep()
        assert office.registry.revocations.swept_until == NOW + KEPT_AFTER_EXPIRY


async def test_one_sweep_takes_all_that_is_old_enough(office: Office) -> None:
    await old_tokens(office, 2_000)
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    assert len(office.registry.revocations.tokens) == 2_001
    await office.registry.sweep()
    assert len(office.registry.revocations.tokens) == 1


async def test_it_is_swept_again_and_again(office: Office) -> None:
    sweeping = asyncio.create_task(office.registry.run_sweeps(timedelta(milliseconds=1)))
    for number in range(2):
        await old_tokens(office, 3, first=3 * number)
        await office.administration.revoke_token(f"t{number}")
        await office.registry.refresh()
        async with asyncio.timeout(10):
            while len(office.registry.revocations.tokens) > number + 1:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0)
    sweeping.cancel()


async def old_tokens(office: Office, count: int, first: int = 0) -> None:
    """Revoke tokens that expired long ago."""
    rows = [(token_digest(str(number)), 1) for number in range(first, first + count)]
    await office.store._writer.submit(
        lambda database: database.connection.executemany(
            "INSERT INTO revoked_tokens (digest, expires_at) VALUES (?, ?)", rows
        )
    )


async def test_a_revocation_outlives_its_token_as_long_as_a_message_may_wait(office: Office) -> None:
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    # Unknown tokens are taken to live for 32 days and a minute.
    expires_at = NOW + timedelta(days=32, minutes=1)
    office.clock.at = expires_at + KEPT_AFTER_EXPIRY
    await office.registry.sweep()
    assert len(office.registry.revocations.tokens) == 1
    office.clock.turn(1)
    await office.registry.sweep()
    assert len(office.registry.revocations.tokens) == 0


async def test_more_than_a_portion_is_swept_at_once(office: Office) -> None:
    await old_tokens(office, 1_500)
    await office.administration.revoke_token("t")
    await office.registry.refresh()
    sweeping = asyncio.create_task(office.registry.run_sweeps(timedelta(milliseconds=1)))
    while len(office.registry.revocations.tokens) > 1:  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0)
    sweeping.cancel()
    assert await office.cause() == "revoked_jti"


async def test_a_sweep_that_fails_is_made_another_time(office: Office) -> None:
    await office.store.close()
    await office.registry.sweep()


# Said in the log.


async def test_the_log_says_what_holds_for_the_unknown_and_when_that_changes(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    held = office.held()
    await held.load()
    held.tell()
    assert "the token decides, until the first client is added" in capsys.readouterr().out
    office.held(unknown_clients=Unknown.ALLOW, unknown_chats=Unknown.DENY).tell()
    loaded = capsys.readouterr().out
    assert "unknown_clients='the token decides'" in loaded
    assert "unknown_chats=denied" in loaded
    assert "registry.loaded" in loaded
    await office.administration.add_client("svc:a", {})
    await office.registry.refresh()
    assert "registry.in_use" in capsys.readouterr().out
    await office.administration.add_client("svc:b", {})
    await office.registry.refresh()
    assert "registry.in_use" not in capsys.readouterr().out


async def test_the_log_says_how_much_is_held(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    await office.administration.add_client("svc:a", {})
    await office.administration.authorize_chat(OPS)
    await office.administration.authorize_chat(FINANCE)
    for number in range(3):
        await office.administration.revoke_token(f"t{number}")
    await office.registry.refresh()
    capsys.readouterr()
    office.registry.tell()
    said = capsys.readouterr().out.split()
    assert {"clients=1", "chats=2", "revoked_tokens=3", "unknown_clients=denied", "unknown_chats=denied"} <= {*said}


# No layer gives what another one takes.

chats = st.sampled_from([OPS, FINANCE, 5])
permissions = st.frozensets(st.sampled_from(Permission))
granted = st.dictionaries(chats, permissions, max_size=3)
stored_chats = st.dictionaries(chats, st.tuples(st.booleans(), permissions, st.booleans()), max_size=3)
stored_client = st.none() | st.tuples(st.booleans(), st.booleans(), st.none() | st.frozensets(chats))


@settings(max_examples=3 * settings().max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(granted, stored_client, stored_chats, st.sampled_from(Unknown), st.sampled_from(Unknown))
def test_the_effective_right_never_exceeds_any_layer(
    token: dict[int, frozenset[Permission]],
    client: tuple[bool, bool, frozenset[int] | None] | None,
    stored: dict[int, tuple[bool, frozenset[Permission], bool]],
    unknown_clients: Unknown,
    unknown_chats: Unknown,
) -> None:
    caller = a_caller(grants=tuple(Grant(chat_id=chat, permissions=may) for chat, may in token.items()))

    async def effective() -> Caller | None:
        async with open_sqlite_in_memory() as store:
            office = Office(store)
            await _put(office, client, stored)
            registry = office.held(unknown_clients=unknown_clients, unknown_chats=unknown_chats)
            await registry.refresh()
            try:
                return registry.standing(caller)
            except PermissionDenied:
                return None

    left = asyncio.run(effective())
    registered = client is not None and client[0]
    denies_client = unknown_clients is Unknown.DENY or (unknown_clients is Unknown.AUTO and registered)
    authorized = any(each[0] for each in stored.values())
    denies_chat = unknown_chats is Unknown.DENY or (unknown_chats is Unknown.AUTO and authorized)
    if left is None:
        assert (client is not None and not client[1]) or (denies_client and not registered)
        return
    assert client is None or client[1]
    assert registered or not denies_client
    assert left.chat_ids == caller.chat_ids
    for grant in left.grants:
        expected = token[grant.chat_id]
        is_authorized, may, suspended = stored.get(grant.chat_id, (False, frozenset(), False))
        if suspended or (client is not None and client[2] is not None and grant.chat_id not in client[2]):
            expected = frozenset()
        elif is_authorized:
            expected &= may
        elif denies_chat:
            expected = frozenset()
        assert grant.permissions == expected


async def _put(
    office: Office,
    client: tuple[bool, bool, frozenset[int] | None] | None,
    stored: dict[int, tuple[bool, frozenset[Permission], bool]],
) -> None:
    registry = office.store.registry
    record = Record(at=NOW, event="put", decision="allow")
    if client is not None:
        kept = StoredClient(
            name="svc:a",
            registered=client[0],
            enabled=client[1],
            chat_ids=client[2],
            created_by="os:root",
            created_at=NOW,
        )
        await registry.change_client("svc:a", lambda _: kept, record)
    for chat_id, (is_authorized, may, suspended) in stored.items():
        if suspended:
            await office.administration.suspend_chat(chat_id)
        if is_authorized:
            await registry.change_chat(
                chat_id,
                lambda before, chat_id=chat_id, may=may: replace(  # type: ignore[misc]
                    before or office.administration._new_chat(chat_id), authorized=True, permissions=may
                ),
                record,
            )


def test_a_revocation_is_kept_longer_than_a_message_may_wait() -> None:
    assert timedelta(days=365 + 7) < KEPT_AFTER_EXPIRY
    assert datetime.min < NOW.replace(tzinfo=None) - KEPT_AFTER_EXPIRY
