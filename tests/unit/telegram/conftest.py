"""What the tests of the connector share."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.telegram.connector import Connector, open_connector
from gateway.telegram.token import from_value
from tests.support.telegram_peer import Peer, peer_at

TOKEN = "123456789:AAcanary-of-the-bot-token_0123456789"
NEW_TOKEN = "123456789:AAsecond-canary-of-the-token_987654"
SERVER_NAME = "telegram.invalid"

Opening = Callable[..., AbstractAsyncContextManager[Connector]]


@pytest.fixture
def token() -> str:
    """Return the bot token, which must not be seen anywhere but on the wire."""
    return TOKEN


@pytest.fixture
def new_token() -> str:
    """Return the token that the bot has after a rotation."""
    return NEW_TOKEN


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """Run a scripted Bot API server."""
    async with peer_at() as peer:
        yield peer


@pytest.fixture
async def connector(peer: Peer) -> AsyncIterator[Connector]:
    """Return a connector to the peer that does not wait long for an answer."""
    async with open_connector(
        from_value(TOKEN), base_url=peer.url, answer_timeout=timedelta(milliseconds=400)
    ) as connector:
        yield connector


@pytest.fixture
def opening() -> Opening:
    """Return `open_connector` with the token already given."""
    return partial(open_connector, from_value(TOKEN))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for `telegram.invalid` that nobody has signed but itself, and its key."""
    return _self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return the TLS side of the server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return the TLS side of a client that trusts that certificate."""
    return ssl.create_default_context(cafile=certificate[0])


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SERVER_NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVER_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
