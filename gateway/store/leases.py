"""What a store that several gateways share promises of who attempts messages, and of how each learns of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.errors import NotDurable
from gateway.store.base import Pending


class Deposed(NotDurable):
    """Another gateway attempts messages now, so nothing was kept."""


class Lease(Protocol):
    """The right to attempt messages: of all gateways on a database, one has it at a time.

    Whatever the store keeps of messages for a gateway that had it, it keeps only while the right was not given to
    another one: by the number of the right, in the same transaction, and not by any clock.
    """

    @property
    def is_ours(self) -> bool:
        """Whether it is ours, as far as is known."""

    @property
    def is_valid(self) -> bool:
        """Whether it is ours, and nobody can have taken it over by now."""

    async def take(self) -> bool:
        """Take the right if it is free or was not renewed in time; return whether it is ours.

        Raises:
            NotDurable: The storage failed.
        """

    async def renew(self) -> None:
        """Keep the right.

        Raises:
            Deposed: It is another one's.
            NotDurable: The storage failed; it may be ours still.
        """

    async def give_up(self) -> None:
        """Let another one have it at once. Whatever this gateway hands in from now on is no attempt's."""


class Feed(Protocol):
    """What other gateways changed."""

    async def begin(self) -> None:
        """Begin with what is changed from now on."""

    async def changed(self) -> Sequence[Pending]:
        """Return the first of what other gateways changed since the last time, in the order of change.

        Each message as it is now, and a bounded number of them; if there may be more, `wait` returns at once.

        Raises:
            NotDurable: The storage failed; nothing is missed.
        """

    async def handed_in(self, after: int) -> tuple[int, Mapping[str, int]]:
        """Return the highest `seq` given so far, and of how many messages each client has one above `after`.

        Whichever gateway gave it, this one included: each number is told once to whoever asks after the last one.
        The first `seq` of a message that got another one meanwhile, to be sent again, is not told.

        Raises:
            NotDurable: The storage failed.
        """

    async def wait(self, seconds: float) -> None:
        """Return when there may be something new, or when the time is over."""
