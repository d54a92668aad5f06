"""Which chats a token opens: its claims `chat_id` or `authorization_details` (RFC 9396), as grants."""

from __future__ import annotations

import re
from typing import cast

from gateway.access.causes import refused
from gateway.model import Grant, Permission, is_chat_id, is_message_thread_id

MAX_CHATS = 64
DETAIL_TYPE = "telegram_chat"

_DETAIL_REQUIRED = frozenset({"type", "identifier", "actions"})
_DETAIL_KNOWN = _DETAIL_REQUIRED | {"message_thread_id"}
# Canonical, so that one chat has one name; ASCII only, since `\d` and `int` know the digits of every script.
_IDENTIFIER = re.compile(r"-?[1-9][0-9]{0,15}")
# RFC 6749, section 3.3, without words that begin with `!`.
_SCOPE_WORD = r"[\x23-\x5B\x5D-\x7E][\x21\x23-\x5B\x5D-\x7E]*"
_WORD = re.compile(_SCOPE_WORD)
_SCOPE = re.compile(rf"{_SCOPE_WORD}(?: {_SCOPE_WORD})*")


def grants_from(members: dict[str, object]) -> tuple[Grant, ...]:
    """Return the grants of a token, at least one.

    `chat_id` opens one chat, for what `scope` says (`write` where there is none), in the one forum topic
    `message_thread_id` if it is there. `authorization_details` opens 1 to 64 distinct chats, each for its `actions`; a
    `scope` beside it only takes away from each. A topic belongs to one chat, so `message_thread_id` stands in the
    detail of its chat and not beside the details.

    Raises:
        Unauthenticated: with the cause.
    """
    if "chat_id" not in members and "authorization_details" not in members:
        raise refused("missing_claim")
    if "chat_id" in members:
        if "authorization_details" in members:
            raise refused("several_pins")
        return (_sole_grant(members),)
    if "message_thread_id" in members:
        raise refused("bad_thread")
    scope = _permissions(members["scope"]) if "scope" in members else frozenset(Permission)
    return _detailed(members["authorization_details"], scope)


def _sole_grant(members: dict[str, object]) -> Grant:
    return Grant(
        chat_id=_chat_id(members["chat_id"]),
        permissions=_permissions(members.get("scope", Permission.WRITE.value)),
        message_thread_id=_message_thread_id(members),
    )


def _detailed(details: object, scope: frozenset[Permission]) -> tuple[Grant, ...]:
    if not isinstance(details, list) or not 1 <= len(details) <= MAX_CHATS:
        raise refused("bad_details")
    grants = tuple(_detail(detail, scope) for detail in details)
    if len({grant.chat_id for grant in grants}) != len(grants):
        raise refused("bad_details")
    return grants


def _detail(detail: object, scope: frozenset[Permission]) -> Grant:
    if not isinstance(detail, dict) or not _DETAIL_REQUIRED <= detail.keys() <= _DETAIL_KNOWN:
        raise refused("bad_details")
    if detail["type"] != DETAIL_TYPE:
        raise refused("bad_details")
    return Grant(
        chat_id=_identified(detail["identifier"]),
        permissions=_actions(detail["actions"]) & scope,
        message_thread_id=_message_thread_id(detail),
    )


def _identified(identifier: object) -> int:
    if not isinstance(identifier, str) or _IDENTIFIER.fullmatch(identifier) is None:
        raise refused("bad_chat")
    return _chat_id(int(identifier))


def _actions(actions: object) -> frozenset[Permission]:
    if not isinstance(actions, list) or not all(isinstance(word, str) and _WORD.fullmatch(word) for word in actions):
        raise refused("bad_details")
    return _named(actions)


def _chat_id(value: object) -> int:
    if not is_chat_id(value):
        raise refused("bad_chat")
    return cast(int, value)


def _message_thread_id(members: dict[str, object]) -> int | None:
    if "message_thread_id" not in members:
        return None
    value = members["message_thread_id"]
    if not is_message_thread_id(value):
        raise refused("bad_thread")
    return cast(int, value)


def _permissions(scope: object) -> frozenset[Permission]:
    if not isinstance(scope, str) or _SCOPE.fullmatch(scope) is None:
        raise refused("bad_scope")
    return _named(scope.split(" "))


def _named(words: list[str]) -> frozenset[Permission]:
    """Return the permissions among the words.

    A word that is not known gives nothing, so that an issuer may use one scope for several services. One that begins
    with `!` says that it must be understood, and was refused.
    """
    return frozenset(permission for permission in Permission if permission.value in words)
