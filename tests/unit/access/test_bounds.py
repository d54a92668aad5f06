"""The last value that is good and the first that is not, and which field is named: it is all that a caller is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access.administration import Administration
from gateway.access.approvals import LIFE, Approvals
from gateway.access.claims import MAX_INSTANT, Policy, claims_from
from gateway.access.compact import MAX_TOKEN_LENGTH
from gateway.access.issue import CUSHION, Issuer, Terms
from gateway.access.key_administration import KeyAdministration
from gateway.access.key_ring import open_ring
from gateway.access.operator_issue import OperatorIssuer
from gateway.access.operator_tokens import MAX_OPERATOR_LIFETIME, OperatorVerifier
from gateway.access.pins import MAX_CHATS
from gateway.access.soundness import MAX_TEXT
from gateway.addresses import AddressRanges
from gateway.errors import (
    ApprovalRequired,
    RequestInvalid,
    StepUpRequired,
    Unauthenticated,
)
from gateway.model import MAX_CHAT_ID, Grant, Permission
from gateway.operators import AdminRight
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.unit.access import forge
from tests.unit.access.forge import AUDIENCE, CLAIMS, ISSUER, KEY, NOW, NOW_SECONDS, Hands, cause

ADMIN = f"{AUDIENCE}/admin"
WITHOUT_CHAT = {name: value for name, value in CLAIMS.items() if name not in ("chat_id", "scope")}
MAX_NUMBER = (1 << 63) - 1
LONGEST_TEXT = "é" * MAX_TEXT
WRITE = frozenset({Permission.WRITE})
SIXTEEN = AddressRanges.parse(f"10.{number}.0.0/16" for number in range(16))
SEVENTEEN = AddressRanges.parse(f"10.{number}.0.0/16" for number in range(17))


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with open_sqlite_in_memory() as opened:
        yield opened


@pytest.fixture
def does(store: SqliteStore) -> Administration:
    return Administration(store.registry, Hands(), by="os:alice")


# Administration.

Act = Callable[[Administration], Awaitable[object]]

GOOD: dict[str, Act] = {
    "a quota of none": lambda does: does.add_client("a", {"per_minute": 0, "per_day": 0, "queue_depth": 0}),
    "the largest quota": lambda does: does.add_client("a", {"per_minute": MAX_NUMBER, "per_day": MAX_NUMBER}),
    "the last generation": lambda does: does.add_client("a", {"min_generation": MAX_NUMBER}),
    "no generation": lambda does: does.add_client("a", {"min_generation": 0}),
    "the longest label": lambda does: does.add_client("a", {"label": LONGEST_TEXT}),
    "the longest name": lambda does: does.add_client("a" * 255, {}),
    "the longest title": lambda does: does.authorize_chat(5, title=LONGEST_TEXT),
    "no title": lambda does: does.authorize_chat(5, title=""),
    "the last chat": lambda does: does.authorize_chat(MAX_CHAT_ID),
    "the longest token id": lambda does: does.revoke_token(LONGEST_TEXT),
    "now": lambda does: does.revoke_all(NOW),
    "a clock that is a second off": lambda does: does.revoke_all(NOW + timedelta(seconds=1)),
}

BAD: dict[str, tuple[str, Act]] = {
    "client": ("client", lambda does: does.add_client("", {})),
    "long client": ("client", lambda does: does.revoke_client("a" * 256)),
    "chat": ("chat_id", lambda does: does.suspend_chat(MAX_CHAT_ID + 1)),
    "no permission": ("permissions", lambda does: does.authorize_chat(5, frozenset())),
    "long title": ("title", lambda does: does.authorize_chat(5, title=f"{LONGEST_TEXT}x")),
    "unprintable title": ("title", lambda does: does.authorize_chat(5, title="\n")),
    "token": ("token_id", lambda does: does.revoke_token("")),
    "long token": ("token_id", lambda does: does.revoke_token(f"{LONGEST_TEXT}x")),
    "canary": ("token_id", lambda does: does.mark_canary("")),
    "issuer": ("issuer", lambda does: does.revoke_key("", "k")),
    "key": ("key_id", lambda does: does.revoke_key("iss", "")),
    "to come": ("not_before", lambda does: does.revoke_all(NOW + timedelta(seconds=1, microseconds=1))),
    "to come for one": ("not_before", lambda does: does.revoke_client("a", NOW + timedelta(seconds=2))),
    "back": ("min_generation", lambda does: does.set_client("known", {"min_generation": 2})),
    "too many": ("per_day", lambda does: does.add_client("a", {"per_day": MAX_NUMBER + 1})),
    "generation": ("min_generation", lambda does: does.add_client("a", {"min_generation": MAX_NUMBER + 1})),
}


@pytest.mark.parametrize("act", GOOD)
async def test_what_is_within_its_bounds_is_done(does: Administration, act: str) -> None:
    await GOOD[act](does)


@pytest.mark.parametrize("act", BAD)
async def test_what_is_beyond_is_refused_by_name_and_not_done(
    does: Administration, store: SqliteStore, act: str
) -> None:
    await does.add_client("known", {"min_generation": 3})
    before = await store.records()
    path, work = BAD[act]
    with pytest.raises(RequestInvalid) as refused:
        await work(does)
    assert [violation[0] for violation in refused.value.violations] == [path]
    assert await store.records() == before


async def test_a_token_without_a_generation_is_of_the_generation_before_the_first(does: Administration) -> None:
    await does.add_client("svc:billing", {"min_generation": 1})
    issued = forge.verifier().verify(forge.token(claims=CLAIMS))
    with pytest.raises(Exception, match="generation"):
        await does.note_issued(issued)
    await does.note_issued(forge.verifier().verify(forge.token(claims={**CLAIMS, "gen": 1})))


async def test_a_kid_that_is_none_is_refused_by_name(store: SqliteStore, tmp_path: Path) -> None:
    keys = KeyAdministration(open_ring(tmp_path), store, Hands(), by="os:alice")
    with pytest.raises(RequestInvalid) as refused:
        await keys.taint("no key")
    assert [violation[0] for violation in refused.value.violations] == ["kid"]


# Approvals.


async def test_an_approval_is_good_until_its_time_is_over_and_no_longer(store: SqliteStore) -> None:
    clock, names = Hands(), iter(("first", "second"))
    approvals = Approvals(store.second_factors, clock, lambda: next(names))
    request = "alice", "keys.revoke", b"request"
    for seconds in (-1, 0):
        with pytest.raises(ApprovalRequired) as asked:
            await approvals.require(*request, None)
        await approvals.approve("bob", asked.value.facts["approvalId"])
        clock.turn(LIFE.total_seconds() + seconds)
        if seconds:
            await approvals.require(*request, "first")
    with pytest.raises(StepUpRequired):
        await approvals.require(*request, "second")
    with pytest.raises(RequestInvalid) as refused:
        await approvals.approve("carol", "second")
    assert [violation[0] for violation in refused.value.violations] == ["approval_id"]


# Claims.


def said(claims: dict[str, object]) -> str:
    """Why claims are refused; nothing if they are taken."""
    try:
        claims_from(claims, Policy(issuer=ISSUER, audience=AUDIENCE))
    except Unauthenticated as error:
        return error.cause
    return ""


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"iat": 0, "nbf": 0, "exp": 1}, ""),
        ({"iat": -1, "exp": 1}, "bad_time"),
        ({"nbf": MAX_INSTANT}, ""),
        ({"nbf": MAX_INSTANT + 1}, "bad_time"),
        ({"iat": MAX_INSTANT - 1, "exp": MAX_INSTANT}, ""),
        ({"exp": NOW_SECONDS + 86_400}, ""),
        ({"exp": NOW_SECONDS + 86_401}, "lifetime_too_long"),
        ({"src_cidrs": list(SIXTEEN.texts)}, ""),
        ({"src_cidrs": list(SEVENTEEN.texts)}, "bad_addresses"),
        ({"gen": 0}, ""),
        ({"gen": MAX_NUMBER}, ""),
        ({"gen": MAX_NUMBER + 1}, "bad_generation"),
    ],
)
def test_a_claim_is_taken_up_to_its_bound(claims: dict[str, object], cause: str) -> None:
    assert said({**CLAIMS, **claims}) == cause


@pytest.mark.parametrize(("count", "cause"), [(MAX_CHATS, ""), (MAX_CHATS + 1, "bad_details")])
def test_a_token_opens_so_many_chats(count: int, cause: str) -> None:
    names = [str(number + 1) for number in range(count)]
    details = [{"type": "telegram_chat", "identifier": name, "actions": ["write"]} for name in names]
    assert said({**WITHOUT_CHAT, "authorization_details": details}) == cause


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"iat": 0, "nbf": 0, "exp": 900}, "token_expired"),
        ({"iat": -1, "exp": 1}, "bad_time"),
        ({"nbf": MAX_INSTANT}, "not_yet_valid"),
        ({"nbf": MAX_INSTANT + 1}, "bad_time"),
    ],
)
def test_an_operators_claim_is_taken_up_to_its_bound(claims: dict[str, object], found: str) -> None:
    by = OperatorVerifier(forge.key_set(), issuer=ISSUER, audience=ADMIN, clock=Hands())
    usual = {name: value for name, value in CLAIMS.items() if name not in ("chat_id", "nbf")}
    text = forge.token(
        header={**forge.HEADER, "typ": "chatkey-admin+jwt"},
        claims={**usual, "sub": "alice", "aud": ADMIN, "scope": "read", "exp": NOW_SECONDS + 900, **claims},
    )
    with pytest.raises(Unauthenticated) as refused:
        by.verify(text)
    assert refused.value.cause == found


# Issuing.


def minted(**terms: Any) -> str:
    """Mint a token and return the fields that are refused; nothing if it is minted, and then it is taken too."""
    issuer = Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=Hands(), random_bytes=bytes)
    usual = {"client": "svc:a", "grants": (Grant(chat_id=5, permissions=WRITE),), "ttl": timedelta(hours=1)}
    try:
        issued = issuer.mint(Terms(**{**usual, **terms}))
    except RequestInvalid as refused:
        return " ".join(path for path, _ in refused.violations)
    forge.verifier().verify(issued.token)
    return ""


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"client": "a" * 255}, ""),
        ({"client": "a" * 256}, "client"),
        ({"grants": ()}, "grants"),
        ({"address_ranges": SIXTEEN}, ""),
        ({"address_ranges": SEVENTEEN}, "address_ranges"),
        ({"address_ranges": AddressRanges.parse(["unix", "10.0.0.0/8"])}, "address_ranges"),
        ({"generation": 0}, ""),
        ({"generation": MAX_NUMBER}, ""),
        ({"generation": MAX_NUMBER + 1}, "generation"),
        ({"ttl": timedelta(seconds=1)}, ""),
        ({"ttl": timedelta(hours=24)}, ""),
    ],
)
def test_a_token_is_minted_up_to_its_bounds(terms: dict[str, Any], path: str) -> None:
    assert minted(**terms) == path


def test_terms_may_name_so_many_chats_and_no_more() -> None:
    issuer = Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=Hands(), random_bytes=bytes)
    chats = tuple(Grant(chat_id=number + 1, permissions=WRITE) for number in range(MAX_CHATS + 1))
    issuer.check(Terms(client="svc:a", grants=chats[1:], ttl=timedelta(hours=1)))
    with pytest.raises(RequestInvalid) as refused:
        issuer.check(Terms(client="svc:a", grants=chats, ttl=timedelta(hours=1)))
    assert [path for path, _ in refused.value.violations] == ["grants"]


def test_a_token_is_as_long_as_it_may_be_and_no_longer() -> None:
    issuer = Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=Hands(), random_bytes=bytes)
    chats = tuple(Grant(chat_id=number + 1, permissions=WRITE) for number in range(40))
    texts, refusals = [], []
    for length in range(1, 256):
        try:
            texts.append(issuer.mint(Terms(client="a" * length, grants=chats, ttl=timedelta(hours=1))).token)
        except RequestInvalid as refused:
            refusals += [path for path, _ in refused.violations]
    assert len(texts[-1]) == MAX_TOKEN_LENGTH
    assert len(forge.verifier().verify(texts[-1]).grants) == 40
    assert refusals == ["grants"] * (255 - len(texts))
    assert refusals


def operators(clock: Hands | None = None, **terms: Any) -> str:
    issuer = OperatorIssuer(KEY, issuer=ISSUER, audience=ADMIN, clock=clock or Hands(), random_bytes=bytes)
    return issuer.mint(**{"name": "alice", "rights": {AdminRight.READ}, **terms}).token


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"name": "a" * 48}, ""),
        ({"name": "a" * 49}, "name"),
        ({"ttl": timedelta(seconds=1)}, ""),
        ({"ttl": MAX_OPERATOR_LIFETIME}, ""),
        ({"ttl": MAX_OPERATOR_LIFETIME + timedelta(seconds=1)}, "ttl"),
        ({"address_ranges": SIXTEEN}, ""),
        ({"address_ranges": SEVENTEEN}, "address_ranges"),
        ({"address_ranges": AddressRanges.parse(["unix", "10.0.0.0/8"])}, "address_ranges"),
    ],
)
def test_an_operators_token_is_minted_up_to_its_bounds(terms: dict[str, Any], path: str) -> None:
    found = ""
    try:
        text = operators(**terms)
    except RequestInvalid as refused:
        found = " ".join(name for name, _ in refused.violations)
    else:
        OperatorVerifier(forge.key_set(), issuer=ISSUER, audience=ADMIN, clock=Hands()).verify(text)
    assert found == path


def test_a_token_is_good_already_on_a_clock_that_is_a_cushion_behind() -> None:
    behind = Hands(NOW - CUSHION)
    OperatorVerifier(forge.key_set(), issuer=ISSUER, audience=ADMIN, clock=behind).verify(operators())
    issuer = Issuer(KEY, issuer=ISSUER, audience=AUDIENCE, clock=Hands(), random_bytes=bytes)
    issued = issuer.issue(client="svc:a", chat_id=5, permissions=WRITE, ttl=timedelta(hours=1))
    forge.verifier(clock=behind).verify(issued.token)
    assert cause(forge.token(claims={**CLAIMS, "nbf": NOW_SECONDS + 11})) == "not_yet_valid"
