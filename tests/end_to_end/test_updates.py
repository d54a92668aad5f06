"""From what somebody writes in Telegram to what is kept of it and told, fetched and sent, in the whole gateway."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import seen_chats
from gateway.config import Secret
from gateway.errors import ConfigInvalid
from gateway.model import Caller, Grant, Permission
from gateway.sandbox import Sandbox
from gateway.updates.feed import Feed
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.ports import free_port
from tests.support.server import until
from tests.support.virtual_time import BEGINNING

OPS, FINANCE = -1001, -1002
SECRET = canary.watch("webhook-secret_0123456789abcdefghij")
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def reader(chat_id: int) -> Caller:
    grant = Grant(chat_id=chat_id, permissions=frozenset({Permission.READ}))
    return Caller(
        client="c", token_id="t", key_id="k", issuer="i", grants=(grant,), issued_at=BEGINNING, expires_at=BEGINNING
    )


def feed_of(opened: Gateway) -> Feed:
    assert opened.app.feed is not None
    return opened.app.feed


async def texts(opened: Gateway, chat_id: int, count: int) -> list[str]:
    """Return what was written in a chat, from the first that is kept; waits until there is so much."""
    feed = feed_of(opened)
    watch = feed.watch(reader(chat_id), (), await feed.oldest())
    return [json.loads((await anext(watch))[0].content)["text"] for _ in range(count)]


def calls(telegram: Sandbox, method: str) -> list[dict[str, Any]]:
    return [entry["parameters"] for entry in telegram.log() if entry["method"] == method]


async def metrics(opened: Gateway) -> str:
    async with aiohttp.ClientSession() as http:
        return await (await http.get(f"http://127.0.0.1:{opened.app.http_port}/metrics")).text()


# Fetched.


async def test_what_is_written_is_fetched_kept_and_told_to_its_chat(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", updates="polling") as opened:
        telegram = opened.telegram
        for number in range(3):
            telegram.inject({"chat_id": OPS, "text": f"ops {number}"})
            telegram.inject({"chat_id": FINANCE, "text": f"finance {number}"})
        assert await texts(opened, OPS, 3) == ["ops 0", "ops 1", "ops 2"]
        assert await texts(opened, FINANCE, 3) == ["finance 0", "finance 1", "finance 2"]
        (deleted,) = calls(telegram, "deleteWebhook")
        assert deleted["drop_pending_updates"] == "false"
        asked = calls(telegram, "getUpdates")[0]
        assert (asked["timeout"], asked["limit"], asked.get("offset")) == ("50", "100", None)
        page = await metrics(opened)
        assert 'chatkey_updates_total{outcome="kept"} 6.0' in page
        assert "chatkey_updates_clash 0.0" in page
        async with aiohttp.ClientSession() as http:
            assert await (await http.get(f"http://127.0.0.1:{opened.app.http_port}/readyz")).text() == "ready\n"


async def test_what_was_written_while_the_gateway_was_down_is_fetched_later_and_nothing_twice(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none")
    telegram.add_chat(OPS, type="supergroup", title="Ops")
    async with gateway(tmp_path / "data", telegram, updates="polling") as opened:
        telegram.inject({"chat_id": OPS, "text": "before"})
        assert await texts(opened, OPS, 1) == ["before"]
    telegram.inject({"chat_id": OPS, "text": "meanwhile"})
    async with gateway(tmp_path / "data", telegram, updates="polling") as opened:
        telegram.inject({"chat_id": OPS, "text": "after"})
        assert await texts(opened, OPS, 3) == ["before", "meanwhile", "after"]


async def test_without_updates_telegram_is_asked_for_none(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as opened:
        assert opened.app.feed is None
        assert opened.app.webhook_port is None
        methods = {entry["method"] for entry in opened.telegram.log()}
        assert methods <= {"getMe"}


async def test_an_answer_that_can_t_be_read_is_asked_for_again(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", updates="polling") as opened:
        opened.telegram.add_fault("getUpdates", None, fault={"kind": "truncated_json"})
        opened.telegram.inject({"chat_id": OPS, "text": "hello"})
        assert await texts(opened, OPS, 1) == ["hello"]


async def test_somebody_else_who_fetches_is_told_of_on_the_pages_for_operators(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", updates="polling") as opened:
        url = f"{opened.config.bot_api_url}/bot{canary.BOT_TOKEN}/getUpdates"
        ready = f"http://127.0.0.1:{opened.app.http_port}/readyz"
        async with aiohttp.ClientSession() as http:

            async def is_told() -> bool:
                await (await http.post(url, json={"timeout": 0})).read()
                answer = await http.get(ready)
                return answer.status == 200 and "Something else takes this bot's updates" in await answer.text()

            await until(is_told, "the clash is told")
        assert "chatkey_updates_clash 1.0" in await metrics(opened)


async def test_a_chat_that_refused_the_bot_is_written_to_again_once_it_writes(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", updates="polling") as opened, opened.client(OPS) as client:
        opened.telegram.add_fault("sendMessage", OPS, fault={"kind": "blocked"})
        with pytest.raises(Exception, match="blocked"):
            await client.send("refused", chat_id=OPS)
        with pytest.raises(Exception, match="blocked"):
            await client.send("refused unasked", chat_id=OPS)
        opened.telegram.inject({"chat_id": OPS, "text": "hello"})
        await texts(opened, OPS, 1)

        async def is_open() -> bool:
            try:
                await client.send("welcome back", chat_id=OPS)
            except Exception:  # noqa: BLE001 - it is still closed
                return False
            return True

        await until(is_open, "the chat is open again")


async def test_chats_are_discovered_without_taking_updates_from_the_gateway(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", updates="polling", unknown_chats="deny") as opened:
        opened.telegram.inject({"chat_id": FINANCE, "text": "hello"})

        async def is_seen() -> bool:
            seen = await seen_chats(opened.config)
            return [(chat.id, chat.type, chat.title) for chat in seen] == [(FINANCE, "supergroup", "Finance")]

        await until(is_seen, "the chat is discovered")
        assert 'chatkey_updates_dropped_total{why="unwanted_chat"} 1.0' in await metrics(opened)
        assert "chatkey_updates_clash 0.0" in await metrics(opened)


# Sent.


@asynccontextmanager
async def with_webhook(
    folder: Path, path: str = "/telegram/hook", **settings: Any
) -> AsyncIterator[tuple[Gateway, str]]:
    port = free_port()
    url = f"http://localhost:{port}{path}"
    usual = {"updates": "webhook", "webhook_url": url, "webhook_listen": f"127.0.0.1:{port}"}
    async with gateway(folder, **(usual | {"webhook_secret": Secret(SECRET)} | settings)) as opened:
        yield opened, url


async def test_whoever_asks_telegram_for_chats_beside_a_webhook_is_told_what_to_set(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, _):
        await until(lambda: calls(opened.telegram, "setWebhook"), "the webhook is set")
        telegram = {"CHATKEY_BOT_API_URL": opened.config.bot_api_url, "CHATKEY_BOT_TOKEN": canary.BOT_TOKEN}
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "chat", "discover"),
            env=os.environ | telegram | {"CHATKEY_DATA_DIR": str(tmp_path / "elsewhere")},
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await command.communicate()
        line = "chatkey: The bot's updates go elsewhere: set CHATKEY_UPDATES as the gateway has it.\n"
        assert (command.returncode, err.decode()) == (1, line)


async def test_what_telegram_sends_is_kept_and_told(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url):
        await until(lambda: calls(opened.telegram, "setWebhook"), "the webhook is set")
        (asked,) = calls(opened.telegram, "setWebhook")
        assert (asked["url"], asked["drop_pending_updates"]) == (url, "false")
        for number in range(3):
            opened.telegram.inject({"chat_id": OPS, "text": f"ops {number}"})
        assert await texts(opened, OPS, 3) == ["ops 0", "ops 1", "ops 2"]
        assert calls(opened.telegram, "getUpdates") == []


async def test_a_secret_is_made_once_and_kept_for_the_owner_alone(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data", webhook_secret=None) as (opened, _):
        opened.telegram.inject({"chat_id": OPS, "text": "hello"})
        assert await texts(opened, OPS, 1) == ["hello"]
        path = tmp_path / "data" / "webhook-secret"
        first = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(first) == 64
    async with with_webhook(tmp_path / "data", webhook_secret=None):
        assert path.read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"with space", b"\xff", b"a" * 257, b"a\nb"])
async def test_a_secret_that_telegram_would_not_take_is_said_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigInvalid, match="1 to 256 of") as refused:
        async with with_webhook(tmp_path / "data", webhook_secret=None, webhook_secret_file=tmp_path / "secret"):
            pass
    assert "\n" not in str(refused.value)


async def test_a_secret_that_can_t_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"CHATKEY_WEBHOOK_SECRET_FILE: .*none can't be read: No such file"):
        async with with_webhook(tmp_path / "data", webhook_secret=None, webhook_secret_file=tmp_path / "none"):
            pass


async def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data", webhook_secret=None):
        pass
    (tmp_path / "data" / "webhook-secret").chmod(0o644)
    with pytest.raises(ConfigInvalid, match="is open to others"):
        async with with_webhook(tmp_path / "data", webhook_secret=None):
            pass


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "one") as (opened, _):
        with pytest.raises(ConfigInvalid, match="CHATKEY_WEBHOOK_LISTEN: can't listen on"):
            async with with_webhook(tmp_path / "two", webhook_listen=opened.config.webhook_listen):
                pass


def a_message(update_id: int, text: str, chat_id: int = OPS) -> dict[str, Any]:
    return {"update_id": update_id, "message": {"message_id": 1, "date": 1, "chat": {"id": chat_id}, "text": text}}


async def test_what_is_sent_twice_is_told_once(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        for update in (a_message(1, "one"), a_message(1, "one"), a_message(2, "two"), a_message(1, "one")):
            answer = await http.post(url, json=update, headers={HEADER: SECRET})
            assert answer.status == 200
        assert await texts(opened, OPS, 2) == ["one", "two"]
        assert 'chatkey_updates_total{outcome="repeated"} 2.0' in await metrics(opened)


FORGED = a_message(666, "forged")


async def test_row_53_nobody_without_the_secret_brings_anything_in_and_all_get_one_answer(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        wrong_headers: list[list[tuple[str, str]]] = [
            [],
            [(HEADER, "")],
            [(HEADER, SECRET[:-1])],
            [(HEADER, SECRET + "x")],
            [(HEADER, SECRET.upper())],
            [(HEADER, SECRET), (HEADER, SECRET)],
            [(HEADER, SECRET), (HEADER, "x")],
            [(HEADER, f"{SECRET}, {SECRET}")],
            [("Authorization", f"Bearer {SECRET}")],
        ]
        answers = set()
        for headers in wrong_headers:
            answer = await http.post(url, json=FORGED, headers=headers)
            answers.add((answer.status, await answer.read(), answer.headers.get("Content-Type")))
        elsewhere = url.replace("/telegram/hook", "")
        for path in (
            "/",
            "/telegram",
            "/telegram/hook/",
            "/telegram/hook%20",
            "//telegram/hook",
            "/metrics",
            "/healthz",
        ):
            answer = await http.post(f"{elsewhere}{path}", json=FORGED, headers={HEADER: SECRET})
            answers.add((answer.status, await answer.read(), answer.headers.get("Content-Type")))
        assert len(answers) == 1
        assert next(iter(answers))[:2] == (404, b"")
        await http.post(url, json=a_message(1, "genuine"), headers={HEADER: SECRET})
        assert await texts(opened, OPS, 1) == ["genuine"]
        page = await metrics(opened)
        assert 'chatkey_webhook_requests_refused_total{why="wrong_secret"} 5.0' in page
        assert 'chatkey_webhook_requests_refused_total{why="repeated_secret"} 2.0' in page
        assert 'chatkey_webhook_requests_refused_total{why="unknown_path"} 7.0' in page


async def test_refusals_at_the_webhook_are_in_the_audit_log_without_what_was_given(tmp_path: Path) -> None:
    from gateway.store.databases import open_readings

    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        await http.post(url, json=FORGED, headers={HEADER: "guessed-by-somebody"})
        await http.post(url, data=b"x" * 100, headers={HEADER: SECRET, "Content-Type": "application/json"})
        config = opened.config
    async with open_readings(config) as store:
        records = [record for _, record in await store.records(event="webhook.refused")]
    assert [(record.reason, record.decision, record.address) for record in records] == [
        ("wrong_secret", "deny", "127.0.0.1"),
        ("not_json", "deny", "127.0.0.1"),
    ]
    assert "guessed" not in repr(records)


@pytest.mark.parametrize(
    ("method", "body", "content_type", "status"),
    [
        ("GET", b"", "application/json", 405),
        ("PUT", b"{}", "application/json", 405),
        ("POST", b"{}", "text/plain", 415),
        ("POST", b"{}", "application/x-www-form-urlencoded", 415),
        ("POST", b"", "application/json", 400),
        ("POST", b"{", "application/json", 400),
        ("POST", b"\xff\xfe", "application/json", 400),
        ("POST", b"[" * 1_000_000, "application/json", 400),
        ("POST", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "application/json", 400),
        ("POST", b" " * (4 * 1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["get", "put", "text", "form", "empty", "half", "utf-16", "deep-list", "deep-object", "large"],
)
async def test_a_request_that_is_no_update_is_refused_though_it_knows_the_secret(
    method: str, body: bytes, content_type: str, status: int, tmp_path: Path
) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        headers = {HEADER: SECRET, "Content-Type": content_type}
        answer = await http.request(method, url, data=BytesIO(body), headers=headers)
        assert answer.status == status
        assert (await http.post(url, json=a_message(1, "next"), headers={HEADER: SECRET})).status == 200
        assert await texts(opened, OPS, 1) == ["next"]


async def test_an_update_that_can_t_be_read_is_answered_or_telegram_would_send_it_for_ever(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        for update in ({"update_id": 1, "message": "?"}, [], 5, {"update_id": 2, "message": {"chat": {"id": "7"}}}):
            assert (await http.post(url, json=update, headers={HEADER: SECRET})).status == 200
        assert 'chatkey_updates_dropped_total{why="malformed"} 4.0' in await metrics(opened)


async def test_row_14_a_migration_in_an_update_moves_no_chat(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, url), aiohttp.ClientSession() as http:
        told = a_message(1, "moved")
        told["message"]["migrate_to_chat_id"] = FINANCE
        assert (await http.post(url, json=told, headers={HEADER: SECRET})).status == 200
        assert await texts(opened, OPS, 1) == ["moved"]
        async with opened.client(OPS) as client:
            await client.send("for ops", chat_id=OPS)
        assert [message["text"] for message in opened.telegram.messages(OPS)] == ["for ops"]
        assert opened.telegram.messages(FINANCE) == []


async def test_the_webhook_is_nowhere_else_and_nothing_else_is_there(tmp_path: Path) -> None:
    async with with_webhook(tmp_path / "data") as (opened, _), aiohttp.ClientSession() as http:
        door = f"http://127.0.0.1:{opened.app.http_port}/telegram/hook"
        assert (await http.post(door, json=FORGED, headers={HEADER: SECRET})).status == 404


async def test_a_webhook_that_can_t_be_set_is_tried_again(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none")
    telegram.add_chat(OPS, type="supergroup", title="Ops")
    telegram.add_fault("setWebhook", None, fault={"kind": "rate_limited", "retry_after": 1})
    async with with_webhook(tmp_path / "data", telegram=telegram) as (opened, _):
        telegram.inject({"chat_id": OPS, "text": "hello"})
        assert await texts(opened, OPS, 1) == ["hello"]
