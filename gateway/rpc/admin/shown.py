"""A request as people read it who are to approve it: every field that is set, and nothing in it that can't be seen."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.errors import RequestInvalid
from gateway.rpc.admin.times import instant_from


def shown(request: ProtoMessage) -> str:
    """Return a request as a JSON object in ASCII: each field by its name; what was left out is empty or not there."""
    return json.dumps(_members(request), sort_keys=True)


def _members(message: ProtoMessage) -> dict[str, Any]:
    return {
        field.name: _value(field, getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _value(field: Any, value: Any) -> Any:
    if field.is_repeated:
        return [_single(field, each) for each in value]
    return _single(field, value)


def _single(field: Any, value: Any) -> Any:
    if isinstance(value, Timestamp):
        return _instant(value)
    if isinstance(value, Duration):
        return f"{value.seconds} s" + (f" {value.nanos} ns" if value.nanos else "")
    if isinstance(value, ProtoMessage):
        return _members(value)
    if isinstance(value, bytes):
        return value.hex()
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return value


def _instant(value: Timestamp) -> str:
    rest = f" {value.nanos} ns" if value.nanos else ""
    try:
        return f"{instant_from(value, ''):%Y-%m-%d %H:%M:%S} UTC{rest}"
    except RequestInvalid:
        return f"{value.seconds} s{rest}"
