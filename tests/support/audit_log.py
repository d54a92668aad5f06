"""An audit log on disk, sealed, for tests that move it or tamper with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from gateway.audit import archive
from gateway.audit.proof import Verdict, verify
from gateway.audit.rotation import Rotation
from gateway.audit.sealer import Sealer
from gateway.audit.search import everything
from gateway.audit.signing import Signer, open_signer
from gateway.model import Record
from gateway.store.sqlite import SqliteStore, open_sqlite, read_sqlite

AT = datetime(2024, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def a_record(number: int) -> Record:
    return Record(at=AT, event="call.refused", decision="deny", reason="chat_mismatch", client=f"svc:{number}")


@dataclass
class Log:
    """Twelve sealed records, a checkpoint after each three, a minute from one to the next."""

    data: Path
    signer: Signer

    @property
    def path(self) -> Path:
        return self.data / "chatkey.db"

    @property
    def folder(self) -> Path:
        return archive.directory(self.data)

    @property
    def files(self) -> list[Path]:
        return [path for _, path in archive.files(self.folder)]

    async def verdict(self, *, without: bool = False, **expected: Any) -> Verdict:
        async with read_sqlite(self.path) as store:
            folder = None if without else self.folder
            return await verify(store, store.seals, [self.signer.public], archives=folder, **expected)

    async def rotate(self, before: datetime) -> Sequence[Path]:
        async with open_sqlite(self.path) as store:
            return await Rotation(store, store.seals, self.folder, Clock()).rotate(before)

    async def append(self, count: int, at: datetime = AT + timedelta(hours=1)) -> None:
        async with open_sqlite(self.path) as store:
            await grow(store, self.signer, count, at)

    async def all(self) -> list[int]:
        async with read_sqlite(self.path) as store:
            return [seq async for seq, _ in everything(store, self.folder)]

    def tamper(self, *statements: str) -> None:
        connection = apsw.Connection(str(self.path))
        for statement in statements:
            connection.execute(statement)
        connection.close()


async def grow(store: SqliteStore, signer: Signer, count: int, at: datetime) -> None:
    last = await store.seals.last_numbered()
    await store.record([a_record(number) for number in range(last + 1, last + count + 1)])
    clock = Clock()
    clock.at = at
    await Sealer(store, store.seals, signer, clock, lambda: os.urandom(8).hex()).seal(checkpoint=True)


async def a_log(data: Path) -> Log:
    async with open_sqlite(data / "chatkey.db") as store:
        signer = open_signer(data)
        for number in range(1, 5):
            await grow(store, signer, 3, AT + number * MINUTE)
    return Log(data, signer)
