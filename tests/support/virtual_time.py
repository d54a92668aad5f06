"""An asyncio loop whose time passes only while everybody waits: hours in a moment, and the same each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)

_Result = TypeVar("_Result")
_Arguments = ParamSpec("_Arguments")


class NothingWillHappen(RuntimeError):
    """Everybody waits for something, and nothing is due: in real time this would hang for ever."""


class _Selector(selectors.BaseSelector):
    """Watches no file: to wait is to turn the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingWillHappen
        self.now += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs what is due, then turns the clock to what is due next. An error that nobody handles ends it."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self.stumbles: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.stumbles.append(context))

    def time(self) -> float:
        return self._virtual.now


class VirtualClock:
    """The clock of the loop that runs; both its hands move together."""

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Return what `main` returns, run in virtual time. What it left running is cancelled.

    Raises:
        NothingWillHappen: It waits for what never comes.
        RuntimeError: Something stumbled in a task or callback that nobody waited for.
    """
    loop = VirtualTimeLoop()
    try:
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(main)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    if loop.stumbles:
        raise RuntimeError(f"stumbled: {loop.stumbles}") from loop.stumbles[0].get("exception")
    return result


def virtual(test: Callable[_Arguments, Coroutine[Any, Any, None]]) -> Callable[_Arguments, None]:
    """Make an asynchronous test run in virtual time."""

    @wraps(test)
    def timeless(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> None:
        run(test(*arguments, **named))

    return timeless
