"""Every refusal, in Telegram's words and shape."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox import Sandbox

from .conftest import CHANNEL, GROUP, PERSON, SUPERGROUP, TOKEN, Client

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)


@pytest.mark.parametrize(
    ("method", "parameters", "description"),
    [
        ("sendMessage", {"text": "a"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": 8, "text": "a"}, "chat not found"),
        ("sendMessage", {"chat_id": 7}, "message text is empty"),
        ("sendMessage", {"chat_id": 7, "text": ""}, "message text is empty"),
        ("sendMessage", {"chat_id": 7, "text": " \n "}, "message must be non-empty"),
        ("sendMessage", {"chat_id": 7, "text": "<b></b>", "parse_mode": "HTML"}, "message must be non-empty"),
        ("sendMessage", {"chat_id": 7, "text": "a" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": 7, "text": "😀" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": 7, "text": "a" * 32769}, "text is too long"),
        ("sendMessage", {"chat_id": 7, "text": "a", "parse_mode": "RST"}, "unsupported parse_mode"),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a.", "parse_mode": "markdownV2"},
            "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "*a", "parse_mode": "MarkdownV2"},
            "can't parse entities: Can't find end of Bold entity at byte offset 0",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "entities": [{"type": "nope", "offset": 0, "length": 1}]},
            "can't parse MessageEntity: Unsupported type specified",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "entities": [{"type": "bold", "length": 1}]},
            "can't parse MessageEntity: Can't find field \"offset\"",
        ),
        ("sendMessage", {"chat_id": 7, "text": "a", "message_thread_id": 42}, "message thread not found"),
        ("sendMessage", {"chat_id": SUPERGROUP, "text": "a", "message_thread_id": 43}, "message thread not found"),
        ("sendMessage", {"chat_id": 7, "text": "a", "reply_to_message_id": 9}, "message to be replied not found"),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_parameters": {"message_id": 9}},
            "message to be replied not found",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_parameters": "{"},
            "can't parse reply parameters JSON object",
        ),
        ("sendMessage", {"chat_id": 7, "text": "a", "reply_parameters": []}, "object expected as reply parameters"),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "reply_parameters": {"chat_id": 8, "message_id": 1}},
            "chat not found",
        ),
        (
            "sendMessage",
            {"chat_id": 7, "text": "a", "link_preview_options": 1},
            "object expected as link preview options",
        ),
        ("editMessageText", {"chat_id": 7, "message_id": 9, "text": "a"}, "message to edit not found"),
        ("editMessageText", {"message_id": 9, "text": "a"}, "chat_id is empty"),
        ("editMessageText", {"text": "a"}, "message identifier is not specified"),
        ("editMessageText", {"inline_message_id": "x", "text": "a"}, "MESSAGE_ID_INVALID"),
        ("deleteMessage", {"chat_id": 7, "message_id": 9}, "message to delete not found"),
        ("forwardMessage", {"chat_id": 7, "from_chat_id": 7, "message_id": 9}, "message to forward not found"),
        ("forwardMessage", {"chat_id": 7, "message_id": 9}, 'parameter "from_chat_id" is required'),
        ("copyMessage", {"chat_id": 7, "from_chat_id": 8, "message_id": 9}, "chat not found"),
        ("copyMessage", {"chat_id": 7, "from_chat_id": 7, "message_id": 9}, "message to copy not found"),
        ("copyMessages", {"chat_id": 7, "from_chat_id": 7}, "message identifiers are not specified"),
        ("pinChatMessage", {"chat_id": GROUP, "message_id": 9}, "message to pin not found"),
        ("unpinChatMessage", {"chat_id": GROUP}, "message to unpin not found"),
        ("setMessageReaction", {"chat_id": 7, "message_id": 9}, "message to react not found"),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
        ("sendChatAction", {"chat_id": 7, "action": "dancing"}, "wrong parameter action in request"),
        ("getChatMember", {"chat_id": GROUP}, "invalid user_id specified"),
        ("getChatMember", {"chat_id": SUPERGROUP, "user_id": 999}, "PARTICIPANT_ID_INVALID"),
        ("getFile", {"file_id": "x"}, "wrong file_id or the file is temporarily unavailable"),
        ("getFile", {}, "file_id not specified"),
        ("sendDocument", {"chat_id": 7}, "there is no document in the request"),
        ("sendPhoto", {"chat_id": 7, "photo": "x"}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {"chat_id": 7, "photo": "https://example.com/a.png"}, "failed to get HTTP URL content"),
        ("setChatPermissions", {"chat_id": GROUP}, "can't parse permissions JSON object"),
        (
            "restrictChatMember",
            {"chat_id": GROUP, "user_id": 9, "permissions": {}},
            "method is available only for supergroups",
        ),
        ("setWebhook", {"url": "nonsense"}, "bad webhook: Wrong HTTP URL"),
        (
            "setWebhook",
            {"url": "https://a.example", "secret_token": "a b"},
            "secret token contains unallowed characters",
        ),
    ],
)
async def test_a_bad_request_says_what_is_bad(
    client: Client, method: str, parameters: dict[str, Any], description: str
) -> None:
    reply = await client.call(method, **parameters)
    assert reply.status == 400
    assert reply.body == {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}
    assert reply.headers["Content-Type"] == "application/json"


async def test_4096_code_points_fit_whatever_their_utf16_length(client: Client) -> None:
    reply = await client.call("sendMessage", chat_id=7, text="😀" * 4096)
    assert len(reply.result["text"]) == 4096
    marked = await client.call("sendMessage", chat_id=7, text=f"<b>{'a' * 4096}</b>", parse_mode="HTML")
    assert marked.result["entities"] == [{"offset": 0, "length": 4096, "type": "bold"}]


@pytest.mark.parametrize(
    ("chat_id", "status", "description"),
    [
        (PERSON, "blocked", "bot was blocked by the user"),
        (PERSON, "deactivated", "user is deactivated"),
        (PERSON, "not_started", "bot can't initiate conversation with a user"),
        (GROUP, "kicked", "bot was kicked from the group chat"),
        (GROUP, "left", "bot is not a member of the group chat"),
        (GROUP, "deleted", "the group chat was deleted"),
        (SUPERGROUP, "kicked", "bot was kicked from the supergroup chat"),
        (SUPERGROUP, "left", "bot is not a member of the supergroup chat"),
        (CHANNEL, "kicked", "bot was kicked from the channel chat"),
        (CHANNEL, "left", "bot is not a member of the channel chat"),
    ],
)
async def test_a_closed_chat_is_forbidden(
    client: Client, sandbox: Sandbox, chat_id: int, status: str, description: str
) -> None:
    kind = sandbox.chats[chat_id].type
    sandbox.add_chat(chat_id, type=kind, bot_status=status)
    reply = await client.call("sendMessage", chat_id=chat_id, text="a")
    assert reply.body == {"ok": False, "error_code": 403, "description": f"Forbidden: {description}"}
    assert reply.status == 403
    assert sandbox.messages(chat_id) == []


async def test_a_migrated_group_names_its_supergroup(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_chat(GROUP, type="group", migrate_to_chat_id=SUPERGROUP)
    reply = await client.call("sendMessage", chat_id=GROUP, text="a")
    assert (reply.status, reply.description) == (
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
    )
    assert reply.body["parameters"] == {"migrate_to_chat_id": SUPERGROUP}


async def test_an_edit_must_change_something(client: Client) -> None:
    sent = (await client.call("sendMessage", chat_id=7, text="a")).result["message_id"]
    same = await client.call("editMessageText", chat_id=7, message_id=sent, text=" a ")
    assert same.description == f"Bad Request: {NOT_MODIFIED}"
    edited = await client.call("editMessageText", chat_id=7, message_id=sent, text="b")
    assert (edited.result["text"], "edit_date" in edited.result) == ("b", True)
    again = await client.call("editMessageText", chat_id=7, message_id=sent, text="b")
    assert again.description == f"Bad Request: {NOT_MODIFIED}"


async def test_only_own_messages_can_be_edited(client: Client, sandbox: Sandbox) -> None:
    theirs = sandbox.inject({"chat_id": 7, "text": "mine"})["message_id"]
    reply = await client.call("editMessageText", chat_id=7, message_id=theirs, text="b")
    assert reply.description == "Bad Request: message can't be edited"


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/", 404, "Not Found"),
        ("/nothing", 404, "Not Found"),
        (f"/bot{TOKEN}", 404, "Not Found"),
        (f"/bot{TOKEN}/noSuchMethod", 404, "Not Found: method not found"),
        (f"/bot{TOKEN}/", 404, "Not Found: method not found"),
        (f"/bot{TOKEN}/getMe/more", 404, "Not Found: method not found"),
        (f"/file/bot{TOKEN}/documents/file_1.txt", 404, "Not Found"),
        ("/bot/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot1/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot0:a/getMe", 401, "Unauthorized: invalid token specified"),
        ("/botx:a/getMe", 401, "Unauthorized: invalid token specified"),
        (f"/bot{1 << 54}:a/getMe", 401, "Unauthorized: invalid token specified"),
        (f"/bot1:{'a' * 80}/getMe", 401, "Unauthorized: invalid token specified"),
    ],
)
async def test_wrong_places_and_tokens(client: Client, path: str, status: int, description: str) -> None:
    reply = await client.send(path)
    assert (reply.status, reply.body) == (status, {"ok": False, "error_code": status, "description": description})


async def test_a_revoked_token_is_refused_and_its_successor_is_the_same_bot(client: Client) -> None:
    before = (await client.call("getMe")).result
    await client.control("POST", "tokens", {"revoke": TOKEN})
    reply = await client.call("getMe")
    assert (reply.status, reply.body) == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert (await client.call("getMe", token="123456:next")).result == before


async def test_other_verbs_are_not_implemented(client: Client) -> None:
    assert (await client.send(f"/bot{TOKEN}/getMe", "PUT")).status == 501
