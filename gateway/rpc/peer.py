"""The address of the other side, as gRPC tells it.

See https://github.com/grpc/grpc/blob/master/doc/naming.md for the forms; brackets of IPv6 come percent-encoded.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import unquote

UNIX = "unix"
UNKNOWN = ""


@lru_cache(maxsize=1024)
def address_of(peer: str) -> str:
    """Return the IP address in its shortest form, `unix` for a local socket, or nothing for what can't be read.

    An IPv4 address that comes mapped into IPv6 (RFC 4291, 2.5.5.2) is returned as what it is.
    """
    scheme, _, rest = peer.partition(":")
    if scheme == "unix":
        return UNIX
    if scheme not in ("ipv4", "ipv6"):
        return UNKNOWN
    host, _, _ = unquote(rest).rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return UNKNOWN
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
