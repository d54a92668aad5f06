"""How a bot hears what people do: long polls, conflicts, confirmation and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.sandbox import Sandbox
from gateway.sandbox.updates import UpdateQueue

from .conftest import CHANNEL, PERSON, SUPERGROUP, TOKEN, Client

CLASH = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def test_updates_wait_for_the_first_bot(client: Client, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": PERSON, "text": "early"})
    assert texts((await client.call("getUpdates")).result) == ["early"]


async def test_an_update_is_given_until_it_is_confirmed(client: Client, sandbox: Sandbox) -> None:
    await client.call("getMe")
    for text in ("1", "2", "3"):
        sandbox.inject({"chat_id": PERSON, "text": text})
    first = (await client.call("getUpdates", limit=2)).result
    assert texts(first) == ["1", "2"]
    assert texts((await client.call("getUpdates")).result) == ["1", "2", "3"]
    assert texts((await client.call("getUpdates", offset=first[-1]["update_id"] + 1)).result) == ["3"]
    assert (await client.call("getUpdates", offset=first[-1]["update_id"] + 2)).result == []


async def test_a_negative_offset_forgets_all_but_the_newest(client: Client, sandbox: Sandbox) -> None:
    for text in ("1", "2", "3"):
        sandbox.inject({"chat_id": PERSON, "text": text})
    assert texts((await client.call("getUpdates", offset=-2)).result) == ["2", "3"]
    assert texts((await client.call("getUpdates")).result) == ["2", "3"]


async def test_a_long_poll_waits_for_an_update(client: Client, sandbox: Sandbox) -> None:
    await client.call("getMe")
    poll = asyncio.create_task(client.call("getUpdates", timeout=50))
    await polling(client, sandbox)
    sandbox.inject({"chat_id": PERSON, "text": "now"})
    assert texts((await poll).result) == ["now"]


async def test_a_poll_without_updates_ends_empty(client: Client) -> None:
    assert (await client.call("getUpdates", timeout=0)).result == []


async def test_a_second_poll_ends_the_first(client: Client, sandbox: Sandbox) -> None:
    first = asyncio.create_task(client.call("getUpdates", timeout=50))
    await polling(client, sandbox)
    second = asyncio.create_task(client.call("getUpdates", timeout=50))
    refused = await first
    assert (refused.status, refused.description) == (409, CLASH)
    await polling(client, sandbox)
    sandbox.inject({"chat_id": PERSON, "text": "x"})
    assert texts((await second).result) == ["x"]


async def test_bots_do_not_disturb_each_other(client: Client, sandbox: Sandbox) -> None:
    await client.call("getMe", token="1:a")
    await client.call("getMe", token="2:b")
    sandbox.inject({"chat_id": PERSON, "text": "both"})
    sandbox.inject({"chat_id": PERSON, "text": "one", "bot_id": 2})
    assert texts((await client.call("getUpdates", token="1:a")).result) == ["both"]
    assert texts((await client.call("getUpdates", token="2:b")).result) == ["both", "one"]


async def test_allowed_updates_are_remembered(client: Client, sandbox: Sandbox) -> None:
    await client.call("getUpdates", allowed_updates=["channel_post", "nonsense"])
    sandbox.inject({"chat_id": PERSON, "text": "unwanted"})
    sandbox.inject({"chat_id": CHANNEL, "text": "wanted"})
    assert [set(update) for update in (await client.call("getUpdates")).result] == [{"update_id", "channel_post"}]
    assert (await client.call("getWebhookInfo")).result["allowed_updates"] == ["channel_post"]
    await client.call("getUpdates", allowed_updates="{nonsense")
    assert (await client.call("getWebhookInfo")).result["allowed_updates"] == ["channel_post"]
    await client.call("getUpdates", allowed_updates=[])
    assert "allowed_updates" not in (await client.call("getWebhookInfo")).result


async def test_some_kinds_must_be_asked_for(client: Client, sandbox: Sandbox) -> None:
    await client.call("getMe")
    sandbox.inject({"update": {"chat_member": {}}})
    assert (await client.call("getUpdates")).result == []


def test_the_queue_is_bounded() -> None:
    queue = UpdateQueue(2)
    for n in range(5):
        queue.add("message", {"text": str(n)})
    assert texts(queue.peek(100)) == ["3", "4"]


async def test_a_button_is_pressed_and_answered_once(client: Client, sandbox: Sandbox) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    sent = (await client.call("sendMessage", chat_id=PERSON, text="?", reply_markup=keyboard)).result
    sandbox.inject({"chat_id": PERSON, "message_id": sent["message_id"], "callback_data": "y"})
    query = (await client.call("getUpdates")).result[0]["callback_query"]
    assert (query["data"], query["message"]["message_id"]) == ("y", sent["message_id"])
    assert (await client.call("answerCallbackQuery", callback_query_id=query["id"], text="ok")).result is True
    assert (await client.call("answerCallbackQuery", callback_query_id=query["id"])).status == 400
    with pytest.raises(ValueError, match="no button"):
        sandbox.inject({"chat_id": PERSON, "message_id": sent["message_id"], "callback_data": "n"})


async def test_a_query_is_answered_only_by_the_bot_that_got_it(client: Client, sandbox: Sandbox) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    await client.call("getMe", token="2:b")
    sent = (await client.call("sendMessage", token="1:a", chat_id=PERSON, text="?", reply_markup=keyboard)).result
    press = {"chat_id": PERSON, "message_id": sent["message_id"], "callback_data": "y", "bot_id": 1}
    query_id = sandbox.inject(press)["id"]
    assert (await client.call("answerCallbackQuery", token="2:b", callback_query_id=query_id)).status == 400
    assert (await client.call("answerCallbackQuery", token="1:a", callback_query_id=query_id)).status == 200


async def test_people_reply_and_write_in_topics(client: Client, sandbox: Sandbox) -> None:
    first = sandbox.inject({"chat_id": SUPERGROUP, "text": "/start now", "from": {"id": 5, "first_name": "Bo"}})
    sandbox.inject(
        {"chat_id": SUPERGROUP, "text": "re", "message_thread_id": 42, "reply_to_message_id": first["message_id"]}
    )
    one, two = (update["message"] for update in (await client.call("getUpdates")).result)
    assert (one["from"]["first_name"], one["entities"][0]["type"]) == ("Bo", "bot_command")
    assert two["is_topic_message"] is True
    assert two["reply_to_message"]["text"] == "/start now"


class Hook:
    """A webhook that keeps what it gets and fails as often as told."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()
        self.failures = 0

    async def handle(self, request: web.Request) -> web.Response:
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        await self.got.put((await request.json(), request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[tuple[Hook, str]]:
    hook = Hook()
    application = web.Application()
    application.router.add_post("/hook", hook.handle)
    async with TestServer(application) as server:
        yield hook, str(server.make_url("/hook"))


async def test_a_webhook_gets_updates_in_order_with_its_secret(
    client: Client, sandbox: Sandbox, hook: tuple[Hook, str]
) -> None:
    receiver, url = hook
    receiver.failures = 1
    reply = await client.call("setWebhook", url=url, secret_token="s-1", max_connections=5)
    assert (reply.result, reply.body["description"]) == (True, "Webhook was set")
    for text in ("1", "2"):
        sandbox.inject({"chat_id": PERSON, "text": text})
    got = [await receiver.got.get() for _ in range(2)]
    assert [(update["message"]["text"], secret) for update, secret in got] == [("1", "s-1"), ("2", "s-1")]
    info = (await client.call("getWebhookInfo")).result
    assert (info["url"], info["max_connections"]) == (url, 5)
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


async def test_polls_and_webhooks_exclude_each_other(client: Client, sandbox: Sandbox, hook: tuple[Hook, str]) -> None:
    poll = asyncio.create_task(client.call("getUpdates", timeout=50))
    await polling(client, sandbox)
    await client.call("setWebhook", url=hook[1])
    assert (await poll).description == "Conflict: terminated by setWebhook request"
    refused = await client.call("getUpdates")
    assert (refused.status, refused.description) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    )
    assert (await client.call("setWebhook", url=hook[1])).body["description"] == "Webhook is already set"
    assert (await client.call("deleteWebhook")).body["description"] == "Webhook was deleted"
    assert (await client.call("deleteWebhook")).body["description"] == "Webhook is already deleted"
    assert (await client.call("getUpdates")).result == []


async def test_pending_updates_can_be_dropped(client: Client, sandbox: Sandbox) -> None:
    sandbox.inject({"chat_id": PERSON, "text": "old"})
    assert (await client.call("getWebhookInfo")).result["pending_update_count"] == 1
    await client.call("deleteWebhook", drop_pending_updates=True)
    assert (await client.call("getUpdates")).result == []


async def polling(client: Client, sandbox: Sandbox) -> None:
    """Return when a poll waits."""
    while not sandbox.bot(TOKEN).updates.is_polled:
        await client.call("getMe")
