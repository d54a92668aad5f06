"""An operator's token is a kind of its own, and everything in it is typed, bounded and known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.access.causes import CAUSES
from gateway.access.confirmation import THUMBPRINT
from gateway.access.keys import KeySet, SigningKey, VerificationKey
from gateway.access.operator_issue import OperatorIssuer, note_issued
from gateway.access.operator_keys import require_apart
from gateway.access.operator_tokens import OperatorVerifier
from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid, RequestInvalid, StateStale, TokenExpired, Unauthenticated
from gateway.operators import AdminRight
from gateway.store.sqlite import open_sqlite_in_memory
from tests.unit.access import forge
from tests.unit.access.forge import AUDIENCE, CHAT, ISSUER, KEY, NOW, NOW_SECONDS

ADMIN = f"{AUDIENCE}/admin"
HEADER = {**forge.HEADER, "typ": "chatkey-admin+jwt"}
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": ADMIN,
    "iat": NOW_SECONDS,
    "nbf": NOW_SECONDS - 10,
    "exp": NOW_SECONDS + 900,
    "jti": "0123456789abcdef",
    "scope": "read keys",
}


def verifier(
    clock: forge.Hands | None = None, is_stale: Callable[[], bool] | None = None, audience: str = ADMIN
) -> OperatorVerifier:
    return OperatorVerifier(
        forge.key_set(), issuer=ISSUER, audience=audience, clock=clock or forge.Hands(), is_stale=is_stale
    )


def token(header: dict[str, object] | None = None, without: str = "", **claims: object) -> str:
    kept = {name: value for name, value in {**CLAIMS, **claims}.items() if name != without}
    return forge.token(header=header or HEADER, claims=kept)


def issuer(clock: forge.Hands | None = None) -> OperatorIssuer:
    return OperatorIssuer(
        KEY, issuer=ISSUER, audience=ADMIN, clock=clock or forge.Hands(), random_bytes=lambda count: b"\x01" * count
    )


def refusal(text: str, by: OperatorVerifier | None = None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        (by or verifier()).verify(text)
    assert caught.value.cause in CAUSES
    return caught.value


def test_a_token_says_who_administers_and_with_which_rights() -> None:
    operator = verifier().verify(token())
    assert (operator.name, operator.client) == ("alice", "operator:alice")
    assert operator.rights == {AdminRight.READ, AdminRight.KEYS}
    assert (operator.token_id, operator.key_id, operator.issuer) == ("0123456789abcdef", KEY.kid, ISSUER)
    assert (operator.issued_at, operator.expires_at) == (NOW, NOW + timedelta(minutes=15))
    assert (operator.generation, operator.ancestors, operator.authenticated_at) == (None, (), None)


def test_what_is_minted_is_taken() -> None:
    ranges = AddressRanges.parse(["10.0.0.0/8"])
    thumbprint = "A" * 43
    issued = issuer().mint(
        "bob@corp.example", {AdminRight.AUDIT}, ttl=timedelta(minutes=1), address_ranges=ranges,
        certificate_thumbprint=thumbprint,
    )  # fmt: skip
    operator = verifier().verify(issued.token)
    assert (operator.name, operator.rights) == ("bob@corp.example", {AdminRight.AUDIT})
    assert operator.token_id == issued.token_id == "01" * 16
    assert operator.expires_at == issued.expires_at == NOW + timedelta(minutes=1)
    assert operator.address_ranges is not None
    assert operator.address_ranges.texts == ranges.texts
    assert operator.certificate_thumbprint == thumbprint
    assert issued.token not in repr(issued)


def test_row_29_a_clients_token_is_no_operators() -> None:
    assert refusal(forge.token()).cause == "wrong_type"
    assert refusal(forge.with_header(typ="chatkey-admin+jwt")).cause == "unknown_claim"
    claims = {**forge.CLAIMS, "scope": "read", "exp": NOW_SECONDS + 900}
    del claims["chat_id"]
    assert refusal(forge.token(header=HEADER, claims=claims)).cause == "wrong_audience"
    assert refusal(forge.token(claims=CLAIMS)).cause == "wrong_type"


def test_row_29_an_operators_token_is_no_clients() -> None:
    assert forge.cause(token()) == "wrong_type"
    assert forge.cause(forge.token(claims=CLAIMS)) == "wrong_audience"
    assert forge.cause(forge.token(claims={**CLAIMS, "chat_id": CHAT, "scope": "write"})) == "wrong_audience"
    assert forge.cause(forge.token(claims={**CLAIMS, "aud": AUDIENCE})) == "missing_claim"


def test_no_token_of_an_operator_opens_a_chat() -> None:
    for pin in ({"chat_id": CHAT}, {"authorization_details": []}, {"message_thread_id": 1}, {"gen": 1}):
        assert refusal(token(**pin)).cause == "unknown_claim"


@pytest.mark.parametrize("name", sorted(set(CLAIMS) - {"nbf"}))
def test_a_claim_that_is_missing_is_missed(name: str) -> None:
    assert refusal(token(without=name)).cause == "missing_claim"


def test_nbf_may_be_left_out() -> None:
    assert verifier().verify(token(without="nbf")).name == "alice"


@pytest.mark.parametrize(
    ("claim", "value", "cause"),
    [
        ("iss", "https://other.example", "wrong_issuer"),
        ("aud", AUDIENCE, "wrong_audience"),
        ("aud", [ADMIN], "wrong_audience"),
        ("sub", "operator:alice", "bad_subject"),
        ("sub", "a" * 49, "bad_subject"),
        ("sub", "", "bad_subject"),
        ("sub", 7, "bad_subject"),
        ("jti", "", "bad_token_id"),
        ("jti", 1, "bad_token_id"),
        ("iat", True, "bad_time"),
        ("exp", float(NOW_SECONDS + 60), "malformed_claims"),
        ("exp", NOW_SECONDS, "bad_time"),
        ("exp", 10**12, "bad_time"),
        ("nbf", "now", "bad_time"),
        ("exp", NOW_SECONDS + 901, "lifetime_too_long"),
        ("nbf", NOW_SECONDS + 11, "not_yet_valid"),
        ("scope", "", "bad_scope"),
        ("scope", "read  keys", "bad_scope"),
        ("scope", "read read", "bad_scope"),
        ("scope", "read write", "bad_scope"),
        ("scope", ["read"], "bad_scope"),
        ("src_cidrs", [], "bad_addresses"),
        ("cnf", {"jkt": "x"}, "bad_confirmation"),
    ],
)
def test_a_claim_that_is_not_sound_is_refused(claim: str, value: object, cause: str) -> None:
    assert refusal(token(**{claim: value})).cause == cause


@pytest.mark.parametrize("text", ["", "a.b", "é", "x" * 4097, "a.b.c"])
def test_whatever_is_no_token_is_a_refusal(text: str) -> None:
    assert refusal(text).cause in {"malformed_token", "bad_header"}


def test_a_signature_is_checked_and_a_key_must_be_known() -> None:
    signed = token().rpartition(".")[0]
    assert refusal(f"{signed}.{forge.b64(bytes(64))}").cause == "bad_signature"
    assert refusal(token(header={**HEADER, "kid": "other"})).cause == "unknown_key"


def test_a_token_ends() -> None:
    clock = forge.Hands()
    by = verifier(clock)
    clock.turn(909)
    assert by.verify(token()).name == "alice"
    clock.turn(1)
    with pytest.raises(TokenExpired):
        by.verify(token())


def test_keys_that_are_too_old_are_not_relied_on() -> None:
    with pytest.raises(StateStale):
        verifier(is_stale=lambda: True).verify(token())


def test_an_empty_audience_is_no_audience() -> None:
    with pytest.raises(ConfigInvalid):
        verifier(audience=" ")


@pytest.mark.parametrize(
    ("claims", "at"),
    [
        ({"auth_time": NOW_SECONDS - 60, "amr": ["pwd", "otp"]}, NOW - timedelta(seconds=60)),
        ({"auth_time": NOW_SECONDS, "amr": ["hwk"]}, NOW),
        ({"auth_time": NOW_SECONDS, "amr": ["pwd"]}, None),
        ({"auth_time": NOW_SECONDS, "amr": []}, None),
    ],
)
def test_only_a_second_factor_makes_an_authentication_one(claims: dict[str, object], at: datetime | None) -> None:
    assert verifier().verify(token(**claims)).authenticated_at == at


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"auth_time": NOW_SECONDS}, "bad_confirmation"),
        ({"auth_time": NOW_SECONDS, "amr": "otp"}, "bad_confirmation"),
        ({"auth_time": NOW_SECONDS, "amr": [1]}, "bad_confirmation"),
        ({"amr": ["otp"]}, "bad_time"),
        ({"auth_time": NOW_SECONDS + 1, "amr": ["otp"]}, "bad_time"),
    ],
)
def test_an_authentication_that_is_half_said_or_to_come_is_refused(claims: dict[str, object], cause: str) -> None:
    assert refusal(token(**claims)).cause == cause


def test_a_refusal_of_what_is_signed_says_whose_it_was() -> None:
    record = refusal(token(scope="no")).record
    assert (record["client"], record["facts"]) == ("operator:alice", {"by": "operator:alice"})
    assert (record["token_id"], record["verified"], record["issuer"]) == ("0123456789abcdef", True, ISSUER)
    unsound = refusal(token(sub=1, jti=2)).record
    assert not {"facts", "token_id"} & unsound.keys()
    assert refusal(forge.token(header=HEADER, claims=b"[]")).cause == "malformed_claims"


def test_what_was_good_is_remembered_until_it_is_not() -> None:
    clock = forge.Hands()
    by = verifier(clock)
    assert not by.remembers(token())
    text = token()
    by.verify(text)
    assert by.remembers(text)
    assert not by.remembers("\ud800")
    clock.turn(3600)
    refusal(text, by)
    assert not by.remembers(text)


def test_no_more_than_some_are_remembered() -> None:
    by = verifier()
    texts = [token(jti=f"t{number}") for number in range(257)]
    for text in texts:
        by.verify(text)
    assert [by.remembers(text) for text in (texts[0], texts[1], texts[256])] == [False, True, True]


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"name": "a b"}, "name"),
        ({"rights": frozenset()}, "scope"),
        ({"ttl": timedelta(minutes=15, seconds=1)}, "ttl"),
        ({"ttl": timedelta(0)}, "ttl"),
        ({"ttl": timedelta(seconds=1.5)}, "ttl"),
        ({"address_ranges": AddressRanges.parse(["unix"])}, "address_ranges"),
        ({"certificate_thumbprint": "x"}, "certificate_thumbprint"),
    ],
)
def test_a_token_that_would_be_refused_is_not_minted(terms: dict[str, object], path: str) -> None:
    given: dict[str, object] = {"name": "alice", "rights": {AdminRight.READ}, **terms}
    with pytest.raises(RequestInvalid) as caught:
        issuer().mint(**given)  # type: ignore[arg-type]
    assert [violation[0] for violation in caught.value.violations] == [path]


def test_a_second_factor_that_was_proven_is_said() -> None:
    assert verifier().verify(issuer().mint("alice", {AdminRight.READ}).token).authenticated_at is None
    issued = issuer().mint("alice", {AdminRight.READ}, has_second_factor=True)
    assert verifier().verify(issued.token).authenticated_at == NOW


def test_a_bound_token_names_its_certificate() -> None:
    assert verifier().verify(token(cnf={THUMBPRINT: "A" * 43})).certificate_thumbprint == "A" * 43


async def test_what_is_issued_is_written_down() -> None:
    operator = verifier().verify(token())
    async with open_sqlite_in_memory() as store:
        await note_issued(store, operator, "os:root", forge.Hands())
        ((_, record),) = await store.records()
    assert (record.event, record.decision, record.token_id) == ("operator.token_issued", "allow", operator.token_id)
    assert record.facts == {
        "by": "os:root",
        "operator": "alice",
        "scope": "read keys",
        "expires_at": datetime(2026, 11, 24, 12, 15, tzinfo=UTC).isoformat(),
        "second_factor": False,
    }


def test_an_operator_has_a_key_set_like_any_other() -> None:
    empty = OperatorVerifier(KeySet([]), issuer=ISSUER, audience=ADMIN, clock=forge.Hands())
    assert refusal(token(), empty).cause == "unknown_key"


def test_a_key_that_is_gone_ends_what_it_signed() -> None:
    keys = forge.key_set()
    by = OperatorVerifier(keys, issuer=ISSUER, audience=ADMIN, clock=forge.Hands())
    operator = by.verify(token())
    by.require_key(operator)
    keys.replace([])
    with pytest.raises(Unauthenticated) as gone:
        by.require_key(operator)
    assert gone.value.cause == "revoked_key"


def test_a_key_of_callers_is_none_of_operators_under_whatever_name() -> None:
    callers, own = SigningKey.generate(), SigningKey.generate().verification_key
    renamed = VerificationKey.from_jwk({**callers.verification_key.members, "kid": "another"})
    assert require_apart([own], KeySet([callers.verification_key])) == [own]
    for key in (callers.verification_key, renamed):
        with pytest.raises(ConfigInvalid, match=f"{key.kid} signs callers' tokens too"):
            require_apart([own, key], KeySet([callers.verification_key]))
