"""Where the door stands, and behind which lock: plaintext never leaves the machine."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from gateway.errors import ConfigInvalid

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files of a TLS server; with a client CA, every caller needs a certificate of it."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None


def server_credentials(tls: Tls) -> grpc.ServerCredentials:
    """Read the files.

    Raises:
        ConfigInvalid: one can't be read, is not what it should be, or the key is not the certificate's.
    """
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
    client_ca = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials(
        [(tls.key_file.read_bytes(), tls.cert_file.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def require_address(listen: str, *, encrypted: bool) -> None:
    """Return if the door may stand at this address: anywhere with TLS, on this machine only without.

    Only what is certain to stay on the machine is taken for it: an IP address that is loopback, written out, or a
    socket file. A name is not, whatever it resolves to today.

    Raises:
        ConfigInvalid: the address is malformed, or reaches further.
    """
    if listen.startswith("unix:"):
        if not listen.removeprefix("unix:"):
            raise ConfigInvalid("unix: needs the path of a socket, such as unix:/run/chatkey/grpc.sock.")
        return
    host, _, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not host or (":" in host and not bracketed) or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ConfigInvalid(f"{listen!r} is no address to listen on: write HOST:PORT, such as 127.0.0.1:50051.")
    if not encrypted and not _is_loopback(host[1:-1] if bracketed else host):
        raise ConfigInvalid(
            f"{listen} can be reached from other machines and there is no TLS: listen on 127.0.0.1, [::1] or unix:, "
            "or give a certificate and its key."
        )


def _is_loopback(host: str) -> bool:
    try:
        return "%" not in host and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or "it has no PEM in it"
