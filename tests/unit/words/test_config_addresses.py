"""From where calls are taken, and whose word is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.addresses import AddressRanges
from gateway.config import describe, load
from gateway.errors import ConfigInvalid


def test_unless_it_is_said_calls_are_taken_from_anywhere_and_no_proxy_is_believed(tmp_path: Path) -> None:
    config = load({}, tmp_path)
    assert (config.allowed_addresses, config.trusted_proxies) == (None, AddressRanges())


def test_ranges_stand_with_commas_between(tmp_path: Path) -> None:
    environ = {"CHATKEY_ALLOWED_ADDRESSES": "10.0.0.0/8,2001:db8::/32, unix", "CHATKEY_TRUSTED_PROXIES": "10.0.0.7"}
    config = load(environ, tmp_path)
    assert config.allowed_addresses == AddressRanges.parse(["10.0.0.0/8", "2001:db8::/32", "unix"])
    assert config.trusted_proxies == AddressRanges.parse(["10.0.0.7/32"])
    shown = {name: value for name, value, _ in describe(config)}
    assert shown["CHATKEY_ALLOWED_ADDRESSES"] == "10.0.0.0/8, 2001:db8::/32, unix"
    assert shown["CHATKEY_TRUSTED_PROXIES"] == "10.0.0.7/32"


@pytest.mark.parametrize("name", ["CHATKEY_ALLOWED_ADDRESSES", "CHATKEY_TRUSTED_PROXIES"])
@pytest.mark.parametrize("text", ["10.0.0.1/8", "everywhere", "10.0.0.0/8;", "10.0.0.0/8,", "10.0.0.0/8 11.0.0.0/8"])
def test_what_is_no_range_is_refused_at_start(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=f"{name} must be ranges such as") as refused:
        load({name: text}, tmp_path)
    assert "\n" not in str(refused.value)


def test_a_door_that_nobody_could_come_through_is_refused(tmp_path: Path) -> None:
    environ = {"CHATKEY_GRPC_LISTEN": "unix:/run/chatkey.sock", "CHATKEY_ALLOWED_ADDRESSES": "10.0.0.0/8"}
    with pytest.raises(ConfigInvalid, match="nobody could call"):
        load(environ, tmp_path)
    load(environ | {"CHATKEY_ALLOWED_ADDRESSES": "10.0.0.0/8, unix"}, tmp_path)
    load(environ | {"CHATKEY_TRUSTED_PROXIES": "unix"}, tmp_path)
