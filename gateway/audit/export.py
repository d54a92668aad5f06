"""The audit log in the words of others: OCSF for security lakes, CloudEvents for event buses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from gateway.audit.lines import timestamp, to_json_line
from gateway.model import Record

_OCSF_VERSION = "1.6.0"
_SUCCESS, _FAILURE = 1, 2


def ocsf(seq: int, record: Record) -> str:
    """Return a record as an OCSF event: API Activity (6003), or Authentication (3002) where nobody was recognized.

    The classes and their numbers are those of https://schema.ocsf.io.
    """
    is_stranger = not record.verified
    class_uid, category_uid, activity = (3002, 3, 1) if is_stranger else (6003, 6, 1)
    event = {
        "class_uid": class_uid,
        "category_uid": category_uid,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "time": int(record.at.timestamp() * 1000),
        "severity_id": 1 if record.decision == "allow" else 3,
        "status_id": _SUCCESS if record.decision == "allow" else _FAILURE,
        "action_id": 1 if record.decision == "allow" else 2,
        "status_detail": record.reason,
        "count": record.count,
        "metadata": {
            "version": _OCSF_VERSION,
            "product": {"name": "Chatkey", "vendor_name": "Chatkey"},
            "uid": str(seq),
            "correlation_uid": record.call_id,
            "event_code": record.event,
        },
        "actor": {"user": _actor(record)},
        "src_endpoint": {"ip": record.address},
        "api": {"operation": record.method, "response": {"error": record.error_id}},
        "resources": [
            *({"type": "telegram_chat", "uid": str(chat)} for chat in _chats(record)),
            *([{"type": "client", "name": record.client, "uid": record.token_id}] if _is_done_to(record) else ()),
        ],
        "unmapped": json.loads(to_json_line(seq, record)),
    }
    return _line(event)


def cloudevent(seq: int, record: Record) -> str:
    """Return a record as a CloudEvent 1.0 in its JSON format (https://github.com/cloudevents/spec)."""
    return _line(
        {
            "specversion": "1.0",
            "id": str(seq),
            "source": "/chatkey/audit",
            "type": f"dev.chatkey.{record.event}",
            "time": timestamp(record.at),
            "datacontenttype": "application/json",
            "data": json.loads(to_json_line(seq, record)),
        }
    )


def _is_done_to(record: Record) -> bool:
    """Whether the client of a record is whom somebody else administered."""
    return record.facts.get("by", record.client) != record.client


def _actor(record: Record) -> Mapping[str, object]:
    if _is_done_to(record):
        return {"name": record.facts["by"]}
    return {"name": record.client, "credential_uid": record.token_id}


def _chats(record: Record) -> list[int]:
    return [chat for chat in (record.chat_id, record.claimed_chat_id) if chat is not None]


def _line(event: Mapping[str, object]) -> str:
    return json.dumps(event, sort_keys=True, separators=(",", ":"))


FORMS: Mapping[str, Callable[[int, Record], str]] = {"jsonl": to_json_line, "ocsf": ocsf, "cloudevents": cloudevent}
"""By name, what writes a record as one line."""
