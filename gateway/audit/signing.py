"""The key that signs the audit log's checkpoints: its own, so that whoever may sign tokens can't sign a log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway import private_files
from gateway.errors import ConfigInvalid

_MAX_BYTES = 4096
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Signer:
    """Signs checkpoints."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Sign with this key."""
        self._private = private
        self.public = private.public_key().public_bytes(*_RAW)
        self.key_id = key_id_of(self.public)

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a text."""
        return self._private.sign(text)


def open_signer(data_dir: Path) -> Signer:
    """Return the key in `data_dir/audit/signing.pem`; where there is none yet, make it.

    Raises:
        ConfigInvalid: in one line, what is wrong with the file and what to do.
    """
    directory = data_dir / "audit"
    path = directory / "signing.pem"
    try:
        private_files.make_directory(directory)
        with private_files.locked(directory):
            if not path.exists():
                private_files.write(path, _pem(Ed25519PrivateKey.generate()))
            pem = private_files.read(path, _MAX_BYTES)
    except OSError as error:
        raise ConfigInvalid(f"the key {path} can't be read or made: {error.strerror}.") from None
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigInvalid(f"{path} is no Ed25519 key: restore it, or remove it to begin with a new one.")
    return Signer(private)


def holds(public_keys: Iterable[bytes], key_id: str, text: bytes, signature: bytes) -> bool:
    """Whether one of these keys, of this name, signed this text."""
    for public in public_keys:
        if key_id_of(public) != key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
        except InvalidSignature:
            return False
        return True
    return False


def key_id_of(public: bytes) -> str:
    """Name a public key by the first 64 bits of its SHA-256."""
    return f"audit-{hashlib.sha256(public).hexdigest()[:16]}"


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
