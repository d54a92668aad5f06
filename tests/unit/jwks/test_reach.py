"""Which machines may be asked for keys. B3.10c."""

from __future__ import annotations

import pytest

from gateway.addresses import AddressRanges
from gateway.jwks.reach import may_reach

NOWHERE = AddressRanges()


@pytest.mark.parametrize("address", ["1.1.1.1", "203.0.114.1", "2606:4700:4700::1111", "64:ff9b::1.1.1.1"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert may_reach(address, NOWHERE)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::", "2001:db8::1",
        "", "localhost", "1", "0x7f.1", "2130706433",
    ],
)  # fmt: skip
def test_b3_10c_no_other_address_is_asked(address: str) -> None:
    assert not may_reach(address, NOWHERE)


def test_a_network_that_is_listed_may_be_asked_and_no_other() -> None:
    listed = AddressRanges.parse(["10.1.0.0/16", "fd00::/8"])
    assert may_reach("10.1.2.3", listed)
    assert may_reach("::ffff:10.1.2.3", listed)
    assert may_reach("fd00::1", listed)
    assert may_reach("1.1.1.1", listed)
    for address in ("10.2.0.1", "127.0.0.1", "::1", "169.254.169.254"):
        assert not may_reach(address, listed)
