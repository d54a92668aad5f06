"""Reads what came back for a request: a result, or which failure it is.

Only an answer of the Bot API's own form, a JSON object with `ok`, says what Telegram did. Anything else (a proxy's
page, half a body, a redirect) leaves that unknown, whatever its HTTP status; a 429 alone is a refusal whoever says it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.model import is_chat_id
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    MessageFixed,
    MessageGone,
    NotModified,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from gateway.telegram.token import BotToken

_BOT_REFUSED = frozenset({401, 404, 421})
_BY_WORDING: Mapping[str, type[Refused]] = {
    "message is not modified": NotModified,
    "message to edit not found": MessageGone,
    "message to delete not found": MessageGone,
    "message can't be edited": MessageFixed,
    "message can't be deleted": MessageFixed,
}
"""By how the description goes on after "Bad Request: ": Telegram gives these no number.

https://github.com/tdlib/telegram-bot-api, Client.cpp.
"""
_MAX_DESCRIPTION = 300
_MAX_RETRY_AFTER_S = 366 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP response that was read to its end."""

    status: int
    payload: bytes
    retry_after: str | None = None


def failure_from(answer: Answer, token: BotToken) -> BotFailure | None:
    """Return which failure an answer is; None where it carries a result.

    Args:
        answer: What came back.
        token: The token of the request: whatever answered may repeat the request's path, so it is taken out.
    """
    body = _body_of(answer.payload)
    if body.get("ok") is True and 200 <= answer.status <= 299 and "result" in body:
        return None
    code, description = body.get("error_code"), body.get("description")
    if body.get("ok") is False and type(code) is int:
        text = token.redacted(description)[:_MAX_DESCRIPTION] if isinstance(description, str) else "no description"
        return _refusal(code, text, _parameters_of(body), answer.retry_after, token)
    if answer.status == 429:
        return RateLimited(429, "Too Many Requests", _seconds(answer.retry_after))
    return Unanswered(f"HTTP {answer.status} without an answer of the Bot API")


def _refusal(
    code: int, description: str, parameters: Mapping[str, Any], retry_after: str | None, token: BotToken
) -> Refused:
    new_chat_id = parameters.get("migrate_to_chat_id")
    if code == 429:
        return RateLimited(code, description, _seconds(parameters.get("retry_after", retry_after)))
    if code == 400 and isinstance(new_chat_id, int) and is_chat_id(new_chat_id):
        return ChatMoved(code, description, new_chat_id)
    if code == 403:
        return ChatRefused(code, description)
    if code in _BOT_REFUSED:
        return BotRefused(code, description, token.version)
    if 500 <= code <= 599:
        return ServerFailed(code, description)
    return _refused(code, description)


def _refused(code: int, description: str) -> Refused:
    problem = description.removeprefix("Bad Request: ")
    found = [kind for wording, kind in _BY_WORDING.items() if code == 400 and problem.startswith(wording)]
    return (found or [Refused])[0](code, description)


def _body_of(payload: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _parameters_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = body.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _seconds(value: object) -> timedelta | None:
    """Return a number of seconds, from JSON or from a `Retry-After` header; None where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or value < 0:
        return None
    return timedelta(seconds=min(value, _MAX_RETRY_AFTER_S))
