"""A JWK set of another issuer: what is taken of it, what is passed over, and what spoils it whole. Row 49."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.access.jwk_sets import MAX_BYTES, MAX_KEYS, read_jwks
from gateway.access.keys import SigningKey
from gateway.errors import ConfigInvalid
from tests.unit.access import forge
from tests.unit.access.forge import ED_JWK, KEY, KID

JWK = dict(KEY.verification_key.members)
RSA = {**RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True), "kid": "r"}
RSA = {name: RSA[name] for name in ("kty", "n", "e", "kid")}
BOTH = ("ES256", "EdDSA")


def without(jwk: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in jwk.items() if name not in names}


def read(*jwks: object, algorithms: tuple[str, ...] = BOTH, **more: object) -> list[tuple[str, str]]:
    return [(key.kid, key.algorithm) for key in read_jwks(json.dumps({"keys": jwks, **more}).encode(), algorithms)]


def refused(data: bytes, algorithms: tuple[str, ...] = BOTH) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        read_jwks(data, algorithms)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_keys_for_tokens_are_taken() -> None:
    assert read(JWK, ED_JWK) == [(KID, "ES256"), ("ed-1", "EdDSA")]
    assert read(JWK, spiffe_sequence=7, spiffe_refresh_hint=300) == [(KID, "ES256")]


def test_keys_for_something_else_are_passed_over() -> None:
    encryption = {**without(JWK, "kid", "alg"), "use": "enc"}
    certificate = {**without(JWK, "kid", "alg"), "use": "x509-svid", "x5c": ["MIIB"]}
    other = {**RSA, "alg": "RS256", "use": "sig"}
    p_384 = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    assert read(encryption, certificate, other, {**p_384, "kid": "p", "alg": "ES384", "use": "sig"}, JWK) == [
        (KID, "ES256")
    ]


def test_a_key_without_an_algorithm_has_the_only_one_that_fits() -> None:
    svid = {**without(JWK, "alg"), "use": "jwt-svid"}
    assert read(svid) == [(KID, "ES256")]
    plain = {**RSA, "use": "sig"}
    assert read(plain, algorithms=("ES256", "PS256")) == [("r", "PS256")]
    for algorithms in (("RS256", "PS256"), ("ES256",)):
        assert "alg" in refused(json.dumps({"keys": [plain]}).encode(), algorithms)


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        ({"kty": "oct", "k": "c2VjcmV0c2VjcmV0", "kid": "s", "alg": "HS256", "use": "sig"}, "secret or private"),
        ({"kty": "oct", "kid": "s"}, "secret or private"),
        ({**ED_JWK, "d": "c2VjcmV0"}, "secret or private"),
        ({**JWK, "kid": "enc", "use": "enc", "d": "c2VjcmV0"}, "secret or private"),
        ({**ED_JWK, "kid": KID}, "same `kid`"),
        ({**RSA, "kid": KID, "alg": "RS256", "use": "sig"}, "same `kid`"),
        ({**without(JWK, "kid"), "kid": None}, "`kid`"),
        (without(ED_JWK, "kid"), "`kid`"),
        (without(ED_JWK, "use"), "`use`"),
        ({**ED_JWK, "key_ops": ["sign"]}, "`key_ops`"),
        ({**ED_JWK, "alg": None}, "alg"),
        ({**ED_JWK, "alg": ["EdDSA"]}, "alg"),
        ({**ED_JWK, "x": "AAAA"}, "no such key"),
        ({**SigningKey.generate().verification_key.members, "kid": "../x"}, "`kid`"),
    ],
)
def test_row_49_one_bad_key_spoils_the_set(spoilt: dict[str, object], complaint: str) -> None:
    text = refused(json.dumps({"keys": [JWK, spoilt]}).encode())
    assert complaint in text
    assert "c2VjcmV0" not in text


def test_row_49_b3_1c_one_name_with_two_algorithms_is_refused() -> None:
    keys = [{**RSA, "alg": "RS256", "use": "sig"}, {**RSA, "alg": "PS256", "use": "sig"}]
    for algorithms in (("RS256",), ("RS256", "PS256")):
        assert "same `kid`" in refused(json.dumps({"keys": keys}).encode(), algorithms)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[1]}',
        b'{"keys":null}',
        b'{"keys":[]}',
        b'{"keys":[],"keys":[]}',
        "{}".encode("utf-16"),
        json.dumps({"keys": [{**JWK, "use": "enc"}]}).encode(),
        json.dumps({"keys": [JWK]}).encode().ljust(MAX_BYTES + 1),
    ],
    ids=range(12),
)
def test_row_49_what_is_no_set_of_keys_or_an_empty_one_is_refused(data: bytes) -> None:
    assert "set" in refused(data)


def test_a_set_has_256_kib_and_64_keys_at_most() -> None:
    assert read_jwks(json.dumps({"keys": [JWK]}).encode().ljust(MAX_BYTES), BOTH)
    names = [{**JWK, "kid": f"k{number}"} for number in range(MAX_KEYS + 1)]
    assert len(read(*names[:-1])) == MAX_KEYS
    assert "64 keys" in refused(json.dumps({"keys": names}).encode())
    assert forge.verifier().verify(forge.token()).key_id == KID
