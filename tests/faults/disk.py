"""A disk that can be filled and freed under a running server."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.server import Server


class Disk(ABC):
    """Where a server keeps its data.

    Attributes:
        folder: For the data directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def fill(self, server: Server) -> None:
        """Have the server's writes fail from now on."""

    @abstractmethod
    def free(self) -> None:
        """Have them succeed again."""


class SmallDisk(Disk):
    """A file system of its own, which is really full: for whoever may mount one."""

    def fill(self, server: Server) -> None:
        with (self.folder / "ballast").open("ab", buffering=0) as ballast, suppress_no_space():
            while True:
                ballast.write(bytes(1 << 16))
        # What is left in the last pages of the files is no room either.
        with (self.folder / "ballast").open("ab", buffering=0) as ballast, suppress_no_space():
            while True:
                ballast.write(b"\0")

    def free(self) -> None:
        (self.folder / "ballast").unlink()


class ForbiddenDisk(Disk):
    """A limit on the size of the files that the server writes (`RLIMIT_FSIZE`), which anybody may set."""

    def fill(self, server: Server) -> None:
        self._pid = server.pid
        self._limit(0)

    def free(self) -> None:
        with suppress(ProcessLookupError):  # the limit ends with its process
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def suppress_no_space() -> Iterator[None]:
    """Go on when there is no room left."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk | None]:
    """Mount a file system of 1 MiB; None where this process may not."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "chatkey-tests", str(folder)]
    mounted = False
    with suppress(FileNotFoundError):
        mounted = os.geteuid() == 0 and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield SmallDisk(folder) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
