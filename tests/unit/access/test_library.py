"""What PyJWT does below our layer, pinned: row 55. Where it changes, read the changelog before moving the pin.

Each shows a text that PyJWT takes, or takes no more, and that the verifier refuses either way.
"""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from jwt.api_jws import PyJWS

from gateway.access.keys import KeySet, VerificationKey
from gateway.model import Grant, Permission
from tests.unit.access import forge
from tests.unit.access.forge import CHAT, CLAIMS, HEADER, KEY, KID, cause


def payload_by_pyjwt(text: str) -> Any:
    return json.loads(PyJWS(algorithms=["ES256"]).decode(text, KEY.verification_key.public, algorithms=["ES256"]))


def claims_by_pyjwt(text: str) -> Any:
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    return jwt.decode(
        text,
        KEY.verification_key.public,
        algorithms=["ES256"],
        audience=forge.AUDIENCE,
        options=options,  # type: ignore[arg-type]
    )


def test_row_55_row_23_pyjwt_takes_padding() -> None:
    # The signature's 86 characters need two.
    assert payload_by_pyjwt(forge.token() + "==") == CLAIMS
    assert cause(forge.token() + "==") == "malformed_token"


@pytest.mark.parametrize(
    "claims",
    [
        b'{"aud":"tg-gateway/test","chat_id":1,"chat_id":2}',
        b'{"aud":"tg-gateway/test","chat_id":1,"chat\\u005fid":2}',
        json.dumps({"aud": "tg-gateway/test", "chat_id": 2}).encode("utf-16"),
        json.dumps({"aud": "tg-gateway/test", "chat_id": 2}).encode("utf-32"),
        b'{"aud":"tg-gateway/test","chat_id":2.0}',
        b'{"aud":["other","tg-gateway/test"],"chat_id":2}',
    ],
)
def test_row_55_row_24_pyjwt_takes_claims_with_two_meanings(claims: bytes) -> None:
    assert claims_by_pyjwt(forge.token(claims=claims))["chat_id"] == 2
    assert cause(forge.token(claims=claims)) in {"malformed_claims", "missing_claim"}


@pytest.mark.parametrize("exp", ["1e30", '"9_999_999_999"', '" 9999999999\\n"', '"٩٩٩٩٩٩٩٩٩٩"', "true"])
def test_row_55_row_25_pyjwt_takes_an_end_that_is_no_integer(exp: str) -> None:
    text = forge.spliced("exp", exp)
    options = {"verify_iat": False, "verify_nbf": False, "verify_exp": exp != "true"}
    jwt.decode(text, KEY.verification_key.public, algorithms=["ES256"], audience=forge.AUDIENCE, options=options)  # type: ignore[arg-type]
    assert cause(text) in {"malformed_claims", "bad_time"}


@pytest.mark.parametrize(
    "extra", [{"jku": "https://evil.example"}, {"jwk": {}}, {"zip": "DEF"}, {"typ": "id_token+jwt"}]
)
def test_row_55_row_22_pyjwt_passes_over_what_it_does_not_know(extra: dict[str, object]) -> None:
    assert payload_by_pyjwt(forge.with_header(**extra)) == CLAIMS
    assert cause(forge.with_header(**extra)) in {"bad_header", "wrong_type"}


@pytest.mark.parametrize("algorithm", [["ES256"], {}, 1])
def test_row_55_row_18_pyjwt_is_not_safe_from_every_algorithm(algorithm: object) -> None:
    with pytest.raises((jwt.PyJWTError, TypeError)):
        payload_by_pyjwt(forge.with_header(alg=algorithm))
    assert cause(forge.with_header(alg=algorithm)) == "bad_header"


@pytest.mark.parametrize("changes", [{"kid": KID}, {"use": "enc"}, {"key_ops": ["sign"]}])
def test_row_55_row_49_pyjwt_loads_keys_for_any_use_and_twice(changes: dict[str, Any]) -> None:
    jwk = {**KEY.verification_key.members, **changes}
    assert len(jwt.PyJWKSet.from_dict({"keys": [jwk, jwk]}).keys) == 2


def test_row_55_an_error_of_the_library_is_a_refusal() -> None:
    good = VerificationKey.from_jwk(KEY.verification_key.members)
    good.public.key = object()
    assert cause(forge.token(), forge.verifier(keys=KeySet([good]))) == "bad_signature"


def test_row_55_the_library_signs_what_it_is_told() -> None:
    text = KEY.sign({**CLAIMS, "scope": "moderate"})
    assert jwt.get_unverified_header(text) == HEADER
    caller = forge.verifier().verify(text)
    assert caller.grants == (Grant(chat_id=CHAT, permissions=frozenset({Permission.MODERATE})),)
