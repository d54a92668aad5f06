"""One request for keys: to one host, over TLS, bounded in time and size, never led elsewhere. Row 49, B3.10c."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid
from gateway.jwks.fetch import Fetcher, FetchFailed
from gateway.jwks.public_file import MAX_BYTES
from tests.unit.jwks.far_side import Resolver, Server, answer, server

HERE = AddressRanges.parse(["127.0.0.0/8"])
NOWHERE = AddressRanges()


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path) as running:
        yield running


def fetcher(far: Server, **changes: object) -> Fetcher:
    arguments = {"url": far.url, "ca_file": far.ca_file, "networks": HERE, **changes}
    return Fetcher(str(arguments.pop("url")), **arguments)  # type: ignore[arg-type]


async def failure(fetch: Fetcher) -> str:
    with pytest.raises(FetchFailed) as failed:
        await fetch()
    text = str(failed.value)
    assert "\n" not in text
    return text


async def test_an_answer_is_the_body_of_a_200(far: Server) -> None:
    far.says = answer(b'{"keys":[]}')
    assert await fetcher(far)() == b'{"keys":[]}'
    (request,) = far.asked
    assert request.startswith("GET /jwks HTTP/1.1\r\n")
    assert "identity" in request
    assert "Cookie" not in request


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_row_49_a_redirect_is_not_followed(far: Server, status: str) -> None:
    far.says = answer(b"{}", status, f"Location: {far.url}/elsewhere")
    assert await failure(fetcher(far)) == f"it answers {status[:3]}"
    assert len(far.asked) == 1


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found", "204 No Content", "201 Created", "401 No", "304 Same"])
async def test_row_49_any_other_answer_is_none(far: Server, status: str) -> None:
    far.says = answer(b'{"keys":"secret of theirs"}' if status[:3] not in ("204", "304") else b"", status)
    assert await failure(fetcher(far)) == f"it answers {status[:3]}"


async def test_an_answer_may_have_256_kib_and_no_more(far: Server) -> None:
    far.says = answer(b" " * MAX_BYTES)
    assert len(await fetcher(far)()) == MAX_BYTES
    far.says = answer(b" " * (MAX_BYTES + 1))
    assert "256 KiB" in await failure(fetcher(far))


async def test_row_49_an_answer_without_end_is_left(far: Server) -> None:
    far.says, far.endless = answer(b"", length=1 << 40), True
    assert "256 KiB" in await failure(fetcher(far))


async def test_row_49_a_compressed_answer_is_not_unpacked(far: Server) -> None:
    far.says = answer(gzip.compress(b" " * 10_000_000), "200 OK", "Content-Encoding: gzip")
    assert "compressed" in await failure(fetcher(far))


async def test_row_49_a_server_that_keeps_silent_is_not_waited_for(far: Server) -> None:
    far.silent = True
    assert "0.2 s" in await failure(fetcher(far, timeout=timedelta(seconds=0.2)))
    assert far.asked


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n", answer(b"{}", length=500), b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n"],
)
async def test_row_49_what_is_no_http_is_no_answer(far: Server, said: bytes) -> None:
    far.says = said
    assert (await failure(fetcher(far))).startswith("it can't be reached: ")


async def test_a_server_that_is_not_there_is_said_so(far: Server) -> None:
    assert "ClientConnector" in await failure(fetcher(far, url="https://127.0.0.1:1/jwks"))


async def test_a_server_is_known_by_its_certificate(far: Server, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with server(other) as stranger:
        for ca_file in (stranger.ca_file, None):
            assert "Certificate" in await failure(fetcher(far, ca_file=ca_file))
    assert far.asked == []


async def test_a_certificate_is_for_the_name_that_was_configured(far: Server) -> None:
    resolver = Resolver("127.0.0.1")
    named = fetcher(far, url=f"https://keys.corp.example:{far.port}/jwks", resolver=resolver)
    assert "Certificate" in await failure(named)
    assert resolver.asked == ["keys.corp.example"]
    assert far.asked == []


async def test_b3_10c_a_name_that_leads_inside_is_not_connected_to(far: Server) -> None:
    for inside in ("127.0.0.1", "169.254.169.254", "::1", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1%lo"):
        for addresses in ((inside,), ("1.1.1.1", inside), (inside, "1.1.1.1")):
            fetch = fetcher(
                far,
                url=f"https://keys.corp.example:{far.port}/jwks",
                networks=NOWHERE,
                resolver=Resolver(*addresses),
            )
            assert await failure(fetch) == f"its name leads to {inside}, which is no public address"
    assert far.asked == []


async def test_b3_10c_other_spellings_of_an_address_are_names_and_judged_by_where_they_lead(far: Server) -> None:
    for host in ("127.1", "2130706433", "0x7f.0.0.1", "localhost"):
        fetch = fetcher(far, url=f"https://{host}:{far.port}/jwks", networks=NOWHERE)
        text = await failure(fetch)
        assert "no public address" in text or "InvalidUrl" in text
    assert far.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]"]
)
def test_b3_10c_an_address_inside_is_refused_before_anything_is_asked(host: str) -> None:
    with pytest.raises(ConfigInvalid, match="jwks_networks"):
        Fetcher(f"https://{host}/jwks", networks=NOWHERE)


def test_an_authority_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for path in (tmp_path / "empty.pem", tmp_path / "none.pem"):
        with pytest.raises(ConfigInvalid, match="no certificates") as caught:
            Fetcher("https://keys.corp.example/jwks", ca_file=path, networks=NOWHERE)
        assert "\n" not in str(caught.value)
