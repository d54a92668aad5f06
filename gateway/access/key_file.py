"""Private keys in files: the built-in issuer's own, and one that somebody names."""

from __future__ import annotations

from pathlib import Path

from gateway import private_files
from gateway.access.key_ring import CALLERS, open_ring
from gateway.access.keys import SigningKey
from gateway.errors import ConfigInvalid

_MAX_BYTES = 16 * 1024


def issuer_key(data_dir: Path, ring: str = CALLERS) -> SigningKey:
    """Return the key that signs, of this ring in a data directory; where there is no ring yet, make it.

    Raises:
        ConfigInvalid: in one line, what is wrong with the files and what to do.
    """
    return open_ring(data_dir, ring).signing_key()


def key_from(path: Path) -> SigningKey:
    """Return the key in a PEM file, wherever it is: signing with it needs no ring and no server.

    Raises:
        ConfigInvalid: it is missing, no key, or open to others.
    """
    try:
        return SigningKey.from_pem(private_files.read(path, _MAX_BYTES))
    except OSError as error:
        raise ConfigInvalid(f"the key {path} can't be read: {error.strerror}") from None
    except ConfigInvalid as error:
        raise ConfigInvalid(f"the key {path}: {error}") from None
