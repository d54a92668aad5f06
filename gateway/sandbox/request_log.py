"""What was asked and how it ended: the newest requests, in order of arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .parameters import Parameters

VALUE_LIMIT = 20_000
"""Characters of one parameter the log keeps."""

_GAP = "…"


@dataclass(slots=True)
class Entry:
    """One request; the answer is filled in when it is known."""

    at: float
    time: float
    bot_id: int | None
    method: str
    parameters: Mapping[str, Any]
    outcome: str = "pending"
    error_code: int | None = None
    fault: str | None = None
    processed: bool = False
    message_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The entry as people and programs read it."""
        answer: dict[str, Any] = {
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(timespec="microseconds"),
            "at": self.at,
            "bot_id": self.bot_id,
            "method": self.method,
            "parameters": dict(self.parameters),
            "outcome": self.outcome,
            "processed": self.processed,
        }
        if self.error_code is not None:
            answer["error_code"] = self.error_code
        if self.fault is not None:
            answer["fault"] = self.fault
        if self.message_id is not None:
            answer["message_id"] = self.message_id
        return answer | self.extra


def printable(text: str) -> str:
    """The text without what is not Unicode in it."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _clean(text: str, token: str) -> str:
    text = printable(text)
    return text.replace(token, _GAP) if token and token in text else text


class RequestLog:
    """At most `size` entries; the oldest are forgotten first."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self._entries.append(entry)

    def to_json(self) -> list[dict[str, Any]]:
        """Every entry, the oldest first."""
        return [entry.to_json() for entry in self._entries]


def loggable(parameters: Parameters, token: str) -> dict[str, Any]:
    """The parameters without the token, shortened where they are huge; files by name and size."""
    shown: dict[str, Any] = {}
    for name, value in parameters.values.items():
        if name == "secret_token":
            value = _GAP
        elif len(value) > VALUE_LIMIT:
            value = value[:VALUE_LIMIT] + _GAP
        shown[_clean(name, token)] = _clean(value, token)
    for name, upload in parameters.files.items():
        shown[name] = {"file_name": upload.file_name, "size": len(upload.content)}
    return shown
