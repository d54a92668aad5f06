"""Messages taken from one chat to another, or within one."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.chats import Chat, Message
from gateway.sandbox.errors import bad_request

from .call import Call
from .identifiers import message_ids
from .replies import origin_of
from .sending import blank_message, caption_content, read_caption, read_envelope, send

_CONTENT = ("text", "entities", "link_preview_options", "photo", "document", "caption", "caption_entities")


def forward_message(call: Call) -> Message:
    """https://core.telegram.org/bots/api#forwardmessage"""
    source = _source(call)
    message = call.message(source, "message to forward")
    _check_protection(message)
    return send(call, read_envelope(call), lambda: {"forward_origin": origin_of(message)} | _content(message))


def copy_message(call: Call) -> dict[str, int]:
    """https://core.telegram.org/bots/api#copymessage"""
    caption = read_caption(call) if "caption" in call.parameters else None
    source = _source(call)
    message = call.message(source, "message to copy")
    _check_protection(message)

    def content() -> dict[str, Any]:
        copied = _content(message)
        if caption is None or "text" in copied:
            return copied
        kept = {name: value for name, value in copied.items() if not name.startswith("caption")}
        return kept | caption_content(call, caption)

    return {"message_id": send(call, read_envelope(call), content)["message_id"]}


def forward_messages(call: Call) -> list[dict[str, int]]:
    """https://core.telegram.org/bots/api#forwardmessages"""
    return _many(call, "message to forward", forward=True)


def copy_messages(call: Call) -> list[dict[str, int]]:
    """https://core.telegram.org/bots/api#copymessages"""
    return _many(call, "message to copy", forward=False)


def _many(call: Call, purpose: str, *, forward: bool) -> list[dict[str, int]]:
    ids = message_ids(call)
    source, target = _source(call), call.writable_chat()
    messages = [source.messages[i] for i in ids if i in source.messages]
    messages = [message for message in messages if not message.get("has_protected_content")]
    if not messages:
        raise bad_request(f"{purpose} not found")
    call.bot.limits.take(target.id, call.now, len(messages))
    return [_put(call, target, message, forward) for message in messages]


def _put(call: Call, target: Chat, message: Message, forward: bool) -> dict[str, int]:
    put = blank_message(call, target) | _content(message)
    if forward:
        put["forward_origin"] = origin_of(message)
    target.keep(put)
    return {"message_id": put["message_id"]}


def _source(call: Call) -> Chat:
    call.parameters.required("from_chat_id")
    return call.chat("from_chat_id")


def _content(message: Message) -> dict[str, Any]:
    return {name: message[name] for name in _CONTENT if name in message}


def _check_protection(message: Message) -> None:
    if message.get("has_protected_content"):
        raise bad_request("message can't be forwarded")


METHODS = {
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
}
