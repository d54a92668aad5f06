"""From where a token may be used."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.access.causes import refused
from gateway.addresses import AddressRanges
from gateway.errors import PermissionDenied
from gateway.model import Caller
from gateway.operators import Operator

MAX_RANGES = 16


def ranges_from(claim: object) -> AddressRanges:
    """Return what the claim `src_cidrs` says: 1 to 16 ranges of IP addresses.

    Raises:
        Unauthenticated: `bad_addresses`.
    """
    if not isinstance(claim, list) or not 1 <= len(claim) <= MAX_RANGES:
        raise refused("bad_addresses")
    try:
        ranges = AddressRanges.parse(text for text in claim if isinstance(text, str))
    except ValueError:
        raise refused("bad_addresses") from None
    if len(ranges.networks) != len(claim):
        raise refused("bad_addresses")
    return ranges


def require(caller: Caller | Operator, others: Iterable[AddressRanges | None]) -> None:
    """Return if the caller calls from an address that its token allows, and that each of `others` has.

    An address that can't be told is in no range. None is no restriction.

    Raises:
        PermissionDenied: `address_denied`.
    """
    for ranges in (caller.address_ranges, *others):
        if ranges is not None and caller.origin.address not in ranges:
            raise PermissionDenied("address_denied")
