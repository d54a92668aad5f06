"""Where the door may stand: plaintext never leaves the machine."""

from __future__ import annotations

import ipaddress
import re

from gateway.errors import ConfigInvalid

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


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
