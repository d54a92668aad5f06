"""What a caller with every right can get wrong, and what it is told; what others had accepted arrives all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

import chatkey
from chatkey import State
from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1.messaging_gateway_pb2_grpc import MessagingGatewayStub
from tests.support.gateway import Gateway
from tests.support.gateway import gateway as running_gateway
from tests.support.kept import nothing_is_lost, shown
from tests.support.open_door import Refusal, refusal_of

CHAT, OTHER = -1001, -1002


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that has accepted messages for another chat; they are not lost."""
    async with (
        running_gateway(tmp_path) as opened,
        opened.client(OTHER) as client,
        nothing_is_lost(opened.telegram, client, OTHER),
    ):
        yield opened


async def refused(gateway: Gateway, **fields: Any) -> Refusal:
    """Send a message with some fields set, and return the refusal; the chat must not have seen it."""
    async with grpc.aio.insecure_channel(gateway.address) as channel:
        request = pb.SendMessageRequest(**{"chat_id": CHAT, "text": "it must not arrive"} | fields)
        metadata = (("authorization", f"Bearer {gateway.token(CHAT)}"),)
        refusal = await refusal_of(MessagingGatewayStub(channel).SendMessage(request, metadata=metadata))
    assert shown(gateway.telegram, CHAT) == []
    return refusal


async def test_a_message_needs_a_chat_and_a_text_that_is_seen(gateway: Gateway, subtests: pytest.Subtests) -> None:
    for fields, violations in (
        ({"chat_id": None}, {"chat_id": "is required"}),
        ({"chat_id": 0}, {"chat_id": "is required"}),
        ({"text": ""}, {"text": "is empty"}),
        ({"text": " \n\t "}, {"text": "is empty"}),
        ({"text": "<b></b>", "text_format": "TEXT_FORMAT_HTML"}, {"text": "is empty"}),
        ({"text": "**", "text_format": "TEXT_FORMAT_MARKDOWN_V2"}, {"text": "is empty"}),
        ({"text": "a\0b"}, {"text": "has the control character U+0000"}),
    ):
        with subtests.test(str(fields)):
            refusal = await refused(gateway, **fields)
            assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
            assert refusal.violations == violations


async def test_a_text_has_at_most_4096_code_points(gateway: Gateway) -> None:
    refusal = await refused(gateway, text="\U0001f600" * 4097)
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TEXT_TOO_LONG")
    assert dict(refusal.info.metadata) == {"length": "4097", "limit": "4096"}
    async with gateway.client(CHAT) as client:
        for length in (100_000, 1_000_000):
            with pytest.raises(chatkey.InvalidRequest):
                await client.send("x" * length, chat_id=CHAT)
        sent = await client.send("\U0001f600" * 4096, chat_id=CHAT)
    assert sent.state is State.DELIVERED
    assert shown(gateway.telegram, CHAT) == ["\U0001f600" * 4096]


BROKEN = [
    # "Grüße " has 8 bytes.
    ("HTML", "Grüße <blink>Ada</blink>", 'Unsupported start tag "blink" at byte offset 8'),
    ("HTML", "Grüße <b", "Unclosed start tag at byte offset 8"),
    ("HTML", "Grüße </b>", "Unexpected end tag at byte offset 8"),
    ("HTML", "Grüße <b>Ada</i>", "Unmatched end tag at byte offset 14"),
    ("MARKDOWN_V2", "Grüße *Ada", "Can't find end of Bold entity at byte offset 8"),
    ("MARKDOWN_V2", "Grüße _Ada", "Can't find end of Italic entity at byte offset 8"),
    ("MARKDOWN_V2", "Grüße `Ada", "Can't find end of Code entity at byte offset 8"),
]


async def test_broken_markup_is_refused_with_the_place_where_telegram_stopped(
    gateway: Gateway, subtests: pytest.Subtests
) -> None:
    for number, (text_format, text, complaint) in enumerate(BROKEN):
        fields = {"text": text, "text_format": f"TEXT_FORMAT_{text_format}", "request_id": f"r{number}"}
        with subtests.test(text):
            refusal = await refused(gateway, **fields)
            assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
            assert complaint in refusal.text
            assert complaint in refusal.violations["text"]
            assert refusal.info.metadata["telegramErrorCode"] == "400"
            assert (await refused(gateway, **fields)).wire == refusal.wire, "a repeat is told something else"
    async with gateway.client(CHAT) as client:
        assert (await client.send("the chat goes on", chat_id=CHAT)).state is State.DELIVERED


async def test_a_request_id_names_one_message(gateway: Gateway) -> None:
    async with gateway.client(CHAT) as client, gateway.client(CHAT, "svc:another") as another:
        first = await client.send("one", chat_id=CHAT, request_id="r1")
        for change in ({"text": "two"}, {"silent": True}, {"text_format": chatkey.TextFormat.HTML}):
            with pytest.raises(chatkey.RequestIdReused) as reused:
                await client.send(**{"text": "one"} | change, chat_id=CHAT, request_id="r1")  # type: ignore[arg-type]
            assert (reused.value.code, reused.value.message_id) == (grpc.StatusCode.ALREADY_EXISTS, first.id)
        async with gateway.client(OTHER) as elsewhere:
            with pytest.raises(chatkey.RequestIdReused):
                await elsewhere.send("one", chat_id=OTHER, request_id="r1")
        assert await client.send("one", chat_id=CHAT, request_id="r1") == first
        assert (await another.send("one", chat_id=CHAT, request_id="r1")).id != first.id
    assert shown(gateway.telegram, CHAT) == ["one", "one"]


async def test_a_deadline_of_a_millisecond_neither_loses_nor_doubles(gateway: Gateway) -> None:
    texts = [f"in a hurry {number}" for number in range(40)]
    async with gateway.client(CHAT) as client:
        await client.describe()

        async def hurry(text: str, timeout: float) -> chatkey.Message | None:
            try:
                return await client.send(text, chat_id=CHAT, request_id=text.replace(" ", "-"), timeout=timeout)
            except chatkey.DeadlineExceeded:
                return None

        # From none at all up to barely enough: some calls are cut off before they are accepted, and some after.
        hurried = await asyncio.gather(*(hurry(text, 0.001 * number) for number, text in enumerate(texts)))
        repeated = await asyncio.gather(*(hurry(text, 20) for text in texts))
    assert None in hurried, "no deadline was missed"
    assert all(message is not None and message.state is State.DELIVERED for message in repeated)
    for once, again in zip(hurried, repeated, strict=True):
        assert once is None or again is None or once.id == again.id
    assert sorted(shown(gateway.telegram, CHAT)) == sorted(texts)
