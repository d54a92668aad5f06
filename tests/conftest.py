"""What holds for every test: no secret is seen in what it logs, prints or reports."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.support import canary, properties
from tests.support.postgres import postgres

__all__ = ["postgres"]

properties.register()


def pytest_sessionstart() -> None:
    """Settle what property tests look for, once a profile was chosen."""
    properties.settle()


class _Listener(logging.Handler):
    """Hears every record at DEBUG, before anybody has redacted it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.betrayed: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)} {record.__dict__}"
        if canary.found_in(line):
            self.betrayed.append(f"{record.name} at {record.pathname}:{record.lineno}")


@pytest.fixture(autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """Fail a test during which any logger, ours or a library's, was handed a secret."""
    root = logging.getLogger()
    listener, level = _Listener(), root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(listener)
    root.setLevel(level)
    assert not listener.betrayed, f"a secret was logged by {listener.betrayed}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Fail a test that prints a secret, or whose traceback shows one."""
    report = yield
    shown = "\n".join([str(report.longrepr), *(content for _, content in report.sections)])
    if canary.found_in(shown):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} shows a secret in its output or traceback"
        report.sections.clear()
    return report
