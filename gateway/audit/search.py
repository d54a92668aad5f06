"""Reading the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.audit import archive
from gateway.model import Record
from gateway.store.base import AuditReader

_PAGE = 500
POLL = timedelta(seconds=1)


async def search(store: AuditReader, limit: int, **equal: Any) -> AsyncIterator[tuple[int, Record]]:
    """Yield the newest records whose fields have these values, at most `limit`, the oldest of them first.

    `equal` takes what `AuditReader.records` takes.

    Raises:
        AuditUnavailable: The storage failed.
        ValueError: There is no search by a name in `equal`.
    """
    for numbered in reversed(await store.records(limit=limit, newest_first=True, **equal)):
        yield numbered


async def tail(
    store: AuditReader, last: int, poll: timedelta = POLL, **equal: Any
) -> AsyncIterator[tuple[int, Record]]:
    """Yield the newest `last` records as `search` does, then each new one within `poll`, without an end."""
    newest = await store.records(limit=1, newest_first=True)
    seen = newest[0][0] if newest else 0
    async for seq, record in search(store, last, **equal):
        seen = max(seen, seq)
        yield seq, record
    while True:
        page = await store.records(after=seen, limit=_PAGE, **equal)
        for seq, record in page:
            seen = seq
            yield seq, record
        if len(page) < _PAGE:
            await asyncio.sleep(poll.total_seconds())


async def everything(store: AuditReader, archives: Path, after: int = 0) -> AsyncIterator[tuple[int, Record]]:
    """Yield every record that is numbered above `after`, oldest first: those in archive files, then the store's.

    A gateway may move records from the store to files meanwhile.

    Raises:
        AuditUnavailable: The storage failed.
        OSError, ValueError: An archive file can't be read, or is damaged.
    """
    seq, known = after, None
    while True:
        page = await store.records(after=seq, limit=_PAGE)
        if not page or page[0][0] > seq + 1:
            files = archive.files(archives)
            if files != known:
                known = files
                for number, record in archive.records(archives):
                    if number > seq:
                        seq = number
                        yield number, record
                continue
        if not page:
            return
        for seq, record in page:
            yield seq, record
