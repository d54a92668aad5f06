"""Rows of the threat model about what is sent: what reaches Telegram, to the last parameter."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from chatkey import ChatUnavailable, State, TextFormat
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.sandbox import Sandbox
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import SEND

OPS, FINANCE = -1001, -1002
FOREIGN = b"foreign"
"""What a field that the gateway does not know says; nothing of it may reach Telegram."""

PARAMETERS = {
    *("chat_id", "text", "parse_mode", "entities", "type", "offset", "length", "url", "language"),
    *("message_thread_id", "reply_parameters", "message_id", "allow_sending_without_reply"),
    *("disable_notification", "protect_content", "link_preview_options", "is_disabled"),
    *("reply_markup", "inline_keyboard", "copy_text"),
}
"""Every name that a `sendMessage` of ours may have in it, at any depth."""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Gateway]:
    chats = [{"id": OPS, "title": "Ops"}, {"id": FINANCE, "title": "Finance"}]
    async with gateway(tmp_path / "data", Sandbox(limits="none", chats=chats)) as opened:
        yield opened


def sent(running: Gateway) -> list[dict[str, Any]]:
    """Return the parameters of each message that Telegram was asked to send, as what they say."""
    log = [entry["parameters"] for entry in running.telegram.log() if entry["method"] == "sendMessage"]
    return [
        {name: value if name in ("text", "parse_mode") else json.loads(value) for name, value in parameters.items()}
        for parameters in log
    ]


def names_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


def smuggling(chance: random.Random) -> bytes:
    """Return a request with everything in it, and somewhere in it a field that the gateway does not know."""
    request = pb.SendMessageRequest(
        chat_id=OPS,
        text="hello world",
        entities=[pb.MessageEntity(type=pb.ENTITY_TYPE_BOLD, offset=0, length=5)],
        reply_to_message_id=chance.choice([0, 7]),
        silent=True,
        protect_content=True,
        buttons=[pb.ButtonRow(buttons=[pb.Button(text="docs", url="https://example.com")])],
        wait_for=pb.WAIT_FOR_ACCEPTANCE,
    )
    request.ttl.seconds = 60
    places = [request, request.entities[0], request.buttons[0], request.buttons[0].buttons[0], request.ttl]
    number = chance.choice([900, 1000, 18_999, 20_000, (1 << 29) - 1])
    value = chance.choice([FOREIGN, pb.SendMessageRequest(chat_id=FINANCE).SerializeToString()])
    chance.choice(places).MergeFromString(_varint(number << 3 | 2) + _varint(len(value)) + value)
    return request.SerializeToString()


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


async def test_row_5_row_7_row_12_a_field_that_is_not_known_reaches_nobody(running: Gateway) -> None:
    metadata = (("authorization", f"Bearer {running.token(OPS)}"),)
    async with grpc.aio.insecure_channel(running.address) as channel:
        send: Any = channel.unary_unary(SEND)
        for seed in range(300):
            call = send(smuggling(random.Random(seed)), metadata=metadata)
            assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT, f"seed {seed}"
    assert sent(running) == []


async def test_row_5_row_6_row_11_row_12_only_known_parameters_reach_telegram(running: Gateway) -> None:
    whole = pb.SendMessageRequest(
        chat_id=OPS,
        text="hello world",
        entities=[
            pb.MessageEntity(type=pb.ENTITY_TYPE_TEXT_LINK, offset=0, length=5, url="https://example.com"),
            pb.MessageEntity(type=pb.ENTITY_TYPE_PRE, offset=6, length=5, language="python"),
        ],
        silent=True,
        protect_content=True,
        buttons=[
            pb.ButtonRow(
                buttons=[pb.Button(text="docs", url="https://example.com"), pb.Button(text="c", copy_text="x")]
            )
        ],
    )
    html = pb.SendMessageRequest(chat_id=OPS, text="<b>hello</b>", text_format=pb.TEXT_FORMAT_HTML)
    async with grpc.aio.insecure_channel(running.address) as channel:
        for request in (whole, html):
            metadata = (("authorization", f"Bearer {running.token(OPS)}"),)
            reply: bytes = await channel.unary_unary(SEND)(request.SerializeToString(), metadata=metadata)  # type: ignore[misc]
            first = pb.SendMessageResponse.FromString(reply).message
            answer = pb.SendMessageRequest(
                chat_id=OPS, text="an answer", reply_to_message_id=first.telegram_message_ids[0]
            )
            await channel.unary_unary(SEND)(answer.SerializeToString(), metadata=metadata)  # type: ignore[misc]
    assert len(sent(running)) == 4
    for parameters in sent(running):
        assert set(names_in(parameters)) <= PARAMETERS
        assert parameters["chat_id"] == OPS
        assert [*names_in(parameters)].count("chat_id") == 1
    assert running.telegram.messages(FINANCE) == []


INJECTIONS = [
    "<b>bold</b> & <a href='tg://user?id=5'>you</a> <tg-spoiler>x</tg-spoiler>",
    '<a href="https://169.254.169.254/latest/meta-data">\u200b</a>',
    "*bold* _it_ __u__ ~s~ ||sp|| `code` [you](tg://user?id=5)",
    "[\u200b](http://localhost:8080/metrics)[\u2060](tg://user?id=777000)",
    "```python\nrm -rf /\n``` > quote **>expandable||",
    "![\U0001f44d](tg://emoji?id=5368324170671202286)",
    "\\*escaped\\* &lt;b&gt; &#60;b&#62; <!-- --> <script>alert(1)</script>",
    "unclosed <b>, unclosed * and ] ( ) [ and `",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_row_17_a_plain_text_arrives_as_it_is(running: Gateway, text: str) -> None:
    async with running.client(OPS) as ops:
        assert (await ops.send(text)).state is State.DELIVERED
    (parameters,) = sent(running)
    assert parameters == {"chat_id": OPS, "text": text, "link_preview_options": {"is_disabled": True}}
    (message,) = running.telegram.messages(OPS)
    assert message["text"] == text
    assert {entity["type"] for entity in message.get("entities", [])} <= {"url", "mention", "bot_command", "hashtag"}


async def test_row_17_the_markdown_that_the_gateway_renders_has_no_html_and_only_links_that_it_lists(
    running: Gateway,
) -> None:
    async with running.client(OPS) as ops:
        for text in INJECTIONS:
            await ops.send(f"Alert: {text}", text_format=TextFormat.MARKDOWN)
        for address in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//example.com", "ftp://x/y"):
            await ops.send(f"[look]({address})", text_format=TextFormat.MARKDOWN)
    for parameters in sent(running):
        assert "parse_mode" not in parameters
        assert parameters["link_preview_options"] == {"is_disabled": True}
        for entity in parameters.get("entities", []):
            if entity["type"] == "text_link":
                assert entity["url"].split(":")[0] in ("http", "https", "tg")
    assert not any(parameters.get("entities") for parameters in sent(running)[-5:])


async def test_row_15_a_new_group_with_the_title_of_an_old_one_is_another_chat(running: Gateway) -> None:
    async with running.client(OPS) as ops:
        await ops.send("before")
        running.telegram.add_chat(OPS, title="Ops", bot_status="kicked")
        running.telegram.add_chat(-1003, title="Ops", type="supergroup")
        with pytest.raises(ChatUnavailable):
            await ops.send("after")
    assert running.telegram.messages(-1003) == []
    assert {parameters["chat_id"] for parameters in sent(running)} == {OPS}
