"""How many tokens from one address may fail their verification before no more of them are looked at."""

from __future__ import annotations

from gateway.access.buckets import KEPT, Buckets
from gateway.addresses import neighbourhood
from gateway.clock import Clock
from gateway.errors import TooManyFailures


class FailedAttempts:
    """Counts failures by address.

    Addresses of one IPv6 network of 64 bits are one: whoever has one of them has all of them (RFC 6177). All local
    sockets are one, and so is whatever has no address that can be read.
    """

    def __init__(self, clock: Clock, per_minute: int, addresses: int = KEPT) -> None:
        """Begin with no failure.

        Args:
            per_minute: How many failures an address may have in a minute, and as many at once; 0: any number.
            addresses: How many addresses to keep in mind: those that failed last.
        """
        self._buckets = Buckets(clock, per_minute, addresses)
        self.failed_total = 0
        self.refused_total = 0

    def require_few(self, address: str) -> None:
        """Return if one more token from this address may be looked at.

        Raises:
            TooManyFailures: not before one failure is filled in again.
        """
        if wait := self._buckets.wait(neighbourhood(address)):
            self.refused_total += 1
            raise TooManyFailures(retry_after=wait)

    def failed(self, address: str) -> None:
        """Count a token from this address that failed."""
        self.failed_total += 1
        self._buckets.take(neighbourhood(address))
