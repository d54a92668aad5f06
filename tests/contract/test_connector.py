"""The connector against a Bot API: what becomes of a message, and what of everything that can go wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from gateway.model import Button, Draft, Entity, TextFormat
from gateway.sandbox import FAULT_KINDS, Sandbox, running
from gateway.telegram import failures
from gateway.telegram.connector import Connector, open_connector
from gateway.telegram.token import from_value

TOKEN = "123456789:AAcanary-of-the-bot-token_0123456789"
GROUP = -1001234567890
NEW_GROUP = -1009876543210


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(GROUP, title="Ops", topics=(42,))
    return sandbox


@pytest.fixture
async def connector(sandbox: Sandbox) -> AsyncIterator[Connector]:
    async with (
        running(sandbox) as url,
        open_connector(from_value(TOKEN), base_url=url, answer_timeout=timedelta(seconds=10)) as connector,
    ):
        yield connector


async def test_the_chats_that_wrote_to_the_bot_are_told_and_their_updates_stay(
    connector: Connector, sandbox: Sandbox
) -> None:
    sandbox.add_chat(77, type="private", title="Ada")
    await connector.identify()
    for chat_id in (GROUP, 77, GROUP):
        sandbox.inject({"chat_id": chat_id, "text": "hello bot"})
    for _ in range(2):
        seen = await connector.seen_chats()
        assert [(chat.id, chat.type) for chat in seen] == [(GROUP, "supergroup"), (77, "private")]
    assert seen[0].title == "Ops"


def a_draft(**fields: Any) -> Draft:
    return Draft(chat_id=GROUP, **{"text": "hello", **fields})


def sends(sandbox: Sandbox) -> int:
    return sum(entry["method"].lower() == "sendmessage" for entry in sandbox.log())


async def test_a_message_arrives_and_its_id_comes_back(connector: Connector, sandbox: Sandbox) -> None:
    (message_id,) = await connector.send_message(a_draft(text="𝄞 <&> hello"))
    (message,) = sandbox.messages(GROUP)
    assert message["message_id"] == message_id
    assert message["text"] == "𝄞 <&> hello"
    assert "entities" not in message


async def test_a_long_text_arrives_as_a_file_with_a_caption(connector: Connector, sandbox: Sandbox) -> None:
    text = "𝄞 <&> --boundary\r\n\n" + "x" * 60_000
    draft = a_draft(
        text="𝄞 bold",
        entities=(Entity(kind="bold", offset=3, length=4),),
        document=text,
        message_thread_id=42,
        silent=True,
        protect_content=True,
        buttons=((Button(text="open", url="https://example.org/"),),),
    )
    (message_id,) = await connector.send_message(draft)
    (message,) = sandbox.messages(GROUP)
    assert (message["message_id"], message["caption"]) == (message_id, "𝄞 bold")
    assert message["caption_entities"] == [{"type": "bold", "offset": 3, "length": 4}]
    assert message["message_thread_id"] == 42
    assert message["has_protected_content"]
    assert message["reply_markup"]["inline_keyboard"] == [[{"text": "open", "url": "https://example.org/"}]]
    document = message["document"]
    assert (document["file_name"], document["mime_type"]) == ("message.txt", "text/plain")
    assert document["file_size"] == len(text.encode())
    stored = sandbox.files.find(int(TOKEN.partition(":")[0]), document["file_id"])
    assert stored is not None
    assert stored.content == text.encode()
    await connector.send_message(a_draft(text="", document="x", reply_to_message_id=message_id))
    assert "caption" not in sandbox.messages(GROUP)[1]
    assert sandbox.messages(GROUP)[1]["reply_to_message"]["message_id"] == message_id


async def test_several_messages_are_deleted_at_once_or_none(connector: Connector, sandbox: Sandbox) -> None:
    ids = [(await connector.send_message(a_draft(text=text)))[0] for text in ("one", "two", "three")]
    old = sandbox.messages(GROUP)[0]
    await connector.delete_messages(GROUP, ids[1:])
    await connector.delete_messages(GROUP, ids[1:])
    assert [message["message_id"] for message in sandbox.messages(GROUP)] == ids[:1]
    old["date"] -= 48 * 3600
    sandbox.chats[GROUP].keep(old)
    with pytest.raises(failures.MessageFixed):
        await connector.delete_messages(GROUP, ids)


@pytest.mark.parametrize(
    "draft",
    [
        a_draft(text="a bold move", entities=(Entity(kind="bold", offset=2, length=4),)),
        a_draft(text="a <b>bold</b> move", text_format=TextFormat.HTML),
        a_draft(text="a *bold* move", text_format=TextFormat.MARKDOWN_V2),
    ],
)
async def test_formatting_arrives(connector: Connector, sandbox: Sandbox, draft: Draft) -> None:
    await connector.send_message(draft)
    (message,) = sandbox.messages(GROUP)
    assert message["text"] == "a bold move"
    assert message["entities"] == [{"type": "bold", "offset": 2, "length": 4}]


async def test_every_field_of_a_draft_arrives(connector: Connector, sandbox: Sandbox) -> None:
    (first,) = await connector.send_message(a_draft(message_thread_id=42))
    await connector.send_message(
        a_draft(
            message_thread_id=42,
            reply_to_message_id=first,
            protect_content=True,
            silent=True,
            buttons=((Button(text="a", url="https://example.org/"), Button(text="b", copy_text="c")),),
        )
    )
    message = sandbox.messages(GROUP)[-1]
    assert message["message_thread_id"] == 42
    assert message["reply_to_message"]["message_id"] == first
    assert message["has_protected_content"] is True
    assert message["link_preview_options"] == {"is_disabled": True}
    assert message["reply_markup"]["inline_keyboard"] == [
        [{"text": "a", "url": "https://example.org/"}, {"text": "b", "copy_text": {"text": "c"}}]
    ]


async def test_a_reply_to_nothing_is_refused_rather_than_sent_alone(connector: Connector, sandbox: Sandbox) -> None:
    with pytest.raises(failures.Refused):
        await connector.send_message(a_draft(reply_to_message_id=999))
    assert sandbox.messages(GROUP) == []


async def test_the_bot_says_who_it_is(connector: Connector) -> None:
    assert (await connector.identify()).id == 123456789


async def test_a_chat_answers_or_does_not(connector: Connector, sandbox: Sandbox) -> None:
    assert await connector.chat_answers(GROUP) is True
    assert await connector.chat_answers(-1002222222222) is False


async def test_a_revoked_token_is_refused(connector: Connector, sandbox: Sandbox) -> None:
    sandbox.revoke(TOKEN)
    with pytest.raises(failures.BotRefused):
        await connector.send_message(a_draft())
    assert sends(sandbox) == 1


REFUSALS: Mapping[str, type[failures.Refused]] = {
    **dict.fromkeys(
        (
            "chat_not_found",
            "chat_id_empty",
            "text_empty",
            "text_too_long",
            "caption_too_long",
            "cant_parse_entities",
            "reply_not_found",
            "thread_not_found",
            "query_too_old",
            "file_too_big",
            "wrong_file_id",
            "logged_out",
            "poll_conflict",
            "webhook_conflict",
            "webhook_terminated",
            "too_large",
            "error",
        ),
        failures.Refused,
    ),
    "not_modified": failures.NotModified,
    **dict.fromkeys(("edit_not_found", "delete_not_found"), failures.MessageGone),
    **dict.fromkeys(("blocked", "deactivated", "not_started", "deleted", "kicked", "not_member"), failures.ChatRefused),
    **dict.fromkeys(
        ("unauthorized", "invalid_token", "not_found", "method_not_found", "misdirected"), failures.BotRefused
    ),
    **dict.fromkeys(("internal_error", "sent_and_deleted", "bad_gateway", "ok_false_200"), failures.ServerFailed),
    "rate_limited": failures.RateLimited,
    "rate_limited_bare": failures.RateLimited,
    "migrated": failures.ChatMoved,
}
SETTINGS: Mapping[str, dict[str, Any]] = {
    "error": {"error_code": 418, "description": "any"},
    "migrated": {"migrate_to_chat_id": NEW_GROUP},
    "delay": {"seconds": 0.01},
    "slow_drip": {"seconds": 0.0001},
}
UNANSWERED = {
    "lost_reply": True,
    "truncated_json": True,
    "reset_before_body": False,
    "reset_after_body": False,
    "bad_gateway_html": False,
}
"""Faults that leave it unknown, and whether the message is in the chat all the same."""

SLOW = {"delay", "slow_drip"}


def inject(sandbox: Sandbox, kind: str) -> None:
    sandbox.add_fault("sendMessage", fault={"kind": kind, **SETTINGS.get(kind, {})})


def test_every_fault_of_the_sandbox_has_its_failure() -> None:
    assert set(REFUSALS) | set(UNANSWERED) | SLOW == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refusal_is_told_apart_by_its_code(connector: Connector, sandbox: Sandbox, kind: str) -> None:
    inject(sandbox, kind)
    with pytest.raises(failures.Refused) as refused:
        await connector.send_message(a_draft())
    assert type(refused.value) is REFUSALS[kind]
    assert sends(sandbox) == 1
    assert sandbox.messages(GROUP) == []
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("kind", UNANSWERED)
async def test_what_leaves_it_unknown_is_not_repeated(connector: Connector, sandbox: Sandbox, kind: str) -> None:
    inject(sandbox, kind)
    with pytest.raises(failures.Unanswered):
        await connector.send_message(a_draft())
    assert sends(sandbox) == 1
    assert bool(sandbox.messages(GROUP)) is UNANSWERED[kind]


@pytest.mark.parametrize("kind", sorted(SLOW))
async def test_what_is_only_slow_arrives(connector: Connector, sandbox: Sandbox, kind: str) -> None:
    inject(sandbox, kind)
    assert await connector.send_message(a_draft()) == (sandbox.messages(GROUP)[0]["message_id"],)


@pytest.mark.parametrize("seconds", [1, 35, 50_400])
async def test_a_rate_limit_says_how_long(connector: Connector, sandbox: Sandbox, seconds: int) -> None:
    sandbox.add_fault("sendMessage", fault={"kind": "rate_limited", "retry_after": seconds})
    with pytest.raises(failures.RateLimited) as limited:
        await connector.send_message(a_draft())
    assert limited.value.retry_after == timedelta(seconds=seconds)


async def test_a_rate_limit_without_a_time_says_none(connector: Connector, sandbox: Sandbox) -> None:
    inject(sandbox, "rate_limited_bare")
    with pytest.raises(failures.RateLimited) as limited:
        await connector.send_message(a_draft())
    assert limited.value.retry_after is None


async def test_a_chat_that_moved_says_where(connector: Connector, sandbox: Sandbox) -> None:
    inject(sandbox, "migrated")
    with pytest.raises(failures.ChatMoved) as moved:
        await connector.send_message(a_draft())
    assert moved.value.new_chat_id == NEW_GROUP
