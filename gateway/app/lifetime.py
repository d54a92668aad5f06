"""When the gateway served, for the audit log: a start with no stop before it was a crash."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version

from gateway.clock import Clock
from gateway.errors import AuditUnavailable
from gateway.model import Record
from gateway.store.base import AuditStore


async def note_start(log: AuditStore, clock: Clock) -> None:
    """Write down that calls are about to be taken, and by which version; raises `AuditUnavailable`."""
    await log.record([_record("gateway.started", clock, {"version": version("chatkey-gateway")})])


async def note_stop(log: AuditStore, clock: Clock) -> None:
    """Write down that no call is taken any more, if the storage takes it."""
    with suppress(AuditUnavailable):
        await log.record([_record("gateway.stopped", clock, {})])


def _record(event: str, clock: Clock, facts: Mapping[str, str]) -> Record:
    return Record(at=clock.now(), event=event, decision="allow", facts=facts)
