"""The data directory: ours alone, writable, and used by one server at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gateway.errors import ConfigInvalid

_CREATE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class DirectoryInUse(ConfigInvalid):
    """Another server has the data directory."""


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Make the database's directory (0700) and file (0600) if they are missing, and keep other servers out.

    Raises:
        DirectoryInUse: Another server has it.
        ConfigInvalid: It can't be made or written, or is somebody else's or open to others.
    """
    with ExitStack() as stack:
        try:
            _make(database.parent)
            lock = os.open(database.with_name(f"{database.name}.lock"), _CREATE, 0o600)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # SQLite gives its other files the mode of this one.
            file = os.open(database, _CREATE, 0o600)
            stack.callback(os.close, file)
            _require_closed(database, os.fstat(file), stat.S_IRWXG | stat.S_IRWXO, "600")
        except OSError as error:
            raise _unusable(database.parent, error) from error
        yield


def make(directory: Path) -> None:
    """Make the data directory (0700) if it is missing.

    Raises:
        ConfigInvalid: It can't be made, belongs to somebody else, or others can write into it.
    """
    try:
        _make(directory)
    except OSError as error:
        raise _unusable(directory, error) from error


def _unusable(directory: Path, error: OSError) -> ConfigInvalid:
    if isinstance(error, BlockingIOError):
        return DirectoryInUse(f"CHATKEY_DATA_DIR: {directory} is in use by another server: stop that one first")
    return ConfigInvalid(
        f"CHATKEY_DATA_DIR: {error.filename or directory} can't be created or written ({error.strerror}): "
        "make it writable or name another directory"
    )


def _make(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True)
        _sync(directory.parent)
    status = directory.stat()
    if status.st_uid != os.geteuid():
        raise ConfigInvalid(
            f"CHATKEY_DATA_DIR: {directory} belongs to user {status.st_uid}, not to user {os.geteuid()}: "
            "run as its owner or name another directory"
        )
    # Whoever can write into it can put something else in the place of the keys and of what was revoked.
    _require_closed(directory, status, stat.S_IWGRP | stat.S_IWOTH, "700")


def _require_closed(path: Path, status: os.stat_result, to_others: int, mode: str) -> None:
    if status.st_mode & to_others:
        raise ConfigInvalid(f"CHATKEY_DATA_DIR: {path} is open to others: run `chmod {mode} {path}`")


def _sync(directory: Path) -> None:
    """Make a new entry of a directory outlive a power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
