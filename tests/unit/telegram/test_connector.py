"""What the connector asks of Telegram, and what it understands of the answer."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from gateway.model import Button, Draft, Entity, LinkPreview, TextFormat
from gateway.telegram.connector import BotIdentity, Connector
from gateway.telegram.failures import BotRefused, RateLimited, ServerFailed, Unanswered
from tests.support.telegram_peer import Peer, refused, result, sent

PLAIN = {"chat_id": -1001234567890, "text": "hello", "link_preview_options": {"is_disabled": True}}


def a_draft(**fields: Any) -> Draft:
    return Draft(chat_id=-1001234567890, **{"text": "hello", **fields})


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({}, {}),
        ({"text": "𝄞 \u2028 <&>"}, {"text": "𝄞 \u2028 <&>"}),
        ({"text_format": TextFormat.HTML}, {"parse_mode": "HTML"}),
        ({"text_format": TextFormat.MARKDOWN_V2}, {"parse_mode": "MarkdownV2"}),
        ({"message_thread_id": 42}, {"message_thread_id": 42}),
        ({"silent": True}, {"disable_notification": True}),
        ({"protect_content": True}, {"protect_content": True}),
        (
            {"reply_to_message_id": 9},
            {"reply_parameters": {"message_id": 9, "allow_sending_without_reply": False}},
        ),
        (
            {
                "entities": (
                    Entity(kind="bold", offset=0, length=2),
                    Entity(kind="text_link", offset=2, length=1, url="https://example.org/"),
                    Entity(kind="pre", offset=3, length=1, language="python"),
                )
            },
            {
                "entities": [
                    {"type": "bold", "offset": 0, "length": 2},
                    {"type": "text_link", "offset": 2, "length": 1, "url": "https://example.org/"},
                    {"type": "pre", "offset": 3, "length": 1, "language": "python"},
                ]
            },
        ),
        (
            {"buttons": ((Button(text="a", url="https://example.org/"), Button(text="b", copy_text="c")), ())},
            {
                "reply_markup": {
                    "inline_keyboard": [
                        [{"text": "a", "url": "https://example.org/"}, {"text": "b", "copy_text": {"text": "c"}}],
                        [],
                    ]
                }
            },
        ),
    ],
)
async def test_a_draft_becomes_exactly_these_parameters(
    connector: Connector, peer: Peer, fields: dict[str, Any], parameters: dict[str, Any]
) -> None:
    await connector.send_message(a_draft(**fields))
    assert peer.requests[0].parameters == PLAIN | parameters


async def test_a_link_preview_is_left_to_telegram_when_it_is_wanted(connector: Connector, peer: Peer) -> None:
    await connector.send_message(a_draft(link_preview=LinkPreview.AUTO))
    assert "link_preview_options" not in peer.requests[0].parameters


async def test_a_send_returns_the_id_in_the_chat(connector: Connector, peer: Peer, token: str) -> None:
    peer.then(sent(4711))
    assert await connector.send_message(a_draft()) == (4711,)
    assert peer.requests[0].path == f"/bot{token}/sendMessage"
    assert peer.requests[0].head.startswith(b"POST ")


async def test_markdown_never_comes_this_far(connector: Connector, peer: Peer) -> None:
    with pytest.raises(KeyError):
        await connector.send_message(a_draft(text_format=TextFormat.MARKDOWN))
    assert peer.requests == []


@pytest.mark.parametrize("value", [{}, [], 5, None, {"message_id": "7"}, {"message_id": 7}, {"date": 1}])
async def test_a_result_that_is_no_message_leaves_it_unknown(connector: Connector, peer: Peer, value: object) -> None:
    peer.then(result(value))
    with pytest.raises(Unanswered):
        await connector.send_message(a_draft())
    assert len(peer.requests) == 1


async def test_the_bot_says_who_it_is(connector: Connector, peer: Peer) -> None:
    peer.then(result({"id": 123456789, "is_bot": True, "first_name": "Chatkey", "username": "chatkey_bot"}))
    assert await connector.identify() == BotIdentity(id=123456789, username="chatkey_bot", name="Chatkey")


async def test_a_chat_answers_whatever_telegram_tells_of_it(connector: Connector, peer: Peer) -> None:
    peer.then(result({"id": 5}))
    assert await connector.chat_answers(5) is True
    assert peer.requests[0].path.endswith("/getChat")
    assert peer.requests[0].parameters == {"chat_id": 5}


@pytest.mark.parametrize("code", [400, 403])
async def test_a_chat_that_telegram_refuses_does_not_answer(connector: Connector, peer: Peer, code: int) -> None:
    peer.then(refused(code, "whatever it says"))
    assert await connector.chat_answers(5) is False


@pytest.mark.parametrize(("code", "failure"), [(401, BotRefused), (429, RateLimited), (500, ServerFailed)])
async def test_a_refusal_that_is_not_about_the_chat_says_nothing_about_it(
    connector: Connector, peer: Peer, code: int, failure: type[Exception]
) -> None:
    peer.then(refused(code, "whatever it says"))
    with pytest.raises(failure):
        await connector.chat_answers(5)


def test_the_failures_and_the_token_are_had_without_the_libraries() -> None:
    """Commands that need no Telegram must not pay half a second for its library."""
    program = (
        "import sys, gateway.telegram.failures, gateway.telegram.token, gateway.telegram.address;"
        "sys.exit('telegram' in sys.modules or 'aiohttp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
