"""Who may not look at a chat or moderate it is refused before Telegram is asked, the same whatever the chat is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import telegram
from aiogram.types import ChatPermissions
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from chatkey.v1 import chat_service_pb2 as pb
from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from gateway.model import Ban, Grant, MemberPermission, Permission
from tests.support.open_door import Outside, Refusal, outside, refusal_of
from tests.support.open_house import CHAT, CHAT_CALLS_PER_MINUTE, CLIENT, House, open_house

READ, WRITE, MODERATE = Permission.READ, Permission.WRITE, Permission.MODERATE
EVERYTHING = frozenset(Permission)
Code = grpc.StatusCode


@dataclass(frozen=True)
class Asked:
    """A call that is sound, and what it needs."""

    method: str
    request: Any
    needs: Permission

    def __str__(self) -> str:
        return self.method

    def of(self, chat_id: int | None) -> Any:
        """Return the request for another chat; None: for none."""
        request = type(self.request)()
        request.CopyFrom(self.request)
        request.ClearField("chat_id")
        if chat_id is not None:
            request.chat_id = chat_id
        return request


NONE = pb.ChatPermissions()
CALLS = [
    Asked("GetChat", pb.GetChatRequest(chat_id=CHAT), READ),
    Asked("GetChatMember", pb.GetChatMemberRequest(chat_id=CHAT, user_id=1), READ),
    Asked("ListChatAdministrators", pb.ListChatAdministratorsRequest(chat_id=CHAT), READ),
    Asked("SetChatPermissions", pb.SetChatPermissionsRequest(chat_id=CHAT, permissions=NONE), MODERATE),
    Asked("RestrictChatMember", pb.RestrictChatMemberRequest(chat_id=CHAT, user_id=1, permissions=NONE), MODERATE),
    Asked("BanChatMember", pb.BanChatMemberRequest(chat_id=CHAT, user_id=1), MODERATE),
    Asked("UnbanChatMember", pb.UnbanChatMemberRequest(chat_id=CHAT, user_id=1), MODERATE),
    Asked("PinMessage", pb.PinMessageRequest(chat_id=CHAT, telegram_message_id=1), MODERATE),
    Asked("UnpinMessage", pb.UnpinMessageRequest(chat_id=CHAT, telegram_message_id=1), MODERATE),
    Asked("SetReaction", messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=1, emoji="👍"), WRITE),
    Asked(
        "SendChatAction",
        messaging_pb.SendChatActionRequest(chat_id=CHAT, action=messaging_pb.CHAT_ACTION_TYPING),
        WRITE,
    ),
]
MODERATING = [call for call in CALLS if call.needs is MODERATE]
every_call = pytest.mark.parametrize("asked", CALLS, ids=str)
every_act = pytest.mark.parametrize("asked", MODERATING, ids=str)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened


@pytest.fixture
async def view(house: House) -> AsyncIterator[Outside]:
    async with outside(house) as seen:
        yield seen


def called(view: Outside, asked: Asked, token: str, request: Message | None = None) -> Any:
    stub = view.messaging if asked.needs is WRITE else view.chats
    return getattr(stub, asked.method)(request or asked.request, metadata=view.bearer(token))


async def refused(view: Outside, asked: Asked, token: str, request: Message | None = None) -> Refusal:
    """Return how a call is refused that Telegram must not see."""
    refusal = await refusal_of(called(view, asked, token, request))
    assert (view.house.telegram.done, view.house.telegram.looked_at) == ([], [])
    return refusal


def key(view: Outside, permissions: frozenset[Permission] = EVERYTHING, **grant: Any) -> str:
    return view.house.minted(Grant(chat_id=CHAT, permissions=permissions, **grant))


@every_call
async def test_with_its_right_alone_a_call_is_let_in(view: Outside, asked: Asked) -> None:
    await called(view, asked, key(view, frozenset({asked.needs})))
    assert len(view.house.telegram.done) + len(view.house.telegram.looked_at) == 1


@every_call
async def test_row_1_a_foreign_chat_is_refused_with_the_same_bytes_whatever_it_is(view: Outside, asked: Asked) -> None:
    foreign = [CHAT - 1, -CHAT, 1, -1, 1 << 40, -(1 << 62)]
    wires = {(await refused(view, asked, key(view), asked.of(chat_id))).wire for chat_id in foreign}
    unsound = type(asked.request)(chat_id=CHAT - 1)
    wires.add((await refused(view, asked, key(view), unsound)).wire)
    wires.add((await refused(view, asked, key(view, EVERYTHING - {asked.needs}))).wire)
    wires.add((await refused(view, asked, key(view, message_thread_id=42))).wire)
    assert len(wires) == 1
    (code, text, _), *_ = wires
    assert (code, text) == (Code.PERMISSION_DENIED, "permission denied")


@every_call
async def test_row_16_a_key_of_one_topic_opens_nothing_of_the_chat_as_a_whole(view: Outside, asked: Asked) -> None:
    refusal = await refused(view, asked, key(view, message_thread_id=42))
    assert refusal.info.reason == "PERMISSION_DENIED"
    (record,) = await view.house.refusals()
    assert (record.reason, record.chat_id) == ("thread_mismatch", CHAT)


async def test_row_16_a_key_of_one_topic_shows_an_action_there_alone(view: Outside) -> None:
    token = key(view, message_thread_id=42)
    action = messaging_pb.SendChatActionRequest(chat_id=CHAT, action=messaging_pb.CHAT_ACTION_TYPING)
    action.message_thread_id = 43
    assert (await refused(view, CALLS[-1], token, action)).code is Code.PERMISSION_DENIED
    action.message_thread_id = 42
    await called(view, CALLS[-1], token, action)
    (done,) = view.house.telegram.done
    assert done.message_thread_id == 42  # type: ignore[union-attr]


@every_call
async def test_row_34_what_is_suspended_or_revoked_or_withheld_is_refused(view: Outside, asked: Asked) -> None:
    house, token = view.house, key(view)
    await house.administration.suspend_chat(CHAT)
    await house.registry.refresh()
    assert (await refused(view, asked, token)).info.reason == "PERMISSION_DENIED"
    await house.administration.resume_chat(CHAT)
    await house.administration.authorize_chat(CHAT, EVERYTHING - {asked.needs})
    await house.registry.refresh()
    assert (await refused(view, asked, token)).info.reason == "PERMISSION_DENIED"
    await house.administration.revoke_token(house.verifier.verify(token).token_id)
    await house.registry.refresh()
    assert (await refused(view, asked, token)).info.reason == "UNAUTHENTICATED"


@every_call
async def test_row_31_where_a_second_factor_is_asked_of_a_client_an_unbound_token_moderates_nothing(
    view: Outside, asked: Asked
) -> None:
    await view.house.administration.add_client(CLIENT, {"second_factor": True})
    await view.house.registry.refresh()
    if asked.needs is not MODERATE:
        await called(view, asked, key(view))
        return
    foreign = await refused(view, asked, key(view), asked.of(CHAT - 1))
    assert foreign.info.reason == "PERMISSION_DENIED", "of a foreign chat not even this is told"
    refusal = await refused(view, asked, key(view))
    assert (refusal.code, refusal.info.reason) == (Code.PERMISSION_DENIED, "STEP_UP_REQUIRED")
    assert [record.reason for record in await view.house.refusals()] == ["chat_mismatch", "second_factor_missing"]


async def test_whoever_is_bound_to_a_certificate_has_the_second_factor(house: House) -> None:
    await house.administration.add_client(CLIENT, {"second_factor": True})
    await house.registry.refresh()
    token = house.minted(Grant(chat_id=CHAT, permissions=EVERYTHING), certificate_thumbprint="A" * 43)
    caller = house.verifier.verify(token)
    await house.desk.chats.moderate(caller, Ban(chat_id=CHAT, user_id=1), timedelta(seconds=1))
    assert len(house.telegram.done) == 1


# The form of a request.


def ahead(**ahead: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(**ahead))
    return stamp


UNSOUND = [
    *[(call.method, call.of(None), "chat_id") for call in CALLS],
    ("GetChatMember", pb.GetChatMemberRequest(chat_id=CHAT), "user_id"),
    ("GetChatMember", pb.GetChatMemberRequest(chat_id=CHAT, user_id=1 << 40), "user_id"),
    ("BanChatMember", pb.BanChatMemberRequest(chat_id=CHAT, user_id=-1), "user_id"),
    ("UnbanChatMember", pb.UnbanChatMemberRequest(chat_id=CHAT), "user_id"),
    ("BanChatMember", pb.BanChatMemberRequest(chat_id=CHAT, user_id=1, until_time=ahead(seconds=29)), "until_time"),
    ("BanChatMember", pb.BanChatMemberRequest(chat_id=CHAT, user_id=1, until_time=ahead(days=-1)), "until_time"),
    ("BanChatMember", pb.BanChatMemberRequest(chat_id=CHAT, user_id=1, until_time=ahead(days=366)), "until_time"),
    (
        "RestrictChatMember",
        pb.RestrictChatMemberRequest(
            chat_id=CHAT, user_id=1, permissions=pb.ChatPermissions(), until_time=Timestamp(seconds=1 << 60)
        ),
        "until_time",
    ),
    ("SetChatPermissions", pb.SetChatPermissionsRequest(chat_id=CHAT), "permissions"),
    ("RestrictChatMember", pb.RestrictChatMemberRequest(chat_id=CHAT, user_id=1), "permissions"),
    (
        "SetChatPermissions",
        pb.SetChatPermissionsRequest(chat_id=CHAT, permissions=pb.ChatPermissions.FromString(b"\x98\x06\x01")),
        "permissions.99",
    ),
    ("PinMessage", pb.PinMessageRequest(chat_id=CHAT), "telegram_message_id"),
    ("PinMessage", pb.PinMessageRequest(chat_id=CHAT, telegram_message_id=1 << 31), "telegram_message_id"),
    ("UnpinMessage", pb.UnpinMessageRequest(chat_id=CHAT), "telegram_message_id"),
    ("SetReaction", messaging_pb.SetReactionRequest(chat_id=CHAT, emoji="👍"), "telegram_message_id"),
    ("SetReaction", messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=1, emoji="x"), "emoji"),
    ("SetReaction", messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=1, emoji="👍" * 17), "emoji"),
    ("SendChatAction", messaging_pb.SendChatActionRequest(chat_id=CHAT), "action"),
    ("SendChatAction", messaging_pb.SendChatActionRequest(chat_id=CHAT, action=77), "action"),  # type: ignore[arg-type]
    (
        "SendChatAction",
        messaging_pb.SendChatActionRequest(chat_id=CHAT, action=1, message_thread_id=-1),  # type: ignore[arg-type]
        "message_thread_id",
    ),
]


@pytest.mark.parametrize(("method", "request_", "path"), UNSOUND)
async def test_a_request_that_is_not_sound_is_explained_and_goes_nowhere(
    view: Outside, method: str, request_: Any, path: str
) -> None:
    (asked,) = [call for call in CALLS if call.method == method]
    refusal = await refused(view, asked, key(view), request_)
    assert (refusal.code, refusal.info.reason) == (Code.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert list(refusal.violations) == [path]


@every_call
async def test_what_is_not_understood_is_not_ignored(view: Outside, asked: Asked) -> None:
    request = type(asked.request).FromString(asked.request.SerializeToString() + b"\x98\x06\x01")
    refusal = await refused(view, asked, key(view), request)
    assert list(refusal.violations) == ["99"]


async def test_the_shortest_and_the_longest_time_are_taken(view: Outside) -> None:
    for until in (ahead(seconds=62), ahead(days=365, seconds=-2)):
        request = pb.BanChatMemberRequest(chat_id=CHAT, user_id=1, until_time=until)
        await view.chats.BanChatMember(request, metadata=view.bearer(key(view)))
    assert len(view.house.telegram.done) == 2


# How much.


async def test_a_client_that_asks_too_often_is_told_so_and_no_other_client_is_held_up(view: Outside) -> None:
    look = pb.GetChatRequest(chat_id=CHAT)
    for _ in range(CHAT_CALLS_PER_MINUTE):
        await view.chats.GetChat(look, metadata=view.bearer(key(view)))
    refusal = await refusal_of(view.chats.GetChat(look, metadata=view.bearer(key(view))))
    assert (refusal.code, refusal.info.reason) == (Code.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert dict(refusal.info.metadata) == {"quota": "chat_calls_per_minute", "limit": str(CHAT_CALLS_PER_MINUTE)}
    assert len(view.house.telegram.looked_at) == CHAT_CALLS_PER_MINUTE
    other = view.house.token(client="other", permissions=EVERYTHING)
    await view.chats.GetChat(look, metadata=view.bearer(other))


async def test_actions_have_a_share_of_their_own_in_each_chat(view: Outside) -> None:
    token = view.house.minted(Grant(chat_id=CHAT, permissions=EVERYTHING), Grant(chat_id=7, permissions=EVERYTHING))
    action = messaging_pb.SendChatActionRequest(chat_id=CHAT, action=messaging_pb.CHAT_ACTION_TYPING)
    for _ in range(30):
        await view.messaging.SendChatAction(action, metadata=view.bearer(token))
    refusal = await refusal_of(view.messaging.SendChatAction(action, metadata=view.bearer(token)))
    assert dict(refusal.info.metadata) == {"quota": "chat_actions_per_minute", "limit": "30"}
    action.chat_id = 7
    await view.messaging.SendChatAction(action, metadata=view.bearer(token))


def test_the_contract_names_every_permission_of_telegram_and_no_other() -> None:
    ours = {field.name for field in pb.ChatPermissions.DESCRIPTOR.fields}
    assert ours == {each.value for each in MemberPermission}
    assert ours == set(telegram.ChatPermissions.__slots__) == set(ChatPermissions.model_fields)
