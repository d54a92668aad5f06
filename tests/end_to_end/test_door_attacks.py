from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.support import http2
from tests.support.http2 import Connection, Frame
from tests.support.open_door import SEND, Outside, outside, refusal_of
from tests.support.open_house import CHAT

ANOTHER_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
HELLO = pb.SendMessageRequest(chat_id=CHAT, text="hello")


@pytest.fixture
async def view() -> AsyncIterator[Outside]:
    async with outside() as opened:
        yield opened


@pytest.mark.parametrize("count", [20, 200])
async def test_row_35_streams_of_headers_alone_hold_nothing_open(view: Outside, count: int) -> None:
    # Neither sends a request nor ends its side: a handler that waited for the body would wait for ever.
    async with grpc.aio.insecure_channel(f"127.0.0.1:{view.door.port}", options=ANOTHER_CONNECTION) as rude:
        await rude.channel_ready()
        denied = [rude.stream_stream(SEND)(metadata=(("authorization", "Bearer x"),)) for _ in range(count)]
        reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
        assert reply.message.state == pb.STATE_DELIVERED
        codes = {await call.code() for call in denied}
    # The connection's own limit may refuse some of them before anybody looks at their headers.
    assert grpc.StatusCode.UNAUTHENTICATED in codes
    assert codes <= {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE}


async def test_row_35_a_header_only_stream_of_a_good_caller_blocks_nobody_else(view: Outside) -> None:
    await view.channel.channel_ready()
    silent = [view.channel.stream_stream(SEND)(metadata=view.bearer()) for _ in range(60)]
    reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED
    for call in silent:
        call.cancel()


async def test_an_honest_client_with_more_calls_than_streams_is_served_whole(view: Outside) -> None:
    asked = pb.SendMessageRequest(chat_id=CHAT, text="hello", wait_for=pb.WAIT_FOR_ACCEPTANCE)
    calls = [view.messaging.SendMessage(asked, metadata=view.bearer()) for _ in range(300)]
    assert {await call.code() for call in calls} == {grpc.StatusCode.OK}


async def test_row_36_the_number_of_streams_is_limited_from_the_first_frame(view: Outside) -> None:
    async with http2.connection(view.door.port) as connection:
        settings = await connection.first(http2.SETTINGS)
    pairs = [settings.payload[start : start + 6] for start in range(0, len(settings.payload), 6)]
    values = {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}
    assert values[http2.MAX_CONCURRENT_STREAMS] == 64


async def test_row_36_streams_that_are_reset_at_once_reach_few_handlers(view: Outside) -> None:
    count = 5_000
    async with http2.connection(view.door.port) as connection:
        await connection.first(http2.SETTINGS)
        block = http2.call_headers(SEND, ("authorization", "Bearer x"))
        for first in range(1, 2 * count, 1000):
            flood = []
            for stream in range(first, first + 1000, 2):
                flood.append(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block))
                flood.append(http2.frame(http2.RST_STREAM, 0, stream, http2.CANCEL.to_bytes(4, "big")))
            try:
                await connection.send(flood)
            except ConnectionError:
                break  # thrown out: that is an answer too
        reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED
    assert view.metrics.began[SEND, "unary"] < count // 4


async def test_row_36_a_flood_of_pings_is_shown_the_door(view: Outside) -> None:
    async with http2.connection(view.door.port) as connection:
        await connection.first(http2.SETTINGS)
        await connection.send([http2.frame(http2.PING, payload=bytes(8))] * 50)
        goodbye = await asyncio.wait_for(connection.first(http2.GOAWAY), 30)
    assert b"too_many_pings" in goodbye.payload


FLOODS = {
    "headers without an end": [
        http2.frame(http2.HEADERS, 0, 1, http2.call_headers(SEND)),
        *[http2.frame(http2.CONTINUATION, 0, 1, http2.call_headers(SEND, ("x", "y" * 900)))] * 2000,
    ],
    "empty continuations": [
        http2.frame(http2.HEADERS, 0, 1, http2.call_headers(SEND)),
        *[http2.frame(http2.CONTINUATION, 0, 1)] * 20_000,
    ],
    "settings": [http2.frame(http2.SETTINGS, payload=b"\0\4\0\1\0\0")] * 20_000,
    "window updates": [http2.frame(http2.WINDOW_UPDATE, payload=b"\0\0\0\1")] * 20_000,
    "empty data": [
        http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call_headers(SEND)),
        *[http2.frame(http2.DATA, 0, 1)] * 20_000,
    ],
    "resets of streams that are not": [
        http2.frame(http2.RST_STREAM, 0, number, bytes(4)) for number in range(1, 40_000, 2)
    ],
    "frames of no kind": [http2.frame(0xEE, 0, 1, bytes(100))] * 20_000,
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_row_36_a_flood_of_frames_is_in_nobodys_way(view: Outside, flood: str) -> None:
    async with http2.connection(view.door.port) as connection:
        await connection.first(http2.SETTINGS)
        with suppress(ConnectionError):  # thrown out: that is an answer too
            for first in range(0, len(FLOODS[flood]), 500):
                await connection.send(FLOODS[flood][first : first + 500])
        reply = await view.messaging.SendMessage(HELLO, metadata=view.bearer())
    assert reply.message.state == pb.STATE_DELIVERED
    assert view.metrics.began.total() <= 2


