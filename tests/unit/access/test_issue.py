from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.claims import MAX_GENERATION
from gateway.access.describe import describe
from gateway.access.issue import Issued, Issuer, Terms
from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid, RequestInvalid
from gateway.model import MAX_CHAT_ID, MAX_MESSAGE_THREAD_ID, MIN_CHAT_ID, Grant, Permission
from tests.unit.access import forge
from tests.unit.access.forge import AUDIENCE, CHAT, ISSUER, KEY, KID, NOW, NOW_SECONDS, Hands, verifier


def issuer(**changes: object) -> Issuer:
    arguments: dict[str, object] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "clock": Hands(NOW + timedelta(milliseconds=900)),
        "random_bytes": secrets.token_bytes,
        **changes,
    }
    return Issuer(KEY, **arguments)  # type: ignore[arg-type]


def refused(**changes: object) -> RequestInvalid:
    arguments: dict[str, object] = {"client": "svc:billing", "chat_id": CHAT, **changes}
    with pytest.raises(RequestInvalid) as caught:
        issuer().issue(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value


def paths(error: RequestInvalid) -> list[str]:
    return [path for path, _ in error.violations]


def test_a_token_says_what_it_was_issued_for() -> None:
    issued = issuer(random_bytes=lambda count: bytes(range(count))).issue(client="svc:billing", chat_id=CHAT)
    assert jwt.decode_complete(issued.token, options={"verify_signature": False})["header"] == {
        "alg": "ES256",
        "kid": KID,
        "typ": "at+jwt",
    }
    assert jwt.decode(issued.token, options={"verify_signature": False}) == {
        "iss": ISSUER,
        "sub": "svc:billing",
        "aud": AUDIENCE,
        "iat": NOW_SECONDS,
        "nbf": NOW_SECONDS - 10,
        "exp": NOW_SECONDS + 3600,
        "jti": "000102030405060708090a0b0c0d0e0f",
        "chat_id": CHAT,
        "scope": "write",
    }
    assert issued.token_id == "000102030405060708090a0b0c0d0e0f"
    assert issued.expires_at == NOW + timedelta(hours=1)


@given(
    client=st.from_regex(r"[A-Za-z0-9:._/@-]{1,255}", fullmatch=True),
    chat_id=st.integers(MIN_CHAT_ID, MAX_CHAT_ID).filter(bool),
    permissions=st.frozensets(st.sampled_from(Permission), min_size=1),
    seconds=st.integers(1, 86400),
)
def test_whatever_is_issued_is_accepted_as_such(
    client: str, chat_id: int, permissions: frozenset[Permission], seconds: int
) -> None:
    issued = issuer().issue(client=client, chat_id=chat_id, permissions=permissions, ttl=timedelta(seconds=seconds))
    caller = verifier().verify(issued.token)
    assert (caller.client, caller.sole_chat_id, caller.grants[0].permissions) == (client, chat_id, permissions)
    assert (caller.token_id, caller.expires_at) == (issued.token_id, issued.expires_at)
    assert len(issued.token) <= 4096


@pytest.mark.parametrize("permissions", [[Permission.READ, Permission.WRITE], {Permission.READ, Permission.WRITE}])
def test_the_scope_names_each_right_once_and_in_one_order(permissions: list[Permission]) -> None:
    issued = issuer().issue(client="a", chat_id=1, permissions=permissions)
    assert describe(issued.token).unverified_claims["scope"] == "write read"


def test_each_token_has_its_own_id() -> None:
    mint = issuer()
    assert len({mint.issue(client="a", chat_id=1).token_id for _ in range(20)}) == 20


def test_the_token_is_not_in_the_repr_of_what_was_issued() -> None:
    issued = issuer().issue(client="a", chat_id=1)
    assert issued.token not in repr(issued)
    assert issued.token_id in repr(issued)


@pytest.mark.parametrize("client", ["", " ", "a b", "a\n", "é", "a" * 257, None, 1])
def test_a_client_without_a_proper_name_gets_no_token(client: object) -> None:
    assert paths(refused(client=client)) == ["client"]


@pytest.mark.parametrize("chat_id", [0, True, 1.0, "1", "@channel", None, MIN_CHAT_ID - 1, MAX_CHAT_ID + 1, [1]])
def test_what_is_no_chat_gets_no_token(chat_id: object) -> None:
    assert paths(refused(chat_id=chat_id)) == ["chat_id"]


@pytest.mark.parametrize("permissions", [[], ["write"], [Permission.WRITE, "admin"]])
def test_what_is_no_right_gets_no_token(permissions: object) -> None:
    assert paths(refused(permissions=permissions)) == ["permissions"]


@pytest.mark.parametrize(
    "ttl",
    [
        timedelta(),
        timedelta(seconds=-1),
        timedelta(seconds=1.5),
        timedelta(microseconds=1),
        timedelta(hours=24, seconds=1),
        timedelta.max,
    ],
)
def test_a_lifetime_out_of_range_gets_no_token(ttl: timedelta) -> None:
    assert paths(refused(ttl=ttl)) == ["ttl"]
    assert "86400 s" in str(refused(ttl=ttl))


def test_all_that_is_wrong_is_said_at_once() -> None:
    error = refused(client="", chat_id=0, permissions=[], ttl=timedelta())
    assert paths(error) == ["client", "chat_id", "permissions", "ttl"]


def test_the_longest_lifetime_can_be_raised_to_32_days_and_no_more() -> None:
    month = timedelta(days=32)
    issued = issuer(max_ttl=month).issue(client="a", chat_id=1, ttl=month)
    assert verifier(max_lifetime=month).verify(issued.token).expires_at == NOW + month
    with pytest.raises(ConfigInvalid):
        issuer(max_ttl=month + timedelta(seconds=1))


@pytest.mark.parametrize("changes", [{"issuer": ""}, {"audience": ""}])
def test_an_issuer_without_a_name_or_an_audience_can_not_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid):
        issuer(**changes)


