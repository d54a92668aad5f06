"""The claims that say which chats a token opens, and those that only narrow it; `row` is one of the threat model."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.claims import KNOWN, MAX_DEPTH, MAX_GENERATION, Policy, claims_from
from gateway.access.pins import grants_from
from gateway.addresses import AddressRanges
from gateway.errors import Unauthenticated
from gateway.model import MAX_CHAT_ID, MAX_MESSAGE_THREAD_ID, MIN_CHAT_ID, Ancestor, Caller, Grant, Permission
from tests.unit.access import forge
from tests.unit.access.forge import CHAT, CLAIMS, KEY, KID, NOW, NOW_SECONDS, cause, refusal, verifier

Json = dict[str, object]
BARE: Json = {name: value for name, value in CLAIMS.items() if name not in ("chat_id", "scope")}
DETAIL: Json = {"type": "telegram_chat", "identifier": str(CHAT), "actions": ["write"]}
WRITE, READ = frozenset({Permission.WRITE}), frozenset({Permission.READ})
chat_ids = st.integers(MIN_CHAT_ID, MAX_CHAT_ID).filter(bool)


def detailed(*details: object, **beside: object) -> str:
    return forge.token(claims={**BARE, "authorization_details": list(details), **beside})


def caller(text: str) -> Caller:
    return verifier().verify(text)


@given(
    st.dictionaries(
        chat_ids,
        st.tuples(st.frozensets(st.sampled_from(Permission)), st.none() | st.integers(1, MAX_MESSAGE_THREAD_ID)),
        min_size=1,
        max_size=12,
    )
)
def test_details_open_the_chats_that_they_name_and_no_other(
    wanted: dict[int, tuple[frozenset[Permission], int | None]],
) -> None:
    details = []
    for chat_id, (permissions, thread) in wanted.items():
        detail: Json = {**DETAIL, "identifier": str(chat_id), "actions": [one.value for one in permissions]}
        details.append(detail if thread is None else {**detail, "message_thread_id": thread})
    assert caller(detailed(*details)).grants == tuple(
        Grant(chat_id=chat_id, permissions=permissions, message_thread_id=thread)
        for chat_id, (permissions, thread) in wanted.items()
    )


def test_row_1_exactly_one_of_the_two_forms_says_the_chats() -> None:
    assert cause(detailed(DETAIL, chat_id=CHAT)) == "several_pins"
    assert cause(detailed({**DETAIL, "identifier": "1"}, chat_id=CHAT)) == "several_pins"
    assert cause(forge.token(claims={**BARE, "authorization_details": None, "chat_id": None})) == "several_pins"
    assert cause(forge.token(claims=BARE)) == "missing_claim"
    assert cause(forge.token(claims={**BARE, "message_thread_id": 42, "scope": "write"})) == "missing_claim"


@pytest.mark.parametrize("details", [None, {}, "", 1, True, [], DETAIL, [[DETAIL]], [None], ["write"], [1], [True]])
def test_row_3_details_that_name_no_chat_open_none(details: object) -> None:
    assert cause(forge.token(claims={**BARE, "authorization_details": details})) == "bad_details"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "telegram_user"},
        {"type": "Telegram_chat"},
        {"type": None},
        {"type": ["telegram_chat"]},
        {"locations": ["https://chatkey.example"]},
        {"datatypes": ["text"]},
        {"privileges": ["admin"]},
        {"chat_id": CHAT},
        {"scope": "write"},
        {"": 1},
        {"actions": "write"},
        {"actions": None},
        {"actions": {"write": True}},
        {"actions": [["write"]]},
        {"actions": [1]},
        {"actions": [True]},
        {"actions": [None]},
        {"actions": ["!write"]},
        {"actions": ["write read"]},
        {"actions": [""]},
        {"actions": ["write\n"]},
    ],
)
def test_a_detail_of_another_kind_or_with_another_member_is_refused(change: Json) -> None:
    assert cause(detailed({**DETAIL, **change})) == "bad_details"
    assert cause(detailed({**DETAIL, "identifier": "1"}, {**DETAIL, **change})) == "bad_details"


@pytest.mark.parametrize("name", ["type", "identifier", "actions"])
def test_a_detail_without_one_of_its_members_is_refused(name: str) -> None:
    assert cause(detailed({member: value for member, value in DETAIL.items() if member != name})) == "bad_details"


@pytest.mark.parametrize(
    ("actions", "permissions"),
    [
        (["write"], WRITE),
        (["read", "write"], WRITE | READ),
        (["write", "write"], WRITE),
        (["Write", "send", "moderator"], frozenset()),
        (["read", "payments"], READ),
        ([], frozenset()),
    ],
)
def test_an_action_that_is_not_known_gives_no_right(actions: list[str], permissions: frozenset[Permission]) -> None:
    assert caller(detailed({**DETAIL, "actions": actions})).grants[0].permissions == permissions


@pytest.mark.parametrize(
    ("scope", "first", "second"),
    [
        ("write", WRITE, frozenset()),
        ("read write moderate", WRITE, READ),
        ("read", frozenset(), READ),
        ("openid", frozenset(), frozenset()),
    ],
)
def test_a_scope_beside_details_only_takes_away(
    scope: str, first: frozenset[Permission], second: frozenset[Permission]
) -> None:
    details = (DETAIL, {**DETAIL, "identifier": "7", "actions": ["read"]})
    assert [grant.permissions for grant in caller(detailed(*details, scope=scope)).grants] == [first, second]
    assert [grant.permissions for grant in caller(detailed(*details)).grants] == [WRITE, READ]
    assert cause(detailed(*details, scope="!write")) == "bad_scope"


def test_a_chat_is_named_once() -> None:
    assert cause(detailed(DETAIL, DETAIL)) == "bad_details"
    assert cause(detailed({**DETAIL, "message_thread_id": 1}, {**DETAIL, "message_thread_id": 2})) == "bad_details"


def test_a_token_opens_64_chats_at_most() -> None:
    # Longer than a token may be on its way, so that only the claims are looked at.
    details = [{**DETAIL, "identifier": str(chat_id)} for chat_id in range(1, 66)]
    assert len(grants_from({"authorization_details": details[:64]})) == 64
    with pytest.raises(Unauthenticated) as caught:
        grants_from({"authorization_details": details})
    assert caught.value.cause == "bad_details"


# What the JSON after `"identifier":` may look like; with what each is refused as.
IDENTIFIERS = {
    "-1001234567890": "bad_chat",
    "0": "bad_chat",
    "true": "bad_chat",
    "null": "bad_chat",
    "[]": "bad_chat",
    '["-1001234567890"]': "bad_chat",
    "{}": "bad_chat",
    '"0"': "bad_chat",
    '"-0"': "bad_chat",
    '"+1"': "bad_chat",
    '"01"': "bad_chat",
    '"-01"': "bad_chat",
    '"--1"': "bad_chat",
    '"1.0"': "bad_chat",
    '"1e3"': "bad_chat",
    '"0x1"': "bad_chat",
    '"0b1"': "bad_chat",
    '"1_000"': "bad_chat",
    '"1,000"': "bad_chat",
    '"1 000"': "bad_chat",
    '" 1"': "bad_chat",
    '"1 "': "bad_chat",
    '"1\\n"': "bad_chat",
    '"\\t1"': "bad_chat",
    '"1\\u0000"': "bad_chat",
    '"-1001234567890\\u200b"': "bad_chat",
    '"\\u2212100"': "bad_chat",
    '"１２３"': "bad_chat",
    '"١٢٣"': "bad_chat",
    '"१२३"': "bad_chat",
    '"²"': "bad_chat",
    '""': "bad_chat",
    '"-"': "bad_chat",
    '"*"': "bad_chat",
    '"@channel"': "bad_chat",
    '"t.me/channel"': "bad_chat",
    '"+15551234567"': "bad_chat",
    '"NaN"': "bad_chat",
    '"True"': "bad_chat",
    '"None"': "bad_chat",
    f'"{MAX_CHAT_ID + 1}"': "bad_chat",
    f'"{MIN_CHAT_ID - 1}"': "bad_chat",
    f'"{(1 << 64) + CHAT}"': "bad_chat",
    f'"{"9" * 400}"': "bad_chat",
    "1.0": "malformed_claims",
    "1e3": "malformed_claims",
    "NaN": "malformed_claims",
    "0x1": "malformed_claims",
    "'1'": "malformed_claims",
    "": "malformed_claims",
}


@pytest.mark.parametrize("form", IDENTIFIERS)
def test_row_2_row_4_an_identifier_is_the_one_text_of_a_chat(form: str) -> None:
    detail = f'[{{"type": "telegram_chat", "actions": ["write"], "identifier": {form}}}]'
    written = json.dumps(BARE)
    text = forge.token(claims=f'{written[:-1]}, "authorization_details": {detail}}}'.encode())
    assert cause(text) == IDENTIFIERS[form]


@given(chat_ids)
def test_row_2_an_identifier_is_one_chat(chat_id: int) -> None:
    assert caller(detailed({**DETAIL, "identifier": str(chat_id)})).chat_ids == (chat_id,)


@pytest.mark.parametrize("place", ["identifier", "iden\\u0074ifier"])
def test_row_24_a_member_of_a_detail_twice_is_refused(place: str) -> None:
    detail = f'[{{"type": "telegram_chat", "actions": ["write"], "identifier": "{CHAT}", "{place}": "1"}}]'
    text = forge.token(claims=f'{json.dumps(BARE)[:-1]}, "authorization_details": {detail}}}'.encode())
    assert cause(text) == "malformed_claims"


@pytest.mark.parametrize("thread", [0, -1, MAX_MESSAGE_THREAD_ID + 1, True, "42", "", None, [42], {}, 10**19])
def test_row_16_a_topic_in_any_form_but_its_number_is_refused(thread: object) -> None:
    assert cause(forge.with_claims(message_thread_id=thread)) == "bad_thread"
    assert cause(detailed({**DETAIL, "message_thread_id": thread})) == "bad_thread"


def test_row_16_a_topic_stands_with_its_chat() -> None:
    assert caller(forge.with_claims(message_thread_id=42)).grants[0].message_thread_id == 42
    assert caller(forge.with_claims()).grants[0].message_thread_id is None
    assert cause(detailed(DETAIL, message_thread_id=42)) == "bad_thread"


def test_row_31_the_addresses_of_a_token_are_its_ranges() -> None:
    cidrs = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "::ffff:198.51.100.0/120"]
    ranges = caller(forge.with_claims(src_cidrs=cidrs)).address_ranges
    assert ranges == AddressRanges.parse(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32", "198.51.100.0/24"])
    assert caller(forge.token()).address_ranges is None
    assert caller(forge.with_claims(src_cidrs=[f"10.0.{n}.0/24" for n in range(16)])).address_ranges is not None


@pytest.mark.parametrize(
    "cidrs",
    [
        None, "", "10.0.0.0/8", {}, [], 1, True, [None], [1], [["10.0.0.0/8"]], [""], ["unix"], ["10.0.0.1/8"], ["*"],
        ["10.0.0.0/33"], ["10.0.0.0/-1"], ["10.0.0.0/255.0.0.0"], ["10.0.0.0/"], ["10.0.0"], ["010.0.0.0/8"],
        ["localhost"], ["10.0.0.0/8 "], [" 10.0.0.0/8"], ["10.0.0.0/8\n"], ["10.0.0.0/8", "unix"], ["fe80::1%eth0"],
        ["10.0.0.0/8", None], ["１０.0.0.0/8"], ["::/129"], ["0x0a.0.0.0/8"], ["10.0.0.0/8,11.0.0.0/8"], ["any"],
        [f"10.0.{n}.0/24" for n in range(17)],
    ],
)  # fmt: skip
def test_row_31_addresses_in_any_other_form_are_refused(cidrs: object) -> None:
    assert cause(forge.with_claims(src_cidrs=cidrs)) == "bad_addresses"


THUMBPRINT = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"[:-1] + "0"


def test_row_31_a_token_may_be_bound_to_a_certificate() -> None:
    assert caller(forge.with_claims(cnf={"x5t#S256": THUMBPRINT})).certificate_thumbprint == THUMBPRINT
    assert caller(forge.token()).certificate_thumbprint == ""


@pytest.mark.parametrize(
    "cnf",
    [
        None, "", THUMBPRINT, [], [THUMBPRINT], {}, 1, True, {"jkt": THUMBPRINT}, {"jwk": {}}, {"kid": "k"},
        {"x5t#S256": THUMBPRINT, "jkt": THUMBPRINT}, {"x5t#S256": ""}, {"x5t#S256": None}, {"x5t#S256": [THUMBPRINT]},
        {"x5t#S256": THUMBPRINT[:-1]}, {"x5t#S256": THUMBPRINT + "="}, {"x5t#S256": THUMBPRINT + "A"},
        {"x5t#S256": THUMBPRINT[:-1] + "1"}, {"x5t#S256": THUMBPRINT[:-1] + "/"}, {"x5t#s256": THUMBPRINT},
        {"x5t": THUMBPRINT}, {"x5t#S256": THUMBPRINT + "\n"},
    ],
)  # fmt: skip
def test_row_31_a_binding_that_cannot_be_proven_is_refused(cnf: object) -> None:
    assert cause(forge.with_claims(cnf=cnf)) == "bad_confirmation"


@pytest.mark.parametrize("generation", [0, 1, MAX_GENERATION])
def test_a_generation_is_kept_for_whoever_knows_the_least_one(generation: int) -> None:
    assert caller(forge.with_claims(gen=generation)).generation == generation
    assert caller(forge.token()).generation is None


@pytest.mark.parametrize("generation", [-1, MAX_GENERATION + 1, True, False, None, "1", "", [], [1], {}])
def test_a_generation_of_another_form_is_refused(generation: object) -> None:
    assert cause(forge.with_claims(gen=generation)) == "bad_generation"


def ancestor(name: str = "parent", **changes: object) -> Json:
    return {"jti": name, "kid": KID, "iat": NOW_SECONDS - 60, **changes}


def test_the_ancestors_of_a_token_are_known() -> None:
    found = caller(forge.with_claims(ancestors=[ancestor("parent"), ancestor("root", kid="ed-1")]))
    assert found.ancestors == (
        Ancestor("parent", KID, NOW - timedelta(seconds=60)),
        Ancestor("root", "ed-1", NOW - timedelta(seconds=60)),
    )
    assert found.parent_ids == ("parent", "root")
    assert caller(forge.token()).parent_ids == ()


@pytest.mark.parametrize(
    ("ancestors", "why"),
    [
        (None, "bad_ancestors"),
        ([], "bad_ancestors"),
        ({}, "bad_ancestors"),
        ("parent", "bad_ancestors"),
        (["parent"], "bad_ancestors"),
        ([None], "bad_ancestors"),
        ([{}], "bad_ancestors"),
        ([ancestor(exp=1)], "bad_ancestors"),
        ([{"jti": "parent", "kid": KID}], "bad_ancestors"),
        ([ancestor(kid="../key")], "bad_ancestors"),
        ([ancestor(kid=None)], "bad_ancestors"),
        ([ancestor(jti="a b")], "bad_token_id"),
        ([ancestor(jti=1)], "bad_token_id"),
        ([ancestor(iat=True)], "bad_time"),
        ([ancestor(iat=-1)], "bad_time"),
        ([ancestor(iat=None)], "bad_time"),
        ([ancestor(str(n)) for n in range(MAX_DEPTH + 1)], "bad_ancestors"),
    ],
)
def test_ancestors_of_another_form_are_refused(ancestors: object, why: str) -> None:
    assert cause(forge.with_claims(ancestors=ancestors)) == why


def test_a_token_dies_with_the_key_of_any_of_its_ancestors() -> None:
    text = forge.with_claims(ancestors=[ancestor("parent"), ancestor("root", kid="ed-1")])
    keys = forge.key_set()
    guard = verifier(keys=keys)
    assert guard.verify(text).token_id == CLAIMS["jti"]
    keys.replace([KEY.verification_key])
    error = refusal(text, guard)
    assert (error.cause, error.record["client"], error.record["verified"]) == (
        "ancestor_untrusted",
        "svc:billing",
        True,
    )
    assert cause(forge.with_claims(ancestors=[ancestor(kid="chatkey-gone")])) == "ancestor_untrusted"


NARROWING = {
    "scope": ("bad_scope", None),
    "message_thread_id": ("bad_thread", 42),
    "src_cidrs": ("bad_addresses", ["10.0.0.0/8"]),
    "cnf": ("bad_confirmation", {"x5t#S256": THUMBPRINT}),
    "gen": ("bad_generation", 7),
    "ancestors": ("bad_ancestors", [ancestor()]),
}


@pytest.mark.parametrize("name", NARROWING)
def test_a_claim_that_narrows_is_never_passed_over(name: str) -> None:
    why, good = NARROWING[name]
    assert cause(forge.with_claims(**{name: {"any": "thing"}})) == why
    if good is not None:
        assert caller(forge.with_claims(**{name: good})) != caller(forge.token())


def test_every_claim_is_one_that_a_test_here_or_beside_speaks_of() -> None:
    assert {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "chat_id", "authorization_details", *NARROWING} == KNOWN


def test_row_28_the_claims_alone_tell_that_an_issuer_is_another() -> None:
    policy = Policy(issuer=forge.ISSUER, audience=forge.AUDIENCE)
    assert claims_from(dict(CLAIMS), policy).client == "svc:billing"
    with pytest.raises(Unauthenticated) as caught:
        claims_from({**CLAIMS, "iss": "https://other.example"}, policy)
    assert caught.value.cause == "wrong_issuer"
