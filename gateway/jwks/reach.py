"""Which machines may be asked for keys: those of the public internet, and those that the configuration names.

An address in the configuration is a place inside our network that somebody outside can make us connect to, once its
name resolves there (RFC 8725bis, section 3.10).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from gateway.addresses import AddressRanges

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a NAT64 reaches them: RFC 6052."""


def may_reach(address: str, networks: AddressRanges) -> bool:
    """Whether an IP address is public, or in one of `networks`.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo, NAT64) is judged by both.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return address in networks or all(_is_public(each) for each in (found, *_carried(found)))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _carried(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in carried if each is not None]
