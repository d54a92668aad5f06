"""Rows of the threat model that end at the token; `row` and its number stand in each name."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID
from tests.unit.access import forge
from tests.unit.access.conftest import Count
from tests.unit.access.forge import CHAT, CLAIMS, HEADER, NOW_SECONDS, cause, verifier

ROOT = Path(__file__).parents[3]

# What the JSON after `"chat_id":` may look like; with what each is refused as.
CHAT_FORMS = {
    "0": "bad_chat",
    "-0": "bad_chat",
    "true": "bad_chat",
    "false": "bad_chat",
    "null": "bad_chat",
    '"-1001234567890"': "bad_chat",
    '"1"': "bad_chat",
    '""': "bad_chat",
    '" 1"': "bad_chat",
    '"1_000"': "bad_chat",
    '"+1"': "bad_chat",
    '"0x1"': "bad_chat",
    '"１２３"': "bad_chat",
    '"١٢٣"': "bad_chat",
    '"@channel"': "bad_chat",
    '"t.me/channel"': "bad_chat",
    '" @x"': "bad_chat",
    '"+15551234567"': "bad_chat",
    '"*"': "bad_chat",
    '"-1001234567890\\n"': "bad_chat",
    '"-1001234567890\\u0000"': "bad_chat",
    "[]": "bad_chat",
    "[1]": "bad_chat",
    "[-1001234567890]": "bad_chat",
    "[[1]]": "bad_chat",
    "{}": "bad_chat",
    '{"id":1}': "bad_chat",
    str(MAX_CHAT_ID + 1): "bad_chat",
    str(MIN_CHAT_ID - 1): "bad_chat",
    str(1 << 63): "bad_chat",
    str((1 << 64) + 1): "bad_chat",
    str((1 << 64) + CHAT): "bad_chat",
    "99999999999999999999": "bad_chat",
    "-1001234567890.0": "malformed_claims",
    "1.0": "malformed_claims",
    "1e3": "malformed_claims",
    "-1.00123456789e12": "malformed_claims",
    "-0.0": "malformed_claims",
    "NaN": "malformed_claims",
    "Infinity": "malformed_claims",
    "-Infinity": "malformed_claims",
    "1" * 21: "malformed_claims",
    "1" * 1500: "malformed_claims",
    "-01001234567890": "malformed_claims",
    "+1": "malformed_claims",
    "0x1": "malformed_claims",
    "0b1": "malformed_claims",
    "1_000": "malformed_claims",
    "１２３": "malformed_claims",
    "- 1": "malformed_claims",
    "": "malformed_claims",
    "1 2": "malformed_claims",
    "undefined": "malformed_claims",
    "'1'": "malformed_claims",
}


@pytest.mark.parametrize("form", CHAT_FORMS)
def test_row_2_row_4_a_chat_in_any_form_but_an_integer_of_a_chat_is_refused(form: str) -> None:
    assert cause(forge.spliced("chat_id", form)) == CHAT_FORMS[form]


@pytest.mark.parametrize("chat_id", [1, -1, MIN_CHAT_ID, MAX_CHAT_ID, CHAT])
def test_row_2_an_integer_of_a_chat_is_the_pin(chat_id: int) -> None:
    assert verifier().verify(forge.spliced("chat_id", str(chat_id))).sole_chat_id == chat_id


def test_row_3_a_token_without_a_chat_opens_none() -> None:
    assert cause(forge.without_claim("chat_id")) == "missing_claim"
    assert cause(forge.token(claims=b"{}")) == "missing_claim"


@pytest.mark.parametrize(
    "name",
    [
        "chat_ids",
        "Chat_id",
        "chat_id ",
        "ｃhat_id",
        "admin",
        "",
        "act",
        "crit",
        "status",
        "acr",
        "permissions",
        "scp",
        "scopes",
    ],
)
def test_a_claim_that_is_not_known_is_refused(name: str) -> None:
    assert cause(forge.with_claims(**{name: CHAT})) == "unknown_claim"


@pytest.mark.parametrize("jti", ["", " ", "a b", "a\n", "a/b", "é", "a" * 65, None, 1, True, [], ["a"], {}])
def test_a_token_id_that_is_no_name_is_refused(jti: object) -> None:
    assert cause(forge.with_claims(jti=jti)) == "bad_token_id"


@pytest.mark.parametrize("jti", ["a", "a" * 64, "01JD-x_y.z:9"])
def test_a_token_id_may_be_any_usual_name(jti: str) -> None:
    assert verifier().verify(forge.with_claims(jti=jti)).token_id == jti


# What a token may carry to make a verifier open, connect or run something; read by a process that watches itself.
WATCHED = """
import sys
from datetime import datetime
from gateway.access.keys import KeySet, VerificationKey
from gateway.access.tokens import Verifier
from gateway.errors import Unauthenticated
import json

