"""A Telegram Bot API in a box: for the demo, for every test, and strict enough to stand in for the real one.

It shares no code with the gateway: a stand-in that did would agree with its mistakes. See `README.md` beside this
file for the control API and what the sandbox leaves out.
"""

from __future__ import annotations

from .faults import FAULT_KINDS
from .limits import LimitsName
from .sandbox import Sandbox
from .web import running, serve_forever

__all__ = ["FAULT_KINDS", "LimitsName", "Sandbox", "running", "serve"]


async def serve(listen: str, limits: LimitsName = "telegram") -> None:
    """Run a sandbox on `HOST:PORT` until cancelled; raises `ValueError` for a bad address, `OSError` for a used one."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"listen is HOST:PORT, such as 127.0.0.1:8081, not {listen!r}")
    await serve_forever(Sandbox(limits=limits), host.strip("[]") or "127.0.0.1", int(port))
