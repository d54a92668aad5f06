"""`ChatService`, and what `MessagingGateway` asks at once: the real gateway, and the sandbox as Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from chatkey.v1 import chat_service_pb2 as pb
from chatkey.v1 import chat_service_pb2_grpc, messaging_gateway_pb2_grpc
from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from chatkey.v1 import update_service_pb2 as update_pb
from gateway.config import Config
from gateway.model import MemberPermission, Permission, Record
from gateway.sandbox import Sandbox
from gateway.store.sqlite import open_sqlite
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import Refusal, refusal_of

CHAT, CHANNEL, SMALL, PERSON = -1001, -1003, -77, 7
ANN, BOB, EVE, STRANGER = 51, 52, 53, 99
ALL = {each.value: True for each in MemberPermission}
Code = grpc.StatusCode


@dataclass(frozen=True)
class Room:
    """A client with every right in every chat, and the sandbox that it is seen in."""

    gateway: Gateway
    sandbox: Sandbox
    channel: grpc.aio.Channel

    @property
    def chats(self) -> Any:
        return chat_service_pb2_grpc.ChatServiceStub(self.channel)

    @property
    def messaging(self) -> Any:
        return messaging_gateway_pb2_grpc.MessagingGatewayStub(self.channel)

    def key(self, chat_id: int = CHAT) -> Sequence[tuple[str, str]]:
        return (("authorization", f"Bearer {self.gateway.token(chat_id, 'mod', *Permission)}"),)

    def asked(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of the requests that Telegram got for these methods, in order."""
        return [entry["parameters"] for entry in self.sandbox.log() if entry["method"] in methods]

    def requests(self) -> int:
        """Return how many requests Telegram got that are about a chat."""
        return sum("chat_id" in entry["parameters"] for entry in self.sandbox.log())

    def status(self, user_id: int, chat_id: int = CHAT) -> str:
        return self.sandbox.chats[chat_id].members[user_id].status


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    sandbox = Sandbox(limits="none")
    people = [
        {"id": ANN, "first_name": "Ann"},
        {"id": BOB, "first_name": "Bob", "status": "administrator"},
        {"id": EVE, "first_name": "Eve", "status": "creator"},
    ]
    sandbox.add_chat(CHAT, type="supergroup", title="Ops", username="ops", members=people, topics=[4])
    sandbox.add_chat(CHANNEL, type="channel", title="News")
    sandbox.add_chat(SMALL, type="group", title="Few", members=people[:1])
    sandbox.add_chat(PERSON, type="private", title="Ann")
    async with gateway(tmp_path, sandbox) as opened, grpc.aio.insecure_channel(opened.address) as channel:
        yield Room(opened, sandbox, channel)


async def records_of(config: Config) -> list[Record]:
    """Return what the audit log has of moderation."""
    async with open_sqlite(config.database_path) as store:
        return [record for _, record in await store.records() if record.event.startswith("chat.moderation")]


def said(room: Room, user_id: int = ANN) -> int:
    """Have somebody write, and return the message's id."""
    message_id: int = room.sandbox.inject({"chat_id": CHAT, "text": "hi", "from": {"id": user_id}})["message_id"]
    return message_id


# Looking.


async def test_a_chat_says_what_it_is_and_what_the_bot_may_do(room: Room) -> None:
    room.sandbox.add_chat(CHAT, type="supergroup", title="Ops", username="ops", bot_rights={"can_pin_messages": False})
    chat = (await room.chats.GetChat(pb.GetChatRequest(chat_id=CHAT), metadata=room.key())).chat
    assert (chat.chat_id, chat.type, chat.title, chat.username) == (CHAT, pb.CHAT_TYPE_SUPERGROUP, "Ops", "ops")
    assert chat.permissions == pb.ChatPermissions(**ALL)
    assert chat.bot.status == update_pb.MEMBER_STATUS_ADMINISTRATOR
    assert (chat.bot.user.is_bot, chat.bot.is_present) == (True, True)
    assert (chat.bot.rights.can_restrict_members, chat.bot.rights.can_pin_messages) == (True, False)


async def test_a_person_and_a_bot_without_rights_are_told_as_they_are(room: Room) -> None:
    person = (await room.chats.GetChat(pb.GetChatRequest(chat_id=PERSON), metadata=room.key(PERSON))).chat
    assert (person.type, person.title, person.HasField("permissions")) == (pb.CHAT_TYPE_PRIVATE, "Ann", False)
    room.sandbox.add_chat(CHAT, type="supergroup", bot_status="member")
    chat = (await room.chats.GetChat(pb.GetChatRequest(chat_id=CHAT), metadata=room.key())).chat
    assert (chat.bot.status, chat.bot.HasField("rights")) == (update_pb.MEMBER_STATUS_MEMBER, False)


