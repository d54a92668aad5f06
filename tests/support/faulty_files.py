"""Files that fail on demand: what SQLite meets when a disk is full, broken, turned read-only or does not answer."""

from __future__ import annotations

from collections.abc import Collection
from threading import Event
from typing import Any

import apsw


class FaultyFiles(apsw.VFS):
    """Passes everything on to the real files, but fails the operations named in `failing` with `fault`.

    The names are those of the VFS: `xOpen`, `xRead`, `xWrite`, `xTruncate`, `xSync`. While `answers` is not set, what
    is written does not come back at all.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.failing: Collection[str] = ()
        self.fault: type[apsw.Error] = apsw.IOError
        self.answers = Event()
        self.answers.set()
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        self.meet("xOpen")
        return _File(self, name, flags)

    def meet(self, operation: str) -> None:
        if operation in ("xWrite", "xSync"):
            self.answers.wait()
        if operation in self.failing:
            raise self.fault(f"{operation} failed on demand")


class _File(apsw.VFSFile):
    def __init__(self, files: FaultyFiles, name: Any, flags: list[int]) -> None:
        self._files = files
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._files.meet("xRead")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._files.meet("xWrite")
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._files.meet("xTruncate")
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._files.meet("xSync")
        super().xSync(flags)
