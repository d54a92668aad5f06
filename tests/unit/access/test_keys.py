from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.access.keys import KeySet, SigningKey, VerificationKey
from gateway.errors import ConfigInvalid
from tests.unit.access import forge
from tests.unit.access.forge import ED_JWK, KEY, KID

JWK = dict(KEY.verification_key.members)
NAMED = {"crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig"}


def pem_of(private: object, format_: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> bytes:
    return private.private_bytes(serialization.Encoding.PEM, format_, serialization.NoEncryption())  # type: ignore[attr-defined,no-any-return]


def test_the_jwks_shows_public_members_only() -> None:
    jwks = forge.key_set().jwks()
    assert [set(key) for key in jwks["keys"]] == [
        {"kty", "crv", "x", "y", "kid", "alg", "use"},
        {"kty", "crv", "x", "kid", "alg", "use"},
    ]
    assert [(key["kid"], key["alg"], key["use"]) for key in jwks["keys"]] == [
        (KID, "ES256", "sig"),
        ("ed-1", "EdDSA", "sig"),
    ]


def test_any_jwt_library_verifies_with_the_jwks() -> None:
    published = jwt.PyJWKSet.from_dict(json.loads(json.dumps(forge.key_set().jwks())))
    claims = jwt.decode(KEY.sign({"aud": "a"}), published[KID], algorithms=["ES256"], audience="a")
    assert claims == {"aud": "a"}


def test_what_is_done_to_a_jwks_is_not_done_to_the_keys() -> None:
    keys = forge.key_set()
    keys.jwks()["keys"][0]["kid"] = "changed"
    assert keys.jwks()["keys"][0]["kid"] == KID


def test_keys_are_found_by_name_and_replaced_as_a_whole() -> None:
    other = SigningKey.generate().verification_key
    keys = KeySet([KEY.verification_key])
    assert keys.find(KID) is KEY.verification_key
    assert keys.find("other") is None
    with pytest.raises(ConfigInvalid):
        keys.replace([other, other])
    assert keys.find(KID) is KEY.verification_key
    keys.replace([other])
    assert keys.find(KID) is None
    assert keys.find(other.kid) is other


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_row_49_a_private_member_is_refused(name: str) -> None:
    with pytest.raises(ConfigInvalid, match="private") as caught:
        VerificationKey.from_jwk({**JWK, name: "c2VjcmV0"})
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("kid", [None, 1, "", "a b", "a/b", "k" * 65, "é", "a\n"])
def test_a_key_has_a_name(kid: object) -> None:
    with pytest.raises(ConfigInvalid, match="kid"):
        VerificationKey.from_jwk({**JWK, "kid": kid})


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": None},
        {"use": ["sig"]},
        {"key_ops": ["sign"]},
        {"key_ops": ["verify", "sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
    ],
)
def test_a_key_for_another_use_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="use"):
        VerificationKey.from_jwk({**JWK, **changes})


@pytest.mark.parametrize("changes", [{}, {"use": "jwt-svid"}, {"key_ops": ["verify"]}])
def test_a_key_for_signatures_is_read(changes: dict[str, object]) -> None:
    assert VerificationKey.from_jwk({**JWK, **changes}).kid == KID


@pytest.mark.parametrize(
    "jwk",
    [
        {**JWK, "alg": "EdDSA"},
        {**ED_JWK, "alg": "ES256"},
        {**JWK, "crv": "P-384"},
        {**ED_JWK, "crv": "X25519"},
        {**ED_JWK, "crv": "Ed448"},
        {**JWK, "kty": "RSA"},
        {name: value for name, value in JWK.items() if name != "crv"},
        {name: value for name, value in JWK.items() if name != "kty"},
    ],
)
def test_a_key_of_another_kind_than_its_algorithm_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="fit"):
        VerificationKey.from_jwk(jwk)


@pytest.mark.parametrize(
    "jwk",
    [
        {**JWK, "x": "AAAA"},
        {**JWK, "x": ""},
        {**JWK, "x": "!!"},
        {**JWK, "x": 1},
        {**JWK, "y": JWK["x"]},
        {name: value for name, value in JWK.items() if name != "y"},
        {**ED_JWK, "x": "AAAA"},
        {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), True), **NAMED},
    ],
)
def test_a_key_that_is_not_on_its_curve_is_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="curve"):
        VerificationKey.from_jwk(jwk)


def test_a_signing_key_is_named_by_its_thumbprint() -> None:
    # RFC 7638, section 3: the required members in the order of their names, without white space.
    written = f'{{"crv":"P-256","kty":"EC","x":"{JWK["x"]}","y":"{JWK["y"]}"}}'
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(written.encode()).digest()).decode()
    assert f"chatkey-{thumbprint[:16]}" == KID


def test_a_signing_key_is_the_same_after_it_was_written() -> None:
    again = SigningKey.from_pem(KEY.to_pem())
    assert again.kid == KID
    assert forge.verifier().verify(again.sign(forge.CLAIMS)).key_id == KID


def test_a_signed_token_has_the_three_header_members() -> None:
    assert jwt.get_unverified_header(KEY.sign({})) == {"alg": "ES256", "kid": KID, "typ": "at+jwt"}


def test_two_keys_are_two() -> None:
    assert SigningKey.generate().kid != SigningKey.generate().kid