async def test_nothing_of_other_chats_is_told(room: Room) -> None:
    await room.chats.PinMessage(pb.PinMessageRequest(chat_id=CHAT, telegram_message_id=said(room)), metadata=room.key())
    chat = (await room.chats.GetChat(pb.GetChatRequest(chat_id=CHAT), metadata=room.key())).chat
    names = {field.name for field in chat.DESCRIPTOR.fields}
    assert names.isdisjoint(
        {"linked_chat_id", "personal_chat", "parent_chat", "invite_link", "pinned_message", "photo"}
    )
    assert "hi" not in str(chat)


async def test_members_are_told_by_how_they_stand(room: Room) -> None:
    stands = {}
    for user_id in (ANN, BOB, EVE):
        asked = pb.GetChatMemberRequest(chat_id=CHAT, user_id=user_id)
        stands[user_id] = (await room.chats.GetChatMember(asked, metadata=room.key())).member
    assert [(stands[who].user.first_name, stands[who].status) for who in (ANN, BOB, EVE)] == [
        ("Ann", update_pb.MEMBER_STATUS_MEMBER),
        ("Bob", update_pb.MEMBER_STATUS_ADMINISTRATOR),
        ("Eve", update_pb.MEMBER_STATUS_OWNER),
    ]
    assert stands[BOB].rights.can_restrict_members
    everybody = pb.ListChatAdministratorsRequest(chat_id=CHAT)
    listed = await room.chats.ListChatAdministrators(everybody, metadata=room.key())
    assert {member.user.id for member in listed.administrators if not member.user.is_bot} == {BOB, EVE}
    assert sum(member.user.is_bot for member in listed.administrators) == 1


async def test_row_1_of_whom_the_bot_has_met_elsewhere_nothing_is_told(room: Room) -> None:
    room.sandbox.add_chat(-1004, type="supergroup", members=[{"id": 54, "first_name": "Zoe"}])
    told = []
    for user_id in (54, STRANGER):
        asked = pb.GetChatMemberRequest(chat_id=CHAT, user_id=user_id)
        told.append((await room.chats.GetChatMember(asked, metadata=room.key())).member)
    assert told == [
        pb.ChatMember(user=update_pb.User(id=user_id), status=update_pb.MEMBER_STATUS_LEFT)
        for user_id in (54, STRANGER)
    ]


# Moderating.


async def test_a_chat_is_silenced_and_let_speak_again(room: Room) -> None:
    for permissions in (pb.ChatPermissions(), pb.ChatPermissions(can_send_messages=True), pb.ChatPermissions(**ALL)):
        request = pb.SetChatPermissionsRequest(chat_id=CHAT, permissions=permissions)
        for _ in range(2):
            await room.chats.SetChatPermissions(request, metadata=room.key())
        chat = (await room.chats.GetChat(pb.GetChatRequest(chat_id=CHAT), metadata=room.key())).chat
        assert chat.permissions == permissions
    (first, *_) = room.asked("setChatPermissions")
    assert first["use_independent_chat_permissions"] in ("true", True)


async def test_a_member_is_restricted_for_a_while_and_set_free(room: Room) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    restrict = pb.RestrictChatMemberRequest(chat_id=CHAT, user_id=ANN, permissions=pb.ChatPermissions())
    restrict.until_time.FromDatetime(until)
    await room.chats.RestrictChatMember(restrict, metadata=room.key())
    asked = pb.GetChatMemberRequest(chat_id=CHAT, user_id=ANN)
    member = (await room.chats.GetChatMember(asked, metadata=room.key())).member
    assert (member.status, member.is_present) == (update_pb.MEMBER_STATUS_RESTRICTED, True)
    assert (member.permissions, member.until_time.ToDatetime(UTC)) == (pb.ChatPermissions(), until)
    free = pb.RestrictChatMemberRequest(chat_id=CHAT, user_id=ANN, permissions=pb.ChatPermissions(**ALL))
    await room.chats.RestrictChatMember(free, metadata=room.key())
    assert room.status(ANN) == "member"


