"""Replies: in the same chat, with a quote, or to a message of another chat the bot can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.sandbox.chats import Chat, Message
from gateway.sandbox.entities import Formatted, finished, read_formatted
from gateway.sandbox.entities.entity import utf16_length
from gateway.sandbox.errors import InvalidInput, bad_request
from gateway.sandbox.jsonvalues import Fields
from gateway.sandbox.parameters import Parameters

from .call import Call

_NO_QUOTE = Formatted("", [])


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message replies to, not yet looked up; `message_id` 0 is no reply."""

    message_id: int = 0
    chat_id: str = ""
    optional: bool = False
    quote: Formatted = _NO_QUOTE

    def resolve(self, call: Call, chat: Chat) -> dict[str, Any]:
        """The members a reply adds to a message in `chat`."""
        if self.message_id <= 0:
            return {}
        other = call.chat(value=self.chat_id) if self.chat_id else chat
        replied = other.messages.get(self.message_id)
        if replied is None:
            if self.optional:
                return {}
            raise bad_request("message to be replied not found")
        members: dict[str, Any] = {"quote": self._quoted(call, replied)} if self.quote.text else {}
        if other is chat:
            return {"reply_to_message": shallow(replied)} | members
        return {"external_reply": external(other, replied)} | members

    def _quoted(self, call: Call, replied: Message) -> dict[str, Any]:
        quote = finished(self.quote)
        text = str(replied.get("text", replied.get("caption", "")))
        at = text.find(quote.text) if quote.text else -1
        if at < 0:
            raise bad_request("QUOTE_TEXT_INVALID")
        shown: dict[str, Any] = {"text": quote.text, "position": utf16_length(text[:at]), "is_manual": True}
        if quote.entities:
            shown["entities"] = [entity.to_json(call.world.users) for entity in quote.entities]
        return shown


def read_reply(parameters: Parameters) -> Reply:
    """`reply_parameters`, or the older `reply_to_message_id` when there are none (Client.cpp, get_reply_parameters)."""
    if "reply_parameters" not in parameters:
        if "reply_to_message_id" not in parameters:
            return _NONE
        optional = parameters.flag("allow_sending_without_reply")
        return Reply(parameters.identifier("reply_to_message_id"), optional=optional)
    value = parameters.json("reply_parameters", "Can't parse reply parameters JSON object")
    if value is None and not parameters.text("reply_parameters"):
        return _NONE
    try:
        fields = Fields(value, "Object expected as reply parameters")
        if not len(fields):
            return _NONE
        return Reply(
            message_id=fields.required_integer("message_id"),
            chat_id=fields.string("chat_id"),
            optional=fields.boolean("allow_sending_without_reply"),
            quote=read_formatted(
                fields.string("quote"), fields.string("quote_parse_mode"), fields.raw("quote_entities")
            ),
        )
    except InvalidInput as problem:
        raise bad_request(str(problem)) from None


def shallow(message: Message) -> Message:
    """A message as it stands inside another: without what it replies to itself."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def external(chat: Chat, message: Message) -> dict[str, Any]:
    """The `ExternalReplyInfo` of a message in another chat."""
    shown: dict[str, Any] = {"origin": origin_of(message), "message_id": message["message_id"]}
    if chat.type in ("supergroup", "channel"):
        shown["chat"] = chat.short
    return shown


def origin_of(message: Message) -> dict[str, Any]:
    """The `MessageOrigin` of a message."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    if "from" in message:
        return {"type": "user", "sender_user": message["from"], "date": message["date"]}
    origin = {"type": "channel", "chat": message["sender_chat"], "message_id": message["message_id"]}
    return {**origin, "date": message["date"]}


_NONE = Reply()
