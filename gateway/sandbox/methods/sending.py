"""sendMessage and what every sent message has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.sandbox.actions import CHAT_ACTIONS
from gateway.sandbox.chats import Chat, Message
from gateway.sandbox.entities import Formatted, finished, read_formatted
from gateway.sandbox.errors import InvalidInput, Refusal, bad_request
from gateway.sandbox.jsonvalues import Fields
from gateway.sandbox.markup import read_markup

from .call import Call
from .replies import Reply, read_reply

TEXT_LIMIT = 4096
"""Unicode code points of a text, counted when its marks are taken out."""

CAPTION_LIMIT = 1024
"""Unicode code points of a caption."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a message is sent, read before the chat is looked at, as the server does."""

    markup: dict[str, Any] | None
    reply: Reply


def read_envelope(call: Call) -> Envelope:
    """What is common to every send method."""
    return Envelope(read_markup(call.parameters), read_reply(call.parameters))


def send(call: Call, envelope: Envelope, content: Callable[[], Mapping[str, Any]]) -> Message:
    """Put a message into the chat of `chat_id`; `content` makes and checks what is in it."""
    chat = call.writable_chat()
    reply = envelope.reply.resolve(call, chat)
    thread = _thread(call, chat)
    made = content()
    call.bot.limits.take(chat.id, call.now)
    message = blank_message(call, chat)
    message |= thread
    message |= reply
    message |= made
    if call.parameters.flag("protect_content"):
        message["has_protected_content"] = True
    if envelope.markup is not None:
        message["reply_markup"] = envelope.markup
    chat.keep(message)
    return message


def blank_message(call: Call, chat: Chat) -> Message:
    """A message with an id, a sender, a chat and a date."""
    message: Message = {"message_id": chat.next_message_id()}
    if chat.type == "channel":
        message["sender_chat"] = chat.short
    else:
        message["from"] = call.bot.user
    message["chat"] = chat.short
    message["date"] = int(call.world.wall())
    return message


def send_message(call: Call) -> Message:
    """https://core.telegram.org/bots/api#sendmessage"""
    preview = read_link_preview(call)
    given = read_text(call)
    return send(call, read_envelope(call), lambda: text_content(call, given, preview))


def read_text(call: Call) -> Formatted:
    """The `text` with its marks, before it is cleaned."""
    parameters = call.parameters
    text = parameters.text("text")
    if not text:
        raise bad_request("Message text is empty")
    entities = _entities(call, "entities")
    return read_formatted(text, parameters.text("parse_mode"), entities)


def text_content(call: Call, given: Formatted, preview: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a text message."""
    text = finished(given)
    if not text.text:
        raise bad_request("Message must be non-empty")
    if len(text.text) > TEXT_LIMIT:
        raise bad_request("Message is too long")
    content = shown(call, text, "text", "entities")
    if preview:
        content["link_preview_options"] = preview
    return content


def read_caption(call: Call) -> Formatted:
    """The `caption` with its marks, before it is cleaned."""
    parameters = call.parameters
    return read_formatted(
        parameters.text("caption"), parameters.text("parse_mode"), _entities(call, "caption_entities")
    )


def caption_content(call: Call, given: Formatted) -> dict[str, Any]:
    """The members a caption adds to a message; none when it is empty."""
    if not given.text:
        return {}
    caption = finished(given)
    if len(caption.text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return shown(call, caption, "caption", "caption_entities") if caption.text else {}


def shown(call: Call, text: Formatted, text_name: str, entities_name: str) -> dict[str, Any]:
    """A text and its entities as members of a message; people nobody knows cannot be mentioned."""
    content: dict[str, Any] = {text_name: text.text}
    users = call.world.users
    known = [e for e in text.entities if e.type != "text_mention" or e.user_id in users]
    if known:
        content[entities_name] = [entity.to_json(users) for entity in known]
    return content


def read_link_preview(call: Call) -> dict[str, Any]:
    """The link preview options a message was sent with, as the message shows them."""
    value = call.parameters.json("link_preview_options", "Can't parse link preview options JSON object")
    if value is None and not call.parameters.text("link_preview_options"):
        return {"is_disabled": True} if call.parameters.flag("disable_web_page_preview") else {}
    try:
        fields = Fields(value, "Object expected as link preview options")
        names = ("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text")
        options: dict[str, Any] = {name: True for name in names if fields.boolean(name)}
        if url := fields.string("url"):
            options["url"] = url
    except InvalidInput as problem:
        raise bad_request(str(problem)) from None
    return options


def send_chat_action(call: Call) -> bool:
    """https://core.telegram.org/bots/api#sendchataction"""
    if call.parameters.text("action").lower() not in CHAT_ACTIONS:
        raise bad_request("Wrong parameter action in request")
    _thread(call, call.writable_chat())
    return True


def _entities(call: Call, name: str) -> Any:
    # The server takes entities it cannot parse for none at all (Client.cpp, get_input_entities).
    try:
        return call.parameters.json(name, "")
    except Refusal:
        return None


def _thread(call: Call, chat: Chat) -> dict[str, Any]:
    thread_id = call.parameters.identifier("message_thread_id")
    if not thread_id:
        return {}
    if thread_id in chat.topics:
        return {"message_thread_id": thread_id, "is_topic_message": True}
    if chat.type == "supergroup" and thread_id in chat.messages:
        return {"message_thread_id": thread_id}
    raise bad_request("message thread not found")


METHODS = {"sendMessage": send_message, "sendChatAction": send_chat_action}
