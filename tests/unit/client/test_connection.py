"""Plaintext stays on the machine, and TLS is TLS."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatkey import BlockingClient, ChatkeyError, Client, ConfigurationError, Unavailable
from chatkey.connection import Connection
from chatkey.tokens import token_source
from tests.unit.client.conftest import Opened
from tests.unit.client.far_side import FarSide, serving


@pytest.mark.parametrize(
    ("address", "is_plaintext"),
    [
        ("127.0.0.1:50051", True),
        ("127.8.9.1:50051", True),
        ("localhost:50051", True),
        ("[::1]:50051", True),
        ("unix:/run/chatkey.sock", True),
        ("unix:///run/chatkey.sock", True),
        ("10.0.0.1:50051", False),
        ("0.0.0.0:50051", False),
        ("[2001:db8::1]:50051", False),
        ("gateway.example:443", False),
        ("localhost.example:443", False),
        ("127.0.0.1.example:443", False),
        ("dns:///gateway.example:443", False),
    ],
)
def test_only_this_machine_is_reached_in_plaintext(address: str, is_plaintext: bool) -> None:
    assert Connection(address=address).is_plaintext is is_plaintext
    assert Connection(address=address, insecure=True).is_plaintext
    assert not Connection(address=address, ca_file="ca.pem").is_plaintext


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"certificate_file": "c.pem"}, "belong together"),
        ({"key_file": "k.pem"}, "belong together"),
        ({"insecure": True, "ca_file": "ca.pem"}, "no use"),
        ({"ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ({"token_file": "/nowhere/token"}, "either"),
    ],
)
@pytest.mark.parametrize("kind", [Client, BlockingClient])
def test_settings_that_contradict_each_other_are_refused(
    kind: type[Client | BlockingClient], settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        kind("127.0.0.1:1", "a.b.c", **settings)


@pytest.mark.parametrize(
    "address",
    [
        *("http://127.0.0.1:50051", "https://gateway.example", "grpc://gateway.example:443"),
        *("127.0.0.1", "localhost:", ":50051", "::1", "[::1]", "gateway.example:443/", "gateway.example:grpc"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        BlockingClient(address, "a.b.c")


@pytest.mark.parametrize("token", ["", " ", "two words", "ключ", "a\nb", "x" * 4097])
def test_a_token_that_can_be_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        token_source(token, None)
    assert not token.strip() or token not in str(refused.value)


def test_a_client_without_a_token_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="CHATKEY_TOKEN_FILE"):
        token_source(None, None, {})


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    source = token_source(None, tmp_path / "token")
    with pytest.raises(ConfigurationError, match="token"):
        source()


class Certificate:
    """A certificate for 127.0.0.1 that is its own authority, in files."""

    def __init__(self, folder: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, hashes.SHA256())
        )
        self.file, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


async def test_certificates_of_both_sides_are_checked(opened: Opened, far_side: FarSide, tmp_path: Path) -> None:
    server, own, stranger = (Certificate(tmp_path, name) for name in ("server", "own", "stranger"))
    credentials = grpc.ssl_server_credentials(
        [(server.key_file.read_bytes(), server.file.read_bytes())], own.file.read_bytes(), require_client_auth=True
    )
    async with serving(far_side, credentials) as port:
        shown = {"certificate_file": own.file, "key_file": own.key_file}
        assert (await opened(port, ca_file=server.file, **shown).describe()).client == "ops"
        for settings in (
            {"ca_file": stranger.file, **shown},
            {"ca_file": server.file},
            {"ca_file": server.file, "certificate_file": stranger.file, "key_file": stranger.key_file},
            {},
        ):
            with pytest.raises(Unavailable):
                await opened(port, **settings).describe(timeout=1)
    assert far_side.tokens == ["Bearer a.b.c"]


async def test_a_proxy_sees_no_token(
    opened: Opened, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[bytes] = []
    asked = asyncio.Event()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        asked.set()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        for name in ("grpc_proxy", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        for settings in ({}, {"insecure": True}):
            assert (await opened(port, **settings).describe(timeout=9)).client == "ops"
        assert seen == []
        encrypted = opened(port, ca_file=Certificate(tmp_path, "server").file)
        describing = asyncio.ensure_future(encrypted.describe())
        await asked.wait()
        await encrypted.close()
        with pytest.raises(ChatkeyError):
            await describing
    assert all(line.startswith(b"CONNECT") for line in seen)
    assert b"a.b.c" not in b"".join(seen)


async def test_threads_may_share_a_blocking_client(far_side: FarSide, port: int) -> None:
    client = BlockingClient(f"127.0.0.1:{port}", "a.b.c")
    await asyncio.gather(*(asyncio.to_thread(client.send, str(number)) for number in range(16)))
    client.close()
    assert {request.text for request in far_side.requests if hasattr(request, "text")} == set(map(str, range(16)))
