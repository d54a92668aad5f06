"""A database as a command on its host opens it: to change it, also while a server uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.store.directory import held
from gateway.store.opening import is_current, open_beside, open_reading, open_writing
from gateway.store.reader import Reader
from gateway.store.writer import Writer


@asynccontextmanager
async def beside(path: Path) -> AsyncIterator[tuple[Writer, Reader]]:
    """Open the database at `path`, made if it is missing, and brought to this version if no server has it.

    Raises:
        ConfigInvalid: It can't be used; the text says why in one line.
    """
    if not is_current(str(path)):
        with held(path):
            open_writing(str(path)).close()
    writer = Writer(open_beside(str(path)))
    reader = Reader(partial(open_reading, str(path)))
    try:
        yield writer, reader
    finally:
        await reader.close()
        await writer.close()
