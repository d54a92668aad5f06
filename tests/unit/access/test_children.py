"""What holders hand on is known to whoever has to revoke it, and no more than a client's share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.access.children import Children
from gateway.access.inventory import states
from gateway.clock import SystemClock
from gateway.errors import AuditUnavailable, NotDurable, PermissionDenied, QuotaExceeded, Unauthenticated
from gateway.model import Caller, Grant, Narrowing, Permission, Record
from gateway.store.registry import IssuedToken
from tests.support.open_house import CHAT, CLIENT, House, issuer_of, open_house

MORE = Narrowing(grants=(Grant(chat_id=CHAT + 1, permissions=frozenset({Permission.WRITE})),))


class StoppedClock(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


def children_of(house: House, per_minute: int, clock: StoppedClock | None = None, store: object = None) -> Children:
    return Children(
        issuer_of(house.clock),
        house.verifier.verify,
        store or house.store.registry,  # type: ignore[arg-type]
        clock or StoppedClock(),
        per_minute,
    )


async def listed(house: House) -> dict[str, tuple[str, str]]:
    """Return who issued each token, and its state, by its id."""
    tokens = await house.store.registry.issued_tokens(None, 100)
    found = await states(house.store.registry, tokens, house.clock.now(), lambda key_id: True)
    return {token.token_id: (token.issued_by, state) for token, state in zip(tokens, found, strict=True)}


async def noted(house: House) -> Caller:
    """Return a token that was issued here."""
    parent = house.caller()
    await house.administration.note_issued(parent)
    return parent


async def test_a_child_is_among_the_tokens_that_were_issued(house: House) -> None:
    parent = await noted(house)
    _, child = await children_of(house, 0).make(parent, Narrowing())
    assert await listed(house) == {
        parent.token_id: ("os:test", "valid"),
        child.token_id: (f"token:{parent.token_id}", "valid"),
    }
    kept = await house.store.registry.issued_token(child.token_id)
    assert kept is not None
    assert (kept.client, kept.chat_ids, kept.expires_at) == (CLIENT, (CHAT,), child.expires_at)


async def test_a_child_is_revoked_alone(house: House) -> None:
    parent = await noted(house)
    children = children_of(house, 0)
    (_, child), (_, sibling) = [await children.make(parent, Narrowing()) for _ in range(2)]
    await house.administration.revoke_token(child.token_id)
    await house.registry.refresh()
    with pytest.raises(Unauthenticated):
        house.registry.standing(child)
    assert house.registry.standing(sibling) == sibling
    assert house.registry.standing(parent) == parent
    assert {token_id: state for token_id, (_, state) in (await listed(house)).items()} == {
        parent.token_id: "valid",
        child.token_id: "revoked",
        sibling.token_id: "valid",
    }


@pytest.mark.parametrize("is_noted", [True, False], ids=["issued here", "issued elsewhere"])
async def test_what_was_narrowed_is_shown_as_revoked_with_its_parent(house: House, is_noted: bool) -> None:
    parent = await noted(house) if is_noted else house.caller()
    children = children_of(house, 0)
    _, child = await children.make(parent, Narrowing())
    _, grandchild = await children.make(child, Narrowing())
    assert (await listed(house))[grandchild.token_id] == (f"token:{child.token_id}", "valid")
    await house.administration.revoke_token(parent.token_id)
    assert {state for _, state in (await listed(house)).values()} == {"revoked"}


async def test_a_client_has_its_share_of_children_in_a_minute(house: House) -> None:
    clock = StoppedClock()
    children = children_of(house, 3, clock)
    parent, other = house.caller(), house.caller(client="svc:other")
    for _ in range(3):
        _, child = await children.make(parent, Narrowing())
    for caller in (parent, child):
        with pytest.raises(QuotaExceeded) as refused:
            await children.make(caller, Narrowing())
        assert refused.value.retry_after == timedelta(seconds=20)
        assert refused.value.facts == {"quota": "narrowed_per_minute", "limit": "3"}
    await children.make(other, Narrowing())
    clock.seconds += 20
    await children.make(parent, Narrowing())
    assert len(await listed(house)) == 5


async def test_what_is_refused_is_no_part_of_the_share(house: House) -> None:
    children = children_of(house, 1)
    for _ in range(5):
        with pytest.raises(PermissionDenied):
            await children.make(house.caller(), MORE)
    await children.make(house.caller(), Narrowing())


async def test_what_can_not_be_written_down_is_not_handed_on(house: House) -> None:
    class FullDisk:
        async def add_issued(self, token: IssuedToken, record: Record) -> None:
            raise NotDurable

    with pytest.raises(AuditUnavailable):
        await children_of(house, 0, store=FullDisk()).make(house.caller(), Narrowing())


async def test_a_lineage_that_goes_round_in_a_circle_has_an_end(house: House) -> None:
    parent = await noted(house)
    kept = await house.store.registry.issued_token(parent.token_id)
    assert kept is not None
    record = Record(at=house.clock.now(), event="test", decision="allow")
    for token_id, comes_from in (("a", "b"), ("b", "a")):
        await house.store.registry.add_issued(replace(kept, token_id=token_id, issued_by=f"token:{comes_from}"), record)
    assert (await listed(house))["a"][1] == "valid"
