"""Sources of keys that stay good: each looks again by itself, and keeps what it had while something is wrong."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import ConfigInvalid
from gateway.jwks.fetch import MAX_BYTES, FetchFailed
from gateway.telemetry import logger

MAX_STALE = timedelta(hours=24)
"""How long keys are used of which it could not be learned whether they are still good."""

POLL = timedelta(milliseconds=500)
REFRESH = timedelta(minutes=5)
RETRY = timedelta(seconds=30)
EARLY = timedelta(seconds=60)
"""How long after an early look the next one may be."""

_log = logger(__name__)


class _Source:
    """What files and addresses have in common."""

    def __init__(self, name: str, accept: Callable[[bytes], None], clock: Clock) -> None:
        self._name = name
        self._accept = accept
        self._clock = clock
        self._good_at: float | None = None
        self._taken: bytes | None = None
        self._refused: bytes | None = None
        self._problem = ""

    def is_stale(self) -> bool:
        """Whether the last good answer is older than a day, or there never was one."""
        return self._good_at is None or self._clock.monotonic() - self._good_at > MAX_STALE.total_seconds()

    def _take(self, data: bytes) -> None:
        """Take what came; raises `ConfigInvalid` where it can't be accepted, and then nothing has changed."""
        if data != self._taken:
            self._accept(data)
            if self._taken is not None:
                _log.info("keys.changed", where=self._name)
            self._taken = data
        self._good_at = self._clock.monotonic()
        self._refused = None
        if self._problem:
            _log.info("keys.recovered", where=self._name)
            self._problem = ""

    def _offer(self, data: bytes) -> None:
        if data == self._refused:
            return
        try:
            self._take(data)
        except ConfigInvalid as error:
            self._refused = data
            self._keep(str(error))

    def _keep(self, problem: str) -> None:
        """Go on with what there is; say so once for each thing that goes wrong."""
        if self._good_at is not None and self.is_stale():
            problem = f"{problem}; for over {MAX_STALE // timedelta(hours=1)} hours now"
        if problem == self._problem:
            return
        self._problem = problem
        if self.is_stale():
            _log.error("keys.stale", where=self._name, why=problem, meaning="Tokens of this issuer are not taken.")
        else:
            _log.warning("keys.kept", where=self._name, why=problem, meaning="The keys read before stay in use.")


class FileSource(_Source):
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
            self._take(self._read())
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
            self._keep(f"it can't be read: {error.strerror}")
        except ConfigInvalid as error:
            self._keep(str(error))
        else:
            self._offer(data)


class UrlSource(_Source):
    """An address that is asked every five minutes, and earlier when a key is missed. No call ever waits for it."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        accept: Callable[[bytes], None],
        *,
        name: str,
        clock: Clock,
        refresh: timedelta = REFRESH,
        retry: timedelta = RETRY,
    ) -> None:
        """Take an address; nothing is asked yet.

        Args:
            fetch: Returns the answer, or raises `FetchFailed`.
            accept: Takes an answer that is new, or raises `ConfigInvalid` and changes nothing.
            name: What to call it in the log.
            clock: Says how long it has been good, and when it may be asked early again.
            refresh: How long to wait after an answer that was good.
            retry: How long to wait after another one.
        """
        super().__init__(name, accept, clock)
        self._fetch = fetch
        self._refresh = refresh
        self._retry = retry
        self._missed = asyncio.Event()
        self._early_at: float | None = None

    async def open(self) -> None:
        """Ask for the first time.

        What can't be reached is asked again later, and stale until then: our own start does not hang on theirs.

        Raises:
            ConfigInvalid: what came is not acceptable.
        """
        try:
            self._take(await self._fetch())
        except FetchFailed as failure:
            self._keep(str(failure))
        except ConfigInvalid as error:
            raise ConfigInvalid(f"{self._name}: {error}") from None

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        while True:
            pause = self._retry if self._problem else self._refresh
            with suppress(TimeoutError):
                await asyncio.wait_for(self._missed.wait(), pause.total_seconds())
            self._missed.clear()
            await self.look()

    async def look(self) -> None:
        """Ask now."""
        try:
            data = await self._fetch()
        except FetchFailed as failure:
            self._keep(str(failure))
        else:
            self._offer(data)

    def miss(self) -> None:
        """Note that a token names a key that is not known: ask early, once a minute at most. Returns at once."""
        now = self._clock.monotonic()
        if self._early_at is None or now - self._early_at >= EARLY.total_seconds():
            self._early_at = now
            self._missed.set()


def read_public(path: Path) -> bytes:
    """Return the beginning of a file of public keys: one byte more than a set may have.

    Raises:
        OSError: it can't be read.
        ConfigInvalid: it is no file, or others can write into it: who writes it says whose tokens are taken.
    """
    # A pipe in its place does not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigInvalid("it is no file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigInvalid("others can write into it: chmod go-w it")
        return file.read(MAX_BYTES + 1)
