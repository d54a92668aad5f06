"""What the audit log says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the audit log: who asked for what, from where, and what was decided.

    Attributes:
        event: What happened, such as `message.accepted` or `call.refused`.
        decision: `allow`, `deny` or `error`.
        reason: Why; for a refusal one of a closed set that the caller never sees.
        verified: Whether `client`, `token_id` and `key_id` come from a token whose signature holds.
        claimed_chat_id: For a refusal: the chat that was asked for, where that differs from the one of the token.
        count: How many equal events the record stands for; more than 1 only for refusals written together.
    """

    at: datetime
    event: str
    decision: str
    reason: str = ""
    client: str = ""
    token_id: str = ""
    key_id: str = ""
    issuer: str = ""
    verified: bool = True
    address: str = ""
    method: str = ""
    call_id: str = ""
    error_id: str = ""
    chat_id: int | None = None
    claimed_chat_id: int | None = None
    message_id: str = ""
    count: int = 1
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)
