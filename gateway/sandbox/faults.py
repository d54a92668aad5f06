"""Faults a test or a person can script: any refusal of the Bot API, and everything a network does to a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .chats import standing_refusal
from .errors import (
    Refusal,
    bad_request,
    migrated,
    not_found,
    refusal,
    too_large,
    too_many_requests,
    unauthorized,
)

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
_POLL_CLASH = "terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
_GONE = "sent message was immediately deleted and can't be returned"

_TRANSPORT_KINDS: Mapping[str, str] = {
    "delay": "the request is processed `seconds` (default 1) after it arrived",
    "lost_reply": "the request is processed and the message appears, then the connection is reset",
    "reset_before_body": "the connection is reset when the headers are read; nothing is processed; takes no chat_id",
    "reset_after_body": "the connection is reset when the whole request is read; nothing is processed",
    "slow_drip": "the request is processed; its reply comes byte by byte, `seconds` (default 0.01) apart",
    "truncated_json": "the request is processed; its reply is HTTP 200 with the first half of the JSON",
    "bad_gateway_html": "HTTP 502 with an HTML page of a front proxy; nothing is processed",
    "ok_false_200": "HTTP 200 with ok:false and error_code 500; nothing is processed",
    "rate_limited_bare": "429 without `parameters` and without the Retry-After header; nothing is processed",
}

_FIXED: Mapping[str, tuple[str, Refusal]] = {
    "chat_not_found": ("400 for a chat the bot does not know", bad_request("chat not found")),
    "chat_id_empty": ("400 for a request without chat_id", bad_request("chat_id is empty")),
    "text_empty": ("400 for a message without text", bad_request("message text is empty")),
    "text_too_long": ("400 for more than 4096 characters", bad_request("message is too long")),
    "caption_too_long": ("400 for more than 1024 characters", bad_request("message caption is too long")),
    "cant_parse_entities": (
        "400 for bad markup",
        bad_request("can't parse entities: Can't find end of Bold entity at byte offset 0"),
    ),
    "not_modified": ("400 for an edit that changes nothing", bad_request(_NOT_MODIFIED)),
    "reply_not_found": (
        "400 for a missing message to reply to",
        bad_request("message to be replied not found"),
    ),
    "edit_not_found": ("400 for a missing message to edit", bad_request("message to edit not found")),
    "delete_not_found": ("400 for a missing message to delete", bad_request("message to delete not found")),
    "thread_not_found": ("400 for a missing topic", bad_request("message thread not found")),
    "query_too_old": (
        "400 for an unknown callback query",
        bad_request("query is too old and response timeout expired or query ID is invalid"),
    ),
    "file_too_big": ("400 for a file over 20 MB", bad_request("file is too big")),
    "wrong_file_id": (
        "400 for an unknown file",
        bad_request("wrong file_id or the file is temporarily unavailable"),
    ),
    "logged_out": ("400 after logOut", Refusal(400, "Logged out")),
    "unauthorized": ("401 for a revoked token", unauthorized()),
    "invalid_token": ("401 for a malformed token", unauthorized("invalid token specified")),
    "blocked": ("403, the user blocked the bot", standing_refusal("blocked", "private")),
    "deactivated": ("403, the user's account is deleted", standing_refusal("deactivated", "private")),
    "not_started": ("403, the user never started the bot", standing_refusal("not_started", "private")),
    "deleted": ("403, the group was deleted", standing_refusal("deleted", "group")),
    "not_found": ("404 for an unknown path", not_found()),
    "method_not_found": ("404 for an unknown method", not_found("method not found")),
    "poll_conflict": ("409, another getUpdates began", refusal(409, _POLL_CLASH)),
    "webhook_conflict": ("409, getUpdates while a webhook is set", refusal(409, _WEBHOOK_ACTIVE)),
    "webhook_terminated": (
        "409, setWebhook ended the call",
        refusal(409, "terminated by setWebhook request"),
    ),
    "too_large": ("413 for a body that is too big", too_large()),
    "misdirected": (
        "421 for a token of another server",
        Refusal(421, "Misdirected Request: unallowed token specified"),
    ),
    "internal_error": ("500 as JSON, the server restarts", refusal(500, "restart")),
    "sent_and_deleted": ("500, the message was deleted at once", refusal(500, _GONE)),
    "bad_gateway": ("502 as JSON", Refusal(502, "Bad Gateway")),
}

_SHAPED: Mapping[str, str] = {
    "rate_limited": "429 with `retry_after` (default 1) whole seconds in text, parameters and header",
    "migrated": "400, the group became the supergroup `migrate_to_chat_id`",
    "kicked": "403, the bot was kicked from the chat",
    "not_member": "403, the bot is not a member of the chat",
    "error": "any refusal: `error_code` (400-599) and `description`",
}

FAULT_KINDS: Mapping[str, str] = {
    **_SHAPED,
    **{kind: f"{meaning}; nothing is processed" for kind, (meaning, _) in _FIXED.items()},
    **_TRANSPORT_KINDS,
}
"""Every kind of fault and what it does."""

_NUMBERS: Mapping[str, tuple[str, float, float]] = {
    # kind: (its setting, smallest, largest)
    "delay": ("seconds", 0, 3600),
    "slow_drip": ("seconds", 0, 10),
    "rate_limited": ("retry_after", 1, 1 << 31),
    "migrated": ("migrate_to_chat_id", -(1 << 52), -1),
    "error": ("error_code", 400, 599),
}
_SETTINGS = {kind: {name} for kind, (name, _, _) in _NUMBERS.items()} | {"error": {"error_code", "description"}}
_DEFAULTS = {"delay": 1.0, "slow_drip": 0.01, "rate_limited": 1}


@dataclass(slots=True)
class Fault:
    """A fault that waits for the requests it is meant for."""

    kind: str
    settings: Mapping[str, Any]
    method: str | None
    chat_id: int | None
    times: int

    def matches(self, method: str, chat_id: int | None) -> bool:
        """Whether a request of this method, in lower case, to this chat is meant."""
        if self.method is not None and self.method.lower() != method:
            return False
        return self.chat_id in (None, chat_id)

    @property
    def number(self) -> float:
        """The one number some kinds take."""
        name = _NUMBERS[self.kind][0]
        return float(self.settings.get(name, _DEFAULTS.get(self.kind)))

    def refusal(self, chat_type: str) -> Refusal | None:
        """The refusal this fault stands for; None for faults of the transport."""
        if self.kind in _FIXED:
            return _FIXED[self.kind][1]
        shaped: Mapping[str, Callable[[], Refusal]] = {
            "rate_limited": lambda: too_many_requests(int(self.number)),
            "migrated": lambda: migrated(int(self.number)),
            "kicked": lambda: standing_refusal("kicked", chat_type),
            "not_member": lambda: standing_refusal("left", chat_type),
            "error": lambda: Refusal(int(self.number), str(self.settings.get("description", "Unknown error"))),
            "rate_limited_bare": lambda: Refusal(429, "Too Many Requests: retry later"),
        }
        return shaped[self.kind]() if self.kind in shaped else None

    def describe(self) -> dict[str, Any]:
        """What the control API shows."""
        answer: dict[str, Any] = {"method": self.method, "chat_id": self.chat_id, "times": self.times}
        return answer | {"fault": {"kind": self.kind, **self.settings}}


def new_fault(method: str | None, chat_id: int | None, times: int, fault: Mapping[str, Any]) -> Fault:
    """A fault from what a person says; `ValueError` says what does not fit."""
    settings = dict(fault)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str) or kind not in FAULT_KINDS:
        raise ValueError(f"fault.kind is one of {', '.join(FAULT_KINDS)}, not {kind!r}")
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise ValueError(f"times is a whole number from 1, not {times!r}")
    unknown = set(settings) - _SETTINGS.get(kind, set())
    if unknown:
        raise ValueError(f"fault of kind {kind} has no setting {', '.join(sorted(map(str, unknown)))}")
    if kind in _NUMBERS:
        _check_number(kind, settings)
    if not isinstance(settings.get("description", ""), str):
        raise ValueError("fault.description is a string")
    if kind == "reset_before_body" and chat_id is not None:
        raise ValueError("reset_before_body strikes before the body with the chat_id is read: leave chat_id out")
    return Fault(kind, settings, method, chat_id, times)


def _check_number(kind: str, settings: Mapping[str, Any]) -> None:
    name, low, high = _NUMBERS[kind]
    value = settings.get(name, _DEFAULTS.get(kind))
    if value is None:
        raise ValueError(f"fault of kind {kind} needs {name}")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole or (name == "seconds" and isinstance(value, float))) or not low <= value <= high:
        raise ValueError(f"fault.{name} is a number from {low} to {high}, not {value!r}")


class Faults:
    """The scripted faults, in the order they were added; the first that matches strikes."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, fault: Fault) -> None:
        """Let a fault wait."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget every waiting fault."""
        self._waiting.clear()

    def describe(self) -> list[dict[str, Any]]:
        """What the control API shows."""
        return [fault.describe() for fault in self._waiting]

    def strike(self, method: str, chat_id: int | None, *, before_body: bool) -> Fault | None:
        """Use up one time of the first fault meant for this request at this stage."""
        for fault in self._waiting:
            early = fault.kind == "reset_before_body"
            if early == before_body and fault.matches(method, chat_id):
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None
