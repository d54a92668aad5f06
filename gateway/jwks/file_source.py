"""Keys from a file, followed through every change of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import ConfigInvalid
from gateway.jwks.source import Source

POLL = timedelta(milliseconds=500)


class FileSource(Source):
    """A file that is read twice a second, so that it may be written, replaced, or reached through a link that moves."""

    def __init__(
        self,
        read: Callable[[], bytes],
        accept: Callable[[bytes], None],
        *,
        name: str,
        clock: Clock,
        poll: timedelta = POLL,
    ) -> None:
        """Take a file; nothing is read yet.

        Args:
            read: Returns its content, or raises `OSError` or `ConfigInvalid`.
            accept: Takes a content that is new, or raises `ConfigInvalid` and changes nothing.
            name: What to call it in the log.
            clock: Says how long it has been good.
            poll: How long to wait between two looks.
        """
        super().__init__(name, accept, clock)
        self._read = read
        self._poll = poll

    async def open(self) -> None:
        """Read it for the first time; raises `ConfigInvalid` if there is nothing acceptable in it."""
        try:
            self.take(self._read())
        except OSError as error:
            raise ConfigInvalid(f"{self._name} can't be read: {error.strerror}") from None
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{self._name}: {error}") from None

    async def run(self) -> None:
        """Follow it until cancelled."""
        while True:
            await asyncio.sleep(self._poll.total_seconds())
            await self.look()

    async def look(self) -> None:
        """Read it again."""
        try:
            # In a thread: a network file system may hang, and calls must not.
            data = await asyncio.to_thread(self._read)
        except OSError as error:
            self.keep(f"it can't be read: {error.strerror}")
        except ConfigInvalid as error:
            self.keep(str(error))
        else:
            self.offer(data)
