"""The security chat is told, by the bot itself, what somebody should look at; whoever is refused notices nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from chatkey import Client, CredentialEnded, PermissionDenied, Unauthenticated
from gateway.access.administration import Administration
from gateway.audit import archive
from gateway.audit.proof import verify
from gateway.audit.signing import open_signer
from gateway.clock import SystemClock
from gateway.sandbox import Sandbox
from gateway.store.sqlite import open_sqlite_beside, read_sqlite
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.server import until

CHAT, SECURITY, FOREIGN = -1001, -1002, -1003
HEAD = "The head of the audit log"


def told(house: Gateway) -> list[dict[str, Any]]:
    """The alerts: each day's head of the audit log is another test's."""
    return [message for message in house.telegram.messages(SECURITY) if not message["text"].startswith(HEAD)]


async def records(house: Gateway, **equal: str) -> list[Any]:
    async with read_sqlite(house.config.database_path) as store:
        return [record for _, record in await store.records(limit=1000, **equal)]


async def registered(house: Gateway, *clients: str) -> None:
    async with open_sqlite_beside(house.config.database_path) as store:
        for client in clients:
            await Administration(store.registry, SystemClock(), "os:test").add_client(client, {})


async def test_an_attempt_on_a_foreign_chat_is_told_in_the_security_chat(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", security_chat=SECURITY) as house, house.client(CHAT, "svc:a") as client:
        # Also when only registered clients may do anything: the gateway itself is none.
        await registered(house, "svc:a")
        for chat_id in (FOREIGN, FOREIGN, SECURITY):
            with pytest.raises(PermissionDenied) as refused:
                await client.send("hello", chat_id=chat_id)

        async def both() -> bool:
            return len(told(house)) == 2

        await until(both, "the security chat is told")
        first, second = told(house)
        assert first["text"].startswith("A key was used for a chat that is not its own.")
        assert f"asked for chat {FOREIGN}" in first["text"]
        assert "client    svc:a" in first["text"]
        assert refused.value.error_id in second["text"]
        assert first["entities"] == [{"type": "pre", "offset": 0, "length": len(first["text"])}]
        assert not canary.found_in(json.dumps(told(house)).encode())
        accepted = await records(house, event="message.accepted")
        assert {record.client for record in accepted} == {"#chatkey"}


async def test_each_days_head_of_the_audit_log_is_told_once_also_when_the_gateway_starts_anew(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": CHAT, "title": "Ops"}, {"id": SECURITY, "title": "Security"}])
    for _ in range(2):
        async with gateway(tmp_path / "data", telegram, security_chat=SECURITY) as house, house.client(CHAT) as client:
            await client.send("hello", chat_id=CHAT)

            async def is_told() -> bool:
                return bool(telegram.messages(SECURITY))

            await until(is_told, "the security chat is told")
        days = {message["text"].split()[-1][:10] for message in telegram.messages(SECURITY)}
        assert len(telegram.messages(SECURITY)) == len(days)
    text = telegram.messages(SECURITY)[0]["text"]
    assert text.startswith(HEAD)
    words = text.split()
    expected = {int(words[words.index("SEQ") + 1]): bytes.fromhex(words[words.index("LINK") + 1])}
    data = tmp_path / "data"
    async with read_sqlite(data / "chatkey.db") as store:
        verdict = await verify(store, store.seals, [open_signer(data).public], expected, archive.directory(data))
        assert verdict.problems == []
        wrong = {seq: bytes(32) for seq in expected}
        assert (await verify(store, store.seals, [open_signer(data).public], wrong)).problems != []


async def test_without_a_security_chat_nobody_is_told(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as house, house.client(CHAT) as client:
        with pytest.raises(PermissionDenied):
            await client.send("hello", chat_id=FOREIGN)
        await client.send("after it", chat_id=CHAT)
        assert [message["text"] for message in house.telegram.messages(CHAT)] == ["after it"]
        assert [record.client for record in await records(house, event="message.accepted")] == ["svc:test"]


async def test_a_security_chat_that_refuses_the_bot_changes_no_answer(tmp_path: Path) -> None:
    telegram = Sandbox(limits="none", chats=[{"id": CHAT, "type": "supergroup", "title": "Ops"}])
    async with gateway(tmp_path / "data", telegram, security_chat=SECURITY) as house, house.client(CHAT) as client:
        for _ in range(3):
            with pytest.raises(PermissionDenied) as refused:
                await client.send("hello", chat_id=FOREIGN)
            assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED
        await client.send("hello", chat_id=CHAT)


def answer(error: Unauthenticated) -> tuple[object, ...]:
    """All that a caller is told, but for the ids that are new with each call."""
    return error.code, str(error).replace(error.error_id, ""), error.reason


async def test_a_canary_is_refused_like_any_bad_token_and_raises_the_alarm(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data", security_chat=SECURITY) as house, house.client(CHAT, "svc:bait") as thief:
        await thief.send("it is good", chat_id=CHAT)
        token_id = (await records(house, event="message.accepted"))[0].token_id
        async with open_sqlite_beside(house.config.database_path) as store:
            await Administration(store.registry, SystemClock(), "os:test").mark_canary(token_id)

        async def is_refused() -> bool:
            try:
                await thief.send("still?", chat_id=CHAT)
            except Unauthenticated:
                return True
            except CredentialEnded:
                return False  # it was accepted before
            return False

        await until(is_refused, "the canary is refused")
        with pytest.raises(Unauthenticated) as used:
            await thief.send("again", chat_id=CHAT)
        async with Client(house.address, token="nonsense") as stranger:
            with pytest.raises(Unauthenticated) as bad:
                await stranger.send("hello", chat_id=CHAT)
        assert answer(used.value) == answer(bad.value)

        async def is_told() -> bool:
            return bool(told(house))

        await until(is_told, "the security chat is told")
        (alarm,) = told(house)
        assert alarm["text"].startswith("A canary was used")
        assert token_id in alarm["text"]

        async def is_recorded() -> bool:
            return bool(await records(house, reason="canary_used"))

        await until(is_recorded, "the audit log has it")
        assert {record.token_id for record in await records(house, reason="canary_used")} == {token_id}
