"""The Python client against the real gateway, in front of the sandbox's Telegram: what a microservice lives through."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import chatkey
from chatkey import BlockingClient, Client, State, TextFormat, WaitFor, WhenUnknown
from chatkey.connection import Connection
from gateway import app
from gateway.access.issue import Issuer
from gateway.access.key_file import issuer_key
from gateway.clock import SystemClock
from gateway.config import Config, Secret
from gateway.rpc.server import OPTIONS
from gateway.sandbox import Sandbox
from gateway.sandbox import running as sandbox_running

CHAT, OTHER_CHAT = -1001234567890, -1009876543210
BOT_TOKEN = f"123456789:{35 * 'A'}"


class Gateway:
    """A gateway that can be stopped and started again at the same address, with the same data."""

    def __init__(self, folder: Path, sandbox: Sandbox, bot_api_url: str) -> None:
        self.sandbox = sandbox
        self.address = f"unix:{folder}/grpc"
        self._config = Config(
            bot_token=Secret(BOT_TOKEN),
            bot_api_url=bot_api_url,
            data_dir=folder,
            grpc_listen=self.address,
            http_listen="127.0.0.1:0",
            pacing="off",
            drain=timedelta(seconds=1),
        )
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        await self._stack.enter_async_context(app.running(self._config))

    async def stop(self) -> None:
        await self._stack.aclose()

    def token(self, client: str = "billing", chat_id: int = CHAT) -> str:
        issuer = Issuer(
            issuer_key(self._config.data_dir),
            issuer=self._config.issuer,
            audience=self._config.audience,
            clock=SystemClock(),
            random_bytes=os.urandom,
        )
        return issuer.issue(client=client, chat_id=chat_id).token

    def client(self, token: str | None = None) -> Client:
        return Client(self.address, token or self.token())

    def shown(self, chat_id: int = CHAT) -> list[str]:
        """The texts that the chat has seen."""
        return [str(message["text"]) for message in self.sandbox.messages(chat_id)]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    sandbox = Sandbox(limits="none", chats=[{"id": CHAT}, {"id": OTHER_CHAT}])
    async with sandbox_running(sandbox) as url:
        gateway = Gateway(tmp_path, sandbox, url)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()


async def test_a_message_reaches_the_chat_of_its_token(gateway: Gateway) -> None:
    async with gateway.client() as client:
        message = await client.send("**hello** from `billing`", text_format=TextFormat.MARKDOWN)
        assert await client.get(message.id) == message
    (shown,) = gateway.sandbox.messages(CHAT)
    assert message.state is State.DELIVERED
    assert message.telegram_message_ids == (shown["message_id"],)
    assert shown["text"] == "hello from billing"
    assert [entity["type"] for entity in shown["entities"]] == ["bold", "code"]


async def test_the_blocking_client_does_the_same(gateway: Gateway) -> None:
    with BlockingClient(gateway.address, gateway.token()) as client:
        message = await asyncio.to_thread(client.send, "hello")
        credential = await asyncio.to_thread(client.describe)
    assert gateway.shown() == ["hello"]
    assert message.state is State.DELIVERED
    assert (credential.client, [grant.chat_id for grant in credential.grants]) == ("billing", [CHAT])


async def test_another_chat_stays_closed(gateway: Gateway) -> None:
    async with gateway.client() as client:
        with pytest.raises(chatkey.PermissionDenied) as refused:
            await client.send("hello", chat_id=OTHER_CHAT)
    assert refused.value.reason == "PERMISSION_DENIED"
    assert refused.value.error_id
    assert gateway.shown(OTHER_CHAT) == []


async def test_a_strange_token_opens_nothing(gateway: Gateway) -> None:
    async with gateway.client("strange.token.here") as client:
        with pytest.raises(chatkey.Unauthenticated):
            await client.send("hello", chat_id=CHAT)
    assert gateway.shown() == []


async def test_the_same_request_id_is_one_message(gateway: Gateway) -> None:
    async with gateway.client() as client:
        first, again = await asyncio.gather(*(client.send("hello", request_id="order-1") for _ in range(2)))
        assert first.id == again.id
        with pytest.raises(chatkey.RequestIdReused) as refused:
            await client.send("another", request_id="order-1")
    assert refused.value.message_id == first.id
    assert gateway.shown() == ["hello"]


async def _too_long(client: Client) -> object:
    return await client.send("x" * 4097)


async def _without_a_text(client: Client) -> object:
    return await client.send("")


async def _with_broken_markup(client: Client) -> object:
    return await client.send("<b>", text_format=TextFormat.HTML)


async def _for_a_stranger(client: Client) -> object:
    return await client.get("01931e5c-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (_too_long, chatkey.TextTooLong),
        (_without_a_text, chatkey.InvalidRequest),
        (_with_broken_markup, chatkey.InvalidRequest),
        (_for_a_stranger, chatkey.MessageNotFound),
    ],
)
async def test_a_refusal_has_a_class(
    gateway: Gateway, ask: Callable[[Client], Awaitable[object]], error: type[chatkey.ChatkeyError]
) -> None:
    async with gateway.client() as client:
        with pytest.raises(error) as refused:
            await ask(client)
    assert type(refused.value) is error
    assert gateway.shown() == []


async def test_a_chat_without_the_bot_is_unavailable(gateway: Gateway) -> None:
    gateway.sandbox.add_chat(CHAT, bot_status="kicked")
    async with gateway.client() as client:
        with pytest.raises(chatkey.ChatUnavailable) as refused:
            await client.send("hello")
        message = await client.get(refused.value.message_id)
    assert message.state is State.FAILED
    assert message.failure is not None
    assert (message.failure.reason, message.failure.telegram_error_code) == ("CHAT_UNAVAILABLE", 403)


async def test_what_was_scheduled_can_be_cancelled_once(gateway: Gateway) -> None:
    async with gateway.client() as client:
        later = datetime.now(UTC) + timedelta(days=1)
        message = await client.send("later", send_at=later, wait_for=WaitFor.ACCEPTANCE)
        assert (await client.cancel(message.id)).state is State.CANCELLED
        delivered = await client.send("now")
        with pytest.raises(chatkey.StateConflict):
            await client.cancel(delivered.id)
    assert gateway.shown() == ["now"]


async def test_a_request_may_only_be_checked(gateway: Gateway) -> None:
    async with gateway.client() as client:
        checked = await client.send("hello", validate_only=True)
    assert (checked.id, checked.state, checked.accepted_at) == ("", State.UNSPECIFIED, None)
    assert gateway.shown() == []


async def test_an_unknown_outcome_is_told(gateway: Gateway) -> None:
    gateway.sandbox.add_fault("sendMessage", fault={"kind": "lost_reply"})
    async with gateway.client() as client:
        message = await client.send("once", when_unknown=WhenUnknown.GIVE_UP)
    assert message.state is State.DELIVERY_UNKNOWN
    assert gateway.shown() == ["once"]


async def test_a_restart_of_the_gateway_is_not_noticed(gateway: Gateway) -> None:
    async with gateway.client() as client:
        await client.send("before")
        await gateway.stop()
        sending = asyncio.create_task(client.send("after"))
        await gateway.start()
        message = await sending
    assert message.state is State.DELIVERED
    assert gateway.shown() == ["before", "after"]


async def test_watching_goes_on_after_a_restart(gateway: Gateway) -> None:
    async with gateway.client() as client, gateway.client() as watcher, aclosing(watcher.watch()) as changes:

        async def until(message_id: str) -> None:
            async for change in changes:
                if change.message.id == message_id and change.message.state is State.DELIVERED:
                    return

        # From when on a stream is open is seen by what it brings.
        beginning = asyncio.ensure_future(anext(changes))
        while not beginning.done():
            await client.send("is anybody watching?")
        before = await client.send("before")
        await until(before.id)
        await gateway.stop()
        await gateway.start()
        after = await client.send("after")
        await until(after.id)


def test_the_client_does_not_ping_more_often_than_the_gateway_allows() -> None:
    client = dict(Connection(address="gateway.example:443").options)
    door = dict(OPTIONS)
    assert int(client["grpc.keepalive_time_ms"]) >= door["grpc.http2.min_ping_interval_without_data_ms"]
