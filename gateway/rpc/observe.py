"""Sees every call, refused ones included: gives it an id, writes its one log line, counts it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from logging import DEBUG, INFO
from typing import Protocol

import grpc

from gateway.clock import Clock
from gateway.errors import TooManyFailures
from gateway.rpc import call as calls
from gateway.rpc.call import MAX_RECORDED_METHOD, Call, Context
from gateway.rpc.handlers import Handle
from gateway.rpc.refusal_lines import RefusalLines
from gateway.telemetry import logger

UNKNOWN_METHOD = "unknown"
_CALL_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CODE_NAMES = {code: code.name.title().replace("_", "") for code in grpc.StatusCode} | {grpc.StatusCode.OK: "OK"}
_log = logger(__name__)


class CallMetrics(Protocol):
    """Counts calls, as the `grpc_server_…` series of go-grpc-prometheus do."""

    def started(self, method: str, kind: str = "unary") -> None:
        """Count a call that begins; `kind` is `unary`, `server_stream` or `bidi_stream`."""

    def handled(self, method: str, code: str, seconds: float, kind: str = "unary") -> None:
        """Count a call that ended with a code such as `NotFound`."""


class Observer:
    """Stands outermost, so that nothing that happens to a call escapes it."""

    def __init__(
        self, *, clock: Clock, new_id: Callable[[], str], metrics: CallMetrics, kinds: Mapping[str, str]
    ) -> None:
        """Keep what measures; `kinds` has the shape of each method."""
        self._clock = clock
        self._new_id = new_id
        self._metrics = metrics
        self._kinds = kinds
        self._lines = RefusalLines(clock)

    def begin(self, method: str, given_ids: list[str]) -> Call:
        """Begin a call; its id is the caller's `x-request-id` if that is one, once, and fit for a log."""
        fit = len(given_ids) == 1 and _CALL_ID.fullmatch(given_ids[0])
        call = Call(
            id=given_ids[0] if fit else self._new_id(),
            method=method,
            known_method=method if method in self._kinds else UNKNOWN_METHOD,
            started=self._clock.monotonic(),
        )
        calls.begin(call)
        try:
            self._metrics.started(call.known_method, self._kind(call))
        except Exception:  # noqa: BLE001 - a call is worth more than its count
            _log.exception("grpc.metrics_failed")
        return call

    def around(self, handle: Handle) -> Handle:
        """See how each call of a handler ends."""

        async def observed(requests: object, context: Context) -> bytes | None:
            call = calls.current()
            try:
                return await handle(requests, context)
            except asyncio.CancelledError:
                call.code = grpc.StatusCode.CANCELLED
                raise
            finally:
                self._end(call)

        return observed

    def _end(self, call: Call) -> None:
        seconds = self._clock.monotonic() - call.started
        try:
            self._metrics.handled(call.known_method, _CODE_NAMES[call.code], seconds, self._kind(call))
            self._write(call, seconds)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("grpc.metrics_failed")

    def _write(self, call: Call, seconds: float) -> None:
        level = INFO if self._has_line(call) else DEBUG
        if not _log.is_enabled_for(level):
            return
        facts: dict[str, object] = {
            "method": call.method[:MAX_RECORDED_METHOD],
            "code": call.code.name,
            "seconds": round(seconds, 6),
            "call_id": call.id,
            "address": call.origin.address,
        }
        if call.caller is not None:
            facts["client"], facts["chat"] = call.caller.client, call.caller.sole_chat_id
        if call.operator is not None:
            facts["operator"] = call.operator.name
        if call.reason:
            facts["reason"], facts["error_id"] = call.reason, call.error_id
        _log.log(level, "grpc.call", **facts)

    def _has_line(self, call: Call) -> bool:
        # Of a flood there are enough lines in the audit log, with its exact count.
        return not call.reason or (call.reason != TooManyFailures.reason and self._lines.admit(call.reason))

    def _kind(self, call: Call) -> str:
        return self._kinds.get(call.known_method, "unary")
