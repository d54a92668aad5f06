"""Lists of message ids."""

from __future__ import annotations

from gateway.sandbox.errors import bad_request
from gateway.sandbox.integers import strict_integer

from .call import Call

_LIMIT = 100


def message_ids(call: Call) -> list[int]:
    """The ids in `message_ids`: 1-100 of them, none twice."""
    given = call.parameters.json("message_ids", "Can't parse message identifiers JSON object")
    if given is None:
        raise bad_request("Message identifiers are not specified")
    if not isinstance(given, list):
        raise bad_request("Expected an Array of message identifiers")
    if not given:
        raise bad_request("Message identifiers are not specified")
    if len(given) > _LIMIT:
        raise bad_request("Too many message identifiers specified")
    ids = [strict_integer(value, 32) if isinstance(value, str) else None for value in given]
    if any(message_id is None or message_id <= 0 for message_id in ids):
        raise bad_request("Invalid message identifier specified")
    if len(set(ids)) != len(ids):
        raise bad_request("Duplicate message identifiers specified")
    return [message_id for message_id in ids if message_id is not None]
