"""Answers on the wire, whole or spoiled by a fault."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from .api import Answer

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def transmit(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer, with what its fault does to it."""
    fault = answer.fault
    if fault is None:
        return _response(answer)
    if fault.kind in ("lost_reply", "reset_after_body"):
        return reset(request)
    if fault.kind == "truncated_json":
        half = answer.body[: max(1, len(answer.body) // 2)]
        return _response(Answer(answer.status, half, answer.retry_after))
    return await _drip(request, answer, fault.number)


def reset(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection (TCP RST) without an answer."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response(status=500)


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type}
    if answer.retry_after is not None:
        headers["Retry-After"] = str(answer.retry_after)
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _drip(request: web.BaseRequest, answer: Answer, seconds: float) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    try:
        await response.prepare(request)
        for at in range(len(answer.body)):
            await response.write(answer.body[at : at + 1])
            await asyncio.sleep(seconds)
    except ConnectionError:
        # The reader had enough; the request was processed all the same.
        return response
    return response
