"""The address of the other side, as gRPC tells it.

See https://github.com/grpc/grpc/blob/master/doc/naming.md for the forms; brackets of IPv6 come percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote

from gateway.addresses import LOCAL_SOCKET, AddressRanges, unmapped

UNKNOWN = ""
# Bare, or with the port that the proxy saw. A zone (RFC 4007) says nothing outside the machine that it is of.
_HOP = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")


def client_of(peer: str, forwarded: Sequence[str], trusted: AddressRanges) -> str:
    """Return the address of whoever calls, as `address_of` does, behind proxies that are trusted.

    Each proxy appends the address that it was called from. Read from the end, the first that is no trusted proxy's is
    the last one that anybody trusted has seen; what stands before it can be made up. If that can't be read the address
    is unknown: nothing before it is any better.

    Args:
        forwarded: The values of `x-forwarded-for`, in order.
    """
    address = address_of(peer)
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and address in trusted:
        address = _hop(hops.pop())
    return address


@lru_cache(maxsize=1024)
def address_of(peer: str) -> str:
    """Return the IP address in its shortest form, `unix` for a local socket, or nothing for what can't be read.

    An IPv4 address that comes mapped into IPv6 (RFC 4291, 2.5.5.2) is returned as what it is.
    """
    scheme, _, rest = peer.partition(":")
    if scheme == "unix":
        return LOCAL_SOCKET
    if scheme not in ("ipv4", "ipv6"):
        return UNKNOWN
    host, _, _ = unquote(rest).rpartition(":")
    return _plain(host.removeprefix("[").removesuffix("]"))


def _hop(text: str) -> str:
    found = _HOP.fullmatch(text)
    return _plain(found[1] or found[2] or found[3]) if found else UNKNOWN


def _plain(host: str) -> str:
    try:
        return str(unmapped(ip_address(host)))
    except ValueError:
        return UNKNOWN