async def test_somebody_is_banned_and_may_come_back_and_a_member_is_not_taken_out_by_that(room: Room) -> None:
    said(room)
    ban, unban = (
        pb.BanChatMemberRequest(chat_id=CHAT, user_id=ANN),
        pb.UnbanChatMemberRequest(chat_id=CHAT, user_id=ANN),
    )
    await room.chats.UnbanChatMember(unban, metadata=room.key())
    assert room.status(ANN) == "member"
    for _ in range(2):
        await room.chats.BanChatMember(ban, metadata=room.key())
        assert room.status(ANN) == "kicked"
    assert room.sandbox.messages(CHAT) == [], "what they wrote goes with them"
    await room.chats.UnbanChatMember(unban, metadata=room.key())
    assert room.status(ANN) == "left"


async def test_a_member_is_taken_out_by_an_unban_that_says_so(room: Room) -> None:
    out = pb.UnbanChatMemberRequest(chat_id=CHAT, user_id=ANN, remove_member=True)
    await room.chats.UnbanChatMember(out, metadata=room.key())
    assert room.status(ANN) == "left"


async def test_any_message_is_pinned_quietly_and_unpinned(room: Room) -> None:
    first, second = said(room), said(room)
    for message_id in (first, second, first):
        pin = pb.PinMessageRequest(chat_id=CHAT, telegram_message_id=message_id)
        await room.chats.PinMessage(pin, metadata=room.key())
    assert room.sandbox.chats[CHAT].pinned == [second, first]
    assert {str(asked["disable_notification"]).lower() for asked in room.asked("pinChatMessage")} == {"true"}
    unpin = pb.UnpinMessageRequest(chat_id=CHAT, telegram_message_id=second)
    await room.chats.UnpinMessage(unpin, metadata=room.key())
    assert room.sandbox.chats[CHAT].pinned == [first]


async def test_an_action_is_shown_and_a_reaction_set_and_taken_away(room: Room) -> None:
    message_id = said(room)
    action = messaging_pb.SendChatActionRequest(
        chat_id=CHAT, action=messaging_pb.CHAT_ACTION_UPLOAD_DOCUMENT, message_thread_id=4
    )
    await room.messaging.SendChatAction(action, metadata=room.key())
    (shown,) = room.asked("sendChatAction")
    assert (shown["action"], int(shown["message_thread_id"])) == ("upload_document", 4)
    react = messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=message_id, emoji="👍", big=True)
    await room.messaging.SetReaction(react, metadata=room.key())
    assert room.sandbox.chats[CHAT].reactions[message_id] == [{"type": "emoji", "emoji": "👍"}]
    react.emoji = ""
    await room.messaging.SetReaction(react, metadata=room.key())
    assert room.sandbox.chats[CHAT].reactions[message_id] == []


# What Telegram refuses.


def restrict(chat_id: int = CHAT, user_id: int = ANN) -> pb.RestrictChatMemberRequest:
    return pb.RestrictChatMemberRequest(chat_id=chat_id, user_id=user_id, permissions=pb.ChatPermissions())


def ban(chat_id: int = CHAT, user_id: int = ANN) -> pb.BanChatMemberRequest:
    return pb.BanChatMemberRequest(chat_id=chat_id, user_id=user_id)


def pin(chat_id: int = CHAT, message_id: int = 1) -> pb.PinMessageRequest:
    return pb.PinMessageRequest(chat_id=chat_id, telegram_message_id=message_id)


async def refused(room: Room, method: str, request: Any) -> Refusal:
    stub = room.messaging if method in ("SetReaction", "SendChatAction") else room.chats
    return await refusal_of(getattr(stub, method)(request, metadata=room.key(request.chat_id)))


REFUSALS = [
    ("RestrictChatMember", restrict(user_id=BOB), Code.FAILED_PRECONDITION, "MEMBER_PROTECTED", {"userId": "52"}),
    ("BanChatMember", ban(user_id=EVE), Code.FAILED_PRECONDITION, "MEMBER_PROTECTED", {"userId": "53"}),
    ("BanChatMember", ban(user_id=STRANGER), Code.NOT_FOUND, "MEMBER_NOT_FOUND", {"userId": "99"}),
    ("PinMessage", pin(message_id=12345), Code.NOT_FOUND, "MESSAGE_NOT_FOUND", {"telegramMessageId": "12345"}),
    (
        "SetReaction",
        messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=12345, emoji="👍"),
        Code.NOT_FOUND,
        "MESSAGE_NOT_FOUND",
        {"telegramMessageId": "12345"},
    ),
    (
        "SetChatPermissions",
        pb.SetChatPermissionsRequest(chat_id=CHANNEL, permissions=pb.ChatPermissions()),
        Code.FAILED_PRECONDITION,
        "CHAT_TYPE_UNSUITABLE",
        {"telegramErrorCode": "400"},
    ),
    (
        "UnbanChatMember",
        pb.UnbanChatMemberRequest(chat_id=SMALL, user_id=ANN),
        Code.FAILED_PRECONDITION,
        "CHAT_TYPE_UNSUITABLE",
        {},
    ),
    ("RestrictChatMember", restrict(SMALL), Code.FAILED_PRECONDITION, "CHAT_TYPE_UNSUITABLE", {}),
    ("RestrictChatMember", restrict(CHANNEL), Code.FAILED_PRECONDITION, "CHAT_TYPE_UNSUITABLE", {}),
]


