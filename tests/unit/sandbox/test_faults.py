"""Scripted faults: each kind on the wire, what was processed and what the log says."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import FAULT_KINDS, Sandbox
from gateway.sandbox.faults import new_fault

from .conftest import GROUP, PERSON, SUPERGROUP, TOKEN, Client

REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "rate_limited", "retry_after": 35}, 429, "Too Many Requests: retry after 35"),
    ({"kind": "rate_limited"}, 429, "Too Many Requests: retry after 1"),
    ({"kind": "rate_limited_bare"}, 429, "Too Many Requests: retry later"),
    (
        {"kind": "migrated", "migrate_to_chat_id": -100},
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
    ),
    ({"kind": "kicked"}, 403, "Forbidden: bot was kicked from the group chat"),
    ({"kind": "not_member"}, 403, "Forbidden: bot is not a member of the group chat"),
    ({"kind": "error", "error_code": 418, "description": "Teapot"}, 418, "Teapot"),
    ({"kind": "chat_not_found"}, 400, "Bad Request: chat not found"),
    ({"kind": "chat_id_empty"}, 400, "Bad Request: chat_id is empty"),
    ({"kind": "text_empty"}, 400, "Bad Request: message text is empty"),
    ({"kind": "text_too_long"}, 400, "Bad Request: message is too long"),
    ({"kind": "caption_too_long"}, 400, "Bad Request: message caption is too long"),
    ({"kind": "cant_parse_entities"}, 400, "Bad Request: can't parse entities: Can't find end of Bold entity"),
    ({"kind": "not_modified"}, 400, "Bad Request: message is not modified: specified new message content"),
    ({"kind": "reply_not_found"}, 400, "Bad Request: message to be replied not found"),
    ({"kind": "edit_not_found"}, 400, "Bad Request: message to edit not found"),
    ({"kind": "delete_not_found"}, 400, "Bad Request: message to delete not found"),
    ({"kind": "thread_not_found"}, 400, "Bad Request: message thread not found"),
    (
        {"kind": "query_too_old"},
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    ),
    ({"kind": "file_too_big"}, 400, "Bad Request: file is too big"),
    ({"kind": "wrong_file_id"}, 400, "Bad Request: wrong file_id or the file is temporarily unavailable"),
    ({"kind": "logged_out"}, 400, "Logged out"),
    ({"kind": "unauthorized"}, 401, "Unauthorized"),
    ({"kind": "invalid_token"}, 401, "Unauthorized: invalid token specified"),
    ({"kind": "blocked"}, 403, "Forbidden: bot was blocked by the user"),
    ({"kind": "deactivated"}, 403, "Forbidden: user is deactivated"),
    ({"kind": "not_started"}, 403, "Forbidden: bot can't initiate conversation with a user"),
    ({"kind": "deleted"}, 403, "Forbidden: the group chat was deleted"),
    ({"kind": "not_found"}, 404, "Not Found"),
    ({"kind": "method_not_found"}, 404, "Not Found: method not found"),
    ({"kind": "poll_conflict"}, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot"),
    (
        {"kind": "webhook_conflict"},
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook",
    ),
    ({"kind": "webhook_terminated"}, 409, "Conflict: terminated by setWebhook request"),
    ({"kind": "too_large"}, 413, "Request Entity Too Large"),
    ({"kind": "misdirected"}, 421, "Misdirected Request: unallowed token specified"),
    ({"kind": "internal_error"}, 500, "Internal Server Error: restart"),
    ({"kind": "sent_and_deleted"}, 500, "Internal Server Error: sent message was immediately deleted and can't be"),
    ({"kind": "bad_gateway"}, 502, "Bad Gateway"),
]
ON_THE_WIRE = {
    "delay",
    "lost_reply",
    "reset_before_body",
    "reset_after_body",
    "slow_drip",
    "truncated_json",
    "bad_gateway_html",
    "ok_false_200",
}


def test_every_kind_is_tested_here_and_explained() -> None:
    assert {fault["kind"] for fault, _, _ in REFUSALS} | ON_THE_WIRE == set(FAULT_KINDS)
    assert all(meaning and "\n" not in meaning for meaning in FAULT_KINDS.values())


@pytest.mark.parametrize(("fault", "status", "description"), REFUSALS, ids=lambda value: str(value)[:30])
async def test_a_refusal_strikes_once_and_nothing_is_processed(
    client: Client, sandbox: Sandbox, fault: dict[str, Any], status: int, description: str
) -> None:
    await client.control("POST", "faults", {"method": "sendMessage", "fault": fault})
    reply = await client.call("sendMessage", chat_id=GROUP, text="a")
    assert (reply.status, reply.body["error_code"], reply.body["ok"]) == (status, status, False)
    assert reply.description.startswith(description)
    assert sandbox.messages(GROUP) == []
    entry = sandbox.log()[-1]
    assert (entry["fault"], entry["error_code"], entry["processed"]) == (fault["kind"], status, False)
    assert (await client.call("sendMessage", chat_id=GROUP, text="a")).status == 200


async def test_a_rate_limit_says_it_in_three_places_or_in_none(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "rate_limited", "retry_after": 7})
    reply = await client.call("getMe")
    assert (reply.headers["Retry-After"], reply.body["parameters"]) == ("7", {"retry_after": 7})
    sandbox.add_fault(fault={"kind": "rate_limited_bare"})
    bare = await client.call("getMe")
    assert "Retry-After" not in bare.headers
    assert "parameters" not in bare.body


async def test_a_fault_strikes_the_requests_it_is_meant_for(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault("sendMessage", GROUP, 2, fault={"kind": "internal_error"})
    assert (await client.call("sendMessage", chat_id=PERSON, text="a")).status == 200
    assert (await client.call("getChat", chat_id=GROUP)).status == 200
    assert [(await client.call("SENDmessage", chat_id=str(GROUP) + "x", text="a")).status for _ in range(3)] == [
        500,
        500,
        200,
    ]


async def test_faults_strike_in_the_order_they_were_added(client: Client, sandbox: Sandbox) -> None:
    for kind in ("internal_error", "blocked"):
        sandbox.add_fault(fault={"kind": kind})
    assert [(await client.call("getMe")).status for _ in range(3)] == [500, 403, 200]


async def test_faults_can_be_listed_and_forgotten(client: Client) -> None:
    fault = {"method": "getMe", "chat_id": None, "times": 2, "fault": {"kind": "delay", "seconds": 9}}
    assert (await client.control("POST", "faults", fault)).body == [fault]
    assert (await client.control("DELETE", "faults")).body == []
    assert (await client.call("getMe")).status == 200


@pytest.mark.parametrize(
    ("kind", "processed", "outcome"),
    [
        ("lost_reply", True, "ok, reply lost"),
        ("reset_after_body", False, "connection reset"),
        ("reset_before_body", False, "connection reset"),
    ],
)
async def test_the_connection_is_reset(
    client: Client, sandbox: Sandbox, kind: str, processed: bool, outcome: str
) -> None:
    sandbox.add_fault("sendMessage", fault={"kind": kind})
    with pytest.raises(aiohttp.ClientError):
        await client.call("sendMessage", chat_id=PERSON, text="a")
    assert len(sandbox.messages(PERSON)) == processed
    entry = sandbox.log()[-1]
    assert (entry["outcome"], entry["processed"]) == (outcome, processed)
    assert (await client.call("sendMessage", chat_id=PERSON, text="b")).status == 200


async def test_a_reset_is_a_reset_and_not_an_orderly_end(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "reset_after_body"})
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /bot{TOKEN}/getMe HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_before_the_body_means_before_the_body(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault("sendMessage", fault={"kind": "reset_before_body"})
    host, port = client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_lost_reply_to_a_bad_request_is_lost_too(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "lost_reply"})
    with pytest.raises(aiohttp.ClientError):
        await client.call("sendMessage", chat_id=8, text="a")
    assert sandbox.log()[-1]["outcome"] == "400 Bad Request: chat not found, reply lost"


async def test_a_slow_reply_arrives_byte_by_byte(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "slow_drip", "seconds": 0})
    reply = await client.call("sendMessage", chat_id=PERSON, text="a")
    assert reply.result["text"] == "a"
    assert sandbox.log()[-1]["outcome"] == "ok, reply slow"


async def test_truncated_json_is_http_200_that_does_not_parse(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "truncated_json"})
    with pytest.raises(json.JSONDecodeError):
        await client.call("sendMessage", chat_id=PERSON, text="a")
    assert len(sandbox.messages(PERSON)) == 1


async def test_a_proxy_page_is_html(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "bad_gateway_html"})
    async with client.session.post(f"{client.url}/bot{TOKEN}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "502 Bad Gateway" in await response.text()
    assert sandbox.log()[-1]["processed"] is False


async def test_ok_false_with_http_200(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "ok_false_200"})
    reply = await client.call("sendMessage", chat_id=PERSON, text="a")
    assert (reply.status, reply.body["ok"]) == (200, False)
    assert sandbox.messages(PERSON) == []


async def test_a_delayed_request_is_processed_later_even_if_nobody_waits(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "delay", "seconds": 0.05})
    with pytest.raises(asyncio.TimeoutError):
        await client.send(
            f"/bot{TOKEN}/sendMessage",
            json={"chat_id": PERSON, "text": "a"},
            timeout=aiohttp.ClientTimeout(total=0.01),
        )
    assert sandbox.messages(PERSON) == []
    while not sandbox.messages(PERSON):
        assert (await client.call("getMe")).status == 200


async def test_faults_and_the_words_of_a_chat_agree(client: Client, sandbox: Sandbox) -> None:
    sandbox.add_fault(fault={"kind": "kicked"})
    reply = await client.call("sendMessage", chat_id=SUPERGROUP, text="a")
    assert reply.description == "Forbidden: bot was kicked from the supergroup chat"


@pytest.mark.parametrize(
    ("times", "fault", "complaint"),
    [
        (0, {"kind": "blocked"}, "times is a whole number from 1, not 0"),
        (True, {"kind": "blocked"}, "times is a whole number from 1, not True"),
        (1, {"kind": "nope"}, "fault.kind is one of "),
        (1, {}, "fault.kind is one of "),
        (1, {"kind": "blocked", "x": 1}, "fault of kind blocked has no setting x"),
        (1, {"kind": "migrated"}, "fault of kind migrated needs migrate_to_chat_id"),
        (1, {"kind": "rate_limited", "retry_after": 0}, "fault.retry_after is a number from 1 to "),
        (1, {"kind": "rate_limited", "retry_after": 1.5}, "fault.retry_after is a number from 1 to "),
        (1, {"kind": "delay", "seconds": "1"}, "fault.seconds is a number from 0 to 3600, not '1'"),
        (1, {"kind": "error", "error_code": 200}, "fault.error_code is a number from 400 to 599, not 200"),
        (1, {"kind": "error", "error_code": 400, "description": 5}, "fault.description is a string"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(times: Any, fault: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        new_fault(None, None, times, fault)
