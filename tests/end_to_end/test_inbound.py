"""From what people write in Telegram to the microservices of their chats, in the whole gateway, fetched and sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chatkey import CallbackExpired, Client, ResourceNotFound, Update, UpdateKind
from gateway.config import Secret
from gateway.model import Permission
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.ports import free_port

OPS, FINANCE = -1001, -1002


@asynccontextmanager
async def taking(way: str, folder: Path) -> AsyncIterator[Gateway]:
    """Run a gateway that takes updates in this way."""
    settings: dict[str, Any] = {"updates": way}
    if way == "webhook":
        port = free_port()
        settings |= {"webhook_url": f"http://localhost:{port}/hook", "webhook_listen": f"127.0.0.1:{port}"}
        settings |= {"webhook_secret": Secret(canary.watch("inbound-secret_0123456789abcdefghij"))}
    async with gateway(folder, **settings) as opened:
        yield opened


def reader(opened: Gateway, chat_id: int, *more: Permission) -> Client:
    token = opened.token(chat_id, f"svc:{chat_id}", Permission.READ, *more)
    return Client(opened.address, token=token)


async def until_said(client: Client, last: str, **wish: Any) -> list[Update]:
    """Return what a client is told from the oldest on, up to a text."""
    told = []
    async with aclosing(client.updates(from_oldest=True, **wish)) as updates:
        async for update in updates:
            told.append(update)
            if update.message is not None and update.message.text == last:
                break
    return told


@pytest.mark.parametrize("way", ["polling", "webhook"])
async def test_row_54_two_who_follow_two_chats_at_once_see_nothing_of_each_other(way: str, tmp_path: Path) -> None:
    async with (
        taking(way, tmp_path / "data") as opened,
        reader(opened, OPS) as ops,
        reader(opened, FINANCE) as finance,
    ):
        following = [asyncio.create_task(until_said(client, "the end")) for client in (ops, finance)]
        for number in range(100):
            opened.telegram.inject({"chat_id": OPS, "text": f"ops {number}"})
            opened.telegram.inject({"chat_id": FINANCE, "text": f"finance {number}"})
        for chat_id in (OPS, FINANCE):
            opened.telegram.inject({"chat_id": chat_id, "text": "the end"})
        of_ops, of_finance = await asyncio.gather(*following)
        for told, chat_id, name in ((of_ops, OPS, "ops"), (of_finance, FINANCE, "finance")):
            assert {update.chat_id for update in told} == {chat_id}
            texts = [update.message.text for update in told if update.message]
            assert texts == [*(f"{name} {number}" for number in range(100)), "the end"]
        assert not {update.update_id for update in of_ops} & {update.update_id for update in of_finance}


async def a_press(opened: Gateway, chat_id: int) -> str:
    """Have the bot ask a question, by other means, and somebody press its button; return what the button carries."""
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    url = f"{opened.config.bot_api_url}/bot{canary.BOT_TOKEN}/sendMessage"
    async with aiohttp.ClientSession() as http:
        answer = await http.post(url, json={"chat_id": chat_id, "text": "Deploy?", "reply_markup": keyboard})
        message_id = (await answer.json())["result"]["message_id"]
    opened.telegram.inject({"chat_id": chat_id, "message_id": message_id, "callback_data": "yes"})
    return "yes"


async def test_a_press_is_told_to_its_chat_and_answered_from_there_alone(tmp_path: Path) -> None:
    async with (
        taking("polling", tmp_path / "data") as opened,
        reader(opened, OPS, Permission.WRITE) as ops,
        reader(opened, FINANCE, Permission.WRITE) as finance,
    ):
        carried = await a_press(opened, OPS)
        async with aclosing(ops.updates(from_oldest=True, kinds=[UpdateKind.CALLBACK_QUERY])) as updates:
            query = (await anext(updates)).callback_query
        assert query is not None
        assert query.data == carried
        for stranger, asked in ((finance, query.id), (ops, "1"), (finance, "1")):
            with pytest.raises(ResourceNotFound, match="there is no such press on a button"):
                await stranger.answer_callback(asked)
        await ops.answer_callback(query.id, "on its way", show_alert=True)
        (call,) = [each["parameters"] for each in opened.telegram.log() if each["method"] == "answerCallbackQuery"]
        assert (call["text"], call["show_alert"]) == ("on its way", "true")
        with pytest.raises(CallbackExpired):
            await ops.answer_callback(query.id)
