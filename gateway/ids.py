"""Ids: from a clock and from chance that are handed in."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from gateway.clock import Clock


def pooled(random_bytes: Callable[[int], bytes], size: int = 4096) -> Callable[[int], bytes]:
    """Return what hands out chance from a store of `size` bytes: asking the system for each id costs more than the id.

    What was handed out is not kept.
    """
    pool = bytearray()

    def take(count: int) -> bytes:
        if len(pool) < count:
            pool.extend(random_bytes(size))
        taken = bytes(pool[-count:])
        del pool[-count:]
        return taken

    return take


def uuid7_maker(clock: Clock, random_bytes: Callable[[int], bytes]) -> Callable[[], str]:
    """Return what makes UUIDs of version 7 (RFC 9562, section 5.7): later ones sort later, by the millisecond."""

    def make() -> str:
        milliseconds = int(clock.now().timestamp() * 1000)
        chance = int.from_bytes(random_bytes(10), "big")
        high = (milliseconds << 16) | 0x7000 | (chance >> 64) & 0x0FFF
        low = 0x8000_0000_0000_0000 | chance & 0x3FFF_FFFF_FFFF_FFFF
        return str(uuid.UUID(int=high << 64 | low))

    return make


def opaque_maker(random_bytes: Callable[[int], bytes]) -> Callable[[], str]:
    """Return what makes names of 96 bits that nobody can guess, in hexadecimal."""
    return lambda: random_bytes(12).hex()
