"""The rules of RFC 8725 and its successor (draft-ietf-oauth-rfc8725bis), each by its number.

Here there is one issuer, and its keys are its own. What is said of several is in `test_issuers.py`: the algorithms of
each (3.1d, 3.2), the key of one under the name of another in one verifier (3.8a). Where a JWKS URL may point (3.10c) is
in `tests/unit/jwks`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.access.issue import Issuer
from gateway.access.keys import KeySet, SigningKey, VerificationKey
from gateway.access.tokens import Verifier
from gateway.errors import ConfigInvalid, Unauthenticated
from tests.unit.access import forge
from tests.unit.access.conftest import Count
from tests.unit.access.forge import AUDIENCE, CHAT, CLAIMS, ED_KID, HEADER, ISSUER, KEY, KID, cause, verifier

# The order of P-256, https://www.secg.org/sec2-v2.pdf, section 2.4.2.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
NAMES = [
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "hs256",
    "HS256",
    "ＨS256",
    "ES256K",
    "HS512",
    "RS256",
    "PS256",
    "ES384",
    "es256",
    "ES256 ",
]


def resigned(text: str, signature: bytes) -> str:
    return f"{text.rpartition('.')[0]}.{forge.b64(signature)}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("signature", [None, b"\0"])
def test_b3_1a_row_18_an_algorithm_that_is_not_the_keys_is_refused(name: str, signature: bytes | None) -> None:
    text = forge.with_header(alg=name)
    assert cause(text if signature is None else resigned(text, signature)) == "wrong_algorithm"


@pytest.mark.parametrize("name", [None, [], {}, 1, True, ["ES256"], ["ES256", "none"], {"ES256": 1}])
def test_b3_1a_row_18_an_algorithm_that_is_no_text_is_refused(name: object) -> None:
    assert cause(forge.with_header(alg=name)) == "bad_header"


def test_b3_1a_row_18_a_token_without_signature_is_refused() -> None:
    header, claims, _ = forge.with_header(alg="none").split(".")
    assert cause(f"{header}.{claims}.") == "malformed_token"
    assert cause(f"{header}.{claims}") == "malformed_token"


def spellings_of_the_public_key() -> dict[str, bytes]:
    public = forge.PRIVATE.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = dict(KEY.verification_key.members)
    return {
        "pem": pem,
        "pem without its last newline": pem.rstrip(),
        "pem with crlf": pem.replace(b"\n", b"\r\n"),
        "pem with bom": b"\xef\xbb\xbf" + pem,
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "point": public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        "jwk": json.dumps(jwk).encode(),
        "jwks": json.dumps(KeySet([KEY.verification_key]).jwks()).encode(),
        "ssh": public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        "blank": b"",
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "ES256"])
@pytest.mark.parametrize("kid", [KID, ED_KID], ids=["ec", "ed"])
@pytest.mark.parametrize("spelling", spellings_of_the_public_key())
def test_b3_1b_row_19_a_public_key_is_no_secret(algorithm: str, kid: str, spelling: str) -> None:
    text = forge.with_header(alg=algorithm, kid=kid)
    secret = spellings_of_the_public_key()[spelling]
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(algorithm, "sha256")
    forged = resigned(text, hmac.new(secret, text.rpartition(".")[0].encode(), digest).digest())
    expected = "bad_signature" if (algorithm, kid) == ("ES256", KID) else "wrong_algorithm"
    assert cause(forged) == expected


def test_b3_1b_an_algorithm_goes_with_the_key_that_kid_names(signature_checks: Count) -> None:
    assert cause(forge.with_header(kid=ED_KID)) == "wrong_algorithm"
    assert cause(forge.signed_with_ed({**HEADER, "alg": "EdDSA"})) == "wrong_algorithm"
    assert cause(forge.signed_with_ed({**HEADER, "alg": "ES256", "kid": ED_KID})) == "wrong_algorithm"
    assert signature_checks.value == 0


def test_b3_1c_a_kid_has_one_key_and_one_algorithm() -> None:
    with pytest.raises(ConfigInvalid, match=KID):
        KeySet([KEY.verification_key, VerificationKey.from_jwk({**forge.ED_JWK, "kid": KID})])
    with pytest.raises(ConfigInvalid, match="two keys"):
        KeySet([KEY.verification_key, KEY.verification_key])


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "ES256K", "RS256", "", None, 1, [], {}])
def test_b3_2_a_key_for_another_algorithm_is_not_loaded(algorithm: object) -> None:
    with pytest.raises(ConfigInvalid, match="alg"):
        VerificationKey.from_jwk({**KEY.verification_key.members, "alg": algorithm})


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_b3_3a_a_flipped_bit_anywhere_is_refused(segment: int) -> None:
    text = forge.token()
    guard = verifier()
    parts = [forge.unb64(part) for part in text.split(".")]
    for position in range(len(parts[segment])):
        changed = list(parts)
        flipped = bytearray(parts[segment])
        flipped[position] ^= 1 << position % 8
        changed[segment] = bytes(flipped)
        cause(".".join(map(forge.b64, changed)), guard)
    assert guard.verify(text).sole_chat_id == CHAT


def test_b3_3a_a_signature_is_over_the_header_too() -> None:
    header, claims, signature = forge.token().split(".")
    assert cause(f"{forge.encoded({**HEADER, 'typ': 'JWT'})}.{claims}.{signature}") == "bad_signature"
    assert cause(f"{header}.{forge.encoded({**CLAIMS, 'chat_id': 1})}.{signature}") == "bad_signature"


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 6, 100])
def test_b3_3b_b3_15_a_token_has_three_segments_and_a_jwe_has_five(count: int) -> None:
    segments = forge.token().split(".") * 40
    assert cause(".".join(segments[:count])) == "malformed_token"
    jwe = forge.encoded({"alg": "dir", "enc": "A128GCM", "zip": "DEF"})
    assert cause(f"{jwe}..{forge.b64(bytes(12))}.{forge.b64(bytes(16))}.{forge.b64(bytes(16))}") == "malformed_token"


def edge_signatures() -> dict[str, Callable[[int, int], bytes]]:
    def pair(r: int, s: int) -> bytes:
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def der(r: int, s: int) -> bytes:
        return b"".join([b"\x30\x44\x02\x20", r.to_bytes(32, "big"), b"\x02\x20", s.to_bytes(32, "big")])

    edges = (0, 1, ORDER - 1, ORDER, ORDER + 1, FIELD, FIELD + 1, 2**256 - 1)
    return {
        **{f"r={a:x} s={b:x}": lambda r, s, a=a, b=b: pair(a, b) for a in edges for b in edges},  # type: ignore[misc]
        **{f"r={a:x}": lambda r, s, a=a: pair(a, s) for a in edges},  # type: ignore[misc]
        **{f"s={a:x}": lambda r, s, a=a: pair(r, a) for a in edges},  # type: ignore[misc]
        "swapped": lambda r, s: pair(s, r),
        "r negated": lambda r, s: pair(ORDER - r, s),
        "r + 1": lambda r, s: pair((r + 1) % ORDER, s),
        "s + 1": lambda r, s: pair(r, (s + 1) % ORDER),
        "der": der,
        "r alone": lambda r, s: r.to_bytes(32, "big"),
        "last byte missing": lambda r, s: pair(r, s)[:-1],
        "first byte missing": lambda r, s: pair(r, s)[1:],
        "one byte more": lambda r, s: pair(r, s) + b"\0",
        "33-byte halves": lambda r, s: b"\0" + r.to_bytes(32, "big") + b"\0" + s.to_bytes(32, "big"),
        "48-byte halves": lambda r, s: r.to_bytes(48, "big") + s.to_bytes(48, "big"),
        "twice": lambda r, s: pair(r, s) * 2,
        "one byte": lambda r, s: b"\0",
    }


@pytest.mark.parametrize("name", edge_signatures())
def test_b3_4_an_edge_value_is_no_signature(name: str) -> None:
    text = forge.token()
    signature = forge.unb64(text.rpartition(".")[2])
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    assert cause(resigned(text, edge_signatures()[name](r, s))) == "bad_signature"


def test_b3_4_the_other_half_of_an_ecdsa_pair_is_the_same_token() -> None:
    # (r, n-s) verifies wherever (r, s) does: what is to be told apart is told apart by `jti`, never by the text.
    text = forge.token()
    signature = forge.unb64(text.rpartition(".")[2])
    other = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert verifier().verify(resigned(text, other)) == verifier().verify(text)


@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.SECP384R1(), ec.BrainpoolP256R1()])
def test_b3_4_a_signature_on_another_curve_is_refused(curve: ec.EllipticCurve) -> None:
    text = forge.token()
    size = (curve.key_size + 7) // 8
    private = ec.generate_private_key(curve)
    r, s = decode_dss_signature(private.sign(text.rpartition(".")[0].encode(), ec.ECDSA(hashes.SHA256())))
    assert cause(resigned(text, r.to_bytes(size, "big") + s.to_bytes(size, "big"))) == "bad_signature"


@pytest.mark.parametrize("size", [0, 63, 64, 65, 114])
def test_b3_4_an_eddsa_signature_of_zeros_or_another_length_is_refused(size: int) -> None:
    text = forge.signed_with_ed({**HEADER, "alg": "EdDSA", "kid": ED_KID})
    assert cause(resigned(text, bytes(size))) == ("bad_signature" if size else "malformed_token")


def test_b3_4_a_point_off_the_curve_is_no_key() -> None:
    members = {**KEY.verification_key.members, "y": forge.b64(bytes(31) + b"\1")}
    with pytest.raises(ConfigInvalid, match="curve"):
        VerificationKey.from_jwk(members)


@pytest.mark.parametrize("secret", [b"", b"secret", b"0" * 31, b"0" * 64])
def test_b3_5_a_shared_secret_is_no_key_however_long(secret: bytes) -> None:
    for algorithm in ("HS256", "ES256"):
        with pytest.raises(ConfigInvalid):
            VerificationKey.from_jwk({"kty": "oct", "k": forge.b64(secret), "kid": "s", "alg": algorithm, "use": "sig"})


@pytest.mark.parametrize("value", ["DEF", "", None, False])
def test_b3_6_compression_is_refused(value: object) -> None:
    assert cause(forge.with_header(zip=value)) == "bad_header"


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_b3_7_another_encoding_is_refused(encoding: str) -> None:
    assert cause(forge.token(header=json.dumps(HEADER).encode(encoding))) == "bad_header"
    assert cause(forge.token(claims=json.dumps(CLAIMS).encode(encoding))) == "malformed_claims"


def test_b3_8a_a_key_of_another_issuer_signs_nothing_here() -> None:
    other = SigningKey.generate()
    ours = Verifier(KeySet([KEY.verification_key]), issuer=ISSUER, audience=AUDIENCE, clock=forge.Hands())
    theirs = Verifier(
        KeySet([other.verification_key]), issuer="https://other.example", audience=AUDIENCE, clock=forge.Hands()
    )
    others = {**CLAIMS, "iss": "https://other.example"}
    assert cause(other.sign(CLAIMS), ours) == cause(KEY.sign(others), theirs) == "unknown_key"
    assert cause(other.sign(others), ours) == cause(KEY.sign(CLAIMS), theirs) == "wrong_issuer"
    assert cause(KEY.sign(CLAIMS), verifier(keys=KeySet([forge.named(other, KID)]))) == "bad_signature"


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        ISSUER.upper(),
        ISSUER + "/",
        ISSUER[:-1],
        " " + ISSUER,
        ISSUER + "\0",
        [ISSUER],
        {ISSUER: 1},
        None,
        1,
        True,
        [],
        {},
    ],
)
def test_b3_8a_row_28_the_issuer_is_compared_exactly(issuer: object) -> None:
    assert cause(forge.with_claims(iss=issuer)) == "wrong_issuer"


@pytest.mark.parametrize(
    "sub",
    [
        "",
        " ",
        "a b",
        "a\n",
        "\n",
        "a\0",
        "é",
        "１",
        "a;b",
        "a,b",
        "a\\b",
        "a" * 256,
        None,
        1,
        True,
        [],
        ["a"],
        {},
        {"a": 1},
        "operator:alice",
    ],
)
def test_b3_8b_a_subject_that_is_no_name_is_refused(sub: object) -> None:
    assert cause(forge.with_claims(sub=sub)) == "bad_subject"


def test_nobody_is_written_down_as_an_operator_who_only_says_so() -> None:
    with pytest.raises(Unauthenticated) as refused:
        forge.verifier().verify(forge.with_claims(sub="operator:alice"))
    assert "client" not in refused.value.record


@pytest.mark.parametrize(
    "sub", ["a", "a" * 255, "svc:billing-api", "spiffe://corp.example/ns/a", "ops@corp.example", "A_z.9"]
)
def test_b3_8b_a_subject_may_be_any_usual_name(sub: str) -> None:
    assert verifier().verify(forge.with_claims(sub=sub)).client == sub


def test_b3_8b_a_second_name_beside_the_subject_is_refused() -> None:
    assert cause(forge.with_claims(client_id="svc:other")) == "unknown_claim"
    assert cause(forge.with_claims(client_id="svc:billing")) == "unknown_claim"


@pytest.mark.parametrize(
    "audience",
    [
        "", AUDIENCE.upper(), AUDIENCE[:-1], AUDIENCE + "x", " " + AUDIENCE, f"{AUDIENCE} other", f"{AUDIENCE},other",
        [], [AUDIENCE, "other"], ["other", AUDIENCE], [AUDIENCE, AUDIENCE], [[AUDIENCE]], [1], [None], [AUDIENCE, 1],
        {AUDIENCE: 1}, {}, None, True, 1,
    ],
)  # fmt: skip
def test_b3_9_row_28_the_audience_is_ours_and_only_ours(audience: object) -> None:
    assert cause(forge.with_claims(aud=audience)) == "wrong_audience"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp", "jti", "chat_id"])
def test_b3_9_a_claim_that_is_missing_is_refused(name: str) -> None:
    assert cause(forge.without_claim(name)) == "missing_claim"


def test_b3_9_nbf_and_scope_may_be_missing() -> None:
    assert verifier().verify(forge.without_claim("nbf")).sole_chat_id == CHAT
    assert {
        permission.value for permission in verifier().verify(forge.without_claim("scope")).grants[0].permissions
    } == {"write"}


KIDS = [
    "", " ", "../../dev/null", "/dev/null", "/invalid_path", "' OR 1=1--", "x' UNION SELECT 'key'--", "|sleep 10",
    "$(sleep 10)", f"{KID}\0", f"{KID}\n", f" {KID}", f"{KID} ", "é", "ｋ", "k" * 65, "k" * 300, "http://127.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS, ids=range(len(KIDS)))
def test_b3_10a_row_21_a_kid_is_a_name_and_nothing_else(kid: str, signature_checks: Count) -> None:
    assert cause(forge.with_header(kid=kid)) == "bad_header"
    assert signature_checks.value == 0


@pytest.mark.parametrize("kid", [None, 1, True, [], [KID], {}, {KID: 1}])
def test_b3_10a_row_21_a_kid_that_is_no_text_is_refused(kid: object) -> None:
    assert cause(forge.with_header(kid=kid)) == "bad_header"


def test_b3_10a_row_21_a_long_kid_is_refused_before_anything_is_read() -> None:
    assert cause(forge.with_header(kid="k" * 1_000_000)) == "malformed_token"
    assert cause(forge.with_header(kid="k" * 512)) == "bad_header"


@pytest.mark.parametrize("kid", ["k", "k" * 64, "..", KID.upper(), KID[:-1]], ids=["k", "long", "dots", "upper", "cut"])
def test_b3_10a_a_kid_of_no_key_is_unknown(kid: str) -> None:
    assert cause(forge.with_header(kid=kid)) == "unknown_key"


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "x5t", "x5t#S256", "JKU", "Jwk", "url", "iss", "aud"])
def test_b3_10b_row_20_a_key_is_never_taken_from_the_token(name: str) -> None:
    for value in ("http://127.0.0.1:9/keys", dict(KEY.verification_key.members), ["MIIB"], None, True, 0):
        assert cause(forge.with_header(**{name: value})) == "bad_header"


@pytest.mark.parametrize(
    "kind",
    [
        "id_token+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "wit+jwt",
        "chatkey-admin+jwt",
        "application/at+jwt",
        "AT+JWT",
        "jwt",
        "JOSE",
        "",
        " at+jwt",
    ],
)
def test_b3_11_row_28_another_kind_of_token_is_refused(kind: str) -> None:
    assert cause(forge.with_header(typ=kind)) == "wrong_type"


@pytest.mark.parametrize("kind", [None, 1, True, [], ["at+jwt"], {}])
def test_b3_11_a_kind_that_is_no_text_is_refused(kind: object) -> None:
    assert cause(forge.with_header(typ=kind)) == "bad_header"


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_b3_11_a_header_without_one_of_its_members_is_refused(name: str) -> None:
    assert (
        cause(forge.token(header={member: value for member, value in HEADER.items() if member != name})) == "bad_header"
    )


def test_b3_12_row_29_a_token_of_another_kind_is_refused_on_every_count() -> None:
    assert cause(forge.with_header(typ="chatkey-admin+jwt")) == "wrong_type"
    assert cause(forge.with_claims(aud=f"{AUDIENCE}/admin")) == "wrong_audience"
    admin = SigningKey.generate()
    issuer = Issuer(admin, issuer=ISSUER, audience=AUDIENCE, clock=forge.Hands(), random_bytes=bytes)
    assert cause(issuer.issue(client="ops", chat_id=CHAT).token) == "unknown_key"


@pytest.mark.parametrize(
    "algorithm", ["PBES2-HS256+A128KW", "PBES2-HS512+A256KW", "dir", "A128KW", "RSA-OAEP", "ECDH-ES"]
)
def test_b3_13_a_password_based_algorithm_is_refused_without_hashing(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[object] = []
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", lambda *arguments: hashed.append(arguments))
    assert cause(forge.with_header(alg=algorithm)) == "wrong_algorithm"
    assert cause(forge.with_header(alg=algorithm, p2c=2**31 - 1, p2s="AAAA", enc="A128GCM")) == "bad_header"
    assert not hashed


@pytest.mark.parametrize("junk", [*'{}"=+/% \n\r\t\0,;:~!', "é", "１", "\ud800", "\u200b", "%20", "\ufeff"])
def test_b3_14_row_23_no_other_character_stands_anywhere(junk: str) -> None:
    text = forge.token()
    header, claims, signature = text.split(".")
    for changed in (
        junk + text, text + junk, f"{header}{junk}.{claims}.{signature}", f"{header}.{junk}{claims}.{signature}",
        f"{header}.{claims}.{junk}{signature}", f"{header}.{claims[:9]}{junk}{claims[9:]}.{signature}",
    ):  # fmt: skip
        assert cause(changed) == "malformed_token"


def test_b3_14_a_dot_too_many_is_refused() -> None:
    text = forge.token()
    for changed in (f".{text}", f"{text}.", text.replace(".", "..", 1), text.replace(".", "", 1), ".", "..", "...", ""):
        assert cause(changed) == "malformed_token"


def test_b3_14_the_json_serialisations_are_refused() -> None:
    header, claims, signature = forge.token().split(".")
    flattened = {"protected": header, "payload": claims, "signature": signature}
    general = {"payload": claims, "signatures": [{"protected": header, "signature": signature}]}
    assert cause(json.dumps(flattened)) == "malformed_token"
    assert cause(json.dumps(general)) == "malformed_token"


def test_b3_14_row_23_bits_that_are_not_used_are_zero() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = forge.token()
    last = alphabet.index(text[-1])
    assert last % 16 == 0
    for bits in range(1, 16):
        twin = text[:-1] + alphabet[last + bits]
        assert base64.urlsafe_b64decode(twin.rpartition(".")[2] + "==") == forge.unb64(text.rpartition(".")[2])
        assert cause(twin) == "malformed_token"


def test_b3_14_row_23_a_segment_of_an_impossible_length_is_refused() -> None:
    header, claims, signature = forge.token().split(".")
    assert re.fullmatch(r"(.{4})*.{2}", signature)
    assert cause(f"{header}.{claims}.{signature}AAA") == "malformed_token"
    assert cause(f"A.{claims}.{signature}") == "malformed_token"
