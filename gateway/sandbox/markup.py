"""`reply_markup`, read, checked and echoed as the Bot API does (Client.cpp; TDLib, ReplyMarkup.cpp)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .entities.links import require_link
from .errors import InvalidInput, bad_request
from .jsonvalues import Fields, Number
from .parameters import Parameters

BUTTONS_LIMIT = 100
"""Buttons of one inline keyboard."""

CALLBACK_DATA_LIMIT = 64
"""Bytes of `callback_data`."""

COPY_TEXT_LIMIT = 256
"""Characters of `copy_text`."""

_Button = dict[str, Any]


def read_markup(parameters: Parameters) -> dict[str, Any] | None:
    """The markup of a message: an inline keyboard is returned as messages show it, other kinds only checked."""
    value = parameters.json("reply_markup", "Can't parse reply keyboard markup JSON object")
    if value is None and not parameters.text("reply_markup"):
        return None
    try:
        fields = Fields(value, "Object expected as reply markup")
        reply_rows = _rows(fields, "keyboard", 'Field "keyboard" must be an Array of Arrays', _reply_button)
        complaint = 'Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
        rows = _rows(fields, "inline_keyboard", complaint, _inline_button)
        for name in ("remove_keyboard", "selective", "force_reply", "one_time_keyboard", "resize_keyboard"):
            fields.boolean(name)
    except InvalidInput as problem:
        raise bad_request(str(problem)) from None
    if reply_rows or not rows:
        return None
    _check_keyboard(rows)
    return {"inline_keyboard": rows}


def _rows(fields: Fields, name: str, complaint: str, read: Callable[[Any], _Button]) -> list[list[_Button]]:
    rows = fields.array(name) or []
    if not all(isinstance(row, list) for row in rows):
        raise InvalidInput(complaint)
    kind = "inline keyboard" if name == "inline_keyboard" else "keyboard"
    try:
        read_rows = [[read(button) for button in row] for row in rows]
    except InvalidInput as problem:
        raise InvalidInput(f"Can't parse {kind} button: {problem}") from None
    return [row for row in read_rows if row]


def _reply_button(value: Any) -> _Button:
    if isinstance(value, str) and not isinstance(value, Number):
        return {"text": value}
    return {"text": Fields(value, "KeyboardButton must be a String or an Object").required_string("text")}


def _inline_button(value: Any) -> _Button:
    fields = Fields(value, "InlineKeyboardButton must be an Object")
    button: _Button = {"text": fields.required_string("text")}
    for name in ("url", "callback_data"):
        if content := fields.string(name):
            return button | {name: content}
    if "callback_game" in fields:
        return button | {"callback_game": {}}
    if "pay" in fields:
        return button | {"pay": fields.boolean("pay")}
    for name in ("switch_inline_query", "switch_inline_query_current_chat"):
        if name in fields:
            return button | {name: fields.required_string(name)}
    for name, member in (("login_url", "url"), ("web_app", "url"), ("copy_text", "text")):
        if (nested := fields.object(name)) is not None:
            return button | {name: {member: Fields(nested, "").required_string(member)}}
    if (chosen := fields.object("switch_inline_query_chosen_chat")) is not None:
        return button | {"switch_inline_query_chosen_chat": _chosen_chat(Fields(chosen, ""))}
    raise InvalidInput("Text buttons are unallowed in the inline keyboard")


def _chosen_chat(fields: Fields) -> _Button:
    answer: _Button = {"query": fields.string("query")}
    for name in ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats"):
        if fields.boolean(name):
            answer[name] = True
    return answer


def _check_keyboard(rows: list[list[_Button]]) -> None:
    if sum(map(len, rows)) > BUTTONS_LIMIT:
        raise bad_request("reply markup is too long")
    for row in rows:
        for button in row:
            _check_button(button)


def _check_button(button: _Button) -> None:
    if not button["text"].strip():
        raise bad_request("Inline keyboard button text must be non-empty")
    if len(button.get("callback_data", "").encode()) > CALLBACK_DATA_LIMIT:
        raise bad_request("BUTTON_DATA_INVALID")
    if "copy_text" in button and not 0 < len(button["copy_text"]["text"]) <= COPY_TEXT_LIMIT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if "url" in button:
        button["url"] = _checked(button["url"], "URL")
    if "login_url" in button:
        _checked(button["login_url"]["url"], "login URL", https=True)
    if "web_app" in button:
        _checked(button["web_app"]["url"], "Web App URL", https=True)


def _checked(url: str, what: str, https: bool = False) -> str:
    try:
        link = require_link(url)
        if https and not link.startswith("https://"):
            raise InvalidInput("Only HTTPS links are allowed")
    except InvalidInput as problem:
        raise bad_request(f"inline keyboard button {what} '{url}' is invalid: {problem}") from None
    return link
