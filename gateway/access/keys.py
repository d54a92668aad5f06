"""Keys: what signs tokens, what verifies them, and the set of those that are trusted."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm

from gateway.errors import ConfigInvalid

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}
"""`alg` of a key, with the `kty` and `crv` that belong to it (RFC 7518, sections 3.3 to 3.5; RFC 8037, section 3.1)."""

DEFAULT_ALGORITHMS = ("ES256", "EdDSA")
"""Those that need not be asked for. RSA is for issuers that can do nothing else."""

TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type, RFC 9068

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
USES = ("sig", "jwt-svid")
"""`use` of a key for tokens: RFC 7517's, and that of a SPIFFE trust bundle."""

_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}
_RSA_BITS = range(2048, 8193)
_RSA_EXPONENTS = range(65537, 1 << 32)

# Keys of a chip that was sold for years can be factored, and are known by this: their remainders by small primes are
# powers of 65537 (CVE-2017-15361, "ROCA").
_ROCA = {
    prime: frozenset(pow(65537, power, prime) for power in range(prime))
    for prime in range(3, 168)
    if all(prime % factor for factor in range(2, prime))
}


@dataclass(frozen=True, slots=True, eq=False)
class VerificationKey:
    """A public key with its one name and its one algorithm. Two are the same only if they were loaded together.

    Attributes:
        members: The public JWK.
        tainted: It still verifies, but each use of it is a reason to look who still holds its tokens.
    """

    kid: str
    algorithm: str
    public: jwt.PyJWK = field(repr=False)
    members: Mapping[str, str] = field(repr=False)
    tainted: bool = False

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object], algorithms: Collection[str] = DEFAULT_ALGORITHMS) -> VerificationKey:
        """Read a public key of a JWKS (RFC 7517).

        Args:
            algorithms: Those of `ALGORITHMS` that it may be for.

        Raises:
            ConfigInvalid: no proper `kid`; another `alg`, or one that does not fit the key; a `use` or `key_ops` for
                something else; a private member; no such key, or a weak one.
        """
        kid, algorithm = jwk.get("kid"), jwk.get("alg")
        if not isinstance(kid, str) or KEY_ID.fullmatch(kid) is None:
            raise ConfigInvalid("a key has no `kid` of 1 to 64 characters of [A-Za-z0-9._-]")
        if not isinstance(algorithm, str) or algorithm not in algorithms:
            raise ConfigInvalid(f"key {kid}: `alg` must be one of {', '.join(algorithms)}")
        if (jwk.get("kty"), jwk.get("crv")) != ALGORITHMS[algorithm]:
            raise ConfigInvalid(f"key {kid}: `kty` and `crv` do not fit {algorithm}")
        if jwk.get("use") not in USES or jwk.get("key_ops", ["verify"]) != ["verify"]:
            raise ConfigInvalid(f"key {kid}: `use` must be sig or jwt-svid, and `key_ops` verify only")
        if PRIVATE_MEMBERS & jwk.keys():
            raise ConfigInvalid(f"key {kid} is a private key: give the public one only")
        members = {name: str(jwk[name]) for name in _MEMBERS[ALGORITHMS[algorithm][0]] if name in jwk}
        try:
            public = jwt.PyJWK(members, algorithm)
        except (jwt.PyJWTError, ValueError) as error:
            raise ConfigInvalid(f"key {kid}: there is no such key on its curve") from error
        if isinstance(public.key, rsa.RSAPublicKey):
            _require_strong(kid, public.key)
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

    def holds(self, key: VerificationKey) -> bool:
        """Whether a key is one of these, by whatever name."""
        wanted = _der(key)
        return any(_der(known) == wanted for known in self._by_kid.values())

    def replace(self, keys: Iterable[VerificationKey]) -> None:
        """Trust these keys from now on and no others; raises as the constructor does, and then changes nothing.

        One that is trusted already stays the same object, so that what was verified with it need not be verified again.
        """
        before = self._by_kid
        self._by_kid = {kid: _kept(before.get(kid), key) for kid, key in _by_kid(keys).items()}

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


def _der(key: VerificationKey) -> bytes:
    der: bytes = key.public.key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return der


def _kept(before: VerificationKey | None, key: VerificationKey) -> VerificationKey:
    if before is not None and (before.members, before.tainted) == (key.members, key.tainted):
        return before
    return key


def _require_strong(kid: str, key: rsa.RSAPublicKey) -> None:
    numbers = key.public_numbers()
    if key.key_size not in _RSA_BITS or numbers.e not in _RSA_EXPONENTS:
        raise ConfigInvalid(f"key {kid}: an RSA key has 2048 to 8192 bits, and an exponent from 65537 to 2^32 - 1")
    if all(numbers.n % prime in powers for prime, powers in _ROCA.items()):
        raise ConfigInvalid(f"key {kid} was made by a chip whose keys can be factored (CVE-2017-15361): replace it")


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

    def sign(self, claims: Mapping[str, object], token_type: str = TOKEN_TYPE) -> str:
        """Return a token of a type that says `claims`."""
        return jwt.encode(dict(claims), self._private, "ES256", headers={"kid": self.kid, "typ": token_type})


def _kid(jwk: Mapping[str, object]) -> str:
    """Name a key by the first 96 bits of its RFC 7638 thumbprint."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    return "chatkey-" + base64.urlsafe_b64encode(digest[:12]).decode()
