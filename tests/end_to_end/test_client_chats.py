"""The Python client looks at chats and moderates them: both clients, the real gateway and the sandbox."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import chatkey
from chatkey import (
    AdministratorRight,
    BlockingClient,
    ChatAction,
    ChatPermission,
    ChatType,
    Client,
    MemberStatus,
    chat_calls,
)
from chatkey.v1 import chat_service_pb2 as pb
from gateway.model import Permission
from gateway.sandbox import Sandbox
from tests.support.gateway import Gateway, gateway

CHAT, ANN, BOB = -1001, 51, 52
TALK = frozenset({ChatPermission.SEND_MESSAGES, ChatPermission.REACT_TO_MESSAGES})


class Either:
    """A client of either kind, asked in the same way."""

    def __init__(self, client: Client | BlockingClient) -> None:
        self.client = client

    async def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        method = getattr(self.client, name)
        if inspect.iscoroutinefunction(method):
            return await method(*arguments, **named)
        return await asyncio.to_thread(method, *arguments, **named)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Gateway]:
    people = [{"id": ANN, "first_name": "Ann"}, {"id": BOB, "first_name": "Bob", "status": "administrator"}]
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(CHAT, type="supergroup", title="Ops", username="ops", members=people)
    async with gateway(tmp_path, sandbox) as running:
        yield running


@pytest.fixture(params=[Client, BlockingClient])
async def either(opened: Gateway, request: pytest.FixtureRequest) -> AsyncIterator[Either]:
    client = request.param(opened.address, token=opened.token(CHAT, "mod", *Permission))
    yield Either(client)
    closing = client.close()
    if closing is not None:
        await closing


async def test_a_chat_and_who_is_in_it(either: Either) -> None:
    chat = await either.ask("get_chat")
    assert (chat.id, chat.type, chat.title, chat.username) == (CHAT, ChatType.SUPERGROUP, "Ops", "ops")
    assert chat.permissions == frozenset(ChatPermission)
    assert (chat.slow_mode_delay, chat.message_auto_delete_time, chat.is_forum) == (None, None, False)
    assert chat.bot.status is MemberStatus.ADMINISTRATOR
    assert {AdministratorRight.RESTRICT_MEMBERS, AdministratorRight.PIN_MESSAGES} <= chat.bot.rights
    ann = await either.ask("get_chat_member", ANN)
    assert (ann.user.id, ann.user.first_name, ann.status, ann.is_present) == (ANN, "Ann", MemberStatus.MEMBER, True)
    assert (ann.rights, ann.permissions, ann.until) == (None, None, None)
    members = await either.ask("list_chat_administrators", chat_id=CHAT)
    assert {member.user.first_name for member in members if not member.user.is_bot} == {"Bob"}


async def test_a_chat_is_moderated(either: Either, opened: Gateway) -> None:
    chat = opened.telegram.chats[CHAT]
    message_id = opened.telegram.inject({"chat_id": CHAT, "text": "hi", "from": {"id": ANN}})["message_id"]
    await either.ask("set_chat_permissions", TALK)
    assert (await either.ask("get_chat")).permissions == TALK
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    await either.ask("restrict_chat_member", ANN, (), until=until)
    restricted = await either.ask("get_chat_member", ANN)
    assert (restricted.status, restricted.permissions, restricted.until) == (
        MemberStatus.RESTRICTED,
        frozenset(),
        until,
    )
    await either.ask("restrict_chat_member", ANN, frozenset(ChatPermission))
    await either.ask("send_chat_action")
    await either.ask("send_chat_action", ChatAction.UPLOAD_PHOTO)
    await either.ask("set_reaction", message_id, "👍", big=True)
    await either.ask("pin_message", message_id, notify=True)
    assert (chat.pinned, chat.reactions[message_id][0]["emoji"]) == ([message_id], "👍")
    await either.ask("unpin_message", message_id)
    await either.ask("set_reaction", message_id)
    assert (chat.pinned, chat.reactions[message_id]) == ([], [])
    await either.ask("ban_chat_member", ANN, until=until, revoke_messages=True)
    assert (chat.members[ANN].status, chat.members[ANN].until_date) == ("kicked", int(until.timestamp()))
    await either.ask("unban_chat_member", ANN)
    assert chat.members[ANN].status == "left"
    actions = [entry["parameters"]["action"] for entry in opened.telegram.log() if entry["method"] == "sendChatAction"]
    assert actions == ["typing", "upload_photo"]


async def test_a_refusal_has_its_class(either: Either, opened: Gateway) -> None:
    with pytest.raises(chatkey.MemberProtected) as protected:
        await either.ask("ban_chat_member", BOB)
    assert protected.value.metadata["userId"] == str(BOB)
    with pytest.raises(chatkey.MemberNotFound):
        await either.ask("ban_chat_member", 99)
    nobody = await either.ask("get_chat_member", 99)
    assert (nobody.user.id, nobody.user.first_name, nobody.status) == (99, "", MemberStatus.LEFT)
    with pytest.raises(chatkey.MessageNotFound):
        await either.ask("pin_message", 12345)
    with pytest.raises(chatkey.InvalidRequest):
        await either.ask("ban_chat_member", ANN, until=datetime.now(UTC) + timedelta(seconds=5))
    with pytest.raises(ValueError, match="until has no time zone"):
        await either.ask("ban_chat_member", ANN, until=datetime(2030, 1, 1))
    opened.telegram.add_chat(CHAT, type="supergroup", bot_status="member")
    with pytest.raises(chatkey.BotRightsMissing):
        await either.ask("set_chat_permissions", TALK)
    opened.telegram.add_chat(CHAT, type="supergroup", bot_status="kicked")
    with pytest.raises(chatkey.ChatUnavailable):
        await either.ask("get_chat")
    with pytest.raises(chatkey.PermissionDenied):
        await either.ask("get_chat", chat_id=-1002)
    opened.telegram.add_fault("getChat", fault={"kind": "rate_limited", "retry_after": 600})
    with pytest.raises(chatkey.RateLimited) as limited:
        await either.ask("get_chat")
    assert limited.value.retry_after is not None


async def test_what_telegram_did_not_answer_is_made_again(either: Either, opened: Gateway) -> None:
    opened.telegram.add_fault("banChatMember", fault={"kind": "lost_reply"})
    await either.ask("ban_chat_member", ANN)
    assert opened.telegram.chats[CHAT].members[ANN].status == "kicked"
    assert sum(entry["method"] == "banChatMember" for entry in opened.telegram.log()) == 2


def test_what_a_newer_gateway_tells_is_read_as_far_as_it_is_known() -> None:
    chat = chat_calls.get_chat(1).read(pb.GetChatResponse(chat=pb.Chat(chat_id=1, type=77)))  # type: ignore[arg-type]
    assert (chat.type, chat.permissions, chat.bot) == (ChatType.UNSPECIFIED, None, None)
    answer = pb.GetChatMemberResponse(member=pb.ChatMember(status=77))  # type: ignore[arg-type]
    assert chat_calls.get_chat_member(1, 2).read(answer).status is MemberStatus.UNSPECIFIED


def test_the_client_names_what_the_contract_names() -> None:
    assert {each.value for each in ChatPermission} == {field.name for field in pb.ChatPermissions.DESCRIPTOR.fields}
    rights = {field.name for field in pb.AdministratorRights.DESCRIPTOR.fields}
    assert {each.value for each in AdministratorRight} == rights
