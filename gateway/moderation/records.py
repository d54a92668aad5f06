"""What the audit log says of an act: before it that it is about to be done, after it what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gateway.model import (
    Ban,
    Caller,
    MemberPermission,
    ModeratingAct,
    Pin,
    Record,
    Restrict,
    SetPermissions,
    Unban,
    Unpin,
)

DONE = "done"
ABANDONED = "abandoned"
"""The caller hung up, or the gateway stopped, before Telegram answered: it may be done."""
_NAMES: Mapping[type[ModeratingAct], str] = {
    SetPermissions: "set_permissions",
    Restrict: "restrict",
    Ban: "ban",
    Unban: "unban",
    Pin: "pin",
    Unpin: "unpin",
}
Facts = dict[str, str | int | bool]


def begun(act: ModeratingAct, caller: Caller, present_id: int, at: datetime) -> Record:
    """Return the record of an act that is about to be done."""
    facts: Facts = {"act": _NAMES[type(act)], **_facts_of(act)}
    if present_id != act.chat_id:
        facts["present_chat_id"] = present_id
    return Record(
        at=at,
        event="chat.moderation_begun",
        decision="allow",
        client=caller.client,
        token_id=caller.token_id,
        key_id=caller.key_id,
        issuer=caller.issuer,
        address=caller.origin.address,
        method=caller.origin.method,
        call_id=caller.origin.call_id,
        chat_id=act.chat_id,
        facts=facts,
    )


def ended(beginning: Record, outcome: str, telegram_error_code: str, at: datetime) -> Record:
    """Return the record of what came of an act: `DONE`, `ABANDONED`, or why it was not done or nobody knows."""
    facts: Facts = dict(beginning.facts)
    if telegram_error_code:
        facts["telegram_error_code"] = telegram_error_code
    return replace(
        beginning,
        at=at,
        event="chat.moderation_ended",
        decision="allow" if outcome == DONE else "error",
        reason=outcome,
        facts=facts,
    )


def about(act: ModeratingAct) -> dict[str, str]:
    """Return the facts of the member or message that an act is about, as a refusal has them."""
    match act:
        case Restrict() | Ban() | Unban():
            return {"userId": str(act.user_id)}
        case Pin() | Unpin():
            return {"telegramMessageId": str(act.telegram_message_id)}
    return {}


def _facts_of(act: ModeratingAct) -> Facts:
    match act:
        case SetPermissions():
            return {"permissions": _said(act.permissions)}
        case Restrict():
            return {"user_id": act.user_id, "permissions": _said(act.permissions), **_until(act.until)}
        case Ban():
            return {"user_id": act.user_id, "revoke_messages": act.revoke_messages, **_until(act.until)}
        case Unban():
            return {"user_id": act.user_id, "remove_member": act.remove_member}
        case Pin():
            return {"telegram_message_id": act.telegram_message_id, "notify": act.notify}
        case Unpin():
            return {"telegram_message_id": act.telegram_message_id}


def _said(permissions: frozenset[MemberPermission]) -> str:
    if len(permissions) == len(MemberPermission):
        return "all"
    return " ".join(each.name.lower() for each in MemberPermission if each in permissions) or "none"


def _until(until: datetime | None) -> Facts:
    return {} if until is None else {"until": int(until.timestamp())}
