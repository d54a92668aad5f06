"""What the store promises of updates. `tests/contract/test_update_store.py` tests each promise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.model import Update, UpdateKind


class UpdatePlace(NamedTuple):
    """A chat, or one forum topic of it: then nothing else of the chat belongs to the place."""

    chat_id: int
    message_thread_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePage:
    """The first updates after a number, as of one instant.

    Attributes:
        upto: The number after which the next page begins: what lies before it was looked at.
        forgotten: The highest number of what was asked for and is forgotten; 0: nothing is.
    """

    updates: Sequence[Update]
    upto: int
    forgotten: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChat:
    """A chat of which was heard; `title` is a person's name where it is no group."""

    chat_id: int
    type: str
    title: str
    seen_at: datetime


class UpdateStore(Protocol):
    """Keeps updates, for several gateways at once.

    What is added is on durable storage before `add` returns. Every method raises `NotDurable` when the storage fails;
    then nothing of the call was kept.
    """

    async def add(self, updates: Sequence[Update]) -> Sequence[Update]:
        """Keep updates, all or none, and return the new ones with their `seq`; what they had as `seq` does not count.

        An update whose `update_id` is there already is left as it is. `seq` rises in the order of the given ones, and
        in that of commits over all gateways: who has read up to a number has read all that have a lower one.
        """

    async def page(
        self, places: Collection[UpdatePlace], kinds: Collection[UpdateKind], after: int, limit: int
    ) -> UpdatePage:
        """Return up to `limit` updates of these places and kinds behind `after`, in the order of `seq`.

        Args:
            places: No update of any other is read.
            kinds: Only these; empty: all.
        """

    async def last(self) -> int:
        """Return the number of the last update that was ever kept; 0: none was."""

    async def oldest(self) -> int:
        """Return the number behind which the first update is that is still kept."""

    async def chats_after(self, after: int) -> tuple[int, Collection[int]]:
        """Return the chats of the first updates behind `after`, and the number after which to go on."""

    async def pressed(self, callback_id: str) -> Update | None:
        """Return the last press on a button that has this id, which is not empty."""

    async def forget(self, received_before: datetime, limit: int) -> int:
        """Remove up to `limit` updates, in the order of `seq`, up to the first that came later; return how many."""

    async def see(self, chats: Sequence[SeenChat]) -> None:
        """Keep of which chats was heard, in the place of what was known of each."""

    async def seen(self, limit: int) -> Sequence[SeenChat]:
        """Return up to `limit` chats, the one first of which was heard last."""

    async def forget_seen(self, seen_before: datetime, most: int) -> None:
        """Forget chats of which nothing was heard since, and of more than `most` those that were heard of first."""
