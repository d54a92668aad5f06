"""How the gateway is reached: its address, encryption, and a channel to it.

Plaintext never leaves the machine unless that is asked for, since whoever reads a token may use it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from chatkey.errors import ConfigurationError

DEFAULT_ADDRESS = "127.0.0.1:50051"
_Path = str | os.PathLike[str]
_HOST_AND_PORT = re.compile(r"(\[[^\[\]/]+\]|[^\[\]:/]+):\d{1,5}")
_SCHEMES = ("unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:", "xds:")
"""Of gRPC's names; a URL has none of them."""
_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.primary_user_agent", "chatkey-python/0.1.0"),
    # A gateway that restarts is found again while the call that noticed it still has time.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A dead connection below a stream is noticed, also when no message passes for a long time.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach a gateway.

    Attributes:
        address: `host:port`, or `unix:` and the path of a socket.
        insecure: Whether plaintext may leave the machine.
        ca_file: Certificates (PEM) to trust instead of the system's.
        certificate_file: The certificate (PEM) that this client shows; with `key_file`.
        key_file: Its private key (PEM).
    """

    address: str
    insecure: bool = False
    ca_file: _Path | None = None
    certificate_file: _Path | None = None
    key_file: _Path | None = None

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other.

        Raises:
            ConfigurationError: They do.
        """
        if not (self.address.startswith(_SCHEMES) or _HOST_AND_PORT.fullmatch(self.address)):
            raise ConfigurationError(f"the address is host:port, or unix: and a path; not {self.address!r}")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ConfigurationError("certificate_file and key_file belong together")
        if self.insecure and self._has_certificates:
            raise ConfigurationError("insecure makes no use of certificates: leave out one of them")

    @property
    def is_plaintext(self) -> bool:
        """Whether nothing is encrypted: on the machine itself without certificates, or where that was asked for."""
        return self.insecure or (not self._has_certificates and is_local(self.address))

    @property
    def options(self) -> tuple[tuple[str, int | str], ...]:
        """The settings of the channel."""
        # A proxy is not this machine.
        return (*_OPTIONS, ("grpc.enable_http_proxy", 0)) if self.is_plaintext else _OPTIONS

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Read the certificates; None for plaintext.

        Raises:
            ConfigurationError: A file can't be read.
        """
        if self.is_plaintext:
            return None
        return grpc.ssl_channel_credentials(
            root_certificates=_contents(self.ca_file or ssl.get_default_verify_paths().cafile),
            private_key=_contents(self.key_file),
            certificate_chain=_contents(self.certificate_file),
        )

    @property
    def _has_certificates(self) -> bool:
        return self.ca_file is not None or self.certificate_file is not None


def is_local(address: str) -> bool:
    """Whether an address is on this machine: a socket in the file system, or loopback."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rsplit(":", 1)[0].strip("[]") if ":" in address else address
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _contents(path: _Path | None) -> bytes | None:
    try:
        return None if path is None else Path(path).read_bytes()
    except OSError as problem:
        raise ConfigurationError(f"can't read {os.fspath(path or '')}: {problem.strerror}") from None
