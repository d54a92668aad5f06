"""A file of public keys."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gateway.errors import ConfigInvalid

MAX_BYTES = 256 * 1024
"""How long a set of keys may be, wherever it comes from."""


def read_public(path: Path) -> bytes:
    """Return the beginning of a file of public keys: one byte more than a set may have.

    Raises:
        OSError: it can't be read.
        ConfigInvalid: it is no file, or others can write into it: who writes it says whose tokens are taken.
    """
    # A pipe in its place does not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigInvalid("it is no file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigInvalid("others can write into it: chmod go-w it")
        return file.read(MAX_BYTES + 1)
