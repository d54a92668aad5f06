"""From what people write in Telegram to the microservices of their chats, in the whole gateway, fetched and sent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chatkey import CallbackExpired, Client, ResourceNotFound, Update, UpdateKind
from gateway.config import Secret
from gateway.model import Permission
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running
from tests.support import canary
from tests.support.gateway import Gateway, gateway, issue
from tests.support.ports import free_port
from tests.support.server import serving, until

EXAMPLES = Path(__file__).parents[2] / "clients" / "python" / "examples"
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


async def test_the_echo_example_answers_what_is_written_and_ends_in_peace(tmp_path: Path) -> None:
    async with taking("polling", tmp_path / "data") as opened:
        token = opened.token(OPS, "svc:echo", Permission.READ, Permission.WRITE)
        echo = await asyncio.create_subprocess_exec(
            *(sys.executable, str(EXAMPLES / "echo.py")),
            env=os.environ | {"CHATKEY_ADDRESS": opened.address, "CHATKEY_TOKEN": token},
            stderr=asyncio.subprocess.PIPE,
        )
        written: list[int] = []

        def is_answered() -> bool:
            # Until the first is answered it may not listen yet.
            if not bot_messages(opened, OPS):
                written.append(opened.telegram.inject({"chat_id": OPS, "text": f"hello {len(written)}"})["message_id"])
            return bool(bot_messages(opened, OPS))

        await until(is_answered, "the answer")
        (answer, *_) = bot_messages(opened, OPS)
        answered = answer["reply_to_message"]
        assert answered["message_id"] in written
        assert answer["text"] == answered["text"]
        echo.send_signal(signal.SIGINT)
        _, said = await echo.communicate()
        assert (echo.returncode, said) == (0, b"")
        assert bot_messages(opened, FINANCE) == []


def bot_messages(opened: Gateway, chat_id: int) -> list[dict[str, Any]]:
    return [message for message in opened.telegram.messages(chat_id) if message.get("from", {}).get("is_bot")]


# Whoever is slow, and whoever was away.


async def test_whoever_reads_slowly_holds_up_nobody_and_misses_nothing(tmp_path: Path) -> None:
    texts = [f"{number} ".ljust(3000, "x") for number in range(1000)]
    async with taking("polling", tmp_path / "data") as opened, reader(opened, OPS) as slow, reader(opened, OPS) as fast:
        async with aclosing(slow.updates(from_oldest=True)) as updates:
            opened.telegram.inject({"chat_id": OPS, "text": texts[0]})
            first = await anext(updates)
            for text in texts[1:]:
                opened.telegram.inject({"chat_id": OPS, "text": text})
            told = await until_said(fast, texts[-1])
            assert [update.message.text for update in told if update.message] == texts
            of_slow = [first]
            while len(of_slow) < len(texts):
                of_slow.append(await anext(updates))
        assert [update.update_id for update in of_slow] == [update.update_id for update in told]


@pytest.mark.slow
async def test_a_gateway_that_is_killed_again_and_again_loses_no_update(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none")
    telegram.add_chat(OPS, type="supergroup", title="Ops")
    async with sandbox_running(telegram) as url, serving(tmp_path, url, updates="polling") as server:
        token = issue(server.config, OPS, "svc:reader", Permission.READ)
        told: list[Update] = []

        async def follow() -> None:
            async with Client(server.address, token=token) as client:
                async for update in client.updates(from_oldest=True):
                    told.append(update)

        async def write() -> None:
            for number in count():
                telegram.inject({"chat_id": OPS, "text": str(number)})
                await asyncio.sleep(0.005)

        following, writing = asyncio.create_task(follow()), asyncio.create_task(write())
        for _ in range(2):
            seen = len(told)
            await until(lambda seen=seen: len(told) > seen + 20, "updates come")
            await server.kill()
            await server.start()
        writing.cancel()
        last = str(len(telegram.messages(OPS)) - 1)
        await until(lambda: told[-1].message is not None and told[-1].message.text == last, "the last update")
        following.cancel()
        await asyncio.gather(following, writing, return_exceptions=True)
        once = {update.update_id: update for update in told}
        assert [update.message.text for update in once.values() if update.message] == [
            str(number) for number in range(int(last) + 1)
        ]
        assert [update.update_id for update in told] == sorted(update.update_id for update in told)


async def received(opened: Gateway, token: str, *options: str) -> tuple[int | None, str, str]:
    """Run `chatkey receive`, and return its exit code and what it printed."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "receive", *options),
        env=os.environ | {"CHATKEY_ADDRESS": opened.address, "CHATKEY_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await command.communicate()
    return command.returncode, out.decode(), err.decode()


async def test_the_command_prints_what_is_written_without_what_could_move_a_cursor(tmp_path: Path) -> None:
    ann = {"id": 7, "is_bot": False, "first_name": "Ann\x1b[2J"}
    here = {"id": OPS, "type": "supergroup", "title": "Ops"}
    change = {"chat": here, "message_id": 1, "date": 1, "user": ann, "old_reaction": []}
    things = [
        {"message": {"message_id": 1, "chat": here, "date": 1, "from": ann, "text": "one\ntwo \u202e"}},
        {"message": {"message_id": 2, "chat": here, "date": 1, "sender_chat": here, "photo": [{}], "caption": "look"}},
        {"message": {"message_id": 3, "chat": here, "date": 1, "new_chat_title": "Ops 2"}},
        {"message_reaction": change | {"new_reaction": [{"type": "emoji", "emoji": "👍"}, {"type": "paid"}]}},
        {"callback_query": {"id": "7", "from": ann, "message": {"message_id": 1, "chat": here}, "data": "yes"}},
        {"my_chat_member": {"chat": here, "from": ann, "date": 1}},
    ]
    async with taking("polling", tmp_path / "data") as opened:
        token = opened.token(OPS, "svc:reader", Permission.READ)
        # Of reactions Telegram tells only whoever has asked for them.
        await until(lambda: "getUpdates" in {each["method"] for each in opened.telegram.log()}, "it is asked")
        for thing in things:
            opened.telegram.inject({"update": thing})
        code, lines, wrong = await received(opened, token, "--from-oldest", "--count", "6", "--chat", str(OPS))
        assert (code, wrong) == (0, "")
        assert [line.split(" ", 1)[1] for line in lines.splitlines()] == [
            "-1001 message Ann\\x1b[2J: one\\ntwo \\u202e",
            "-1001 message Ops: PHOTO look",
            "-1001 message : TitleChanged",
            "-1001 message_reaction Ann\\x1b[2J: 👍 ?",
            "-1001 callback_query Ann\\x1b[2J: yes",
            "-1001 my_chat_member",
        ]
        _, lines, _ = await received(opened, token, "--from-oldest", "--count", "2", "--json")
        first, second = map(json.loads, lines.splitlines())
        assert (first["kind"], first["content"]["text"], first["message_thread_id"]) == (
            "MESSAGE",
            "one\ntwo \u202e",
            0,
        )
        code, lines, _ = await received(opened, token, "--cursor", first["cursor"], "--count", "1", "--json")
        assert json.loads(lines) == second
        refused = await received(opened, token, "--chat", str(FINANCE))
        code, _, wrong = refused
        assert (code, wrong.count("\n")) == (1, 1)
        assert wrong.startswith(
            "chatkey: permission denied (PERMISSION_DENIED): the key has to open that chat for `read`"
        )
