"""What of the quotas is used up by messages that this run did not accept: earlier runs did, or other gateways."""

from __future__ import annotations

from datetime import timedelta

from gateway.clock import Clock
from gateway.delivery.keeping import again
from gateway.delivery.quota import DAY, MINUTE, PARTS, Quotas, Taken
from gateway.store.base import OutboxStore
from gateway.store.leases import Feed


async def recall(quotas: Quotas, store: OutboxStore, clock: Clock) -> None:
    """Count what was handed in before this run, and still counts; to be called before anything is accepted.

    It is counted by the wall clock: one that was set back frees nothing, one that was set forward frees too early.
    """
    # The day first: what others accept in between is counted twice for a minute, and not for a day.
    number, day = await _handed_in(store, clock, DAY)
    _, minute = await _handed_in(store, clock, MINUTE)
    quotas.recall(number, minute, day)


async def hear(quotas: Quotas, feed: Feed, clock: Clock) -> None:
    """Count what was handed in to other gateways since the last time.

    Raises:
        NotDurable: The storage failed; nothing is missed.
    """
    number, handed_in = await feed.handed_in(quotas.heard_up_to)
    quotas.heard(number, handed_in, clock.monotonic())


async def _handed_in(store: OutboxStore, clock: Clock, length: float) -> tuple[int, list[Taken]]:
    """Return what may count for `length` seconds, in parts as long as those of its window, the oldest first."""
    part = timedelta(seconds=length / PARTS)
    since = clock.now() - (PARTS + 1) * part
    number, found = await again(lambda: store.handed_in(since, part))
    now, monotonic = clock.now(), clock.monotonic()
    ages = [max(timedelta(), now - each.last_at).total_seconds() for each in found]
    return number, [Taken(each.client, monotonic - age, each.count) for each, age in zip(found, ages, strict=True)]
