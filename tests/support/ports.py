"""Free ports."""

from __future__ import annotations

import errno
import os
import random
import socket

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PORTS = range(20_000 + _WORKER, 32_000, _WORKERS)
"""Each process of a test run has its own: one of another's may be free because its server is down just now."""


def free_port() -> int:
    """Return a port that is free, and that stays so while its server is down.

    Ports that systems give out to connections (RFC 6335: from 49152; Linux: from 32768) do not: one of them may be
    taken by a client of somebody else, or of this very server while it looks for it.
    """
    while True:
        port = random.SystemRandom().choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