def test_no_key_shows_itself() -> None:
    assert "d=" not in repr(KEY)
    assert JWK["x"] not in repr(KEY.verification_key)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\0" * 100,
        KEY.to_pem()[:-60],
        KEY.to_pem().replace(b"PRIVATE", b"PUBLIC"),
        forge.PRIVATE.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        ),
    ],
    ids=["empty", "zeros", "cut off", "mislabelled", "encrypted"],
)
def test_what_is_no_plain_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ConfigInvalid, match="PEM"):
        SigningKey.from_pem(pem)


def test_a_key_on_a_curve_that_nobody_knows_is_refused() -> None:
    der = forge.PRIVATE.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    p_256 = bytes.fromhex("06082a8648ce3d030107")  # the curve's object identifier, RFC 5480, section 2.1.1.1
    assert p_256 in der
    unknown = base64.encodebytes(der.replace(p_256, p_256[:-1] + b"\x7f"))
    with pytest.raises(ConfigInvalid, match="PEM"):
        SigningKey.from_pem(b"-----BEGIN PRIVATE KEY-----\n" + unknown + b"-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    "private",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-384", "secp256k1", "Ed25519", "RSA"],
)
def test_a_signing_key_is_on_p_256(private: object) -> None:
    with pytest.raises(ConfigInvalid, match="P-256"):
        SigningKey.from_pem(pem_of(private))


def test_an_ed25519_jwk_is_read_as_it_is_published() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    jwk = {**OKPAlgorithm.to_jwk(public, as_dict=True), "kid": "e", "alg": "EdDSA", "use": "sig"}
    assert KeySet([VerificationKey.from_jwk(jwk)]).jwks() == {
        "keys": [{name: jwk[name] for name in ("kty", "crv", "x", "kid", "alg", "use")}]
    }


# --- RSA, for issuers that can do nothing else

RSA_PRIVATE = rsa.generate_private_key(65537, 2048)


def rsa_jwk(private: rsa.RSAPrivateKey = RSA_PRIVATE, **changes: object) -> dict[str, object]:
    jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": "r", "alg": "RS256", "use": "sig", **changes}


def number(value: int) -> str:
    return forge.b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_an_rsa_key_is_read_where_it_is_asked_for_and_nowhere_else(algorithm: str) -> None:
    jwk = rsa_jwk(alg=algorithm)
    with pytest.raises(ConfigInvalid, match="alg"):
        VerificationKey.from_jwk(jwk)
    with pytest.raises(ConfigInvalid, match="alg"):
        VerificationKey.from_jwk(jwk, ["ES256", {"RS256": "PS256", "PS256": "RS256"}[algorithm]])
    key = VerificationKey.from_jwk(jwk, [algorithm])
    assert key.members == {name: jwk[name] for name in ("kty", "n", "e", "kid", "alg", "use")}


@pytest.mark.parametrize("bits", [1024, 2047])
def test_row_49_a_short_rsa_key_is_refused(bits: int) -> None:
    short = rsa_jwk(rsa.generate_private_key(65537, bits))
    with pytest.raises(ConfigInvalid, match="2048"):
        VerificationKey.from_jwk(short, ["RS256"])


@pytest.mark.parametrize("exponent", [3, 65535, (1 << 32) + 1])
def test_row_49_an_rsa_key_with_another_exponent_than_usual_is_refused(exponent: int) -> None:
    with pytest.raises(ConfigInvalid, match="exponent"):
        VerificationKey.from_jwk(rsa_jwk(e=number(exponent)), ["RS256"])


@pytest.mark.parametrize(
    "changes", [{"e": "AQ"}, {"e": number(65538)}, {"n": ""}, {"n": "!"}, {"n": 1}, {"e": None}, {"n": number(9)}]
)
def test_what_is_no_rsa_key_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="r"):
        VerificationKey.from_jwk(rsa_jwk(**changes), ["RS256"])


@pytest.mark.parametrize("changes", [{"crv": "P-256"}, {"kty": "EC"}])
def test_an_rsa_algorithm_goes_with_an_rsa_key(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="fit"):
        VerificationKey.from_jwk(rsa_jwk(**changes), ["RS256"])


def test_row_49_an_rsa_key_that_can_be_factored_is_refused() -> None:
    # As the chip made them: its primes are powers of 65537 modulo the product of the first primes.
    primes = [p for p in range(2, 168) if all(p % factor for factor in range(2, p))]
    product = math.prod(primes)
    modulus = (1 << 2047) // product * product + pow(65537, 1234567, product) + product
    assert modulus.bit_length() == 2048
    with pytest.raises(ConfigInvalid, match="CVE-2017-15361"):
        VerificationKey.from_jwk(rsa_jwk(n=number(modulus)), ["RS256"])
    for _ in range(3):
        VerificationKey.from_jwk(rsa_jwk(rsa.generate_private_key(65537, 2048)), ["RS256"])


# --- a key that is there again


def test_a_key_that_is_there_again_is_the_same_object_unless_something_of_it_changed() -> None:
    again = SigningKey.from_pem(KEY.to_pem()).verification_key
    assert again is not KEY.verification_key
    keys = KeySet([KEY.verification_key])
    keys.replace([again])
    assert keys.find(KID) is KEY.verification_key
    tainted = dataclasses.replace(again, tainted=True)
    keys.replace([tainted])
    assert keys.find(KID) is tainted
    other = forge.named(SigningKey.generate(), KID)
    keys.replace([other])
    assert keys.find(KID) is other
