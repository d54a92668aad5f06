"""The audit log: searched, followed, proven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.audit.proof import Verdict
from gateway.desk.admin.entrance import Entrance
from gateway.desk.admin.functions import Ask, Function
from gateway.desk.admin.pages import MAX_PAGE, Page, token_after
from gateway.desk.admin.rooms import Prove
from gateway.errors import RequestInvalid
from gateway.model import Record
from gateway.store.base import AuditReader

Numbered = tuple[int, Record]

POLL = timedelta(seconds=1)
MAX_LINKS = 100
_LINK_BYTES = 32


class Audit:
    """The verbs of the audit log."""

    def __init__(self, entrance: Entrance, log: AuditReader, *, prove: Prove, poll: timedelta = POLL) -> None:
        """Keep the rooms; `poll` is how soon a new record is noticed, and a token that has ended."""
        self._entrance = entrance
        self._log = log
        self._prove = prove
        # One at a time: it reads the whole log, and whoever asks needs no second factor.
        self._proving = asyncio.Lock()
        self._poll = poll.total_seconds()

    async def search(self, ask: Ask, wanted: Mapping[str, Any], page: Page) -> tuple[Sequence[Numbered], str]:
        """Return a page of the records whose fields have these values, newest first, and the token of the next page.

        Raises:
            AuditUnavailable: the storage failed.
        """
        await self._entrance.begin(ask, Function.SEARCH_RECORDS)
        asked = sorted(wanted.items())
        limit, place = page.limit(), page.numbers(1, asked)
        below = None if place is None else place[0]
        found = await self._log.records(limit=limit, newest_first=True, below=below, **wanted)
        return found, "" if len(found) < limit else token_after(str(found[-1][0]), asked)

    async def verify(self, ask: Ask, expected: Sequence[tuple[int, bytes]]) -> Verdict:
        """Tell whether the log is as it was written.

        Args:
            ask: Who asks.
            expected: Links that were kept elsewhere, with the numbers of their records.

        Raises:
            RequestInvalid: one is no link.
            AuditUnavailable: the storage failed.
        """
        await self._entrance.begin(ask, Function.VERIFY_LOG)
        if len(expected) > MAX_LINKS:
            raise RequestInvalid([("expected_links", f"must be at most {MAX_LINKS}")])
        for index, (seq, link) in enumerate(expected):
            if seq < 1 or len(link) != _LINK_BYTES:
                raise RequestInvalid([(f"expected_links[{index}]", "must have a number and 32 bytes")])
        async with self._proving:
            return await self._prove(dict(expected))

    async def tail(self, ask: Ask, wanted: Mapping[str, Any], last: int) -> AsyncGenerator[Numbered, None]:
        """Yield the last records that fit, oldest first, then each new one, without an end.

        Raises:
            CallRefused: the operator's token has ended meanwhile.
            ShuttingDown: the gateway stops.
            AuditUnavailable: the storage failed.
        """
        await self._entrance.begin(ask, Function.TAIL_RECORDS)
        if not 0 <= last <= MAX_PAGE:
            raise RequestInvalid([("last", f"must be 0 to {MAX_PAGE}")])
        newest = await self._log.records(limit=1, newest_first=True)
        seen = newest[0][0] if newest else 0
        page = await self._log.records(limit=last, newest_first=True, below=seen + 1, **wanted) if last else ()
        for numbered in reversed(page):
            self._entrance.stay.require(ask.operator)
            yield numbered
        while True:
            self._entrance.stay.require(ask.operator)
            page = await self._log.records(after=seen, limit=MAX_PAGE, **wanted)
            for numbered in page:
                # Each time: whoever reads slowly would have a page of what came after the end of its right.
                self._entrance.stay.require(ask.operator)
                seen = numbered[0]
                yield numbered
            if len(page) < MAX_PAGE:
                await asyncio.sleep(self._poll)