@pytest.mark.parametrize(("method", "request_", "code", "reason", "facts"), REFUSALS)
async def test_what_telegram_refuses_has_a_reason(
    room: Room, method: str, request_: Any, code: Code, reason: str, facts: dict[str, str]
) -> None:
    refusal = await refused(room, method, request_)
    assert (refusal.code, refusal.info.reason) == (code, reason)
    assert refusal.info.metadata["telegramErrorCode"] == "400"
    assert facts.items() <= dict(refusal.info.metadata).items()


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("RestrictChatMember", restrict(PERSON)),
        ("BanChatMember", ban(PERSON)),
        ("UnbanChatMember", pb.UnbanChatMemberRequest(chat_id=PERSON, user_id=ANN)),
        ("SetChatPermissions", pb.SetChatPermissionsRequest(chat_id=PERSON, permissions=pb.ChatPermissions())),
        ("ListChatAdministrators", pb.ListChatAdministratorsRequest(chat_id=PERSON)),
    ],
)
async def test_what_an_id_tells_is_not_asked(room: Room, method: str, request_: Any) -> None:
    before = room.requests()
    refusal = await refused(room, method, request_)
    assert (refusal.code, refusal.info.reason) == (Code.FAILED_PRECONDITION, "CHAT_TYPE_UNSUITABLE")
    assert room.requests() == before


async def test_a_bot_without_the_right_says_so(room: Room) -> None:
    message_id = said(room)
    lacking = {"can_restrict_members": False, "can_pin_messages": False}
    room.sandbox.add_chat(CHAT, type="supergroup", bot_rights=lacking)
    for method, request in (
        ("SetChatPermissions", pb.SetChatPermissionsRequest(chat_id=CHAT, permissions=pb.ChatPermissions())),
        ("RestrictChatMember", restrict()),
        ("BanChatMember", ban()),
        ("PinMessage", pin(message_id=message_id)),
    ):
        refusal = await refused(room, method, request)
        assert (refusal.code, refusal.info.reason) == (Code.FAILED_PRECONDITION, "BOT_RIGHTS_MISSING")
    assert (room.status(ANN), room.sandbox.chats[CHAT].pinned) == ("member", [])


@pytest.mark.parametrize("status", ["kicked", "left"])
async def test_a_chat_that_the_bot_is_not_in_is_unavailable(room: Room, status: str) -> None:
    room.sandbox.add_chat(CHAT, type="supergroup", bot_status=status)
    look = pb.GetChatRequest(chat_id=CHAT)
    for method, request in (("GetChat", look), ("BanChatMember", ban()), ("PinMessage", pin())):
        refusal = await refused(room, method, request)
        assert (refusal.code, refusal.info.reason) == (Code.FAILED_PRECONDITION, "CHAT_UNAVAILABLE")
        assert refusal.info.metadata["telegramErrorCode"] == "403"


async def test_a_chat_that_telegram_does_not_know_is_unavailable(room: Room) -> None:
    for method, request in (("GetChat", pb.GetChatRequest(chat_id=-1009)), ("BanChatMember", ban(-1009))):
        refusal = await refused(room, method, request)
        assert (refusal.code, refusal.info.reason) == (Code.FAILED_PRECONDITION, "CHAT_UNAVAILABLE")


async def test_a_reaction_that_is_none_is_a_mistake_of_the_request(room: Room) -> None:
    request = messaging_pb.SetReactionRequest(chat_id=CHAT, telegram_message_id=said(room), emoji="🧂")
    refusal = await refused(room, "SetReaction", request)
    assert (refusal.code, list(refusal.violations)) == (Code.INVALID_ARGUMENT, ["emoji"])


# What goes wrong.


