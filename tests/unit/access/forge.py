"""Writes tokens that no honest issuer would write, each correctly signed unless a test says otherwise."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import OKPAlgorithm

from gateway.access.causes import CAUSES
from gateway.access.keys import KeySet, SigningKey, VerificationKey
from gateway.access.tokens import Verifier
from gateway.errors import TokenExpired, Unauthenticated

ISSUER = "https://chatkey.example"
AUDIENCE = "tg-gateway/test"
CHAT = -1001234567890
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())

PRIVATE = ec.generate_private_key(ec.SECP256R1())
KEY = SigningKey(PRIVATE)
KID = KEY.kid

ED_PRIVATE = ed25519.Ed25519PrivateKey.generate()
ED_KID = "ed-1"
ED_JWK = {**OKPAlgorithm.to_jwk(ED_PRIVATE.public_key(), as_dict=True), "kid": ED_KID, "alg": "EdDSA", "use": "sig"}

HEADER: dict[str, object] = {"alg": "ES256", "kid": KID, "typ": "at+jwt"}
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "sub": "svc:billing",
    "aud": AUDIENCE,
    "iat": NOW_SECONDS,
    "nbf": NOW_SECONDS - 10,
    "exp": NOW_SECONDS + 3600,
    "jti": "0123456789abcdef",
    "chat_id": CHAT,
    "scope": "write read",
}


class Hands:
    """A clock that a test turns."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def named(key: SigningKey, kid: str) -> VerificationKey:
    """The public half of a key, under another's name."""
    return VerificationKey.from_jwk({**key.verification_key.members, "kid": kid})


def key_set() -> KeySet:
    return KeySet([KEY.verification_key, VerificationKey.from_jwk(ED_JWK)])


def verifier(**changes: object) -> Verifier:
    arguments: dict[str, object] = {"issuer": ISSUER, "audience": AUDIENCE, "clock": Hands(), **changes}
    return Verifier(arguments.pop("keys", key_set()), **arguments)  # type: ignore[arg-type]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def encoded(part: object) -> str:
    """A segment: bytes as they are, anything else as JSON."""
    return b64(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())


def raw_signature(signing_input: str, private: ec.EllipticCurvePrivateKey = PRIVATE) -> bytes:
    r, s = decode_dss_signature(private.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(header: object = HEADER, claims: object = CLAIMS, private: ec.EllipticCurvePrivateKey = PRIVATE) -> str:
    signing_input = f"{encoded(header)}.{encoded(claims)}"
    return f"{signing_input}.{b64(raw_signature(signing_input, private))}"


def with_header(**changes: object) -> str:
    return token(header={**HEADER, **changes})


def with_claims(**changes: object) -> str:
    return token(claims={**CLAIMS, **changes})


def without_claim(name: str) -> str:
    return token(claims={claim: value for claim, value in CLAIMS.items() if claim != name})


def spliced(name: str, text: str) -> str:
    """A token in whose claims the value of `name` is written as `text`: what `json.dumps` would not write."""
    others = json.dumps({claim: value for claim, value in CLAIMS.items() if claim != name})
    return token(claims=f'{others[:-1]}, "{name}": {text}}}'.encode())


def signed_with_ed(header: object, claims: object = CLAIMS) -> str:
    signing_input = f"{encoded(header)}.{encoded(claims)}"
    return f"{signing_input}.{b64(ED_PRIVATE.sign(signing_input.encode()))}"


def refusal(text: str, by: Verifier | None = None) -> Unauthenticated:
    """The refusal of a token, which says the same to every caller."""
    with pytest.raises(Unauthenticated) as caught:
        (by or verifier()).verify(text)
    error = caught.value
    assert error.cause in CAUSES
    assert type(error) is (TokenExpired if error.cause == "token_expired" else Unauthenticated)
    assert str(error) == type(error).__doc__
    return error


def cause(text: str, by: Verifier | None = None) -> str:
    return refusal(text, by).cause
