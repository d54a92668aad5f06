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
