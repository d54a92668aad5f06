"""A child can do nothing that its parent can't, and ends with it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import addresses, grants
from gateway.access.claims import MAX_DEPTH
from gateway.access.issue import Issuer, Terms
from gateway.access.keys import KeySet, SigningKey
from gateway.access.narrow import narrow
from gateway.addresses import AddressRanges
from gateway.errors import PermissionDenied, RequestInvalid
from gateway.model import Ancestor, Caller, Grant, Narrowing, Origin, Permission
from tests.unit.access import forge
from tests.unit.access.forge import AUDIENCE, ISSUER, KEY, KID, NOW, Hands, verifier

WRITE, READ = frozenset({Permission.WRITE}), frozenset({Permission.READ})
BOTH = WRITE | READ
OFFICE = AddressRanges.parse(["10.0.0.0/8"])
THUMBPRINT = "A" * 43

CHATS = [-1001, -1002, 3, 4]
threads = st.sampled_from([None, 1, 2])
permissions = st.frozensets(st.sampled_from(Permission))
networks = st.lists(
    st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "2001:db8::/32"]), min_size=1, max_size=4
)
ranges = st.none() | st.builds(AddressRanges.parse, networks)


def granting(rights: st.SearchStrategy[frozenset[Permission]]) -> st.SearchStrategy[tuple[Grant, ...]]:
    grant = st.builds(Grant, chat_id=st.sampled_from(CHATS), permissions=rights, message_thread_id=threads)
    return st.lists(grant, min_size=1, max_size=3, unique_by=lambda one: one.chat_id).map(tuple)


parents = st.builds(
    Terms,
    client=st.just("svc:billing"),
    grants=granting(permissions.filter(bool)),
    ttl=st.integers(1, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    address_ranges=ranges,
    certificate_thumbprint=st.sampled_from(["", THUMBPRINT]),
    generation=st.none() | st.integers(0, 9),
)
wishes = st.builds(
    Narrowing,
    grants=st.just(()) | granting(permissions),
    ttl=st.none() | st.integers(-1, 9000).map(lambda seconds: timedelta(seconds=seconds)),
    address_ranges=ranges,
)


def issuer_with(clock: Hands) -> Issuer:
    return Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=clock, random_bytes=secrets.token_bytes)


def issuer() -> Issuer:
    return issuer_with(Hands())


def caller_of(terms: Terms) -> Caller:
    return verifier().verify(issuer().mint(terms).token)


def terms(*granted: Grant, **others: object) -> Terms:
    return Terms(client="svc:billing", grants=granted or (Grant(chat_id=3, permissions=BOTH),), **others)  # type: ignore[arg-type]


def child_of(parent: Caller, **wish: object) -> Caller:
    return verifier().verify(narrow(issuer(), parent, Narrowing(**wish)).token)  # type: ignore[arg-type]


def refused(parent: Caller, **wish: object) -> RequestInvalid:
    with pytest.raises(RequestInvalid) as caught:
        child_of(parent, **wish)
    return caught.value


def denied(parent: Caller, **wish: object) -> str:
    with pytest.raises(PermissionDenied) as caught:
        child_of(parent, **wish)
    return caught.value.cause


def may(caller: Caller, permission: Permission, chat_id: int, thread: int, address: str) -> bool:
    try:
        addresses.require(replace(caller, origin=Origin(address=address)), ())
        grants.require(caller, permission, chat_id, thread)
    except PermissionDenied:
        return False
    return True


@given(parents, st.lists(wishes, min_size=1, max_size=MAX_DEPTH), st.integers(0, 100))
def test_no_descendant_can_do_what_an_ancestor_cannot_nor_outlives_it(
    root: Terms, asked: list[Narrowing], elapsed: int
) -> None:
    clock = Hands()
    guard = verifier(clock=clock)
    mint = issuer_with(clock)
    line = [guard.verify(mint.mint(root).token)]
    clock.turn(min(elapsed, root.ttl.total_seconds() - 0.5))
    for wish in asked:
        try:
            line.append(guard.verify(narrow(mint, line[-1], wish).token))
        except (PermissionDenied, RequestInvalid):
            continue
    for parent, child in pairwise(line):
        assert child.expires_at <= parent.expires_at
        assert child.client == parent.client
        assert child.certificate_thumbprint == parent.certificate_thumbprint
        assert child.generation == parent.generation
        assert child.ancestors == (Ancestor(parent.token_id, parent.key_id, parent.issued_at), *parent.ancestors)
        for permission in Permission:
            for chat_id in CHATS:
                for thread in (0, 1, 2):
                    for address in ("10.1.0.1", "10.2.0.1", "10.9.0.1", "2001:db8::1", "192.0.2.1", "unix", ""):
                        if may(child, permission, chat_id, thread, address):
                            assert may(parent, permission, chat_id, thread, address)


def test_a_child_of_no_wish_is_its_parent_again() -> None:
    parent = caller_of(
        terms(
            Grant(chat_id=3, permissions=BOTH),
            Grant(chat_id=-1001, permissions=WRITE, message_thread_id=42),
            address_ranges=OFFICE,
            certificate_thumbprint=THUMBPRINT,
            generation=7,
        )
    )
    child = child_of(parent)
    kin = (Ancestor(parent.token_id, KID, NOW),)
    assert child == replace(parent, token_id=child.token_id, ancestors=kin)
    assert child.token_id != parent.token_id


def test_a_child_has_the_part_that_was_asked_for() -> None:
    parent = caller_of(terms(Grant(chat_id=3, permissions=BOTH), Grant(chat_id=4, permissions=READ)))
    wanted = Grant(chat_id=3, permissions=READ, message_thread_id=42)
    child = child_of(parent, grants=(wanted,), ttl=timedelta(minutes=1), address_ranges=OFFICE)
    assert (child.grants, child.address_ranges) == ((wanted,), OFFICE)
    assert child.expires_at == NOW + timedelta(minutes=1)
    every_right = Grant(chat_id=3, permissions=frozenset())
    assert child_of(parent, grants=(every_right,)).grants == (Grant(chat_id=3, permissions=BOTH),)


def test_a_topic_is_inherited_and_cannot_be_left() -> None:
    parent = caller_of(terms(Grant(chat_id=3, permissions=WRITE, message_thread_id=42)))
    assert child_of(parent, grants=(Grant(chat_id=3, permissions=WRITE),)).grants == parent.grants
    assert denied(parent, grants=(Grant(chat_id=3, permissions=WRITE, message_thread_id=43),)) == "thread_mismatch"


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (Grant(chat_id=4, permissions=WRITE), "chat_mismatch"),
        (Grant(chat_id=4, permissions=frozenset()), "chat_mismatch"),
        (Grant(chat_id=-3, permissions=WRITE), "chat_mismatch"),
        (Grant(chat_id=0, permissions=WRITE), "chat_mismatch"),
        (Grant(chat_id=3, permissions=frozenset({Permission.MODERATE})), "missing_permission"),
        (Grant(chat_id=3, permissions=frozenset(Permission)), "missing_permission"),
    ],
)
def test_what_the_parent_does_not_have_is_denied_and_not_left_out(wanted: Grant, cause: str) -> None:
    assert denied(caller_of(terms()), grants=(wanted,)) == cause
    assert denied(caller_of(terms()), grants=(Grant(chat_id=3, permissions=READ), wanted)) == cause


def test_a_child_ends_with_its_parent_however_long_it_was_asked_for() -> None:
    clock = Hands()
    guard, mint = verifier(clock=clock), issuer_with(clock)
    parent = guard.verify(mint.mint(terms(ttl=timedelta(minutes=10))).token)
    clock.turn(500.9)
    for ttl in (None, timedelta(seconds=100), timedelta(minutes=10), timedelta(days=300)):
        assert narrow(mint, parent, Narrowing(ttl=ttl)).expires_at == parent.expires_at
    assert narrow(mint, parent, Narrowing(ttl=timedelta(seconds=99))).expires_at == NOW + timedelta(seconds=599)
    clock.turn(99.1)
    with pytest.raises(RequestInvalid, match="less than a second is left"):
        narrow(mint, parent, Narrowing())


@pytest.mark.parametrize("seconds", [0, -1, 0.5, 1.5])
def test_a_time_that_is_no_time_is_refused(seconds: float) -> None:
    assert [path for path, _ in refused(caller_of(terms()), ttl=timedelta(seconds=seconds)).violations] == ["ttl"]


def test_addresses_are_those_of_both() -> None:
    parent = caller_of(terms(address_ranges=OFFICE))
    everywhere = AddressRanges.parse(["0.0.0.0/0", "::/0"])
    assert child_of(parent).address_ranges == OFFICE
    assert child_of(parent, address_ranges=everywhere).address_ranges == OFFICE
    assert child_of(caller_of(terms()), address_ranges=everywhere).address_ranges == everywhere
    elsewhere = AddressRanges.parse(["192.0.2.0/24", "unix"])
    assert [path for path, _ in refused(parent, address_ranges=elsewhere).violations] == ["address_ranges"]
    assert "no address in common" in str(refused(parent, address_ranges=elsewhere))


def test_a_child_has_children_to_a_depth() -> None:
    youngest = root = caller_of(terms())
    for depth in range(1, MAX_DEPTH + 1):
        youngest = child_of(youngest)
        assert len(youngest.parent_ids) == depth
        assert youngest.parent_ids[-1] == root.token_id
    assert f"narrowed {MAX_DEPTH} times already" in str(refused(youngest))


def test_a_token_of_another_issuer_has_no_children() -> None:
    assert denied(replace(caller_of(terms()), issuer="https://other.example")) == "foreign_issuer"


def test_a_token_without_a_right_has_no_children() -> None:
    idle = replace(caller_of(terms()), grants=(Grant(chat_id=3, permissions=frozenset()),))
    assert denied(idle) == "missing_permission"
    assert denied(idle, grants=idle.grants) == "missing_permission"
    with pytest.raises(PermissionDenied) as refused:
        child_of(idle, grants=idle.grants)
    assert refused.value.record == {"chat_id": 3}
    half = replace(idle, grants=(*idle.grants, Grant(chat_id=4, permissions=READ)))
    assert child_of(half).grants == (Grant(chat_id=4, permissions=READ),)


@pytest.mark.parametrize("thread", [0, -1, True, 1 << 31])
def test_a_topic_that_is_none_is_refused(thread: int) -> None:
    wanted = Grant(chat_id=3, permissions=WRITE, message_thread_id=thread)
    assert [path for path, _ in refused(caller_of(terms()), grants=(wanted,)).violations] == [
        "grants[0].message_thread_id"
    ]


def test_a_chat_is_asked_for_once() -> None:
    wanted = Grant(chat_id=3, permissions=WRITE)
    assert [path for path, _ in refused(caller_of(terms()), grants=(wanted, wanted)).violations] == ["grants"]


def test_the_signing_key_of_today_signs_the_child_and_the_parents_key_still_counts() -> None:
    parent = caller_of(terms())
    newer = SigningKey.generate()
    mint = Issuer(newer, issuer=ISSUER, audience=AUDIENCE, clock=Hands(), random_bytes=secrets.token_bytes)
    text = narrow(mint, parent, Narrowing()).token
    assert verifier(keys=KeySet([newer.verification_key, KEY.verification_key])).verify(text).key_id == newer.kid
    assert forge.cause(text, verifier(keys=KeySet([newer.verification_key]))) == "ancestor_untrusted"


def test_a_chat_that_is_withheld_is_not_handed_on() -> None:
    withheld = Grant(chat_id=4, permissions=frozenset(), withheld="chat_suspended")
    parent = caller_of(terms(Grant(chat_id=3, permissions=WRITE), Grant(chat_id=4, permissions=WRITE)))
    parent = replace(parent, grants=(parent.grants[0], withheld))
    assert child_of(parent).chat_ids == (3,)
    assert denied(parent, grants=(Grant(chat_id=4, permissions=WRITE),)) == "chat_suspended"