async def test_a_short_pause_is_waited_for_and_a_long_one_told(room: Room) -> None:
    room.sandbox.add_fault("banChatMember", fault={"kind": "rate_limited", "retry_after": 1})
    await room.chats.BanChatMember(ban(), metadata=room.key())
    assert (room.status(ANN), len(room.asked("banChatMember"))) == ("kicked", 2)
    room.sandbox.add_fault("getChat", fault={"kind": "rate_limited", "retry_after": 600})
    refusal = await refused(room, "GetChat", pb.GetChatRequest(chat_id=CHAT))
    assert (refusal.code, refusal.info.reason) == (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert 590_000 < int(refusal.trailers["grpc-retry-pushback-ms"]) <= 600_000
    before = room.requests()
    refusal = await refused(room, "BanChatMember", ban())
    assert refusal.info.reason == "RATE_LIMITED"
    assert room.requests() == before, "of a chat that is to be let alone nothing is asked, whatever it is"


@pytest.mark.parametrize(
    "kind", ["lost_reply", "internal_error", "reset_before_body", "bad_gateway_html", "truncated_json"]
)
async def test_what_got_no_answer_is_made_again(room: Room, kind: str) -> None:
    message_id = said(room)
    room.sandbox.add_fault("pinChatMessage", fault={"kind": kind})
    await room.chats.PinMessage(pin(message_id=message_id), metadata=room.key())
    assert room.sandbox.chats[CHAT].pinned == [message_id]
    assert len(room.asked("pinChatMessage")) == 2


async def test_a_group_that_became_a_supergroup_is_followed_once_somebody_approves(room: Room) -> None:
    room.sandbox.add_chat(SMALL, type="group", migrate_to_chat_id=CHAT)
    refusal = await refused(room, "BanChatMember", ban(SMALL))
    assert (refusal.code, refusal.info.reason) == (Code.FAILED_PRECONDITION, "CHAT_UNAVAILABLE")
    assert room.status(ANN) == "member"


async def test_row_14_a_migration_that_is_followed_leads_to_the_new_chat_and_opens_no_other(tmp_path: Path) -> None:
    new = -1000000000077
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(SMALL, type="group", migrate_to_chat_id=new)
    sandbox.add_chat(new, type="supergroup", title="Grown", members=[{"id": ANN}])
    async with (
        gateway(tmp_path, sandbox, follow_migration="follow") as opened,
        grpc.aio.insecure_channel(opened.address) as channel,
    ):
        room = Room(opened, sandbox, channel)
        await room.chats.BanChatMember(ban(SMALL), metadata=room.key(SMALL))
        assert room.status(ANN, new) == "kicked"
        chat = (await room.chats.GetChat(pb.GetChatRequest(chat_id=SMALL), metadata=room.key(SMALL))).chat
        assert (chat.chat_id, chat.title) == (SMALL, "Grown")
        foreign = await refusal_of(room.chats.GetChat(pb.GetChatRequest(chat_id=new), metadata=room.key(SMALL)))
        assert foreign.code is Code.PERMISSION_DENIED


# What is on record.


async def test_an_act_is_on_record_before_and_after(tmp_path: Path) -> None:
    sandbox = Sandbox(limits="none")
    sandbox.add_chat(CHAT, type="supergroup", members=[{"id": ANN}, {"id": BOB, "status": "administrator"}])
    async with gateway(tmp_path, sandbox) as opened, grpc.aio.insecure_channel(opened.address) as channel:
        room = Room(opened, sandbox, channel)
        permissions = pb.ChatPermissions(can_send_messages=True, can_send_polls=True)
        request = pb.RestrictChatMemberRequest(chat_id=CHAT, user_id=ANN, permissions=permissions)
        await room.chats.RestrictChatMember(request, metadata=room.key())
        await refused(room, "BanChatMember", ban(user_id=BOB))
    begun, ended, tried, failed = await records_of(opened.config)
    assert (begun.event, begun.decision, begun.chat_id, begun.client) == ("chat.moderation_begun", "allow", CHAT, "mod")
    assert begun.method == "/chatkey.v1.ChatService/RestrictChatMember"
    assert begun.facts == {"act": "restrict", "user_id": ANN, "permissions": "send_messages send_polls"}
    assert (ended.event, ended.decision, ended.reason) == ("chat.moderation_ended", "allow", "done")
    assert (ended.facts, ended.call_id) == (begun.facts, begun.call_id)
    assert (tried.facts["act"], tried.facts["user_id"], tried.facts["revoke_messages"]) == ("ban", BOB, False)
    assert (failed.decision, failed.reason) == ("error", "member_protected")
    assert failed.facts["telegram_error_code"] == "400"
