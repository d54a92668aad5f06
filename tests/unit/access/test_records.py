"""What the audit log has of each change: all of it, since whoever reads it later has nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pyotp
import pytest

from gateway.access.administration import Administration
from gateway.access.approvals import Approvals
from gateway.access.authenticators import Authenticators
from gateway.access.children import Children
from gateway.access.issue import Issuer
from gateway.access.key_administration import KeyAdministration
from gateway.access.key_ring import CALLERS, OPERATORS, open_ring
from gateway.access.keys import KeySet
from gateway.access.one_time_codes import MOST_FAILURES
from gateway.access.operator_issue import note_issued
from gateway.access.tokens import Verifier
from gateway.errors import ApprovalRequired, StepUpRequired
from gateway.model import Caller, Grant, Narrowing, Origin, Permission, Record
from gateway.operators import AdminRight, Operator
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.unit.access.forge import AUDIENCE, ISSUER, KEY, NOW, Hands

ORIGIN = Origin(address="10.1.2.3", method="/chatkey.v1.CredentialSelf/NarrowCredential", call_id="call-1")
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
CALLER = Caller(
    client="svc:a",
    token_id="jti-1",
    key_id="kid-1",
    issuer=ISSUER,
    grants=(Grant(chat_id=-1001, permissions=frozenset({Permission.WRITE, Permission.READ})),),
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    origin=ORIGIN,
)


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with open_sqlite_in_memory() as opened:
        yield opened


async def log(store: SqliteStore) -> Sequence[Record]:
    return [record for _, record in await store.records(limit=1000)]


def expected(event: str, *, facts: dict[str, str | int | bool] | None = None, **known: object) -> Record:
    """Return the record of an allowed change by `os:alice`, over no network."""
    by: dict[str, str | int | bool] = {"by": "os:alice"}
    return replace(Record(at=NOW, event=event, decision="allow", facts=by | (facts or {})), **known)  # type: ignore[arg-type]


Change = Callable[[Administration], Awaitable[object]]

CHANGES: dict[str, tuple[Change, Record]] = {
    "client set": (
        lambda does: does.set_client("svc:a", {"label": "A"}),
        expected("client.changed", client="svc:a", facts={"label": "A"}),
    ),
    "client disable": (lambda does: does.disable_client("svc:a"), expected("client.disabled", client="svc:a")),
    "client enable": (lambda does: does.enable_client("svc:off"), expected("client.enabled", client="svc:off")),
    "client revoke": (
        lambda does: does.revoke_client("svc:a", NOW),
        expected("client.revoked", client="svc:a", facts={"not_before": "2026-11-24T12:00:00+00:00"}),
    ),
    "chat authorize": (
        lambda does: does.authorize_chat(-1002, frozenset({Permission.WRITE, Permission.READ})),
        expected("chat.authorized", chat_id=-1002, facts={"permissions": "write read"}),
    ),
    "chat suspend": (lambda does: does.suspend_chat(-1002), expected("chat.suspended", chat_id=-1002)),
    "chat resume": (lambda does: does.resume_chat(-1001), expected("chat.resumed", chat_id=-1001)),
    "chat name": (lambda does: does.name_chats({-1001: "Ops"}), expected("chat.named", chat_id=-1001)),
    "key revoke": (
        lambda does: does.revoke_key(ISSUER, "kid-9"),
        expected("key.revoked", issuer=ISSUER, key_id="kid-9"),
    ),
    "canary": (
        lambda does: does.mark_canary("jti-1"),
        expected("token.canary_marked", token_id="jti-1", client="svc:a"),
    ),
    "canary of nobody": (lambda does: does.mark_canary("jti-2"), expected("token.canary_marked", token_id="jti-2")),
    "revoke all": (
        lambda does: does.revoke_all(NOW),
        expected("token.all_revoked", facts={"not_before": "2026-11-24T12:00:00+00:00"}),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_the_registry_is_on_record_whole(store: SqliteStore, change: str) -> None:
    does = Administration(store.registry, Hands(), by="os:alice")
    await does.add_client("svc:a", {})
    await does.add_client("svc:off", {})
    await does.disable_client("svc:off")
    await does.authorize_chat(-1001, frozenset(Permission))
    await does.suspend_chat(-1001)
    await does.note_issued(CALLER)
    before = await log(store)
    work, record = CHANGES[change]
    await work(does)
    assert (await log(store))[len(before) :] == [record]


async def test_an_issued_token_is_on_record_with_who_signed_it(store: SqliteStore) -> None:
    await Administration(store.registry, Hands(), by="os:alice").note_issued(CALLER)
    (record,) = await log(store)
    assert (record.event, record.client, record.token_id) == ("token.issued", "svc:a", "jti-1")
    assert (record.key_id, record.issuer, record.chat_id) == ("kid-1", ISSUER, -1001)


async def test_a_narrowed_token_is_on_record_with_its_parent_and_its_call(store: SqliteStore) -> None:
    clock = Hands()
    numbers = count()
    issuer = Issuer(
        KEY,
        issuer=ISSUER,
        audience=AUDIENCE,
        clock=clock,
        random_bytes=lambda size: next(numbers).to_bytes(size, "big"),
    )
    verifier = Verifier(KeySet([KEY.verification_key]), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    parent = replace(
        verifier.verify(
            issuer.issue(
                client="svc:a", chat_id=-1001, permissions=frozenset({Permission.WRITE}), ttl=timedelta(hours=1)
            ).token
        ),
        origin=ORIGIN,
    )
    _, child = await Children(issuer, verifier.verify, store.registry, clock).make(parent, Narrowing())
    (record,) = await log(store)
    assert record == Record(
        at=NOW,
        event="credential.narrowed",
        decision="allow",
        client="svc:a",
        token_id=parent.token_id,
        key_id=KEY.kid,
        issuer=ISSUER,
        address=ORIGIN.address,
        method=ORIGIN.method,
        call_id=ORIGIN.call_id,
        chat_id=-1001,
        facts={
            "child_token_id": child.token_id,
            "child_chats": 1,
            "child_expires_at": int(child.expires_at.timestamp()),
        },
    )


async def test_what_becomes_of_an_authenticator_is_on_record_whole(store: SqliteStore) -> None:
    clock = Hands()
    authenticators = Authenticators(store.second_factors, clock)
    for replaces in (False, True):
        await authenticators.enroll("bob", SECRET, pyotp.TOTP(SECRET).at(clock.now()), by="os:alice", replaces=replaces)
    for _ in range(MOST_FAILURES):
        with pytest.raises(StepUpRequired):
            await authenticators.require("bob", "000000")
    await authenticators.remove("bob", by="os:alice")
    assert await log(store) == [
        expected("operator.enrolled", facts={"operator": "bob", "replaces": False}),
        expected("operator.enrolled", facts={"operator": "bob", "replaces": True}),
        Record(
            at=NOW,
            event="operator.locked",
            decision="deny",
            reason="too_many_wrong_codes",
            client="operator:bob",
            facts={"by": "operator:bob", "operator": "bob"},
        ),
        expected("operator.unenrolled", facts={"operator": "bob"}),
    ]


async def test_what_is_asked_of_a_second_person_is_on_record_whole(store: SqliteStore) -> None:
    approvals = Approvals(store.second_factors, Hands(), lambda: "approval-1")
    with pytest.raises(ApprovalRequired):
        await approvals.require("alice", "keys.revoke", b"request", None)
    await approvals.approve("bob", "approval-1")
    facts = {"operator": "alice", "function": "keys.revoke", "approval_id": "approval-1"}
    assert await log(store) == [
        expected("approval.asked", client="operator:alice", facts={"by": "operator:alice", **facts}),
        expected("approval.given", client="operator:bob", facts={"by": "operator:bob", **facts}),
    ]


async def test_the_key_that_is_named_is_the_one_that_is_activated(store: SqliteStore, tmp_path: Path) -> None:
    ring, clock = open_ring(tmp_path), Hands()
    does = KeyAdministration(ring, store, clock, by="os:alice")
    old, new = ring.read()[0].kid, (await does.prepare()).kid
    clock.turn(3600)
    assert (await does.activate(new)).kid == new
    intent, done = (await log(store))[-2:]
    assert (intent.event, intent.key_id, intent.at) == ("key.change_intended", new, clock.now())
    assert (done.event, done.key_id, done.at) == ("key.activated", new, clock.now())
    with pytest.raises(Exception, match="only a prepared key"):
        await does.activate(old)


async def test_a_change_of_the_ring_is_on_record_with_its_call_and_whose_ring_it_is(
    store: SqliteStore, tmp_path: Path
) -> None:
    for name in (CALLERS, OPERATORS):
        ring = open_ring(tmp_path, name)
        key = await KeyAdministration(ring, store, Hands(), "os:alice", ORIGIN).prepare()
        whose: dict[str, str | int | bool] = {"ring": OPERATORS} if name == OPERATORS else {}
        called = {"address": ORIGIN.address, "method": ORIGIN.method, "call_id": ORIGIN.call_id}
        facts = {"verb": "prepare", **whose}
        assert (await log(store))[-2:] == [
            expected("key.change_intended", facts=facts, **called),
            expected("key.prepared", key_id=key.kid, facts=facts, **called),
        ]


async def test_an_operators_token_is_on_record_whole(store: SqliteStore) -> None:
    operator = Operator(
        name="alice",
        rights=frozenset(AdminRight),
        token_id="jti-1",
        key_id="kid-1",
        issuer=ISSUER,
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
    )
    await note_issued(store, operator, "os:alice", Hands())
    facts: dict[str, str | int | bool] = {
        "operator": "alice",
        "scope": " ".join(right.value for right in AdminRight),
        "expires_at": "2026-11-24T12:15:00+00:00",
        "second_factor": False,
    }
    assert await log(store) == [
        expected("operator.token_issued", token_id="jti-1", key_id="kid-1", issuer=ISSUER, facts=facts)
    ]
