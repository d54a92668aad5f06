"""The certificate that the door shows and the CA that it asks for, followed through every change of their files."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc

from gateway.errors import ConfigInvalid
from gateway.telemetry import logger

POLL = timedelta(seconds=1)

_log = logger(__name__)
_Content = tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files of a TLS server; with a client CA, every caller needs a certificate of it."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them: key, certificate, and the CA if there is one."""
        return (self.key_file, self.cert_file, *((self.client_ca_file,) if self.client_ca_file else ()))


class Certificates:
    """What is good of the files. What is half-written or does not fit together changes nothing.

    A connection has the certificate of its beginning; `grpc.max_connection_age_ms` ends it in a few minutes.
    """

    def __init__(self, tls: Tls) -> None:
        """Read the files.

        Raises:
            ConfigInvalid: one can't be read, is not what it should be, or the key is not the certificate's.
        """
        self._tls = tls
        self._taken = _sound(tls)
        self._current = _configuration(self._taken)
        self._problem = ""

    def credentials(self) -> grpc.ServerCredentials:
        """Return what the gRPC of one door asks for the certificate at the beginning of each connection."""
        return grpc.dynamic_ssl_server_credentials(
            self._current,
            self.news(),  # type: ignore[arg-type]  # may return None for no change, which the types leave out
            require_client_authentication=self._tls.client_ca_file is not None,
        )

    async def run(self, every: timedelta = POLL) -> None:
        """Follow the files until cancelled."""
        while True:
            await asyncio.sleep(every.total_seconds())
            # In a thread: a network file system may hang, and calls must not.
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Read the files again, and take what is new and sound."""
        try:
            found = self._taken if _content(self._tls) == self._taken else _sound(self._tls)
        except ConfigInvalid as error:
            self._keep(str(error))
            return
        self._problem = ""
        if found is not self._taken:
            self._current, self._taken = _configuration(found), found
            _log.info("certificate.changed", where=str(self._tls.cert_file), meaning="New connections have it.")

    def _keep(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            _log.warning("certificate.kept", why=problem, meaning="New connections have the one that was read before.")

    def news(self) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
        """Return what returns the certificate, or None if it is the one that was returned before.

        gRPC asks it in threads of its own, for one connection of a door at a time.
        """
        told: grpc.ServerCertificateConfiguration | None = None

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal told
            before, told = told, self._current
            return None if told is before else told

        return changed


def _sound(tls: Tls) -> _Content:
    """Return what is in the files; raises `ConfigInvalid` unless it is good and stays so while it is looked at."""
    content = _content(tls)
    _require_sound(tls)
    if _content(tls) != content:
        raise ConfigInvalid(f"{tls.cert_file} and {tls.key_file} are being written.")
    return content


def _content(tls: Tls) -> _Content:
    def read(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigInvalid(f"{path} can't be read: {error.strerror}.") from None

    return tuple(map(read, tls.files))


def _require_sound(tls: Tls) -> None:
    # gRPC reports none of this before the first handshake; the standard library does.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except (OSError, ValueError) as error:
        raise ConfigInvalid(
            f"{tls.cert_file} and {tls.key_file} are no certificate with its unencrypted key, in PEM: {_why(error)}."
        ) from None
    try:
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"{tls.client_ca_file} is no CA certificate in PEM: {_why(error)}.") from None


def _configuration(content: _Content) -> grpc.ServerCertificateConfiguration:
    key, certificate, *client_ca = content
    return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca[0] if client_ca else None)


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or "it has no PEM in it"
