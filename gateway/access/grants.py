"""The pin: a caller's token opens one chat, and no other."""

from __future__ import annotations

from gateway.errors import PermissionDenied
from gateway.model import Caller, Permission

_INT64 = range(-(1 << 63), 1 << 63)


def require(caller: Caller, permission: Permission, chat_id: int) -> None:
    """Return if the caller may do this in this chat.

    `True == 1` and `1.0 == 1` in Python: both sides have to be plain integers before they are compared.

    Raises:
        PermissionDenied: `chat_mismatch`, with the `claimed_chat_id`; `missing_permission`, with `facts`.
    """
    if type(chat_id) is not int or type(caller.chat_id) is not int or chat_id != caller.chat_id:
        raise PermissionDenied("chat_mismatch", claimed_chat_id=_recordable(chat_id))
    require_permission(caller, permission)


def require_permission(caller: Caller, permission: Permission) -> None:
    """Return if the caller may do this in its own chat: for calls that name no chat.

    Raises:
        PermissionDenied: `missing_permission`, with the permission in its `facts`.
    """
    if permission not in caller.permissions:
        raise PermissionDenied("missing_permission", facts={"permission": permission.value})


def _recordable(chat_id: object) -> int | None:
    return chat_id if type(chat_id) is int and chat_id in _INT64 else None
