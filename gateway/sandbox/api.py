"""One request to the Bot API: token, fault, method, answer, and its line in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import orjson

from .bots import bot_id_of
from .errors import Refusal, not_found, unauthorized
from .faults import Fault
from .methods import METHODS, NAMES, Call, Described
from .methods.call import find_chat
from .parameters import Parameters
from .request_log import Entry, loggable, printable
from .world import World

_PROXY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(slots=True)
class Answer:
    """What goes back, before `fault` spoils it on the wire."""

    status: int
    body: bytes
    retry_after: int | None = None
    content_type: str = "application/json"
    fault: Fault | None = None


async def answer(world: World, token: str, method: str, parameters: Parameters) -> Answer:
    """Process a request that was read in full; `method` is in lower case."""
    entry = open_entry(world, token, method, parameters)
    try:
        if token in world.revoked:
            raise unauthorized()
        bot = world.bot(token)
        fault = _strike(world, method, parameters)
        if fault is None:
            return await _process(Call(world, bot, parameters, entry.at), method, entry)
        entry.fault = fault.kind
        return await _meet(fault, Call(world, bot, parameters, entry.at), method, entry)
    except Refusal as refused:
        return _refused(refused, entry)
    except asyncio.CancelledError:
        entry.outcome = "cancelled"
        raise


def open_entry(world: World, token: str, method: str, parameters: Parameters) -> Entry:
    """Begin the log's line of a request."""
    try:
        bot_id = bot_id_of(token)
    except Refusal:
        bot_id = None
    entry = Entry(
        world.clock(), world.wall(), bot_id, NAMES.get(method) or printable(method), loggable(parameters, token)
    )
    world.requests.add(entry)
    return entry


def refused_answer(refused: Refusal) -> Answer:
    """A refusal as an answer."""
    return Answer(refused.code, orjson.dumps(refused.body()), refused.retry_after)


async def _process(call: Call, method: str, entry: Entry) -> Answer:
    do = METHODS.get(method)
    if do is None:
        raise not_found("method not found")
    result = do(call)
    if isinstance(result, Awaitable):
        result = await result
    body: dict[str, Any] = {"ok": True, "result": result}
    if isinstance(result, Described):
        body = {"ok": True, "result": result.result, "description": result.description}
    elif isinstance(result, dict):
        entry.message_id = result.get("message_id")
    entry.outcome = "ok"
    entry.processed = True
    return Answer(200, orjson.dumps(body))


def _refused(refused: Refusal, entry: Entry) -> Answer:
    entry.error_code = refused.code
    entry.outcome = f"{refused.code} {refused.description}"
    return refused_answer(refused)


def _strike(world: World, method: str, parameters: Parameters) -> Fault | None:
    if not world.faults:
        return None
    text = parameters.text("chat_id")
    chat = find_chat(world, text) if text else None
    return world.faults.strike(method, chat.id if chat else parameters.long("chat_id") or None, before_body=False)


async def _meet(fault: Fault, call: Call, method: str, entry: Entry) -> Answer:
    text = call.parameters.text("chat_id")
    chat = find_chat(call.world, text) if text else None
    if refused := fault.refusal(chat.type if chat else "group" if text.startswith("-") else "private"):
        return _refused(refused, entry)
    if fault.kind == "bad_gateway_html":
        entry.outcome = "502 HTML page"
        entry.error_code = 502
        return Answer(502, _PROXY_PAGE, content_type="text/html")
    if fault.kind == "ok_false_200":
        entry.outcome = "200 with ok:false"
        return Answer(200, orjson.dumps(Refusal(500, "Internal Server Error").body()))
    if fault.kind == "reset_after_body":
        entry.outcome = "connection reset"
        return Answer(0, b"", fault=fault)
    if fault.kind == "delay":
        await asyncio.sleep(fault.number)
        # The message arrives at Telegram when the delay is over, so that is when it counts.
        call.now = entry.at = call.world.clock()
        return await _process(call, method, entry)
    return await _spoiled(fault, call, method, entry)


async def _spoiled(fault: Fault, call: Call, method: str, entry: Entry) -> Answer:
    try:
        made = await _process(call, method, entry)
    except Refusal as refused:
        made = _refused(refused, entry)
    made.fault = fault
    entry.outcome += {
        "lost_reply": ", reply lost",
        "slow_drip": ", reply slow",
        "truncated_json": ", reply cut",
    }[fault.kind]
    return made
