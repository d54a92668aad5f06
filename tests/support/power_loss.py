"""A disk that forgets: what was written and not synced may be there, or not, or in part, once the power is gone.

SQLite reaches its files through a VFS (https://sqlite.org/vfs.html). This one passes everything on to the real files
and remembers, beside them, what each file is sure to hold. `restore` leaves in the real files what a power loss might.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, TypeAlias

import apsw

SECTOR = 512
_Write: TypeAlias = tuple[int, bytes | None]  # where, and what; None: the file was cut there


class _Surface:
    """One file: what it is sure to hold, and the writes since."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.unsynced: list[_Write] = []

    def sync(self) -> None:
        for write in self.unsynced:
            _apply(self.synced, write)
        self.unsynced.clear()

    def after_power_loss(self, chance: Random) -> bytes:
        content = bytearray(self.synced)
        for offset, data in self.unsynced:
            fate = chance.choice(("dropped", "kept", "torn"))
            if data is None or fate == "kept":
                if fate != "dropped":
                    _apply(content, (offset, data))
            elif fate == "torn":
                for at in range(0, len(data), SECTOR):
                    if chance.random() < 0.5:
                        _apply(content, (offset + at, data[at : at + SECTOR]))
        return bytes(content)


def _apply(content: bytearray, write: _Write) -> None:
    offset, data = write
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """Holds files until the power goes, after so many writes and syncs; `open_sqlite` takes its name as `vfs`."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name = name
        self.chance = chance
        self.operations_left: int | None = None
        self._surfaces: dict[str, _Surface] = {}
        self._lock = Lock()
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(self, path, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with self._lock:
            self._spend()
            self._surfaces.pop(filename, None)
        super().xDelete(filename, syncdir)

    def surface(self, path: str) -> _Surface:
        return self._surfaces.setdefault(path, _Surface())

    def note(self, path: str, write: _Write) -> None:
        with self._lock:
            self._spend()
            self.surface(path).unsynced.append(write)

    def sync(self, path: str) -> None:
        with self._lock:
            self._spend()
            self.surface(path).sync()

    @property
    def is_dark(self) -> bool:
        return self.operations_left == 0

    def _spend(self) -> None:
        if self.operations_left is not None:
            if self.operations_left == 0:
                raise apsw.IOError("the power is gone")
            self.operations_left -= 1

    def restore(self) -> Sequence[Path]:
        """Leave in the real files what is there when the power is back, and return them."""
        files = []
        for path, surface in self._surfaces.items():
            files.append(Path(path))
            Path(path).write_bytes(surface.after_power_loss(self.chance))
            Path(f"{path}-shm").unlink(missing_ok=True)
        return files


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, path: str | None, flags: list[int]) -> None:
        self._disk = disk
        self._path = path or ""
        super().__init__("", path, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.note(self._path, (offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.note(self._path, (size, None))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.sync(self._path)