async def test_a_header_block_that_is_too_large_is_refused(view: Outside) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await view.raw(SEND, metadata=view.bearer("x" * 9000))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_request_that_is_too_large_is_refused_unread(view: Outside) -> None:
    over = await refusal_of(view.raw(SEND, b"x" * (64 * 1024 + 1), view.bearer()))
    assert (over.code, over.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert over.violations == {"": "the request has 65537 bytes, at most 65536"}
    at_most = await refusal_of(view.raw(SEND, b"x" * (64 * 1024), view.bearer()))
    assert "is not a" in at_most.text, "it was read"


async def test_what_is_far_too_large_is_refused_by_grpc_itself_and_counted(view: Outside) -> None:
    with capture_logs() as lines, pytest.raises(grpc.aio.AioRpcError) as refused:
        await view.raw(SEND, b"x" * (256 * 1024 + 1), view.bearer())
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await asyncio.wait_for(view.metrics.quiet.wait(), 30)
    assert view.metrics.ended.total() == 1
    assert [line for line in lines if "exc_info" in line] == []


SOON = timedelta(milliseconds=50)
WATCH = "/chatkey.v1.MessagingGateway/WatchMessages"


@pytest.mark.parametrize("method", [SEND, WATCH, "/grpc.health.v1.Health/Check"])
async def test_row_35_a_request_that_does_not_come_is_not_waited_for(method: str) -> None:
    async with outside(patience=SOON) as view:
        refusal = await refusal_of(_end_of(view.channel.stream_stream(method)(metadata=view.bearer())))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.violations == {"": "the request did not come within 0.05 seconds"}


async def test_row_35_half_a_request_is_not_waited_for() -> None:
    async with outside(patience=SOON) as view, http2.connection(view.door.port) as connection:
        await connection.first(http2.SETTINGS)
        headers = http2.call_headers(SEND, *view.bearer())
        whole = HELLO.SerializeToString()
        begun = b"\0" + len(whole).to_bytes(4, "big") + whole[:-1]
        await connection.send(
            [http2.frame(http2.HEADERS, http2.END_HEADERS, 1, headers), http2.frame(http2.DATA, 0, 1, begun)]
        )
        assert b"did not come within" in await asyncio.wait_for(_ended(connection, 1), 30)
        assert view.house.telegram.sent == []


async def test_a_call_that_asks_for_nothing_is_told_so(view: Outside) -> None:
    silent = view.channel.stream_stream(SEND)(metadata=view.bearer())
    await silent.done_writing()
    refusal = await refusal_of(_end_of(silent))
    assert refusal.violations == {"": "there is no request"}


async def _end_of(call: Any) -> object:
    """Return what comes first: an answer, or the end, which raises."""
    return await call.read()


async def test_a_compressed_message_is_not_unpacked(view: Outside) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await view.channel.unary_unary(SEND)(
            HELLO.SerializeToString() + bytes(1000), metadata=view.bearer(), compression=grpc.Compression.Gzip
        )
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("path", [b"/a\xff/b", b"\xff", b"/" + b"x" * 3000, b"*", b"", b"SendMessage"])
async def test_row_44_whatever_a_path_is_made_of_it_is_no_method(view: Outside, path: bytes) -> None:
    async with http2.connection(view.door.port) as connection:
        await connection.first(http2.SETTINGS)
        await connection.send([http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call_headers(path))])
        answer = await asyncio.wait_for(_ended(connection, 1), 30)
    assert answer
    for leak in (b"Unexpected", b"codec", b"Method not found"):
        assert leak not in answer


async def _ended(connection: Connection, stream: int) -> bytes:
    """Return every byte that comes on a stream until it ends."""
    received = b""
    async for each in connection.frames():
        if each.stream == stream:
            received += each.payload
            if _ends(each):
                return received
    return received


def _ends(each: Frame) -> bool:
    return each.kind == http2.RST_STREAM or bool(each.flags & http2.END_STREAM and each.kind != http2.PING)
