"""What the gateway tells its operators: log lines and metrics. One place takes every secret out of every line."""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any, TextIO

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS = re.compile(
    r"(?P<bot>[1-9][0-9]{0,15}:)[A-Za-z0-9_-]{20,}"  # a bot token: the id in front of the colon is no secret
    r"|(?P<jwt>eyJ[A-Za-z0-9_-]{4,}\.)[A-Za-z0-9_.-]+"  # a JWT: its header is none either
)
_LONG_AFTER_COLON = re.compile(r":[A-Za-z0-9_-]{20}")


def redacted(text: str) -> str:
    """Return `text` with the secret part of every bot token and every JWT replaced by stars."""
    # Every line comes here and next to none has a secret: a search for what begins with one letter is far cheaper.
    if "eyJ" not in text and _LONG_AFTER_COLON.search(text) is None:
        return text
    return _SECRETS.sub(lambda found: f"{found['bot'] or found['jwt']}****", text)


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Formats a library's record whole, exception and all, and only then looks for secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))


class LinesOfATurn:
    """Writes the lines of one turn of an event loop with one call of the system, which costs more than making them.

    Lines stay whole and in order. Outside of a loop each is written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`, and what is left at the end of the process too."""
        self._stream = stream
        self._lines: list[str] = []
        self._lock = Lock()
        self._turn: asyncio.AbstractEventLoop | None = None
        atexit.register(self.write_out)

    def write(self, text: str) -> None:
        """Take a line, or a part of one."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        with self._lock:
            self._lines.append(text)
            is_due = loop is not None and self._turn is loop
            self._turn = loop
        if loop is None:
            self.write_out()
        elif not is_due:
            loop.call_soon(self.write_out)

    def flush(self) -> None:
        """Do nothing: whoever logs asks for this after each line."""

    def write_out(self) -> None:
        """Write what was taken."""
        with self._lock:
            lines, self._lines, self._turn = self._lines, [], None
            if lines:
                self._stream.write("".join(lines))
                self._stream.flush()


def configure_logging(level: str = "INFO", form: str = "json", stream: TextIO | None = None) -> None:
    """Send every log line of this process to one place, redacted as the last thing before it is written.

    Our own lines are rendered at once; those of libraries come through `logging`, which costs several times as much.

    Args:
        level: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        form: `json` for one object a line, `text` for people.
        stream: Where the lines go; None: standard error.
    """
    lines: Any = LinesOfATurn(stream or sys.stderr)
    render = _as_json if form == "json" else _as_text()
    facts: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    structlog.configure(
        processors=[*facts, _traceback if form == "json" else _as_it_is, lambda *event: redacted(render(*event))],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        RedactingFormatter(
            foreign_pre_chain=[*facts, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _traceback, render]
            if form == "json"
            else [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


_traceback = structlog.processors.format_exc_info


def _as_it_is(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return event


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _as_text() -> Callable[[WrappedLogger, str, EventDict], str]:
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def logger(name: str) -> Any:
    """Return the logger of a module: `logger(__name__).info("event.name", key=value)`."""
    return structlog.get_logger(source=name)


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one gateway, in a registry of their own, so that several can live in one process.

    The names and labels of the `grpc_server_…` series are those of go-grpc-prometheus, so that existing dashboards
    work. No label holds what a caller chose.
    """

    def __init__(self) -> None:
        """Register every series."""
        self.registry = CollectorRegistry()
        call = ("grpc_type", "grpc_service", "grpc_method")
        self._started = Counter("grpc_server_started", "RPCs that began.", call, registry=self.registry)
        self._handled = Counter(
            "grpc_server_handled", "RPCs that ended, by status.", (*call, "grpc_code"), registry=self.registry
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds", "How long RPCs took.", call, registry=self.registry, buckets=SECONDS
        )
        self._series: dict[tuple[str, str], tuple[Counter, Histogram, dict[str, Counter]]] = {}

    def started(self, method: str, kind: str = "unary") -> None:
        """Count an RPC that begins.

        Args:
            method: The full name of one of the service's own methods, never what a caller sent.
            kind: `unary`, `server_stream` or `bidi_stream`.
        """
        self._of(method, kind)[0].inc()

    def handled(self, method: str, code: str, seconds: float, kind: str = "unary") -> None:
        """Count an RPC that ended, with its status code's name such as `OK`, and how long it took."""
        _, duration, by_code = self._of(method, kind)
        counter = by_code.get(code)
        if counter is None:
            counter = by_code[code] = self._handled.labels(kind, *_names(method), code)
        counter.inc()
        duration.observe(seconds)

    def _of(self, method: str, kind: str) -> tuple[Counter, Histogram, dict[str, Counter]]:
        # Looking a child up by its labels costs four times as much as counting.
        series = self._series.get((method, kind))
        if series is None:
            labels = (kind, *_names(method))
            series = self._series[method, kind] = (self._started.labels(*labels), self._seconds.labels(*labels), {})
        return series

    def gauge(self, name: str, meaning: str, read: Any, **labels: str) -> None:
        """Publish a number that is read when somebody asks."""
        gauge = Gauge(name, meaning, tuple(labels), registry=self.registry)
        (gauge.labels(**labels) if labels else gauge).set_function(read)

    def totals(self, name: str, meaning: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
        """Publish totals since the start, one for each value of `label`, that are read when somebody asks."""
        self.registry.register(_Totals(name, meaning, label, read))


class _Totals(Collector):
    def __init__(self, name: str, meaning: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
        self._series = name, meaning, label
        self._read = read

    def collect(self) -> Iterator[Metric]:
        name, meaning, label = self._series
        family = CounterMetricFamily(name, meaning, labels=[label])
        for value, total in sorted(self._read().items()):
            family.add_metric([value], total)
        yield family


def _names(method: str) -> tuple[str, str]:
    service, _, name = method.strip("/").rpartition("/")
    return service, name