job = json.load(sys.stdin)

class Then:
    def now(self):
        return datetime.fromisoformat(job["now"])

keys = KeySet([VerificationKey.from_jwk(job["jwk"])])
verifier = Verifier(keys, issuer=job["iss"], audience=job["aud"], clock=Then())
verifier.verify(job["good"].pop())  # loads what the libraries load late
events = []
WATCH = ("open", "os.", "socket.", "subprocess.", "sqlite3.", "ctypes.", "shutil.", "urllib.", "import", "exec")
sys.addaudithook(lambda event, arguments: events.append(event) if event.startswith(WATCH) else None)
accepted = refused = 0
for token in job["good"] + job["bad"]:
    try:
        verifier.verify(token)
        accepted += 1
    except Unauthenticated:
        refused += 1
seen = list(events)
open("/dev/null").close()
assert "open" in events
print(json.dumps([accepted, refused, seen]))
"""


def test_row_20_row_21_nothing_is_opened_connected_or_run_for_a_token() -> None:
    places = [
        "../../dev/null",
        "/etc/passwd",
        "' OR 1=1--",
        "|sleep 10",
        "http://127.0.0.1:9/",
        "file:///etc/passwd",
        "x\0y",
    ]
    bad = [
        forge.with_header(**{name: place})
        for name in ("kid", "jku", "x5u", "jwk", "x5c", "typ", "alg")
        for place in places
    ]
    bad += [forge.with_claims(**{name: place}) for name in ("iss", "jti", "jku") for place in places]
    bad += [forge.with_header(kid="unknown"), forge.token() + "=", forge.token()[:-4] + "AAAA"]
    job = {
        "jwk": dict(forge.KEY.verification_key.members),
        "now": forge.NOW.isoformat(),
        "iss": forge.ISSUER,
        "aud": forge.AUDIENCE,
        "good": [forge.token(), forge.with_claims(jti="second")],
        "bad": bad,
    }
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], input=json.dumps(job), capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [1, len(bad), []]


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
        {"b64": 0},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A128GCM"},
        {"epk": {}},
        {"p2c": 1},
        {"apu": ""},
        {"apv": ""},
        {"": 1},
        {"Alg": "none"},
    ],
)
def test_row_22_a_header_has_three_members_and_no_other(extra: dict[str, object]) -> None:
    assert cause(forge.with_header(**extra)) == "bad_header"


@pytest.mark.parametrize(
    "again", ['"alg":"none"', '"alg":"ES256"', '"\\u0061lg":"ES256"', '"k\\u0069d":"x"', '"typ":"JWT"']
)
def test_row_22_a_header_member_twice_is_refused(again: str) -> None:
    written = json.dumps(HEADER)
    assert cause(forge.token(header=f"{written[:-1]}, {again}}}".encode())) == "bad_header"
    assert cause(forge.token(header=f"{{{again}, {written[1:]}".encode())) == "bad_header"


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"null", b'"ES256"', b"1", b"\xff", b"{}x", b"{}"])
def test_row_22_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    assert cause(forge.token(header=header)) == ("malformed_token" if header == b"" else "bad_header")


def test_row_22_a_header_has_512_bytes_at_most() -> None:
    written = json.dumps(HEADER)
    assert verifier().verify(forge.token(header=written.ljust(512).encode())).sole_chat_id == CHAT
    assert cause(forge.token(header=written.ljust(513).encode())) == "bad_header"


@pytest.mark.parametrize(
    "name", ["chat_id", "chat\\u005fid", "\\u0063hat_id", "\\u0063\\u0068\\u0061\\u0074\\u005F\\u0069\\u0064"]
)
@pytest.mark.parametrize("value", [str(CHAT), "1"])
def test_row_24_a_chat_named_twice_is_refused_however_it_is_escaped(name: str, value: str) -> None:
    written = json.dumps(CLAIMS)
    assert cause(forge.token(claims=f'{written[:-1]}, "{name}": {value}}}'.encode())) == "malformed_claims"
    assert cause(forge.token(claims=f'{{"{name}": {value}, {written[1:]}'.encode())) == "malformed_claims"


def test_row_24_one_escaped_name_is_that_name() -> None:
    others = json.dumps({name: value for name, value in CLAIMS.items() if name != "chat_id"})
    text = forge.token(claims=f'{others[:-1]}, "chat\\u005fid": {CHAT}}}'.encode())
    assert verifier().verify(text).sole_chat_id == CHAT


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("form", ["1795521600.0", "1e10", "1e30", "NaN", "Infinity", "1" + "0" * 2000, "9" * 21])
def test_row_25_an_instant_that_is_no_integer_is_refused(name: str, form: str) -> None:
    assert cause(forge.spliced(name, form)) == "malformed_claims"


@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize(
    "form",
    [
        "-1",
        "253402300800",
        "9" * 20,
        "null",
        "true",
        "false",
        "[]",
        "[1]",
        "{}",
        '""',
        '"1795525200"',
        '"٩٩٩٩٩٩٩٩٩٩"',
        '"9_999_999_999"',
        '" 9999999999\\n"',
    ],
)
def test_row_25_an_instant_of_another_kind_or_out_of_range_is_refused(name: str, form: str) -> None:
    assert cause(forge.spliced(name, form)) == "bad_time"


@pytest.mark.parametrize("length", [0, -1, -3600])
def test_row_25_a_token_ends_after_it_begins(length: int) -> None:
    assert cause(forge.with_claims(exp=NOW_SECONDS + length)) == "bad_time"


def test_row_25_the_last_second_that_can_be_said_is_no_error() -> None:
    last = 253_402_300_799
    assert cause(forge.with_claims(exp=last)) == "lifetime_too_long"
    assert cause(forge.with_claims(iat=last - 1, nbf=last, exp=last)) == "not_yet_valid"


def test_row_30_a_token_for_ten_years_is_refused() -> None:
    assert verifier().verify(forge.with_claims(exp=NOW_SECONDS + 86400)).sole_chat_id == CHAT
    assert cause(forge.with_claims(exp=NOW_SECONDS + 86401)) == "lifetime_too_long"
    assert cause(forge.with_claims(exp=NOW_SECONDS + 10 * 365 * 86400)) == "lifetime_too_long"


def test_row_26_a_text_of_a_megabyte_is_not_even_read(signature_checks: Count, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[object] = []
    monkeypatch.setattr(hashlib, "sha256", hashed.append)
    for text in (
        "A" * 1_000_000,
        "A." * 500_000,
        "." * 1_000_000,
        forge.with_claims(x="y" * 1_000_000),
        "é" * 1_000_000,
    ):
        assert cause(text) == "malformed_token"
    assert signature_checks.value == 0
    assert not hashed


@pytest.mark.parametrize("opener", ["[", '{"a":', '[{"a":['])
def test_row_26_deep_nesting_is_refused(opener: str) -> None:
    deep = opener * (2500 // len(opener))
    assert cause(forge.token(claims=deep.encode())) == "malformed_claims"
    assert cause(forge.spliced("chat_id", deep)) == "malformed_claims"
    assert cause(forge.token(header=(opener * (500 // len(opener))).encode())) == "bad_header"


def test_row_26_a_number_of_thousands_of_digits_is_refused() -> None:
    for name in ("exp", "chat_id", "x"):
        assert cause(forge.spliced(name, "9" * 2500)) == "malformed_claims"


def test_row_26_a_payload_that_can_not_be_read_costs_no_signature_check(signature_checks: Count) -> None:
    text = forge.token(claims=b"[" * 2000)
    assert cause(text[:-4] + "AAAA") == "malformed_claims"
    assert signature_checks.value == 0
