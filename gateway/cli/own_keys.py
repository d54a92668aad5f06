"""The keys of our own issuer as a command finds them: where they sign, and where they only verify.

Those of operators' tokens are others than those of callers'.
"""

from __future__ import annotations

from pathlib import Path

from gateway.access.jwk_sets import read_jwks
from gateway.access.key_file import issuer_key, key_from
from gateway.access.key_ring import CALLERS, OPERATORS, open_ring, trusted
from gateway.access.keys import DEFAULT_ALGORITHMS, KeySet, SigningKey
from gateway.access.operator_keys import require_apart
from gateway.config import Config
from gateway.errors import ConfigInvalid
from gateway.jwks.public_file import read_public


def signing_key(config: Config, path: Path | None) -> SigningKey:
    """Return the key to sign with: the one in a file, or the active one of the ring.

    Raises:
        ConfigInvalid: there is none; also on a host that is to hold public keys only.
    """
    if path is not None:
        return key_from(path)
    if config.issuer_jwks_file:
        raise ConfigInvalid("This host holds public keys only (CHATKEY_ISSUER_JWKS_FILE): name a key with --key FILE.")
    return issuer_key(config.data_dir)


def operator_signing_key(config: Config, path: Path | None) -> SigningKey:
    """Return the key to sign operators' tokens with: the one in a file, or the active one of their ring.

    Raises:
        ConfigInvalid: there is none, or it signs callers' tokens; also on a host that is to hold public keys only.
    """
    if path is not None:
        key = key_from(path)
        if (of_callers := verification_keys(config)) is not None:
            require_apart([key.verification_key], of_callers)
        return key
    if config.operator_jwks_file:
        raise ConfigInvalid(
            "This host holds public keys of operators only (CHATKEY_OPERATOR_JWKS_FILE): name a key with --key FILE."
        )
    return issuer_key(config.data_dir, OPERATORS)


def verification_keys(config: Config) -> KeySet | None:
    """Return what verifies our own tokens, or None where there are no keys yet; looking makes none."""
    return _public_keys(config, CALLERS, config.issuer_jwks_file)


def operator_verification_keys(config: Config) -> KeySet | None:
    """Return what verifies operators' tokens, or None where there are no keys yet; looking makes none."""
    return _public_keys(config, OPERATORS, config.operator_jwks_file)


def _public_keys(config: Config, ring: str, path: Path | None) -> KeySet | None:
    if path is not None:
        try:
            return KeySet(read_jwks(read_public(path), DEFAULT_ALGORITHMS))
        except OSError as error:
            raise ConfigInvalid(f"{path} can't be read: {error.strerror}") from None
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{path}: {error}") from None
    if not (config.data_dir / ring).exists():
        return None
    return KeySet(trusted(open_ring(config.data_dir, ring).read()))
