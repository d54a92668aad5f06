"""A database as a command on its host opens it: to change it, also while a server uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.store.directory import DirectoryInUse, held
from gateway.store.opening import is_current, open_beside, open_reading, open_writing
from gateway.store.reader import Reader
from gateway.store.writer import Writer

PATIENCE_S = 5.0
"""How long a server may take to make its database, or to bring it to this version."""
LOOK_S = 0.05


@asynccontextmanager
async def beside(path: Path) -> AsyncIterator[tuple[Writer, Reader]]:
    """Open the database at `path`, made if it is missing, and brought to this version if no server has it.

    Raises:
        ConfigInvalid: It can't be used; the text says why in one line.
    """
    await _bring_to_this_version(path)
    writer = Writer(open_beside(str(path)))
    reader = Reader(partial(open_reading, str(path)))
    try:
        yield writer, reader
    finally:
        await reader.close()
        await writer.close()


async def _bring_to_this_version(path: Path) -> None:
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while not is_current(str(path)):
        try:
            with held(path):
                open_writing(str(path)).close()
        except DirectoryInUse:
            # By a server that has just been started, most likely: it is about to do the same.
            if asyncio.get_running_loop().time() >= until:
                raise
            await asyncio.sleep(LOOK_S)
