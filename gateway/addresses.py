"""Ranges of network addresses: a word for settings, tokens and doors alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network

LOCAL_SOCKET = "unix"
"""The address of whoever calls over a Unix socket."""

_RANGE = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?")
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class AddressRanges:
    """A set of addresses; empty, it has none.

    IPv4 addresses that are mapped into IPv6 (RFC 4291, 2.5.5.2) are the IPv4 addresses that they stand for.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    local_sockets: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> AddressRanges:
        """Return what the texts name together: each a CIDR without host bits, one address, or `unix`.

        Raises:
            ValueError: one of them is none of these; its text says which.
        """
        named = list(texts)
        networks = tuple(_network(text) for text in named if text != LOCAL_SOCKET)
        return cls(networks, LOCAL_SOCKET in named)

    def __contains__(self, address: str) -> bool:
        """Whether an address is in it; a text that is no address never is."""
        if address == LOCAL_SOCKET:
            return self.local_sockets
        try:
            plain = unmapped(ip_address(address))
        except ValueError:
            return False
        return any(plain in network for network in self.networks)

    def __and__(self, other: AddressRanges) -> AddressRanges:
        """Return the addresses that are in both, in the fewest ranges."""
        common = list(self._common(other))
        v4 = collapse_addresses(network for network in common if isinstance(network, IPv4Network))
        v6 = collapse_addresses(network for network in common if isinstance(network, IPv6Network))
        return AddressRanges((*v4, *v6), self.local_sockets and other.local_sockets)

    def __bool__(self) -> bool:
        """Whether there is an address in it."""
        return bool(self.networks) or self.local_sockets

    def __str__(self) -> str:
        """Return the ranges, with commas between."""
        return ", ".join(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The ranges as `parse` reads them."""
        return (*map(str, self.networks), *([LOCAL_SOCKET] if self.local_sockets else []))

    def _common(self, other: AddressRanges) -> Iterator[IPv4Network | IPv6Network]:
        # Two ranges either have no address in common or one lies in the other.
        for mine in self.networks:
            for theirs in other.networks:
                if mine.version == theirs.version and mine.overlaps(theirs):
                    yield max(mine, theirs, key=lambda network: network.prefixlen)


@lru_cache(maxsize=1024)
def neighbourhood(address: str) -> str:
    """Return what an address has in common with those of the same caller: the first 64 bits of IPv6, all of any other.

    A text that is no address is returned as it is.
    """
    try:
        plain = unmapped(ip_address(address))
    except ValueError:
        return address
    return str(plain) if isinstance(plain, IPv4Address) else str(IPv6Network((int(plain) >> 64 << 64, 64)))


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> IPv4Network | IPv6Network:
    if _RANGE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no range of addresses such as 10.0.0.0/8")
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network
