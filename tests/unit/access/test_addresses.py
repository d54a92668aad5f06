from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import addresses
from gateway.addresses import AddressRanges
from gateway.errors import PermissionDenied
from gateway.model import Caller, Origin
from tests.unit.access import forge

CALLER = forge.verifier().verify(forge.token())
OFFICE = AddressRanges.parse(["10.0.0.0/8", "2001:db8::/32"])
networks = st.builds(
    lambda address, length: f"{ip_network((address, length), strict=False)}", st.ip_addresses(v=4), st.integers(0, 32)
) | st.builds(
    lambda address, length: f"{ip_network((address, length), strict=False)}", st.ip_addresses(v=6), st.integers(0, 128)
)
ranges = st.builds(AddressRanges.parse, st.lists(networks | st.just("unix"), max_size=4))


def calling(address: str, allowed: AddressRanges | None = None) -> Caller:
    return replace(CALLER, address_ranges=allowed, origin=Origin(address=address))


def is_admitted(caller: Caller, *others: AddressRanges | None) -> bool:
    try:
        addresses.require(caller, others)
    except PermissionDenied:
        return False
    return True


def test_row_31_a_token_without_ranges_works_anywhere() -> None:
    for address in ("10.1.2.3", "::1", "unix", ""):
        assert is_admitted(calling(address))
        assert is_admitted(calling(address), None)


@pytest.mark.parametrize("address", ["10.0.0.0", "10.255.255.255", "2001:db8::1", "2001:db8:ffff:ffff::"])
def test_row_31_a_token_works_from_its_ranges(address: str) -> None:
    assert is_admitted(calling(address, OFFICE))


@pytest.mark.parametrize(
    "address",
    ["9.255.255.255", "11.0.0.0", "192.0.2.1", "::1", "2001:db7:ffff::", "2001:db9::", "unix", "", "10.0.0",
     "10.0.0.1 ", "10.0.0.0/8", "010.0.0.1", "localhost", "::a00:1", "64:ff9b::10.0.0.1", "2002:a00:1::"],
)  # fmt: skip
def test_row_31_a_token_works_from_nowhere_else(address: str) -> None:
    assert not is_admitted(calling(address, OFFICE))
    assert not is_admitted(calling(address), OFFICE)


def test_row_31_every_set_of_ranges_has_to_have_the_address() -> None:
    client, everywhere = AddressRanges.parse(["10.1.0.0/16"]), AddressRanges.parse(["0.0.0.0/0", "::/0", "unix"])
    assert is_admitted(calling("10.1.2.3", OFFICE), client, everywhere, None)
    assert not is_admitted(calling("10.2.2.3", OFFICE), client, everywhere, None)
    assert not is_admitted(calling("10.1.2.3", OFFICE), client, AddressRanges())


def test_row_31_a_wrong_address_is_a_denial_that_says_no_more() -> None:
    with pytest.raises(PermissionDenied) as caught:
        addresses.require(calling("192.0.2.1", OFFICE), ())
    assert (caught.value.cause, caught.value.record) == ("address_denied", {})
    assert str(caught.value) == "permission denied"


def test_row_33_an_ipv4_address_is_the_same_however_it_is_written() -> None:
    mapped = AddressRanges.parse(["::ffff:10.0.0.0/104"])
    assert mapped == AddressRanges.parse(["10.0.0.0/8"])
    for address in ("10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"):
        assert address in mapped
        assert address in OFFICE
    assert "::ffff:11.0.0.1" not in OFFICE
    assert "10.0.0.1" not in AddressRanges.parse(["::/0"])
    assert "::1" not in AddressRanges.parse(["0.0.0.0/0"])


def test_row_33_a_local_socket_is_in_no_range_unless_it_is_named() -> None:
    assert "unix" not in AddressRanges.parse(["0.0.0.0/0", "::/0"])
    assert "unix" in AddressRanges.parse(["unix"])
    assert "10.0.0.1" not in AddressRanges.parse(["unix"])


@given(ranges, st.text(max_size=20) | st.ip_addresses().map(str))
def test_row_33_whatever_an_address_looks_like_it_is_in_a_range_or_not(found: AddressRanges, address: str) -> None:
    try:
        parsed: IPv4Address | IPv6Address | None = ip_address(address)
    except ValueError:
        parsed = None
    if parsed is None:
        assert (address in found) is (address == "unix" and found.local_sockets)


@given(ranges, ranges, st.data())
def test_an_address_is_in_two_sets_exactly_if_it_is_in_each(
    one: AddressRanges, other: AddressRanges, data: st.DataObject
) -> None:
    both = one & other
    edges = [str(edge) for network in (one.networks + other.networks) for edge in (network[0], network[-1])]
    edges += [str(edge) for network in both.networks for edge in (network[0], network[-1])]
    address = data.draw(st.sampled_from([*edges, "unix", "192.0.2.1"]) | st.ip_addresses().map(str))
    assert (address in both) is (address in one and address in other)
    assert both == AddressRanges.parse(both.texts)
    assert len(both.networks) <= max(0, len(one.networks) + len(other.networks) - 1)
    assert bool(both) is bool(both.texts)


def test_ranges_are_written_as_they_are_read() -> None:
    found = AddressRanges.parse(["10.0.0.0/8", "unix", "2001:DB8::1"])
    assert str(found) == "10.0.0.0/8, 2001:db8::1/128, unix"
    assert AddressRanges.parse(found.texts) == found
    assert not AddressRanges()


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "unix:/x", "example.org", "10.0.0.0/8, 11.0.0.0/8", "fe80::1%eth0"])
def test_what_is_no_range_is_said(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is Python's own
        AddressRanges.parse(["10.0.0.0/8", text])
