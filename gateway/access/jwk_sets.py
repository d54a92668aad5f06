"""A JWK set (RFC 7517, section 5) as another issuer publishes it: acceptable as a whole, or not taken at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.access.keys import ALGORITHMS, PRIVATE_MEMBERS, USES, VerificationKey
from gateway.access.strict_json import JsonInvalid, read_object
from gateway.errors import ConfigInvalid

MAX_BYTES = 256 * 1024
MAX_KEYS = 64

_Jwk = Mapping[str, object]


def read_jwks(data: bytes, algorithms: Collection[str]) -> list[VerificationKey]:
    """Return the keys of a set that sign tokens with one of `algorithms`.

    Keys that say that they are for another `use`, such as `enc` or `x509-svid`, and keys for another `alg` are passed
    over: an issuer may publish them for others. A key without `alg`, as in a SPIFFE trust bundle, is taken for the one
    of `algorithms` that fits it, if there is exactly one.

    Raises:
        ConfigInvalid: it is no JWK set of 1 to 64 keys in at most 256 KiB; it has a secret in it, the same `kid` twice,
            a key for tokens that is not sound, or no key for tokens.
    """
    jwks = _members(data)
    if any(jwk.get("kty") == "oct" or PRIVATE_MEMBERS & jwk.keys() for jwk in jwks):
        raise ConfigInvalid("there is a secret or private key in the set: it can't be a set of public keys")
    names = [jwk["kid"] for jwk in jwks if "kid" in jwk]
    if any(name in names[:place] for place, name in enumerate(names)):
        raise ConfigInvalid("two keys of the set have the same `kid`")
    keys = [
        VerificationKey.from_jwk(jwk, algorithms)
        for jwk in (_with_algorithm(jwk, algorithms) for jwk in jwks if not _is_for_others(jwk, algorithms))
    ]
    if not keys:
        raise ConfigInvalid(f"the set has no key for {' or '.join(algorithms)}")
    return keys


def _members(data: bytes) -> list[_Jwk]:
    try:
        found = read_object(data, MAX_BYTES).get("keys")
    except JsonInvalid:
        raise ConfigInvalid("it is no JWK set in JSON of at most 256 KiB") from None
    if not isinstance(found, list) or not all(isinstance(jwk, dict) for jwk in found):
        raise ConfigInvalid("it is no JWK set: `keys` is not a list of objects")
    if len(found) > MAX_KEYS:
        raise ConfigInvalid(f"the set has more than {MAX_KEYS} keys")
    return found


def _is_for_others(jwk: _Jwk, algorithms: Collection[str]) -> bool:
    use, algorithm = jwk.get("use"), jwk.get("alg")
    return (isinstance(use, str) and use not in USES) or (isinstance(algorithm, str) and algorithm not in algorithms)


def _with_algorithm(jwk: _Jwk, algorithms: Collection[str]) -> _Jwk:
    if "alg" in jwk:
        return jwk
    fitting = [name for name in algorithms if ALGORITHMS[name] == (jwk.get("kty"), jwk.get("crv"))]
    return {**jwk, "alg": fitting[0]} if len(fitting) == 1 else jwk
