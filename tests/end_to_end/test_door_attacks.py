from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

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


async def test_a_header_block_that_is_too_large_is_refused(view: Outside) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await view.raw(SEND, metadata=view.bearer("x" * 9000))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_message_that_is_too_large_is_refused_before_any_handler(view: Outside) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await view.raw(SEND, b"x" * (64 * 1024 + 1), view.bearer())
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await refusal_of(view.raw(SEND, b"x" * (64 * 1024), view.bearer()))).info.reason == "INVALID_REQUEST"


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
