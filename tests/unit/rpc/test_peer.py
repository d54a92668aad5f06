from __future__ import annotations

import pytest

from gateway.addresses import LOCAL_SOCKET, AddressRanges
from gateway.rpc.peer import UNKNOWN, address_of, client_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:43586", "127.0.0.1"),
        ("ipv6:%5B::1%5D:44658", "::1"),
        ("ipv6:[::1]:44658", "::1"),
        ("ipv6:%5B2001:DB8:0:0::7%5D:1", "2001:db8::7"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:44658", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:1", "fe80::1%eth0"),
        ("unix:", LOCAL_SOCKET),
        ("unix:/run/x.sock", LOCAL_SOCKET),
        ("unix:%00abstract", LOCAL_SOCKET),
        ("", UNKNOWN),
        ("ipv4:", UNKNOWN),
        ("ipv4:localhost:1", UNKNOWN),
        ("ipv4:127.1:1", UNKNOWN),
        ("ipv4:127.0.0.01:1", UNKNOWN),
        ("ipv4:127.0.0.1", UNKNOWN),
        ("vsock:2:1", UNKNOWN),
        ("127.0.0.1:1", UNKNOWN),
    ],
)
def test_row_33_a_peer_is_read_strictly(peer: str, address: str) -> None:
    assert address_of(peer) == address


PROXIES = AddressRanges.parse(["10.0.0.0/24", "unix", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("ipv4:192.0.2.7:1", [], "192.0.2.7"),
        ("ipv4:192.0.2.7:1", ["198.51.100.1"], "192.0.2.7"),
        ("ipv4:10.0.0.1:1", [], "10.0.0.1"),
        ("ipv4:10.0.0.1:1", ["198.51.100.1"], "198.51.100.1"),
        ("ipv6:%5B::ffff:10.0.0.1%5D:1", ["198.51.100.1"], "198.51.100.1"),
        ("ipv6:%5B2001:db8::1%5D:1", ["2001:db8::2, 2001:DB9::5"], "2001:db9::5"),
        ("unix:/x", ["198.51.100.1"], "198.51.100.1"),
        ("unix:", ["203.0.113.9, 198.51.100.1 , 10.0.0.2", " 10.0.0.3"], "198.51.100.1"),
        ("unix:", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("unix:", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        ("unix:", ["203.0.113.9:80"], "203.0.113.9"),
        ("unix:", ["[2001:db9::5]"], "2001:db9::5"),
        ("unix:", ["[2001:db9::5]:4711"], "2001:db9::5"),
        ("unix:", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("unix:", [""], UNKNOWN),
        ("unix:", ["203.0.113.9,"], UNKNOWN),
        ("unix:", ["203.0.113.9, unknown"], UNKNOWN),
        ("unix:", ["203.0.113.9, unix"], UNKNOWN),
        ("unix:", ["_hidden"], UNKNOWN),
        ("unix:", ["203.0.113.9:"], UNKNOWN),
        ("unix:", ["203.0.113.9:123456"], UNKNOWN),
        ("unix:", ["203.0.113.009"], UNKNOWN),
        ("unix:", ["203.0.113"], UNKNOWN),
        ("unix:", ["[203.0.113.9"], UNKNOWN),
        ("unix:", ["fe80::1%eth0"], UNKNOWN),
        ("unix:", ["203.0.113.9;198.51.100.1"], UNKNOWN),
        ("unix:", ["２０３.0.113.9"], UNKNOWN),
        ("unix:", ["203.0.113.9\n"], "203.0.113.9"),
        ("", ["203.0.113.9"], UNKNOWN),
    ],
)
def test_row_33_the_last_hop_that_somebody_trusted_saw_is_the_client(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert client_of(peer, forwarded, PROXIES) == client


def test_row_33_without_trusted_proxies_nothing_is_believed() -> None:
    for peer, address in (("ipv4:10.0.0.1:1", "10.0.0.1"), ("unix:", LOCAL_SOCKET), ("", UNKNOWN)):
        assert client_of(peer, ["203.0.113.9"], AddressRanges()) == address
