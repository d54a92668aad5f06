"""The pin: a caller's token opens its chats, and no other."""

from __future__ import annotations

from dataclasses import replace

from gateway.errors import PermissionDenied
from gateway.model import Caller, Grant, Permission

_INT64 = range(-(1 << 63), 1 << 63)


def require(caller: Caller, permission: Permission, chat_id: int, message_thread_id: int = 0) -> None:
    """Return if the caller may do this in this chat, and in this forum topic of it.

    A grant of one topic allows what names this topic and nothing else of the chat: neither another topic nor, with 0,
    the chat as a whole. Which message is replied to is not looked at: Telegram finds it in the chat that is sent to.

    Raises:
        PermissionDenied: `chat_mismatch`, with the `claimed_chat_id`; `thread_mismatch` and `missing_permission`, with
            `facts`; or why the chat is withheld.
    """
    grant = grant_of(caller, chat_id)
    if grant.withheld:
        raise PermissionDenied(grant.withheld, chat_id=chat_id)
    if grant.message_thread_id is not None and not _same(grant.message_thread_id, message_thread_id):
        facts = {"claimed_message_thread_id": _recordable(message_thread_id) or 0}
        raise PermissionDenied("thread_mismatch", chat_id=chat_id, facts=facts)
    if permission not in grant.permissions:
        raise PermissionDenied("missing_permission", chat_id=chat_id, facts={"permission": permission.value})


def grant_of(caller: Caller, chat_id: int) -> Grant:
    """Return what the caller may do in this chat.

    Raises:
        PermissionDenied: `chat_mismatch`, with the `claimed_chat_id`.
    """
    for grant in caller.grants:
        if _same(grant.chat_id, chat_id):
            return grant
    raise PermissionDenied("chat_mismatch", claimed_chat_id=_recordable(chat_id))


def allowing(caller: Caller, permission: Permission) -> Caller:
    """Return the caller with those of its grants that allow this: for calls that name no chat.

    Raises:
        PermissionDenied: `missing_permission`, with the permission in its `facts`: none of them does. Why the chat is
            withheld, if it is the only one.
    """
    grants = tuple(grant for grant in caller.grants if permission in grant.permissions)
    if not grants:
        if len(caller.grants) == 1 and caller.grants[0].withheld:
            raise PermissionDenied(caller.grants[0].withheld, chat_id=caller.sole_chat_id)
        raise PermissionDenied("missing_permission", facts={"permission": permission.value})
    return caller if len(grants) == len(caller.grants) else replace(caller, grants=grants)


def _same(granted: object, asked: object) -> bool:
    # `True == 1` and `1.0 == 1` in Python: both have to be plain integers before they are compared.
    return type(granted) is int and type(asked) is int and granted == asked


def _recordable(number: object) -> int | None:
    return number if type(number) is int and number in _INT64 else None
