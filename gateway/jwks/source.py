"""A source of keys: takes what is good and new, and keeps what it had while something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.clock import Clock
from gateway.errors import ConfigInvalid
from gateway.telemetry import logger

MAX_STALE = timedelta(hours=24)
"""How long keys are used of which it could not be learned whether they are still good."""

_log = logger(__name__)


class Source:
    """What files and addresses have in common."""

    def __init__(self, name: str, accept: Callable[[bytes], None], clock: Clock) -> None:
        """Begin without keys.

        Args:
            name: What to call it in the log.
            accept: Takes what is new, or raises `ConfigInvalid` and changes nothing.
            clock: Says how long it has been good.
        """
        self._name = name
        self._accept = accept
        self._clock = clock
        self._good_at: float | None = None
        self._taken: bytes | None = None
        self._refused: tuple[bytes, str] | None = None
        self._problem = ""

    @property
    def has_problem(self) -> bool:
        """Whether the last look brought nothing that could be accepted."""
        return bool(self._problem)

    def is_stale(self) -> bool:
        """Whether the last good answer is older than a day, or there never was one."""
        return self._good_at is None or self._clock.monotonic() - self._good_at > MAX_STALE.total_seconds()

    def take(self, data: bytes) -> None:
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

    def offer(self, data: bytes) -> None:
        """Take what came if it can be accepted, and otherwise go on with what there is."""
        if self._refused is None or data != self._refused[0]:
            try:
                self.take(data)
            except ConfigInvalid as error:
                self._refused = data, str(error)
        if self._refused is not None:
            self.keep(self._refused[1])

    def keep(self, problem: str) -> None:
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
