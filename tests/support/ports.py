"""Free ports."""

from __future__ import annotations

import errno
import random
import socket


def free_port() -> int:
    """Return a port that is free, and that stays so while its server is down.

    Ports that systems give out to connections (RFC 6335: from 49152; Linux: from 32768) do not: one of them may be
    taken by a client of somebody else, or of this very server while it looks for it.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
