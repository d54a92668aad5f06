"""What a sent message looks like: replies, threads, keyboards, previews, copies and moderation."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox import Sandbox

from .conftest import CHANNEL, GROUP, PERSON, SUPERGROUP, Client


async def send(client: Client, chat_id: int = PERSON, text: str = "a", **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = (await client.call("sendMessage", chat_id=chat_id, text=text, **more)).result
    return result


async def test_who_where_and_when(client: Client) -> None:
    message = await send(client, SUPERGROUP, "*hi*", parse_mode="markdownv2", message_thread_id=42)
    assert message["from"]["is_bot"] is True
    assert message["chat"] == {
        "id": SUPERGROUP,
        "title": "Ops",
        "type": "supergroup",
        "username": "ops_room",
        "is_forum": True,
    }
    assert (message["message_thread_id"], message["is_topic_message"]) == (42, True)
    assert message["entities"] == [{"offset": 0, "length": 2, "type": "bold"}]
    post = await send(client, CHANNEL)
    assert "from" not in post
    assert post["sender_chat"]["id"] == CHANNEL


async def test_message_ids_grow_per_chat(client: Client) -> None:
    assert [(await send(client))["message_id"] for _ in range(3)] == [1, 2, 3]
    assert (await send(client, GROUP))["message_id"] == 1


async def test_a_reply_holds_the_message_it_replies_to_and_no_deeper(client: Client) -> None:
    first = await send(client, text="one")
    second = await send(client, text="two", reply_to_message_id=first["message_id"])
    third = await send(client, text="three", reply_parameters={"message_id": second["message_id"]})
    assert third["reply_to_message"]["text"] == "two"
    assert "reply_to_message" not in third["reply_to_message"]


async def test_a_missing_reply_may_be_forgiven(client: Client) -> None:
    message = await send(client, reply_parameters={"message_id": 99, "allow_sending_without_reply": True})
    assert "reply_to_message" not in message


async def test_reply_parameters_win_over_the_older_parameter(client: Client) -> None:
    first, second = await send(client), await send(client)
    reply = await send(
        client, reply_to_message_id=first["message_id"], reply_parameters={"message_id": second["message_id"]}
    )
    assert reply["reply_to_message"]["message_id"] == second["message_id"]


async def test_a_reply_into_another_chat_shows_what_was_said_there(client: Client) -> None:
    secret = await send(client, GROUP, "the plan is secret")
    message = await send(
        client,
        reply_parameters={"chat_id": GROUP, "message_id": secret["message_id"], "quote": "secret"},
    )
    assert message["external_reply"]["message_id"] == secret["message_id"]
    assert message["quote"] == {"text": "secret", "position": 12, "is_manual": True}


async def test_a_quote_must_be_in_the_message(client: Client) -> None:
    first = await send(client, text="one")
    reply = await client.call(
        "sendMessage", chat_id=7, text="x", reply_parameters={"message_id": first["message_id"], "quote": "two"}
    )
    assert reply.description == "Bad Request: QUOTE_TEXT_INVALID"


async def test_a_known_person_can_be_mentioned_and_an_unknown_cannot(client: Client) -> None:
    mention = '<a href="tg://user?id={}">x</a>'
    known = await send(client, text=mention.format(PERSON), parse_mode="HTML")
    assert known["entities"][0]["user"]["id"] == PERSON
    itself = await send(client, text=mention.format(123456), parse_mode="HTML")
    assert itself["entities"][0]["user"]["is_bot"] is True
    unknown = await send(client, text=mention.format(99), parse_mode="HTML")
    assert "entities" not in unknown


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"link_preview_options": {"is_disabled": True}}, {"is_disabled": True}),
        ({"link_preview_options": {"url": "a.com", "is_disabled": False}}, {"url": "a.com"}),
        ({"disable_web_page_preview": True}, {"is_disabled": True}),
        ({}, None),
    ],
)
async def test_link_previews(client: Client, options: dict[str, Any], shown: dict[str, Any] | None) -> None:
    assert (await send(client, text="a.com", **options)).get("link_preview_options") == shown


async def test_an_inline_keyboard_is_shown_as_read(client: Client) -> None:
    rows = [
        [{"text": "Site", "url": "example.com"}, {"text": "Data", "callback_data": "x" * 64}],
        [{"text": "Copy", "copy_text": {"text": "y"}}, {"text": "Inline", "switch_inline_query": ""}],
    ]
    message = await send(client, reply_markup={"inline_keyboard": [*rows, []]})
    rows[0][0]["url"] = "http://example.com/"
    assert message["reply_markup"] == {"inline_keyboard": rows}


@pytest.mark.parametrize("markup", [{"remove_keyboard": True}, {"force_reply": True}, {"keyboard": [["a"]]}, {}])
async def test_other_markups_are_accepted_and_not_shown(client: Client, markup: dict[str, Any]) -> None:
    assert "reply_markup" not in await send(client, reply_markup=markup)


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        ("[", "can't parse reply keyboard markup JSON object"),
        ([], "object expected as reply markup"),
        ({"inline_keyboard": 1}, 'field "inline_keyboard" must be of type Array'),
        ({"inline_keyboard": [1]}, 'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'),
        ({"inline_keyboard": [[1]]}, "can't parse inline keyboard button: InlineKeyboardButton must be an Object"),
        ({"inline_keyboard": [[{}]]}, "can't parse inline keyboard button: Can't find field \"text\""),
        (
            {"inline_keyboard": [[{"text": "a"}]]},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ({"inline_keyboard": [[{"text": "a", "callback_data": "x" * 65}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "a", "callback_data": "ü" * 33}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": " ", "callback_data": "x"}]]}, "inline keyboard button text must be non-empty"),
        ({"inline_keyboard": [[{"text": "a", "copy_text": {"text": ""}}]]}, "BUTTON_COPY_TEXT_INVALID"),
        (
            {"inline_keyboard": [[{"text": "a", "url": "localhost:1"}]]},
            "inline keyboard button URL 'localhost:1' is invalid: Wrong HTTP URL",
        ),
        (
            {"inline_keyboard": [[{"text": "a", "web_app": {"url": "http://a.com"}}]]},
            "inline keyboard button Web App URL 'http://a.com' is invalid: Only HTTPS links are allowed",
        ),
        ({"inline_keyboard": [[{"text": "a", "callback_data": "x"}] * 101]}, "reply markup is too long"),
        ({"keyboard": [[1]]}, "can't parse keyboard button: KeyboardButton must be a String or an Object"),
        ({"force_reply": "yes"}, 'field "force_reply" must be of type Boolean'),
    ],
)
async def test_a_bad_keyboard_is_refused(client: Client, markup: Any, description: str) -> None:
    reply = await client.call("sendMessage", chat_id=7, text="a", reply_markup=markup)
    assert reply.description == f"Bad Request: {description}"


async def test_forward_and_copy_carry_a_message_to_another_chat(client: Client, sandbox: Sandbox) -> None:
    first = await send(client, GROUP, "news")
    forwarded = await client.call("forwardMessage", chat_id=7, from_chat_id=GROUP, message_id=first["message_id"])
    assert forwarded.result["forward_origin"]["sender_user"]["is_bot"] is True
    copied = await client.call("copyMessage", chat_id=7, from_chat_id=GROUP, message_id=first["message_id"])
    assert set(copied.result) == {"message_id"}
    many = await client.call("copyMessages", chat_id=7, from_chat_id=GROUP, message_ids=[first["message_id"]])
    assert len(many.result) == 1
    assert [message["text"] for message in sandbox.messages(PERSON)] == ["news"] * 3


async def test_protected_messages_stay_where_they_are(client: Client) -> None:
    first = await send(client, GROUP, protect_content=True)
    for method in ("forwardMessage", "copyMessage", "copyMessages"):
        ids = {"message_id": first["message_id"], "message_ids": [first["message_id"]]}
        assert (await client.call(method, chat_id=7, from_chat_id=GROUP, **ids)).status == 400


async def test_deleting(client: Client, sandbox: Sandbox) -> None:
    first, second = await send(client), await send(client)
    assert (await client.call("deleteMessage", chat_id=7, message_id=first["message_id"])).result is True
    assert (await client.call("deleteMessages", chat_id=7, message_ids=[second["message_id"], 99])).result is True
    assert sandbox.messages(PERSON) == []
    sandbox.add_chat(GROUP, type="group", bot_status="member")
    theirs = sandbox.inject({"chat_id": GROUP, "text": "x"})
    refused = await client.call("deleteMessage", chat_id=GROUP, message_id=theirs["message_id"])
    assert refused.description == "Bad Request: message can't be deleted"


async def test_a_message_can_be_deleted_for_48_hours(client: Client, sandbox: Sandbox) -> None:
    first, second = await send(client), await send(client)
    first["date"] -= 48 * 3600
    second["date"] -= 48 * 3600 - 60
    for message in (first, second):
        sandbox.chats[PERSON].keep(message)
    refused = await client.call("deleteMessage", chat_id=PERSON, message_id=first["message_id"])
    assert refused.description == "Bad Request: message can't be deleted"
    refused = await client.call("deleteMessages", chat_id=PERSON, message_ids=[1, 2])
    assert refused.description == "Bad Request: message can't be deleted"
    assert sandbox.messages(PERSON) == [first, second]
    assert (await client.call("deleteMessages", chat_id=PERSON, message_ids=[2, 3])).result is True
    assert sandbox.messages(PERSON) == [first]
    edited = await client.call("editMessageText", chat_id=PERSON, message_id=first["message_id"], text="older")
    assert edited.result["text"] == "older"


async def test_pins_and_reactions(client: Client) -> None:
    sent = await send(client, GROUP)
    await client.call("pinChatMessage", chat_id=GROUP, message_id=sent["message_id"])
    assert (await client.call("getChat", chat_id=GROUP)).result["pinned_message"]["message_id"] == sent["message_id"]
    assert (await client.call("unpinChatMessage", chat_id=GROUP)).result is True
    assert "pinned_message" not in (await client.call("getChat", chat_id=GROUP)).result
    here = {"chat_id": GROUP, "message_id": sent["message_id"]}
    assert (await client.call("setMessageReaction", **here, reaction=[{"type": "emoji", "emoji": "❤️"}])).result is True
    bad = await client.call("setMessageReaction", **here, reaction=[{"type": "emoji", "emoji": "x"}])
    assert bad.description == "Bad Request: REACTION_INVALID"
    two = await client.call("setMessageReaction", **here, reaction=[{"type": "emoji", "emoji": "👍"}] * 2)
    assert two.description == "Bad Request: REACTIONS_TOO_MANY"


async def test_moderation(client: Client, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": SUPERGROUP, "text": "x", "from": {"id": 5, "first_name": "Bo"}})
    bo = {"chat_id": SUPERGROUP, "user_id": 5}

    async def status() -> str:
        return str((await client.call("getChatMember", **bo)).result["status"])

    assert (await client.call("getChatMemberCount", chat_id=SUPERGROUP)).result == 2
    assert await status() == "member"
    await client.call("restrictChatMember", **bo, permissions={"can_send_polls": True})
    member = (await client.call("getChatMember", **bo)).result
    assert (member["status"], member["can_send_messages"], member["can_send_photos"]) == ("restricted", True, False)
    await client.call("banChatMember", **bo)
    assert await status() == "kicked"
    await client.call("unbanChatMember", **bo)
    assert await status() == "left"
    assert (await client.call("setChatPermissions", chat_id=SUPERGROUP, permissions={})).result is True
    assert not any((await client.call("getChat", chat_id=SUPERGROUP)).result["permissions"].values())


async def test_an_ordinary_member_may_not_moderate(client: Client, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": SUPERGROUP, "text": "x", "from": {"id": 5}})
    sandbox.add_chat(SUPERGROUP, type="supergroup", bot_status="member")
    refused = await client.call("banChatMember", chat_id=SUPERGROUP, user_id=5)
    assert refused.description == "Bad Request: not enough rights to restrict/unrestrict chat member"
    assert (await client.call("getChatAdministrators", chat_id=SUPERGROUP)).result == []


async def test_members_and_the_bots_rights_are_what_a_test_says(client: Client) -> None:
    members = [{"id": 5, "first_name": "Bo"}, {"id": 6, "status": "creator"}, {"id": 8, "status": "administrator"}]
    rights = {"can_restrict_members": False, "can_pin_messages": False}
    chat = {"id": SUPERGROUP, "type": "supergroup", "members": members, "bot_rights": rights}
    assert (await client.control("POST", "chats", chat)).status == 200
    listed = (await client.call("getChatAdministrators", chat_id=SUPERGROUP)).result
    assert [(each["status"], each.get("can_pin_messages")) for each in listed] == [
        ("creator", None),
        ("administrator", True),
        ("administrator", False),
    ]
    for method, more, what in (
        ("banChatMember", {"user_id": 5}, "restrict/unrestrict chat member"),
        ("setChatPermissions", {"permissions": {}}, "change chat permissions"),
        ("unpinAllChatMessages", {}, "manage pinned messages in the chat"),
    ):
        refused = await client.call(method, chat_id=SUPERGROUP, **more)
        assert refused.description == f"Bad Request: not enough rights to {what}"
    await client.control("POST", "chats", chat | {"bot_rights": {}})
    for user_id, said in ((6, "can't remove chat owner"), (8, "user is an administrator of the chat")):
        refused = await client.call("banChatMember", chat_id=SUPERGROUP, user_id=user_id)
        assert refused.description == f"Bad Request: {said}"


@pytest.mark.parametrize(("ahead", "kept"), [(29, False), (60, True), (365 * 86400, True), (367 * 86400, False)])
async def test_what_ends_too_soon_or_too_late_does_not_end(
    client: Client, sandbox: Sandbox, ahead: int, kept: bool
) -> None:
    sandbox.add_chat(SUPERGROUP, type="supergroup", members=[{"id": 5}])
    until = int(sandbox.wall()) + ahead
    await client.call("restrictChatMember", chat_id=SUPERGROUP, user_id=5, permissions={}, until_date=until)
    member = (await client.call("getChatMember", chat_id=SUPERGROUP, user_id=5)).result
    assert member["until_date"] == (until if kept else 0)


async def test_what_a_banned_member_wrote_goes_and_in_a_small_group_only_if_that_is_asked(
    client: Client, sandbox: Sandbox
) -> None:
    for chat_id, kind, asked, left in ((SUPERGROUP, "supergroup", False, 1), (GROUP, "group", False, 2)):
        sandbox.add_chat(chat_id, type=kind, members=[{"id": 5}])
        for user_id in (5, 9):
            sandbox.inject({"chat_id": chat_id, "text": "x", "from": {"id": user_id}})
        await client.call("banChatMember", chat_id=chat_id, user_id=5, revoke_messages=asked)
        assert len(sandbox.messages(chat_id)) == left
    await client.call("banChatMember", chat_id=GROUP, user_id=5, revoke_messages=True)
    assert [message["from"]["id"] for message in sandbox.messages(GROUP)] == [9]
    assert (await client.call("getChatMember", chat_id=GROUP, user_id=5)).result["status"] == "left"


async def test_history_and_log_are_bounded() -> None:
    sandbox = Sandbox(limits="none", history_size=2, log_size=3)
    sandbox.add_chat(PERSON)
    for n in range(5):
        sandbox.inject({"chat_id": PERSON, "text": str(n)})
    assert [message["text"] for message in sandbox.messages(PERSON)] == ["3", "4"]
