"""The issuer's own key on disk: made once, whole or not at all, and for our eyes only."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from gateway.access.keys import SigningKey
from gateway.errors import ConfigInvalid

_MAX_BYTES = 16 * 1024


def issuer_key(data_dir: Path) -> SigningKey:
    """Return the key in `data_dir/keys/issuer.pem`; where there is none yet, make it.

    Processes that start together end with the same key.

    Raises:
        ConfigInvalid: in one line, what is wrong with the file or its directory and what to do.
    """
    directory = data_dir / "keys"
    path = directory / "issuer.pem"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        _check(directory, directory.lstat(), stat.S_IFDIR, "700")
        if not path.exists():
            _create(path, SigningKey.generate().to_pem())
        pem = _read(path)
    except OSError as error:
        raise ConfigInvalid(f"the key {path} can't be read or made: {error.strerror}") from None
    try:
        return SigningKey.from_pem(pem)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{path}: {error}; restore it, or remove it to have a new one made") from None


def _create(path: Path, pem: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".issuer-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces the key of a process that was first.
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise ConfigInvalid(f"{path} is a symbolic link: put the key itself there")
    # The file that is checked is the one that is read; a pipe in its place does not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor), stat.S_IFREG, "600")
        return file.read(_MAX_BYTES)


def _check(path: Path, status: os.stat_result, kind: int, mode: str) -> None:
    if stat.S_IFMT(status.st_mode) != kind:
        raise ConfigInvalid(f"{path} is not a plain {'directory' if kind == stat.S_IFDIR else 'file'}: remove it")
    if status.st_uid != os.geteuid():
        raise ConfigInvalid(f"{path} belongs to another user: run as its owner, or chown it")
    if status.st_mode & 0o077:
        raise ConfigInvalid(f"{path} is open to others: run `chmod {mode} {path}`, and replace the key if they read it")
