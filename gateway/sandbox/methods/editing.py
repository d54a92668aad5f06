"""Editing and deleting messages, and buttons pressed on them."""

from __future__ import annotations

from typing import Any

from gateway.sandbox.chats import Chat, Message
from gateway.sandbox.errors import bad_request
from gateway.sandbox.markup import read_markup

from .call import Call
from .identifiers import message_ids
from .sending import caption_content, read_caption, read_link_preview, read_text, text_content

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
_ANSWER_LIMIT = 200
_DELETABLE_FOR_S = 48 * 3600
"""https://core.telegram.org/bots/api#deletemessage"""


def edit_message_text(call: Call) -> Message:
    """https://core.telegram.org/bots/api#editmessagetext"""
    preview = read_link_preview(call)
    given = read_text(call)
    markup = read_markup(call.parameters)
    chat, message = _editable(call)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    content = text_content(call, given, preview)
    return _edited(call, chat, message, ("text", "entities", "link_preview_options"), content, markup)


def edit_message_caption(call: Call) -> Message:
    """https://core.telegram.org/bots/api#editmessagecaption"""
    given = read_caption(call)
    markup = read_markup(call.parameters)
    chat, message = _editable(call)
    if "photo" not in message and "document" not in message:
        raise bad_request("there is no caption in the message to edit")
    return _edited(call, chat, message, ("caption", "caption_entities"), caption_content(call, given), markup)


def edit_message_reply_markup(call: Call) -> Message:
    """https://core.telegram.org/bots/api#editmessagereplymarkup"""
    markup = read_markup(call.parameters)
    chat, message = _editable(call)
    return _edited(call, chat, message, (), {}, markup)


def delete_message(call: Call) -> bool:
    """https://core.telegram.org/bots/api#deletemessage"""
    chat = call.writable_chat()
    message = call.message(chat, "message to delete")
    if not _is_deletable(call, chat, message):
        raise bad_request("message can't be deleted")
    chat.forget(message["message_id"])
    return True


def delete_messages(call: Call) -> bool:
    """https://core.telegram.org/bots/api#deletemessages"""
    ids = message_ids(call)
    chat = call.writable_chat()
    messages = [chat.messages[message_id] for message_id in ids if message_id in chat.messages]
    if not all(_is_deletable(call, chat, message) for message in messages):
        # TDLib takes all of them or none (MessagesManager.cpp, delete_messages).
        raise bad_request("message can't be deleted")
    for message in messages:
        chat.forget(message["message_id"])
    return True


def answer_callback_query(call: Call) -> bool:
    """https://core.telegram.org/bots/api#answercallbackquery"""
    if len(call.parameters.text("text")) > _ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    query_id = call.parameters.text("callback_query_id")
    if query_id not in call.bot.queries:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    del call.bot.queries[query_id]
    return True


def _editable(call: Call) -> tuple[Chat, Message]:
    parameters = call.parameters
    if not parameters.text("chat_id") and not parameters.identifier("message_id"):
        # This is the way to inline messages, of which the sandbox has none.
        known = bool(parameters.text("inline_message_id"))
        raise bad_request("MESSAGE_ID_INVALID" if known else "message identifier is not specified")
    chat = call.writable_chat()
    message = call.message(chat, "message to edit")
    if not call.is_own(chat, message):
        raise bad_request("message can't be edited")
    return chat, message


def _edited(
    call: Call,
    chat: Chat,
    message: Message,
    replaced: tuple[str, ...],
    content: dict[str, Any],
    markup: dict[str, Any] | None,
) -> Message:
    gone = {*replaced, "reply_markup", "edit_date"}
    edited: Message = {name: value for name, value in message.items() if name not in gone} | content
    if markup is not None:
        edited["reply_markup"] = markup
    if edited == {name: value for name, value in message.items() if name != "edit_date"}:
        raise bad_request(_NOT_MODIFIED)
    edited["edit_date"] = int(call.world.wall())
    chat.keep(edited)
    return edited


def _is_deletable(call: Call, chat: Chat, message: Message) -> bool:
    if call.world.wall() - message["date"] >= _DELETABLE_FOR_S:
        return False
    return call.is_own(chat, message) or chat.type == "private" or chat.bot_status == "administrator"


METHODS = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
}
