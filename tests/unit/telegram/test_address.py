"""Addresses are checked at start: the bot token is in the path of every request."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigInvalid
from gateway.telegram.address import checked_base_url, checked_proxy


@pytest.mark.parametrize(
    "url",
    [
        "https://api.telegram.org",
        "https://10.0.0.1:8443/prefix",
        "http://127.0.0.1:8081",
        "http://127.9.9.9",
        "http://[::1]:8081",
        "http://localhost:8081",
    ],
)
def test_addresses_that_keep_the_token_to_themselves(url: str) -> None:
    assert checked_base_url(url) == url
    assert checked_base_url(url + "/") == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:8081", "http://bot-api:8081", "http://localhost.evil.example", "http://0.0.0.0:1"]
)
def test_plain_http_leaves_this_machine_only_when_told_to(url: str) -> None:
    with pytest.raises(ConfigInvalid, match="use https"):
        checked_base_url(url)
    assert checked_base_url(url, allow_plaintext=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.telegram.org",
        "ftp://host",
        "https://",
        "https://host:port",
        "https://user:secret@host",
        "https://host?x=secret",
        "https://host#secret",
        "https://[::1",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        checked_base_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://h:3128", "socks5://user:secret@h:1080", "socks5://[::1]:1080"])
def test_proxies(url: str) -> None:
    assert checked_proxy(url) == url


def test_the_proxy_resolves_names_whether_asked_to_or_not() -> None:
    assert checked_proxy("socks5h://h:1080") == "socks5://h:1080"


@pytest.mark.parametrize(
    "url", ["", "user:secret@h:1", "https://h:1", "socks4://h:1", "http://user:secret@h", "http://:1"]
)
def test_what_is_no_proxy_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        checked_proxy(url)
    assert "secret" not in str(refused.value)
