"""One request for a JWK set over https, bounded in every direction."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.addresses import AddressRanges
from gateway.errors import ConfigInvalid
from gateway.jwks.public_file import MAX_BYTES
from gateway.jwks.reach import may_reach

TIMEOUT = timedelta(seconds=3)


class FetchFailed(Exception):
    """No JWK set came; the text says why in a few words, and holds nothing of the answer."""


class Fetcher:
    """Asks one https address: the host that was configured and no other, by whatever name it is known."""

    def __init__(
        self,
        url: str,
        *,
        ca_file: Path | None = None,
        networks: AddressRanges,
        resolver: AbstractResolver | None = None,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        """Check what can be checked without asking.

        Args:
            url: Where the set is; https.
            ca_file: The certificate authorities to trust, PEM; None: those of the machine.
            networks: Where it may lead, beside the public internet.
            resolver: Looks names up; None: as the machine does.
            timeout: For the whole of it: looking the name up, connecting, and the last byte.

        Raises:
            ConfigInvalid: the CA file is none, or the host is an address that may not be reached.
        """
        host = urlsplit(url).hostname or ""
        if _is_address(host) and not may_reach(host, networks):
            raise ConfigInvalid(f"{host} is no public address: list its network in `jwks_networks`")
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigInvalid(f"{ca_file} has no certificates in PEM: {error.strerror or error}") from None
        self._url = url
        self._networks = networks
        self._resolver = resolver
        self._timeout = timeout

    async def __call__(self) -> bytes:
        """Return the body of a 200; raises `FetchFailed` for anything else."""
        resolver = _Guarded(self._resolver or ThreadedResolver(), self._networks)
        connector = TCPConnector(ssl=self._tls, resolver=resolver, use_dns_cache=False, force_close=True)
        try:
            async with (
                ClientSession(
                    connector=connector,
                    timeout=ClientTimeout(total=self._timeout.total_seconds()),
                    headers={"User-Agent": "chatkey", "Accept": "application/json", "Accept-Encoding": "identity"},
                    cookie_jar=DummyCookieJar(),
                    auto_decompress=False,
                    trust_env=False,
                ) as session,
                session.get(self._url, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise FetchFailed(f"it answers {response.status}")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise FetchFailed("it answers compressed, unasked")
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise FetchFailed(f"its answer is over {MAX_BYTES // 1024} KiB")
                return bytes(body)
        except TimeoutError:
            raise FetchFailed(f"it does not answer within {self._timeout.total_seconds():g} s") from None
        except (ClientError, OSError, ValueError) as error:
            # By type alone: the text of such an error may be what a stranger sent.
            raise FetchFailed(f"it can't be reached: {type(error).__name__}") from None


class _Guarded(AbstractResolver):
    """Gives the addresses that are connected to, once every one of them may be."""

    def __init__(self, resolver: AbstractResolver, networks: AddressRanges) -> None:
        self._resolver = resolver
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        _require_reachable([entry["host"] for entry in found], self._networks)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _require_reachable(addresses: Sequence[str], networks: AddressRanges) -> None:
    for address in addresses:
        if not may_reach(address, networks):
            raise FetchFailed(f"its name leads to {address}, which is no public address")


def _is_address(host: str) -> bool:
    # As aiohttp tells it, which asks no resolver for such a host.
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
