"""Bugs of the room of updates, planted: each a plausible mistake that its simulation has to catch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any

import pytest

from gateway.errors import NotDurable
from gateway.model import Caller, Update, UpdateKind
from gateway.updates import feed as feeds
from gateway.updates.feed import Feed
from gateway.updates.intake import Intake
from gateway.updates.polling import Polling
from tests.support.model_store import ModelUpdates

Plant = Callable[[pytest.MonkeyPatch], None]


def confirms_before_it_is_kept(patch: pytest.MonkeyPatch) -> None:
    """What came is confirmed at once, and kept meanwhile."""
    right = Intake.take

    async def wrong(self: Intake, raw: Sequence[object]) -> None:
        async def keep() -> None:
            with contextlib.suppress(NotDurable):
                await right(self, raw)

        asyncio.get_running_loop().create_task(keep())

    patch.setattr(Intake, "take", wrong)


def goes_on_from_the_highest_number(patch: pytest.MonkeyPatch) -> None:
    """The number that confirms is a place to go on from, as long as the gateway lives."""
    right = Polling._round

    async def wrong(self: Polling) -> float:
        before = self._kept_below
        pause = await right(self)
        if before is not None and (self._kept_below or 0) < before:
            self._kept_below = before
        return pause

    patch.setattr(Polling, "_round", wrong)


def has_no_look_at_what_others_keep(patch: pytest.MonkeyPatch) -> None:
    """A reader is woken by its own gateway alone."""

    async def wrong(_self: Feed) -> None:
        await asyncio.sleep(365 * 86_400)

    patch.setattr(Feed, "run", wrong)


def keeps_what_comes_again(patch: pytest.MonkeyPatch) -> None:
    """Whether an update is there already is not asked."""

    async def wrong(self: ModelUpdates, updates: Sequence[Update]) -> Sequence[Update]:
        self._store._require_storage()
        new = [replace(update, seq=self._last + place) for place, update in enumerate(updates, 1)]
        self._last += len(new)
        self.kept += new
        return new

    patch.setattr(ModelUpdates, "add", wrong)


def forgets_without_a_word(patch: pytest.MonkeyPatch) -> None:
    """It is not noted what is forgotten, so nobody learns that something is gone."""

    async def wrong(self: ModelUpdates, received_before: datetime, limit: int) -> int:
        self._store._require_storage()
        old = list(takewhile(lambda update: update.received_at < received_before, self.kept[:limit]))
        del self.kept[: len(old)]
        return len(old)

    patch.setattr(ModelUpdates, "forget", wrong)


def reads_by_chat_alone(patch: pytest.MonkeyPatch) -> None:
    """Who may read a topic is told of the whole chat."""
    right = Feed.watch

    def wrong(self: Feed, caller: Caller, kinds: Collection[UpdateKind], cursor: str) -> Any:
        grants = tuple(replace(grant, message_thread_id=None) for grant in caller.grants)
        return right(self, replace(caller, grants=grants), kinds, cursor)

    patch.setattr(Feed, "watch", wrong)


def wakes_before_it_looks(patch: pytest.MonkeyPatch) -> None:
    """The news is put aside after the look and not before: what came in between is slept through."""

    class Late(asyncio.Event):
        def clear(self) -> None:
            """Do nothing: it is too early."""

        async def wait(self) -> Any:
            super().clear()
            return await super().wait()

    @contextlib.contextmanager
    def news_of(self: Feed, chat_ids: Collection[int]) -> Iterator[asyncio.Event]:
        with right(self, chat_ids) as news:
            late = Late()
            for chat_id in chat_ids:
                self._watches[chat_id][late] = None
            try:
                yield late
            finally:
                for chat_id in chat_ids:
                    self._watches[chat_id].pop(late, None)
            news.clear()

    right = Feed._news_of
    patch.setattr(Feed, "_news_of", news_of)
    patch.setattr(feeds, "POLL_S", 10_000.0)


PLANTED: Sequence[Plant] = (
    confirms_before_it_is_kept,
    goes_on_from_the_highest_number,
    has_no_look_at_what_others_keep,
    keeps_what_comes_again,
    forgets_without_a_word,
    reads_by_chat_alone,
    wakes_before_it_looks,
)
"""Each breaks I10."""
