"""What the verifier accepts, what it remembers, and how its refusals are recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.access.keys import KeySet, SigningKey
from gateway.access.tokens import Verifier
from gateway.errors import ConfigInvalid, TokenExpired
from gateway.model import Caller, Grant, Permission
from tests.unit.access import forge
from tests.unit.access.conftest import Count
from tests.unit.access.forge import CHAT, CLAIMS, ED_KID, HEADER, KEY, KID, NOW_SECONDS, Hands, cause, refusal, verifier


def test_a_good_token_tells_who_calls() -> None:
    assert verifier().verify(forge.token()) == Caller(
        client="svc:billing",
        token_id="0123456789abcdef",
        key_id=KID,
        issuer=forge.ISSUER,
        grants=(Grant(chat_id=CHAT, permissions=frozenset({Permission.WRITE, Permission.READ})),),
        issued_at=datetime.fromtimestamp(NOW_SECONDS, UTC),
        expires_at=datetime.fromtimestamp(NOW_SECONDS + 3600, UTC),
    )


def test_only_a_token_that_was_good_is_remembered() -> None:
    door, good, bad = verifier(), forge.token(), forge.token()[:-4] + "AAAA"
    assert not door.remembers(good)
    door.verify(good)
    refusal(bad)
    assert (door.remembers(good), door.remembers(bad), door.remembers("\udcff")) == (True, False, False)


def test_three_lines_of_a_jwt_library_make_a_good_token() -> None:
    claims = {name: CLAIMS[name] for name in ("iss", "sub", "aud", "iat", "exp", "jti", "chat_id")}
    text = jwt.encode(claims, forge.PRIVATE, algorithm="ES256", headers={"kid": KID})
    assert verifier().verify(text).grants[0].permissions == {Permission.WRITE}


def test_an_eddsa_key_signs_tokens_too() -> None:
    text = forge.signed_with_ed({"alg": "EdDSA", "kid": ED_KID, "typ": "JWT"})
    assert verifier().verify(text).key_id == ED_KID


def test_the_audience_may_stand_alone_in_a_list() -> None:
    assert verifier().verify(forge.with_claims(aud=[forge.AUDIENCE])).sole_chat_id == CHAT


def of_length(length: int) -> str:
    """A good token of so many characters: white space in its two texts adds no meaning."""
    for spaces in range(3):
        header = json.dumps(HEADER).encode() + b" " * spaces
        room = length - len(forge.encoded(header)) - len("..") - 86
        text = forge.token(header, json.dumps(CLAIMS).ljust(room * 3 // 4).encode())
        if len(text) == length:
            return text
    raise AssertionError(length)


def test_a_token_may_have_4096_characters_and_no_more() -> None:
    assert verifier().verify(of_length(4096)).sole_chat_id == CHAT
    assert cause(of_length(4097)) == "malformed_token"


@pytest.mark.parametrize(
    ("scope", "permissions"),
    [
        ("write", {Permission.WRITE}),
        ("read", {Permission.READ}),
        ("moderate read write", {Permission.WRITE, Permission.READ, Permission.MODERATE}),
        ("openid write", {Permission.WRITE}),
        ("Write READ writes", set()),
        ("read!", set()),
    ],
)
def test_a_scope_gives_what_it_names_and_an_unknown_word_gives_nothing(
    scope: str, permissions: set[Permission]
) -> None:
    assert verifier().verify(forge.with_claims(scope=scope)).grants[0].permissions == permissions


@pytest.mark.parametrize(
    "scope",
    [
        "",
        " ",
        " write",
        "write ",
        "write  read",
        "write\tread",
        "write,\u00e9",
        '"write"',
        "!audit",
        "write !x",
        None,
        1,
        True,
        [],
        ["write"],
    ],
)
def test_a_scope_that_is_malformed_or_must_be_understood_is_refused(scope: object) -> None:
    assert cause(forge.with_claims(scope=scope)) == "bad_scope"


# --- time


def test_a_token_lives_until_its_end_and_the_skew() -> None:
    clock = Hands()
    guard = verifier(clock=clock)
    text = forge.token()
    clock.turn(3609.9)
    assert guard.verify(text).sole_chat_id == CHAT
    clock.turn(0.1)
    assert cause(text, guard) == "token_expired"
    assert cause(text, verifier(clock=clock)) == "token_expired"


def test_a_token_is_good_from_its_beginning_less_the_skew() -> None:
    clock = Hands()
    text = forge.with_claims(nbf=NOW_SECONDS + 20)
    guard = verifier(clock=clock)
    assert cause(text, guard) == "not_yet_valid"
    clock.turn(9.9)
    assert cause(text, guard) == "not_yet_valid"
    clock.turn(0.1)
    assert guard.verify(text).sole_chat_id == CHAT


def test_a_token_from_the_future_is_refused_whatever_its_nbf() -> None:
    assert cause(forge.with_claims(iat=NOW_SECONDS + 11, exp=NOW_SECONDS + 60)) == "not_yet_valid"
    assert verifier().verify(forge.with_claims(iat=NOW_SECONDS + 10, exp=NOW_SECONDS + 60)).sole_chat_id == CHAT


def test_a_remembered_token_is_refused_when_the_clock_steps_back() -> None:
    clock = Hands()
    guard = verifier(clock=clock)
    text = forge.token()
    guard.verify(text)
    clock.turn(-11)
    assert cause(text, guard) == "not_yet_valid"
    clock.turn(11)
    assert guard.verify(text).sole_chat_id == CHAT


def test_the_skew_can_be_set_to_nothing() -> None:
    clock = Hands()
    guard = verifier(clock=clock, skew=timedelta())
    clock.turn(3599)
    assert guard.verify(forge.token()).sole_chat_id == CHAT
    clock.turn(1)
    assert cause(forge.token(), guard) == "token_expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"chat_id": 0},
        {"sub": ""},
        {"jti": ""},
        {"scope": ""},
        {"x": 1},
        {"cnf": {}},
    ],
)
def test_only_an_otherwise_good_token_is_said_to_have_expired(changes: dict[str, object]) -> None:
    long_ago = {"iat": NOW_SECONDS - 7200, "nbf": NOW_SECONDS - 7200, "exp": NOW_SECONDS - 3600}
    assert cause(forge.with_claims(**long_ago)) == "token_expired"
    assert cause(forge.with_claims(**long_ago, **changes)) != "token_expired"


def test_an_expired_token_with_a_bad_signature_is_not_said_to_have_expired() -> None:
    signing_input, _, _ = forge.with_claims(exp=NOW_SECONDS - 3600, iat=NOW_SECONDS - 7200).rpartition(".")
    assert cause(f"{signing_input}.{forge.b64(bytes(64))}") == "bad_signature"


# --- memory


def test_a_token_is_verified_once_while_it_is_remembered(signature_checks: Count) -> None:
    guard = verifier()
    text = forge.token()
    assert guard.verify(text) is guard.verify(text)
    assert signature_checks.value == 1


def test_row_27_a_flood_of_bad_signatures_costs_one_check_each_and_pushes_nobody_out(signature_checks: Count) -> None:
    guard = verifier(remembered=2)
    text = forge.token()
    guard.verify(text)
    signing_input = text.rpartition(".")[0]
    for number in range(1, 51):
        assert cause(f"{signing_input}.{forge.b64(number.to_bytes(64, 'big'))}", guard) == "bad_signature"
    assert signature_checks.value == 51
    guard.verify(text)
    assert signature_checks.value == 51


def test_row_27_what_no_key_can_have_signed_costs_no_check(signature_checks: Count) -> None:
    for text in (
        forge.with_header(kid="stranger"),
        forge.with_header(alg="HS256"),
        forge.with_header(typ="id_token+jwt"),
        forge.with_header(jku="https://evil.example"),
        forge.token(header=b"[]"),
        forge.token() + "=",
        "x" * 4097,
        "a.b",
        "",
    ):
        cause(text)
    assert signature_checks.value == 0


def test_the_token_used_longest_ago_is_forgotten_first(signature_checks: Count) -> None:
    guard = verifier(remembered=2)
    first, second, third = (forge.with_claims(jti=f"t{number}") for number in range(3))
    for text in (first, second, first, third):
        guard.verify(text)
    assert signature_checks.value == 3
    guard.verify(first)
    assert signature_checks.value == 3
    guard.verify(second)
    assert signature_checks.value == 4


def test_a_remembered_token_is_refused_as_soon_as_its_key_is_not_trusted() -> None:
    keys = forge.key_set()
    guard = verifier(keys=keys)
    text = forge.token()
    guard.verify(text)
    keys.replace([])
    assert cause(text, guard) == "unknown_key"


def test_a_remembered_token_is_verified_again_when_another_key_has_the_name(signature_checks: Count) -> None:
    keys = forge.key_set()
    guard = verifier(keys=keys)
    text = forge.token()
    guard.verify(text)
    keys.replace([forge.named(SigningKey.generate(), KID)])
    assert cause(text, guard) == "bad_signature"
    keys.replace([KEY.verification_key])
    guard.verify(text)
    assert signature_checks.value == 3


def test_keys_that_are_read_again_and_are_the_same_cost_no_check(signature_checks: Count) -> None:
    keys = forge.key_set()
    guard = verifier(keys=keys)
    text = forge.token()
    guard.verify(text)
    keys.replace([SigningKey(forge.PRIVATE).verification_key])
    guard.verify(text)
    assert signature_checks.value == 1


def test_a_tainted_key_still_verifies_and_each_of_its_tokens_is_told_once() -> None:
    keys = forge.key_set()
    told: list[Caller] = []
    guard = verifier(keys=keys, on_tainted_key=told.append)
    text = forge.token()
    guard.verify(text)
    keys.replace([replace(KEY.verification_key, tainted=True)])
    assert not told
    assert guard.verify(text) is guard.verify(text)
    assert [caller.token_id for caller in told] == ["0123456789abcdef"]
    assert verifier(keys=keys).verify(text) == told[0]


def test_an_expired_token_is_not_remembered(signature_checks: Count) -> None:
    clock = Hands()
    guard = verifier(clock=clock)
    text = forge.token()
    guard.verify(text)
    clock.turn(4000)
    for _ in range(3):
        assert cause(text, guard) == "token_expired"
    assert signature_checks.value == 3


def test_no_token_lies_in_the_memory_of_the_verifier() -> None:
    guard = verifier()
    text = forge.token()
    assert guard.verify(text).token_id in repr(vars(guard))
    assert text.rpartition(".")[2] not in repr(vars(guard))


# --- what is recorded


def test_before_the_signature_holds_nothing_in_a_record_is_verified() -> None:
    assert refusal("").record == {"verified": False}
    assert refusal(forge.with_header(typ="x")).record == {"verified": False}
    assert refusal(forge.with_header(kid="stranger")).record == {"verified": False, "key_id": "stranger"}
    assert refusal(forge.with_header(alg="EdDSA")).record == {"verified": False, "key_id": KID}
    bad = forge.token(private=ec.generate_private_key(ec.SECP256R1()))
    assert refusal(bad).record == {"verified": False, "key_id": KID}


def test_a_token_of_nobody_we_trust_is_recorded_as_what_it_says_and_unverified() -> None:
    assert refusal(forge.with_claims(iss="https://other.example")).record == {
        "verified": False,
        "client": "svc:billing",
        "token_id": "0123456789abcdef",
        "chat_id": CHAT,
    }
    assert refusal(forge.token(claims=b"[]")).record == {"verified": False}


def test_after_the_signature_holds_the_well_formed_claims_are_recorded() -> None:
    known = {"verified": True, "key_id": KID, "issuer": forge.ISSUER}
    assert refusal(forge.with_claims(aud="other")).record == {
        **known,
        "client": "svc:billing",
        "token_id": "0123456789abcdef",
        "chat_id": CHAT,
    }
    assert refusal(forge.with_claims(sub="a\nb", jti=7, chat_id="1")).record == known


@pytest.mark.parametrize("changes", [{"nbf": NOW_SECONDS + 60}, {"iat": NOW_SECONDS - 600, "exp": NOW_SECONDS - 60}])
def test_a_token_out_of_its_time_is_recorded_whole(changes: dict[str, object]) -> None:
    assert refusal(forge.with_claims(**changes)).record == {
        "verified": True,
        "client": "svc:billing",
        "token_id": "0123456789abcdef",
        "key_id": KID,
        "issuer": forge.ISSUER,
        "chat_id": CHAT,
    }


def test_an_expired_token_is_told_apart_by_its_class() -> None:
    with pytest.raises(TokenExpired):
        verifier(clock=Hands(forge.NOW + timedelta(days=1))).verify(forge.token())


# --- construction


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": ""},
        {"issuer": " "},
        {"audience": ""},
        {"audience": "\t"},
        {"max_lifetime": timedelta()},
        {"max_lifetime": timedelta(days=32, seconds=1)},
        {"skew": timedelta(seconds=-1)},
        {"skew": timedelta(seconds=61)},
        {"remembered": 0},
    ],
)
def test_a_verifier_that_would_trust_too_much_can_not_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        verifier(**changes)
    assert "\n" not in str(caught.value)


def test_the_limits_can_be_set_to_their_ends() -> None:
    guard = verifier(max_lifetime=timedelta(days=32), skew=timedelta(seconds=60), remembered=1)
    assert guard.verify(forge.with_claims(exp=NOW_SECONDS + 32 * 86400)).sole_chat_id == CHAT


def test_a_verifier_without_keys_refuses_all() -> None:
    guard = Verifier(KeySet([]), issuer=forge.ISSUER, audience=forge.AUDIENCE, clock=Hands())
    assert cause(forge.token(), guard) == "unknown_key"
    assert HEADER["kid"] == KEY.kid
