"""The control API beside the Bot API: chats, messages, updates, the log, faults and tokens, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from .sandbox import Sandbox

_CHAT_NAMES = {"id", "type", "title", "username", "bot_status", "migrate_to_chat_id", "topics", "bot_rights", "members"}
_FAULT_NAMES = {"method", "chat_id", "times", "fault"}


class BadControl(Exception):
    """A control request that cannot be done; the text says what to change."""


def control(sandbox: Sandbox, http_method: str, path: str, query: Mapping[str, str], body: bytes) -> Any:
    """Do one control request and return what to answer as JSON; raises `BadControl`."""
    do = _ROUTES.get((http_method, path))
    if do is None:
        known = ", ".join(f"{verb} {place}" for verb, place in _ROUTES)
        raise BadControl(f"there is no {http_method} {path}; there is {known}")
    given = _object(body) if http_method == "POST" else query
    try:
        return do(sandbox, given)
    except ValueError as problem:
        raise BadControl(str(problem)) from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise BadControl(f"the body is not JSON: {problem}") from None
    if not isinstance(given, dict):
        raise BadControl("the body is a JSON object")
    return given


def _list_chats(sandbox: Sandbox, query: Mapping[str, str]) -> Any:
    return [chat.describe() for chat in sandbox.chats.values()]


def _add_chat(sandbox: Sandbox, given: Mapping[str, Any]) -> Any:
    _check_names(given, _CHAT_NAMES)
    chat_id = _integer(given, "id")
    for name in ("type", "title", "username", "bot_status"):
        if not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name} is a string, not {given[name]!r}")
    if "migrate_to_chat_id" in given:
        _integer(given, "migrate_to_chat_id")
    topics = given.get("topics", [])
    if not isinstance(topics, list) or not all(type(topic) is int and topic > 0 for topic in topics):
        raise ValueError("topics is a list of numbers above 0")
    if not isinstance(given.get("bot_rights", {}), dict):
        raise ValueError('bot_rights is an object such as {"can_pin_messages": false}')
    members = given.get("members", [])
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise ValueError('members is a list of objects such as {"id": 7, "first_name": "Ann", "status": "member"}')
    sandbox.add_chat(chat_id, **{name: value for name, value in given.items() if name != "id"})
    return sandbox.chats[chat_id].describe()


def _list_messages(sandbox: Sandbox, query: Mapping[str, str]) -> Any:
    chat_id = query.get("chat_id", "")
    try:
        messages = sandbox.messages(int(chat_id))
    except ValueError:
        raise ValueError(f"chat_id is a number, not {chat_id[:40]!r}") from None
    except KeyError:
        raise ValueError(f"there is no chat {chat_id}; add it with POST /sandbox/chats") from None
    return _newest(messages, query)


def _read_log(sandbox: Sandbox, query: Mapping[str, str]) -> Any:
    return _newest(sandbox.log(), query)


def _add_update(sandbox: Sandbox, given: Mapping[str, Any]) -> Any:
    return sandbox.inject(given)


def _list_faults(sandbox: Sandbox, query: Mapping[str, str]) -> Any:
    return sandbox.faults.describe()


def _add_fault(sandbox: Sandbox, given: Mapping[str, Any]) -> Any:
    _check_names(given, _FAULT_NAMES)
    method, fault = given.get("method"), given.get("fault")
    if method is not None and not isinstance(method, str):
        raise ValueError(f"method is a string, not {method!r}")
    if not isinstance(fault, dict):
        raise ValueError('fault is an object such as {"kind": "rate_limited", "retry_after": 3}')
    chat_id = _integer(given, "chat_id") if given.get("chat_id") is not None else None
    sandbox.add_fault(method, chat_id, given.get("times", 1), fault=fault)
    return sandbox.faults.describe()


def _clear_faults(sandbox: Sandbox, query: Mapping[str, str]) -> Any:
    sandbox.clear_faults()
    return []


def _change_tokens(sandbox: Sandbox, given: Mapping[str, Any]) -> Any:
    _check_names(given, {"revoke"})
    token = given.get("revoke")
    if not isinstance(token, str) or ":" not in token:
        raise ValueError('say which: {"revoke": "<token>"}')
    sandbox.revoke(token)
    return {"revoked": token.partition(":")[0]}


_ROUTES: Mapping[tuple[str, str], Callable[[Sandbox, Mapping[str, Any]], Any]] = {
    ("GET", "/sandbox/chats"): _list_chats,
    ("POST", "/sandbox/chats"): _add_chat,
    ("GET", "/sandbox/messages"): _list_messages,
    ("GET", "/sandbox/log"): _read_log,
    ("POST", "/sandbox/updates"): _add_update,
    ("GET", "/sandbox/faults"): _list_faults,
    ("POST", "/sandbox/faults"): _add_fault,
    ("DELETE", "/sandbox/faults"): _clear_faults,
    ("POST", "/sandbox/tokens"): _change_tokens,
}


def _check_names(given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(given) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")


def _integer(given: Mapping[str, Any], name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is a whole number, not {value!r}")
    return value


def _newest(items: list[Any], query: Mapping[str, str]) -> list[Any]:
    limit = query.get("limit")
    if limit is None:
        return items
    if not limit.isdecimal() or len(limit) > 9:
        raise ValueError(f"limit is a number from 0, not {limit!r}")
    return items[-int(limit) :] if int(limit) else []