# --- what a token says


def test_a_description_is_marked_as_unverified() -> None:
    described = describe(forge.token())
    assert described.unverified_header == forge.HEADER
    assert described.unverified_claims == forge.CLAIMS
    assert described.outcome == "not_checked"


def test_a_text_longer_than_a_token_is_not_described() -> None:
    assert describe(forge.token(claims=b"{}".ljust(2800))).unverified_claims == {}
    with pytest.raises(RequestInvalid):
        describe(forge.token(claims=b"{}".ljust(3200)))


def test_a_description_says_what_a_verifier_says() -> None:
    assert describe(forge.token(), verifier()).outcome == "valid"
    assert describe(forge.token(), verifier(clock=Hands(NOW + timedelta(days=1)))).outcome == "token_expired"
    assert describe(forge.with_claims(aud="other"), verifier()).outcome == "wrong_audience"
    assert describe(forge.with_header(alg="none"), verifier()).outcome == "wrong_algorithm"


@pytest.mark.parametrize(
    "text", ["", "a.b.c", "secret", forge.token() + "=", forge.token(header=b"[]"), forge.token(claims=b"1")]
)
def test_what_is_no_token_can_not_be_described(text: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        describe(text, verifier())
    assert str(caught.value) == "token: is not a signed token of three parts in JSON"


def minted(*grants: Grant, **terms: object) -> Issued:
    return issuer().mint(Terms(client="svc:billing", grants=grants, **terms))  # type: ignore[arg-type]


def unminted(*grants: Grant, **terms: object) -> list[str]:
    with pytest.raises(RequestInvalid) as caught:
        minted(*grants, **terms)
    return paths(caught.value)


def claims_of(issued: Issued) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(issued.token, options={"verify_signature": False})
    return claims


WRITER = Grant(chat_id=CHAT, permissions=frozenset({Permission.WRITE}))


def test_one_chat_is_the_plain_pin_and_several_are_details() -> None:
    one = claims_of(minted(replace(WRITER, message_thread_id=42)))
    assert (one["chat_id"], one["scope"], one["message_thread_id"]) == (CHAT, "write", 42)
    assert "authorization_details" not in one
    both = frozenset({Permission.READ, Permission.WRITE})
    several = claims_of(minted(WRITER, Grant(chat_id=7, permissions=both, message_thread_id=42)))
    assert several.keys().isdisjoint({"chat_id", "scope", "message_thread_id"})
    assert several["authorization_details"] == [
        {"type": "telegram_chat", "identifier": str(CHAT), "actions": ["write"]},
        {"type": "telegram_chat", "identifier": "7", "actions": ["write", "read"], "message_thread_id": 42},
    ]


@given(
    st.lists(
        st.builds(
            Grant,
            chat_id=st.integers(MIN_CHAT_ID, MAX_CHAT_ID).filter(bool),
            permissions=st.frozensets(st.sampled_from(Permission), min_size=1),
            message_thread_id=st.none() | st.integers(1, MAX_MESSAGE_THREAD_ID),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda grant: grant.chat_id,
    ),
    st.none() | st.integers(0, MAX_GENERATION),
    st.none() | st.just(AddressRanges.parse(["10.0.0.0/8", "2001:db8::/32"])),
    st.sampled_from(["", "A" * 43]),
)
def test_whatever_is_minted_is_accepted_as_such(
    grants: list[Grant], generation: int | None, ranges: AddressRanges | None, thumbprint: str
) -> None:
    restrictions = {"generation": generation, "address_ranges": ranges, "certificate_thumbprint": thumbprint}
    caller = verifier().verify(minted(*grants, **restrictions).token)
    assert caller.grants == tuple(grants)
    assert (caller.generation, caller.address_ranges) == (generation, ranges)
    assert caller.certificate_thumbprint == thumbprint


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"address_ranges": AddressRanges()}, "address_ranges"),
        ({"address_ranges": AddressRanges.parse(["unix"])}, "address_ranges"),
        ({"address_ranges": AddressRanges.parse(["10.0.0.0/8", "unix"])}, "address_ranges"),
        ({"address_ranges": AddressRanges.parse([f"10.0.{n}.0/24" for n in range(17)])}, "address_ranges"),
        ({"certificate_thumbprint": "A" * 42}, "certificate_thumbprint"),
        ({"certificate_thumbprint": "A" * 42 + "B"}, "certificate_thumbprint"),
        ({"generation": -1}, "generation"),
        ({"generation": MAX_GENERATION + 1}, "generation"),
        ({"not_after": NOW}, "ttl"),
        ({"not_after": NOW - timedelta(days=1)}, "ttl"),
        ({"client": "a b"}, "client"),
    ],
)
def test_terms_that_no_verifier_would_take_are_refused(terms: dict[str, Any], path: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        issuer().mint(replace(Terms(client="svc:billing", grants=(WRITER,)), **terms))
    assert paths(caught.value) == [path]


@pytest.mark.parametrize("thread", [0, -1, True, MAX_MESSAGE_THREAD_ID + 1])
def test_a_topic_that_is_none_gets_no_token(thread: int) -> None:
    assert unminted(replace(WRITER, message_thread_id=thread)) == ["message_thread_id"]


def test_each_of_several_chats_is_checked() -> None:
    wrong = Grant(chat_id=0, permissions=frozenset(), message_thread_id=0)
    expected = ["grants[1].chat_id", "grants[1].permissions", "grants[1].message_thread_id"]
    assert unminted(WRITER, wrong) == expected
    assert unminted(WRITER, WRITER) == ["grants"]
    assert unminted() == ["grants"]


def test_chats_that_do_not_fit_into_a_token_get_none() -> None:
    many = [replace(WRITER, chat_id=CHAT - index) for index in range(65)]
    assert len(minted(*many[:30]).token) <= 4096
    assert unminted(*many[:64]) == ["grants"]
    assert unminted(*many) == ["grants"]


def test_a_token_ends_at_its_latest_end() -> None:
    assert minted(WRITER, not_after=NOW + timedelta(seconds=90.5)).expires_at == NOW + timedelta(seconds=90)
    assert minted(WRITER, not_after=NOW + timedelta(days=9)).expires_at == NOW + timedelta(hours=1)


def test_an_issuer_has_a_name() -> None:
    assert issuer().name == ISSUER
