"""The right to attempt messages, in the row that every write locks: `gateway.store.leases` has what it promises."""

from __future__ import annotations

import time

from gateway.errors import NotDurable
from gateway.store.leases import Deposed
from gateway.store.postgres.reader import Reader
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer

TTL_S = 3.0
"""Seconds, by the database's clock, after which a right that is not renewed may be taken by another gateway."""
_MARGIN_S = 0.5  # between the end of our belief that it is ours and the end that others see

# Nobody sets an end as far away as the last condition has it: the clock was set back, or is that of a standby that took
# over, and whoever has the right sets a new end within a second.
_IS_FREE = (
    "SELECT leader = '' OR led_until < clock_timestamp() "
    "OR led_until > clock_timestamp() + 2 * make_interval(secs => $1) FROM numbers"
)
_TAKE = (
    "UPDATE numbers SET epoch = epoch + 1, leader = current_setting('application_name'), "
    "led_until = clock_timestamp() + make_interval(secs => $1) RETURNING epoch"
)
_RENEW = "UPDATE numbers SET led_until = clock_timestamp() + make_interval(secs => $1)"
_GIVE_UP = "UPDATE numbers SET leader = ''"


class PostgresLease:
    """The right to attempt messages.

    Attributes:
        epoch: The number of the right while it is ours, as far as is known; it rises with each time that it is taken.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and look by `reader`."""
        self._writer = writer
        self._reader = reader
        self._valid_until = 0.0
        self.epoch: int | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is ours, as far as is known."""
        return self.epoch is not None

    @property
    def is_valid(self) -> bool:
        """Whether it is ours, and nobody can have taken it over by now."""
        return self.epoch is not None and _now() < self._valid_until

    async def take(self) -> bool:
        """Take the right if it is free or was not renewed in time; return whether it is ours."""
        began = _now()
        row = await self._reader.one(_IS_FREE, TTL_S)
        if row is None or not row[0]:
            return False
        epoch: int | None = await self._writer.submit(_take)
        if epoch is not None:
            self.epoch, self._valid_until = epoch, began + TTL_S - _MARGIN_S
        return epoch is not None

    async def renew(self) -> None:
        """Keep the right."""
        began = _now()
        try:
            await self._writer.submit(_renew, self.epoch)
        except Deposed:
            self.epoch = None
            raise
        self._valid_until = began + TTL_S - _MARGIN_S

    async def give_up(self) -> None:
        """Let another one have it at once."""
        epoch, self.epoch = self.epoch, None
        if epoch is not None:
            try:
                await self._writer.submit(_give_up, epoch)
            except NotDurable:
                return  # it ends by itself


def _now() -> float:
    """Return seconds that also pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


async def _take(transaction: Transaction) -> int | None:
    if not (await transaction.every(_IS_FREE, TTL_S))[0][0]:
        return None
    epoch = int((await transaction.every(_TAKE, TTL_S))[0][0])
    transaction.epoch = epoch
    return epoch


async def _renew(transaction: Transaction) -> None:
    await transaction.execute(_RENEW, TTL_S)


async def _give_up(transaction: Transaction) -> None:
    await transaction.execute(_GIVE_UP)
