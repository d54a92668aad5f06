"""What a process can do to keep its memory to itself."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def keep_memory_to_ourselves() -> None:
    """Write no core dump, and let no other process of the same user read memory or environment (prctl(2)).

    Does what the system can: it is a second wall, so a system without it is no error.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
