"""Tokens that nobody thought of: none is accepted that does not say, in one way, what a good one says."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.access.causes import CAUSES
from gateway.access.tokens import Verifier
from gateway.errors import Unauthenticated
from gateway.model import Caller
from tests.unit.access import forge
from tests.unit.access.forge import CLAIMS, HEADER

GOOD = forge.token()
GUARD = forge.verifier()
ACCEPTED = GUARD.verify(GOOD)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def outcome(text: str, guard: Verifier = GUARD) -> Caller | None:
    """The caller, or None for a proper refusal; any other exception escapes and fails the test."""
    try:
        return guard.verify(text)
    except Unauthenticated as error:
        return None if error.cause in CAUSES else pytest.fail(error.cause)


@given(st.text())
@example("..")
@example("\ud800")
def test_no_text_is_a_token(text: str) -> None:
    assert outcome(text) is None


@given(st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_no_text_in_the_form_of_a_token_is_one(text: str) -> None:
    assert outcome(text) is None


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x2FF))
def test_a_token_with_a_character_changed_is_refused(position: int, character: str) -> None:
    assume(GOOD[position] != character)
    assert outcome(GOOD[:position] + character + GOOD[position + 1 :]) is None


@given(st.integers(0, len(GOOD)), st.text(min_size=1, max_size=8))
def test_a_token_with_something_put_in_is_refused(position: int, text: str) -> None:
    assert outcome(GOOD[:position] + text + GOOD[position:]) is None


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 40))
def test_a_token_with_something_cut_out_is_refused(position: int, length: int) -> None:
    assert outcome(GOOD[:position] + GOOD[position + length :]) is None


@given(st.integers(0, 2), st.integers(0, 10_000), st.integers(1, 255))
def test_a_token_with_bits_flipped_is_refused(segment: int, position: int, bits: int) -> None:
    parts = [bytearray(forge.unb64(part)) for part in GOOD.split(".")]
    parts[segment][position % len(parts[segment])] ^= bits
    assert outcome(".".join(forge.b64(bytes(part)) for part in parts)) is None


@given(st.permutations(GOOD.split(".") * 2), st.integers(1, 6))
def test_the_segments_in_another_order_or_number_are_refused(segments: list[str], count: int) -> None:
    text = ".".join(segments[:count])
    assume(text != GOOD)
    assert outcome(text) is None


@given(st.binary(max_size=200))
def test_no_signed_header_but_the_three_members_is_accepted(header: bytes) -> None:
    assert outcome(forge.token(header=header)) is None


@given(st.binary(max_size=400))
def test_no_signed_bytes_are_claims(claims: bytes) -> None:
    assert outcome(forge.token(claims=claims)) is None


@given(st.sampled_from(sorted(HEADER)), anything)
def test_a_header_member_with_another_value_is_refused(name: str, value: object) -> None:
    assume(value != HEADER[name] and (name, value) != ("typ", "JWT"))
    assert outcome(forge.with_header(**{name: value})) is None


@given(st.sampled_from(["iss", "aud", "iat", "nbf", "exp", "jti", "sub", "chat_id", "scope"]), anything)
def test_a_claim_with_another_value_is_refused_or_is_what_the_caller_gets(name: str, value: object) -> None:
    caller = outcome(forge.with_claims(**{name: value}))
    if caller is None:
        return
    got: dict[str, object] = {
        "iss": caller.issuer,
        "sub": caller.client,
        "iat": int(caller.issued_at.timestamp()),
        "exp": int(caller.expires_at.timestamp()),
        "jti": caller.token_id,
        "chat_id": caller.sole_chat_id,
    }
    if name in got:
        assert type(value) is type(got[name])
        assert value == got[name]
    elif name == "aud":
        assert value in (forge.AUDIENCE, [forge.AUDIENCE])
    elif name == "nbf":
        assert type(value) is int
        assert value <= forge.NOW_SECONDS + 10
    else:
        assert {permission.value for permission in caller.grants[0].permissions} <= set(str(value).split(" "))


@given(st.text(max_size=20), anything)
def test_one_more_claim_or_header_member_is_refused(name: str, value: object) -> None:
    assume(name not in CLAIMS and name not in HEADER)
    assert outcome(forge.with_claims(**{name: value})) is None
    assert outcome(forge.with_header(**{name: value})) is None


def escaped(name: str, mask: int) -> str:
    """A name with some of its characters written as `\\uXXXX`."""
    return "".join(f"\\u{ord(char):04x}" if mask >> index & 1 else char for index, char in enumerate(name))


@given(st.sampled_from(sorted(CLAIMS)), st.integers(0, 255), st.sampled_from(sorted(CLAIMS)), st.booleans())
def test_a_claim_twice_is_refused_however_its_name_is_written(name: str, mask: int, source: str, first: bool) -> None:
    again = f'"{escaped(name, mask)}": {json.dumps(CLAIMS[source])}'
    written = json.dumps(CLAIMS)
    claims = f"{{{again}, {written[1:]}" if first else f"{written[:-1]}, {again}}}"
    assert outcome(forge.token(claims=claims.encode())) is None


@given(st.sampled_from(sorted(HEADER)), st.integers(0, 7), st.text(max_size=8))
def test_a_header_member_twice_is_refused_however_its_name_is_written(name: str, mask: int, value: str) -> None:
    header = f'{json.dumps(HEADER)[:-1]}, "{escaped(name, mask)}": {json.dumps(value)}}}'
    assert outcome(forge.token(header=header.encode())) is None


@given(st.integers(0, 250), st.sampled_from(" \t\r\n"))
def test_white_space_between_claims_changes_nothing(count: int, space: str) -> None:
    claims = json.dumps(CLAIMS, separators=("," + space * count, ":")).encode()
    assert outcome(forge.token(claims=claims)) == ACCEPTED


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@given(part=st.sampled_from(["header", "claims"]), ascii_only=st.booleans())
def test_no_token_in_another_encoding_is_accepted(encoding: str, part: str, ascii_only: bool) -> None:
    source = HEADER if part == "header" else {**CLAIMS, "scope": "write read"}
    written = json.dumps(source, ensure_ascii=ascii_only).encode(encoding)
    text = forge.token(header=written) if part == "header" else forge.token(claims=written)
    assert outcome(text) is None


def test_a_good_token_is_still_good_after_all_that() -> None:
    assert outcome(GOOD) is ACCEPTED
