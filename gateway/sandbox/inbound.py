"""What a person does in a chat, as a test or a visitor of the sandbox describes it.

    {"chat_id": 7, "text": "hello"}                              a message
    {"chat_id": 7, "text": "hello", "from": {"id": 7, "first_name": "Ann"},
     "message_thread_id": 4, "reply_to_message_id": 12}          … with everything it may have
    {"chat_id": 7, "message_id": 12, "callback_data": "yes"}     a press on an inline button
    {"update": {"my_chat_member": {…}}}                          any other update, passed on as it is

`bot_id` beside these tells one bot only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .chats import Chat
from .entities import Formatted, finished
from .errors import Refusal
from .updates import UPDATE_TYPES
from .world import World

_NAMES = {
    "bot_id",
    "callback_data",
    "chat_id",
    "from",
    "message_id",
    "message_thread_id",
    "reply_to_message_id",
    "text",
}
_NUMBERS = ("bot_id", "chat_id", "message_id", "message_thread_id", "reply_to_message_id")


def inbound_update(world: World, given: Mapping[str, Any]) -> tuple[str, dict[str, Any], int | None]:
    """The kind of update, its content and the bot it is for; `ValueError` says what does not fit."""
    for name in _NUMBERS:
        if name in given and (not isinstance(given[name], int) or isinstance(given[name], bool)):
            raise ValueError(f"{name} is a whole number, not {given[name]!r}")
    if "update" in given:
        return (*_raw(given["update"]), given.get("bot_id"))
    if unknown := set(given) - _NAMES:
        raise ValueError(
            f"unknown: {', '.join(sorted(map(str, unknown)))}; known are {', '.join(sorted(_NAMES))}, update"
        )
    chat = world.chats.get(given.get("chat_id", 0))
    if chat is None:
        raise ValueError(f"there is no chat {given.get('chat_id')}; add it with POST /sandbox/chats")
    user = _user(chat, given.get("from"))
    world.join(chat, user)
    if "callback_data" in given:
        return "callback_query", _callback(world, chat, user, given), given.get("bot_id")
    kind = "channel_post" if chat.type == "channel" else "message"
    return kind, _message(world, chat, user, given), given.get("bot_id")


def _raw(update: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(update, dict) or len(update) != 1:
        raise ValueError('update is an object with one member, such as {"poll": {…}}')
    kind, content = next(iter(update.items()))
    if kind not in UPDATE_TYPES or not isinstance(content, dict):
        raise ValueError(f"update has one of the members {', '.join(UPDATE_TYPES)}, which is an object")
    return kind, content


def _user(chat: Chat, given: Any) -> dict[str, Any]:
    if given is None:
        user_id = chat.id if chat.type == "private" else 1_000_001
        known = chat.members.get(user_id)
        return known.user if known else {"id": user_id, "is_bot": False, "first_name": "Visitor"}
    if not isinstance(given, dict) or not isinstance(given.get("id"), int) or given["id"] <= 0:
        raise ValueError('from is a user such as {"id": 7, "first_name": "Ann"}')
    user = {"is_bot": False, "first_name": f"User {given['id']}", **given}
    if not isinstance(user["first_name"], str) or not isinstance(user["is_bot"], bool):
        raise ValueError("from.first_name is a string and from.is_bot a boolean")
    return user


def _message(world: World, chat: Chat, user: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given.get("text"), str):
        raise ValueError(f"text is a string, not {given.get('text')!r}")
    try:
        text, entities = finished(Formatted(given["text"], []))
    except Refusal as problem:
        raise ValueError(problem.description) from None
    if not text:
        raise ValueError("text is empty")
    message: dict[str, Any] = {"message_id": chat.next_message_id()}
    message |= {"sender_chat": chat.short} if chat.type == "channel" else {"from": user}
    message |= {"chat": chat.short, "date": int(world.wall())}
    if "message_thread_id" in given:
        message["message_thread_id"] = given["message_thread_id"]
        message["is_topic_message"] = given["message_thread_id"] in chat.topics
    if "reply_to_message_id" in given:
        replied = chat.messages.get(given["reply_to_message_id"])
        if replied is None:
            raise ValueError(f"chat {chat.id} has no message {given['reply_to_message_id']} to reply to")
        message["reply_to_message"] = {k: v for k, v in replied.items() if k != "reply_to_message"}
    message["text"] = text
    if entities:
        message["entities"] = [entity.to_json(world.users) for entity in entities]
    chat.keep(message)
    return message


def _callback(world: World, chat: Chat, user: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    message = chat.messages.get(given.get("message_id", 0))
    if message is None:
        raise ValueError(f"chat {chat.id} has no message {given.get('message_id')} with a button")
    data = given["callback_data"]
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    if not any(button.get("callback_data") == data for row in rows for button in row):
        raise ValueError(f"message {message['message_id']} has no button with callback_data {data!r}")
    query = {"id": world.next_query_id(), "from": user, "message": message, "chat_instance": str(chat.id)}
    return {**query, "data": data}
