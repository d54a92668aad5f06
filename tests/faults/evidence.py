"""What the auditor judges, gathered: what clients were told, what the sandbox saw, what the store holds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config import Config
from gateway.model import Message, Record
from gateway.sandbox import Sandbox
from gateway.store.databases import open_readings
from gateway.store.sqlite import read_sqlite
from tests.support.auditor import Arrival, Evidence, Limits, Told

if TYPE_CHECKING:
    from gateway.store.databases import AnyReadings

NO_LIMITS = Limits(bot_per_second=None, chat_per_second=None, group_per_minute=None)
NOT_DONE = -1
"""Stands for the code of a request that Telegram neither did nor answered with one."""

_PAUSE = re.compile(r"retry after (\d+)")


async def evidence(
    database: Path | Config,
    telegram: Sandbox,
    told: Sequence[Told],
    *,
    limits: Limits = NO_LIMITS,
    restarts: Sequence[float] = (),
) -> Evidence:
    """Gather it. The gateway has nothing left to do.

    Args:
        database: Read by the real store: a file, or what the configuration names.
        telegram: On the machine's monotonic clock.
        told: What clients wrote down.
        limits: Those of `telegram`.
        restarts: When the gateway began anew, on that clock.
    """
    async with read_sqlite(database) if isinstance(database, Path) else open_readings(database) as store:
        return Evidence(
            told=told,
            arrivals=arrivals_from(telegram.log()),
            messages=await _messages(store, told),
            records=await _records(store),
            beginning=datetime.now(UTC) - timedelta(seconds=time.monotonic()),
            limits=limits,
            restarts=restarts,
        )


def arrivals_from(log: Sequence[dict[str, Any]]) -> list[Arrival]:
    """Read the lines of the sandbox's log about messages, what was sent, edited and deleted, by when it took effect.

    One that was delayed stands earlier in the log than what overtook it.
    """
    first: dict[tuple[int, int], str] = {}
    arrivals = []
    for entry in sorted(log, key=lambda entry: entry["at"]):
        if entry["method"] in ("deleteMessage", "deleteMessages") and "chat_id" in entry["parameters"]:
            # A message in parts goes by the first of them.
            message_id = _first_of(entry["parameters"])
            text = f"-{first.get((int(entry['parameters']['chat_id']), message_id))}"
            entry = entry | {"parameters": entry["parameters"] | {"text": text, "message_id": message_id}}
        if "text" in entry["parameters"]:
            arrivals.append(arrival_from(entry))
            first.setdefault((arrivals[-1].chat_id, arrivals[-1].message_id), arrivals[-1].text)
    return arrivals


def _first_of(parameters: dict[str, Any]) -> int:
    ids = parameters.get("message_ids", parameters.get("message_id"))
    return int((json.loads(ids) if isinstance(ids, str) and ids.startswith("[") else [ids])[0])


def arrival_from(entry: dict[str, Any]) -> Arrival:
    """Read a line of the sandbox's log about a request that came with its text."""
    target = int(entry["parameters"].get("message_id", 0))
    pause = _PAUSE.search(entry["outcome"])
    return Arrival(
        at=entry["at"],
        chat_id=int(entry["parameters"]["chat_id"]),
        text=entry["parameters"]["text"],
        message_id=entry.get("message_id", 0) or (target if entry["processed"] else 0),
        target=target,
        code=0 if entry["processed"] else entry.get("error_code", NOT_DONE),
        retry_after=float(pause[1]) if pause else None,
    )


async def _messages(store: AnyReadings, told: Sequence[Told]) -> list[Message]:
    chats = {each.chat_id for each in told}
    found: list[Message] = []
    for client in sorted({each.client for each in told}):
        after = 0
        while page := await store.changes(client, chats, after, 500):
            found += page
            after = page[-1].change
    return sorted(found, key=lambda message: message.seq)


async def _records(store: AnyReadings) -> list[Record]:
    found: list[Record] = []
    after = 0
    while page := await store.records(after=after, limit=500):
        found += [record for _, record in page]
        after = page[-1][0]
    return found
