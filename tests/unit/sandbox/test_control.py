"""The control API, the log and the page."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
import sys
from datetime import datetime
from typing import Any

import aiohttp
import pytest

import gateway.sandbox
from gateway.sandbox import Sandbox, running, serve

from .conftest import PERSON, SUPERGROUP, TOKEN, Client


async def test_chats_are_added_listed_and_changed(client: Client) -> None:
    chat = {"id": -1001, "type": "supergroup", "title": "Ops", "topics": [3], "username": "ops"}
    added = await client.control("POST", "chats", chat)
    assert (added.status, added.body["title"], added.body["topics"]) == (200, "Ops", [3])
    await client.call("sendMessage", chat_id=-1001, text="kept")
    await client.control("POST", "chats", {**chat, "title": "New"})
    listed = {one["id"]: one for one in (await client.control("GET", "chats")).body}
    assert (listed[-1001]["title"], listed[-1001]["messages"]) == ("New", 1)


async def test_messages_are_listed_in_order_of_arrival(client: Client) -> None:
    for text in ("1", "2", "3"):
        await client.call("sendMessage", chat_id=PERSON, text=text)
    everything = (await client.control("GET", f"messages?chat_id={PERSON}")).body
    assert [message["text"] for message in everything] == ["1", "2", "3"]
    assert (await client.control("GET", f"messages?chat_id={PERSON}&limit=1")).body == everything[-1:]


async def test_the_log_tells_every_request_and_no_token(client: Client, sandbox: Sandbox) -> None:
    await client.call("sendmessage", chat_id=PERSON, text=f"my token is {TOKEN}")
    await client.call("sendMessage", chat_id=8, text="a")
    await client.call("setWebhook", url="https://example.com/" + TOKEN, secret_token="hush")
    await client.call("noSuch" + "Thing")
    await client.send("/botbroken/getMe")
    log = (await client.control("GET", "log")).body
    assert [entry["outcome"] for entry in log] == [
        "ok",
        "400 Bad Request: chat not found",
        "ok",
        "404 Not Found: method not found",
        "401 Unauthorized: invalid token specified",
    ]
    assert [entry["method"] for entry in log] == ["sendMessage", "sendMessage", "setWebhook", "nosuchthing", "getMe"]
    assert log[0]["parameters"] == {"chat_id": str(PERSON), "text": "my token is …"}
    assert (log[0]["bot_id"], log[0]["message_id"], log[-1]["bot_id"]) == (123456, 1, None)
    assert datetime.fromisoformat(log[0]["time"]).tzinfo is not None
    assert log[0]["at"] == 1_000.0
    assert TOKEN not in str(log)
    assert "hush" not in str(log)
    assert (await client.control("GET", "log?limit=2")).body == log[-2:]


async def test_the_log_is_bounded() -> None:
    sandbox = Sandbox(log_size=2)
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        client = Client(url, session)
        for method in ("getMe", "getWebhookInfo", "getMe"):
            await client.call(method)
    assert [entry["method"] for entry in sandbox.log()] == ["getWebhookInfo", "getMe"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "complaint"),
    [
        ("POST", "chats", b"", "the body is not JSON: "),
        ("POST", "chats", b"[]", "the body is a JSON object"),
        ("POST", "chats", b"{}", "id is a whole number, not None"),
        ("POST", "chats", b'{"id":"7"}', "id is a whole number, not '7'"),
        ("POST", "chats", b'{"id":0}', "id is a number other than 0 of at most 52 bits, not 0"),
        ("POST", "chats", b'{"id":7,"type":"group"}', "the id of a group chat is below 0, not 7"),
        ("POST", "chats", b'{"id":-7,"type":"private"}', "the id of a private chat is above 0, not -7"),
        ("POST", "chats", b'{"id":-7,"type":"room"}', "type is one of private, group, supergroup, channel, not 'room'"),
        ("POST", "chats", b'{"id":-7,"title":5}', "title is a string, not 5"),
        ("POST", "chats", b'{"id":-7,"nme":"x"}', "unknown: nme; known are "),
        ("POST", "chats", b'{"id":-7,"topics":[1]}', "only a supergroup has topics"),
        ("POST", "chats", b'{"id":-1001,"type":"supergroup","topics":["a"]}', "topics is a list of numbers above 0"),
        ("POST", "chats", b'{"id":7,"bot_status":"kicked"}', "the bot cannot be 'kicked' in a private chat"),
        ("POST", "chats", b'{"id":7,"bot_status":"angry"}', "bot_status is one of "),
        ("POST", "chats", b'{"id":7,"migrate_to_chat_id":-1}', "only a chat of type group can have migrated"),
        ("POST", "chats", b'{"id":-7,"bot_rights":[]}', "bot_rights is an object such as "),
        ("POST", "chats", b'{"id":-7,"bot_rights":{"can_fly":true}}', "bot_rights has some of "),
        ("POST", "chats", b'{"id":-7,"bot_rights":{"can_pin_messages":1}}', "bot_rights has some of "),
        ("POST", "chats", b'{"id":-7,"members":{}}', "members is a list of objects such as "),
        ("POST", "chats", b'{"id":-7,"members":[7]}', "members is a list of objects such as "),
        ("POST", "chats", b'{"id":-7,"members":[{"id":0}]}', "members are such as "),
        ("POST", "chats", b'{"id":-7,"members":[{"id":5,"nme":"x"}]}', "members are such as "),
        ("POST", "chats", b'{"id":-7,"members":[{"id":5,"status":"king"}]}', "the status of a member of a group or "),
        ("POST", "chats", b'{"id":7,"members":[{"id":5}]}', "the status of a member of a group or "),
        ("GET", "messages", b"", "chat_id is a number, not ''"),
        ("GET", "messages?chat_id=99", b"", "there is no chat 99; add it with POST /sandbox/chats"),
        ("GET", "log?limit=x", b"", "limit is a number from 0, not 'x'"),
        ("POST", "faults", b"{}", "fault is an object such as "),
        ("POST", "faults", b'{"fault":{"kind":"x"}}', "fault.kind is one of "),
        ("POST", "faults", b'{"method":1,"fault":{"kind":"blocked"}}', "method is a string, not 1"),
        ("POST", "faults", b'{"chat_id":"7","fault":{"kind":"blocked"}}', "chat_id is a whole number, not '7'"),
        ("POST", "faults", b'{"chat_id":7,"fault":{"kind":"reset_before_body"}}', "reset_before_body strikes before "),
        ("POST", "tokens", b"{}", "say which: "),
        ("POST", "tokens", b'{"revoke":"x"}', "say which: "),
        ("POST", "updates", b"{}", "there is no chat None; add it with POST /sandbox/chats"),
        ("POST", "updates", b'{"chat_id":7}', "text is a string, not None"),
        ("POST", "updates", b'{"chat_id":7,"text":" "}', "text is empty"),
        ("POST", "updates", b'{"chat_id":7,"text":"a","from":{"id":0}}', "from is a user such as "),
        ("POST", "updates", b'{"chat_id":7,"text":"a","fro":1}', "unknown: fro; known are "),
        ("POST", "updates", b'{"chat_id":7,"text":"a","reply_to_message_id":9}', "chat 7 has no message 9 to reply to"),
        (
            "POST",
            "updates",
            b'{"chat_id":7,"message_id":9,"callback_data":"a"}',
            "chat 7 has no message 9 with a button",
        ),
        ("POST", "updates", b'{"update":{"x":{}}}', "update has one of the members "),
        ("PUT", "chats", b"", "there is no PUT /sandbox/chats; there is GET /sandbox/chats, "),
        ("GET", "nothing", b"", "there is no GET /sandbox/nothing; there is "),
    ],
)
async def test_bad_control_input_is_answered_with_one_clear_line(
    client: Client, verb: str, path: str, body: bytes, complaint: str
) -> None:
    reply = await client.send(f"/sandbox/{path}", verb, data=body)
    assert (reply.status, set(reply.body)) == (400, {"error"})
    assert reply.body["error"].startswith(complaint)
    assert "\n" not in reply.body["error"]


async def test_the_page_needs_nothing_from_elsewhere_and_builds_no_markup_from_texts(client: Client) -> None:
    async with client.session.get(client.url + "/") as response:
        page = await response.text()
        assert (response.status, response.content_type) == (200, "text/html")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in page


async def test_leaving_ends_long_polls_at_once() -> None:
    sandbox = Sandbox()
    async with aiohttp.ClientSession() as session:
        async with running(sandbox) as url:
            client = Client(url, session)
            poll = asyncio.create_task(client.call("getUpdates", timeout=50))
            while not sandbox.bot(TOKEN).updates.is_polled:
                await client.call("getMe")
        async with asyncio.timeout(5):
            assert (await poll).result == []


async def test_a_port_in_use_is_a_plain_os_error(client: Client) -> None:
    port = int(client.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await serve(f"127.0.0.1:{port}")


@pytest.mark.parametrize("listen", ["", "8081", "host:", "host:x", "host:65536"])
async def test_a_bad_address_is_a_value_error(listen: str) -> None:
    with pytest.raises(ValueError, match="listen is HOST:PORT"):
        await serve(listen)


async def test_serve_runs_until_cancelled() -> None:
    task = asyncio.create_task(serve("127.0.0.1:0", "none"))
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_limits_have_two_names() -> None:
    unknown: Any = "some"
    with pytest.raises(ValueError, match="limits is telegram or none, not 'some'"):
        Sandbox(limits=unknown)


def test_a_chat_nobody_added_has_no_messages(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.messages(99)
    assert sandbox.messages(SUPERGROUP) == []


def test_the_sandbox_imports_nothing_of_the_gateway() -> None:
    for module in pkgutil.walk_packages(gateway.sandbox.__path__, "gateway.sandbox."):
        importlib.import_module(module.name)
        for name, value in vars(sys.modules[module.name]).items():
            home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            foreign = str(home).startswith("gateway.") and not str(home).startswith("gateway.sandbox")
            assert not foreign, f"{module.name} knows {name} of {home}"
