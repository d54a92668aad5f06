"""What the gateway can ask of Telegram at all, read off its source: whatever is not on these lists can't be done."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "gateway" / "telegram"

OF_THE_LIBRARY = {
    "get_me",
    "answer_callback_query",
    "send_message",
    "send_document",
    "edit_message_text",
    "delete_message",
    "delete_messages",
    "get_updates",
    "set_chat_permissions",
    "restrict_chat_member",
    "ban_chat_member",
    "unban_chat_member",
    "pin_chat_message",
    "unpin_chat_message",
    "send_chat_action",
    "set_message_reaction",
}
"""Methods of python-telegram-bot's `Bot`."""

OURS = {"getChat", "getChatMember", "getChatAdministrators"} | {
    "getUpdates",
    "setWebhook",
    "deleteWebhook",
    "getWebhookInfo",
}
"""Methods that go past python-telegram-bot, by their name in the Bot API."""

AROUND_THE_LISTS = {"do_api_request", "api_kwargs", "getattr", "__getattribute__", "eval", "exec"}
"""Names with which a method or a parameter could be chosen that nobody wrote down."""


def nodes() -> Iterator[ast.AST]:
    for path in SOURCE.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def names() -> Iterator[str]:
    for node in nodes():
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def calls_on(owner: str) -> Iterator[tuple[str, ast.Call]]:
    for node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Attribute) and of.attr == owner:
                yield node.func.attr, node


def test_row_6_row_8_row_11_row_12_row_13_no_other_method_of_the_bot_api_is_called() -> None:
    assert {name for name, _ in calls_on("_bot")} == OF_THE_LIBRARY
    named = [call.args[0] for name, call in calls_on("_transport") if name == "call"]
    assert {name.value for name in named if isinstance(name, ast.Constant)} == OURS
    assert all(isinstance(name, ast.Constant) for name in named), "a method is named by something that can vary"


def test_row_13_no_method_and_no_parameter_is_chosen_by_what_comes_in() -> None:
    assert AROUND_THE_LISTS.isdisjoint(names())
