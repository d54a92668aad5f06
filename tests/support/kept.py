"""Messages that were accepted before something bad happens, and have to arrive whatever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Unpack
from uuid import uuid4

from chatkey import Client, DeadlineExceeded, Message, State, WaitFor
from chatkey.requests import SendOptions
from gateway.sandbox import Sandbox
from tests.support.server import until

TEXTS = ("kept: one", "kept: two", "kept: three")


async def accepted(client: Client, chat_id: int, texts: Sequence[str] = TEXTS) -> list[Message]:
    """Have messages accepted, without waiting for what becomes of them."""
    return [await client.send(text, chat_id=chat_id, wait_for=WaitFor.ACCEPTANCE) for text in texts]


async def answered(
    client: Client, text: str, *, chat_id: int, timeout: float, request_id: str = "", **options: Unpack[SendOptions]
) -> Message:
    """Send with a short deadline, again as long as the answer comes too late: a busy machine is not what is tested."""
    request_id = request_id or str(uuid4())
    while True:
        try:
            return await client.send(text, chat_id=chat_id, timeout=timeout, request_id=request_id, **options)
        except DeadlineExceeded:
            timeout *= 2


async def require_delivered(telegram: Sandbox, client: Client, messages: Sequence[Message]) -> None:
    """Wait until they are final; then each must be delivered, and its chat must have seen it once and in its turn."""
    for message in messages:
        await until(lambda message=message: _is_final(client, message), f"{message.id} is final")
    ended = [await client.get(message.id) for message in messages]
    assert [message.state for message in ended] == [State.DELIVERED] * len(messages)
    ids = [telegram_id for message in ended for telegram_id in message.telegram_message_ids]
    seen = [message["message_id"] for message in telegram.messages(messages[0].chat_id)]
    assert [telegram_id for telegram_id in seen if telegram_id in ids] == ids


def shown(telegram: Sandbox, chat_id: int) -> list[str]:
    """Return the texts that a chat has seen."""
    return [str(message["text"]) for message in telegram.messages(chat_id)]


@asynccontextmanager
async def nothing_is_lost(telegram: Sandbox, client: Client, chat_id: int) -> AsyncIterator[None]:
    """Have messages accepted that wait while the block runs; after it the chat has seen just these, once, in order."""
    telegram.add_fault("sendMessage", chat_id, fault={"kind": "rate_limited", "retry_after": 1})
    messages = await accepted(client, chat_id)
    yield
    await require_delivered(telegram, client, messages)
    assert shown(telegram, chat_id) == list(TEXTS)


async def _is_final(client: Client, message: Message) -> bool:
    return (await client.get(message.id)).state.is_final
