"""Keys: what signs tokens, what verifies them, and the set of those that are trusted."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from gateway.errors import ConfigInvalid

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

ALGORITHMS: Mapping[str, tuple[str, str]] = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
"""`alg` of a key, with the `kty` and `crv` that belong to it (RFC 7518, section 3.4; RFC 8037, section 3.1)."""

TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type, RFC 9068

_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_USES = ("sig", "jwt-svid")


@dataclass(frozen=True, slots=True, eq=False)
class VerificationKey:
    """A public key with its one name and its one algorithm. Two are the same only if they were loaded together."""

    kid: str
    algorithm: str
    public: jwt.PyJWK = field(repr=False)
    members: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> VerificationKey:
        """Read a public key of a JWKS (RFC 7517).

        Raises:
            ConfigInvalid: no proper `kid`; another `alg` than ES256 and EdDSA, or one that does not fit the key; a
                `use` or `key_ops` for something else; a private member; no such key.
        """
        kid, algorithm = jwk.get("kid"), jwk.get("alg")
        if not isinstance(kid, str) or KEY_ID.fullmatch(kid) is None:
            raise ConfigInvalid("a key has no `kid` of 1 to 64 characters of [A-Za-z0-9._-]")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise ConfigInvalid(f"key {kid}: `alg` must be one of {', '.join(ALGORITHMS)}")
        if (jwk.get("kty"), jwk.get("crv")) != ALGORITHMS[algorithm]:
            raise ConfigInvalid(f"key {kid}: `kty` and `crv` do not fit {algorithm}")
        if jwk.get("use") not in _USES or jwk.get("key_ops", ["verify"]) != ["verify"]:
            raise ConfigInvalid(f"key {kid}: `use` must be sig or jwt-svid, and `key_ops` verify only")
        if _PRIVATE_MEMBERS & jwk.keys():
            raise ConfigInvalid(f"key {kid} is a private key: give the public one only")
        members = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y") if name in jwk}
        try:
            public = jwt.PyJWK(members, algorithm)
        except jwt.PyJWTError as error:
            raise ConfigInvalid(f"key {kid}: there is no such key on its curve") from error
        return cls(kid, algorithm, public, {**members, "kid": kid, "alg": algorithm, "use": "sig"})


class KeySet:
    """The keys that tokens of one issuer may be signed with."""

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        """Trust these keys.

        Raises:
            ConfigInvalid: two have the same `kid`.
        """
        self._by_kid = _by_kid(keys)

    def find(self, kid: str) -> VerificationKey | None:
        """Return the trusted key of this name."""
        return self._by_kid.get(kid)

    def replace(self, keys: Iterable[VerificationKey]) -> None:
        """Trust these keys from now on and no others; raises as the constructor does, and then changes nothing."""
        self._by_kid = _by_kid(keys)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWKS (RFC 7517, section 5), for whoever wants to verify tokens too."""
        return {"keys": [dict(key.members) for key in self._by_kid.values()]}


def _by_kid(keys: Iterable[VerificationKey]) -> dict[str, VerificationKey]:
    by_kid: dict[str, VerificationKey] = {}
    for key in keys:
        if key.kid in by_kid:
            raise ConfigInvalid(f"two keys are named {key.kid}")
        by_kid[key.kid] = key
    return by_kid


class SigningKey:
    """A private ES256 key. It is named by its thumbprint, so the same key has the same `kid` wherever it is loaded."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        """Take a key.

        Raises:
            ConfigInvalid: it is on another curve than P-256.
        """
        if not isinstance(private.curve, ec.SECP256R1):
            raise ConfigInvalid("the key is not on the curve P-256")
        self._private = private
        jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        self.verification_key = VerificationKey.from_jwk({**jwk, "kid": _kid(jwk), "alg": "ES256", "use": "sig"})

    @classmethod
    def generate(cls) -> SigningKey:
        """Make a new key from the system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read what `to_pem` wrote.

        Raises:
            ConfigInvalid: it is no unencrypted private key on P-256.
        """
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigInvalid("this is no unencrypted private key in PEM") from None
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ConfigInvalid("the key is not on the curve P-256")
        return cls(private)

    @property
    def kid(self) -> str:
        """The name of the key in tokens and in the JWKS."""
        return self.verification_key.kid

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS #8."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token that says `claims`."""
        return jwt.encode(dict(claims), self._private, "ES256", headers={"kid": self.kid, "typ": TOKEN_TYPE})


def _kid(jwk: Mapping[str, object]) -> str:
    """Name a key by the first 96 bits of its RFC 7638 thumbprint."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    return "chatkey-" + base64.urlsafe_b64encode(digest[:12]).decode()
