"""Files for our eyes only: read when nobody else can have touched them, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import ConfigInvalid

_UNFINISHED = ".new-"


def make_directory(path: Path) -> None:
    """See that a directory is there and ours alone; its parents are made too, the nearest one for its owner alone.

    Raises:
        ConfigInvalid: something else is in its place, or others can enter it.
        OSError: it can't be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    _check(path, path.lstat(), stat.S_IFDIR, "700")


def read(path: Path, max_bytes: int) -> bytes:
    """Return the beginning of a file that only its owner can read or write.

    Raises:
        ConfigInvalid: it is no plain file, not ours, or open to others.
        OSError: it can't be read.
    """
    if path.is_symlink():
        raise ConfigInvalid(f"{path} is a symbolic link: put the file itself there")
    # The file that is checked is the one that is read; a pipe in its place does not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor), stat.S_IFREG, "600")
        return file.read(max_bytes)


def write(path: Path, data: bytes) -> None:
    """Put a file in place, over an older one if there is one; it is on the disk when this returns.

    Raises:
        OSError: it can't be written; what was there before is untouched.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
    sync(path.parent)


def remove_unfinished(directory: Path) -> None:
    """Remove what `write` left in a directory when the process ended in it; nobody else may be writing there."""
    for path in directory.glob(f"{_UNFINISHED}*"):
        path.unlink()


def sync(directory: Path) -> None:
    """Return when the names in a directory are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(directory: Path, *, wait: bool = True) -> Iterator[None]:
    """Wait until no other process is in such a block for this directory, and keep others out of it.

    Raises:
        BlockingIOError: one is, and we are not to `wait`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _check(path: Path, status: os.stat_result, kind: int, mode: str) -> None:
    if stat.S_IFMT(status.st_mode) != kind:
        raise ConfigInvalid(f"{path} is not a plain {'directory' if kind == stat.S_IFDIR else 'file'}: remove it")
    if status.st_uid != os.geteuid():
        raise ConfigInvalid(f"{path} belongs to another user: run as its owner, or chown it")
    if status.st_mode & 0o077:
        raise ConfigInvalid(f"{path} is open to others: run `chmod {mode} {path}`, and replace the key if they read it")
