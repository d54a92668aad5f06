"""What `gateway.store.second_factors` promises, of every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model import Record
from gateway.store.second_factors import Approval, Authenticator
from gateway.store.sqlite import SqliteStore, open_sqlite, open_sqlite_in_memory
from tests.support.messages import NOW

ALICE = Authenticator(operator="alice", secret="GEZDGNBV", last_step=41, enrolled_by="os:root", enrolled_at=NOW)
ASKED = Approval(
    approval_id="a1", operator="alice", function="keys.revoke", parameters="{}", digest=bytes(range(32)), asked_at=NOW
)
RECORD = Record(at=NOW, event="operator.enrolled", decision="allow", facts={"by": "os:root"})


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite-memory":
            yield await stack.enter_async_context(open_sqlite_in_memory())
        elif request.param == "postgres":
            yield await stack.enter_async_context(request.getfixturevalue("postgres").opened())
        else:
            yield await stack.enter_async_context(open_sqlite(tmp_path / "data" / "chatkey.db"))


async def test_an_authenticator_is_kept_as_given_with_its_record(store: SqliteStore) -> None:
    locked = replace(ALICE, failures=3, locked_until=NOW + timedelta(minutes=1, microseconds=1))
    for kept in (ALICE, locked):
        assert (
            await store.second_factors.change_authenticator("alice", lambda _before, kept=kept: (kept, RECORD)) == kept
        )
        assert await store.second_factors.authenticators() == [kept]
    assert [record.event for _, record in await store.records()] == ["operator.enrolled"] * 2


async def test_a_change_sees_what_is_kept_and_may_remove_it(store: SqliteStore) -> None:
    seen = []

    def change(before: Authenticator | None) -> tuple[Authenticator | None, Record | None]:
        seen.append(before)
        return (ALICE if before is None else None), None

    await store.second_factors.change_authenticator("alice", change)
    await store.second_factors.change_authenticator("alice", change)
    assert seen == [None, ALICE]
    assert await store.second_factors.authenticators() == []
    assert await store.records() == []


async def test_a_change_that_raises_changes_nothing(store: SqliteStore) -> None:
    await store.second_factors.change_authenticator("alice", lambda _before: (ALICE, None))

    def refuse(_before: Authenticator | None) -> tuple[Authenticator | None, Record | None]:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await store.second_factors.change_authenticator("alice", refuse)
    assert await store.second_factors.authenticators() == [ALICE]


async def test_authenticators_come_by_operator(store: SqliteStore) -> None:
    for name in ("carol", "alice", "bob"):
        kept = replace(ALICE, operator=name)
        await store.second_factors.change_authenticator(name, lambda _before, kept=kept: (kept, None))
    assert [kept.operator for kept in await store.second_factors.authenticators()] == ["alice", "bob", "carol"]


async def test_an_approval_is_kept_as_given_and_found_by_its_age(store: SqliteStore) -> None:
    later = replace(ASKED, approval_id="a0", asked_at=NOW + timedelta(seconds=1), approved_by="bob", is_used=True)
    for kept in (later, ASKED):
        await store.second_factors.change_approval(kept.approval_id, lambda _before, kept=kept: (kept, RECORD))
    assert await store.second_factors.approvals(NOW) == [ASKED, later]
    assert await store.second_factors.approvals(NOW + timedelta(microseconds=1)) == [later]
    await store.second_factors.forget_approvals(later.asked_at)
    assert await store.second_factors.approvals(NOW) == [later]
    assert await store.second_factors.change_approval("a0", lambda _before: (None, None)) is None
    assert await store.second_factors.approvals(NOW) == []


def test_the_secret_is_not_shown() -> None:
    assert ALICE.secret not in repr(ALICE)
