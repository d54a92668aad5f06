"""What is read of Telegram's answers about chats, and what is not, and how refusals are told apart."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import AdministratorRight, MemberPermission, MemberStatus
from gateway.telegram.chat_reading import chat_from, member_from, members_from
from gateway.telegram.connector import Connector
from gateway.telegram.failures import Refused, ServerFailed, Unanswered
from gateway.telegram.problems import Problem, problem_of
from tests.support import telegram_peer
from tests.support.telegram_peer import Peer

ANN = {"id": 5, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "ann", "language_code": "en"}
OTHER = -1005550001


def answer(result: object) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode()


def test_a_chat_is_read_without_anything_of_others() -> None:
    full = {
        "id": -1001,
        "type": "supergroup",
        "title": "Ops",
        "username": "ops",
        "description": "where it hurts",
        "is_forum": True,
        "permissions": {"can_send_messages": True, "can_pin_messages": False, "can_fly": True},
        "slow_mode_delay": 30,
        "message_auto_delete_time": 86400,
        "has_protected_content": True,
        "invite_link": "https://t.me/+canary",
        "linked_chat_id": OTHER,
        "parent_chat": {"id": OTHER, "type": "channel", "title": "canary"},
        "personal_chat": {"id": OTHER, "type": "channel", "title": "canary"},
        "pinned_message": {"message_id": 1, "text": "canary"},
        "photo": {"small_file_id": "canary", "big_file_id": "canary"},
        "bio": "canary",
        "birthdate": {"day": 1, "month": 1},
        "location": {"address": "canary"},
    }
    chat = chat_from(answer(full))
    assert (chat.title, chat.username, chat.description, chat.is_forum) == ("Ops", "ops", "where it hurts", True)
    assert chat.permissions == {MemberPermission.SEND_MESSAGES}
    assert (chat.slow_mode_delay, chat.message_auto_delete_time) == (timedelta(seconds=30), timedelta(days=1))
    assert chat.has_protected_content
    assert "canary" not in repr(asdict(chat))
    assert str(OTHER) not in repr(asdict(chat))


def test_a_person_is_called_by_name_and_what_is_not_known_is_left_open() -> None:
    chat = chat_from(answer({"id": 5, "type": "private", "first_name": "Ann", "last_name": "Lee", "bio": "canary"}))
    assert (chat.title, chat.permissions, chat.slow_mode_delay) == ("Ann Lee", None, None)
    assert chat_from(answer({"id": 5, "type": "hologram"})).type is None


@pytest.mark.parametrize(
    ("status", "more", "is_present"),
    [
        ("creator", {}, True),
        ("administrator", {}, True),
        ("member", {"until_date": 0}, True),
        ("restricted", {"is_member": True, "until_date": 0}, True),
        ("restricted", {"is_member": False, "until_date": 0}, False),
        ("left", {}, False),
        ("kicked", {"until_date": 0}, False),
        ("floating", {}, False),
    ],
)
def test_who_is_there(status: str, more: dict[str, object], is_present: bool) -> None:
    member = member_from(answer({"user": ANN, "status": status, **more}))
    assert (member.is_present, member.until) == (is_present, None)
    assert (member.user_id, member.first_name, member.last_name, member.username) == (5, "Ann", "Lee", "ann")
    assert (member.status.value if member.status else "floating") == status


def test_what_is_said_of_each_kind_of_member_and_of_no_other() -> None:
    said = {"can_pin_messages": True, "can_restrict_members": True, "custom_title": "Boss", "is_anonymous": True}
    administrator = member_from(answer({"user": ANN, "status": "administrator", **said}))
    assert administrator.rights == {AdministratorRight.PIN_MESSAGES, AdministratorRight.RESTRICT_MEMBERS}
    assert (administrator.custom_title, administrator.is_anonymous, administrator.permissions) == ("Boss", True, None)
    restricted = member_from(answer({"user": ANN, "status": "restricted", "until_date": 1_900_000_000, **said}))
    assert restricted.permissions == {MemberPermission.PIN_MESSAGES}
    assert (restricted.rights, restricted.custom_title, restricted.is_anonymous) == (None, "", False)
    assert restricted.until == datetime.fromtimestamp(1_900_000_000, UTC)
    (owner,) = members_from(answer([{"user": ANN, "status": "creator", "is_anonymous": True, "custom_title": "Boss"}]))
    assert (owner.status, owner.rights, owner.is_anonymous) == (MemberStatus.OWNER, None, True)


@pytest.mark.parametrize(
    "result",
    [
        None,
        5,
        [],
        {},
        {"id": 1},
        {"type": "group"},
        {"id": 1, "type": "group", "permissions": 5},
        "x",
        {"id": 1 << 60, "type": "group"},
        {"id": 1, "type": "group", "title": 5},
        {"id": 1, "type": "group", "title": "\ud800"},
        {"id": 1, "type": "group", "username": ["ops"]},
        {"id": 1, "type": "group", "slow_mode_delay": 1e300},
        {"id": 1, "type": "group", "slow_mode_delay": 1 << 50},
        {"id": 1, "type": "group", "message_auto_delete_time": -1},
    ],
)
async def test_what_is_no_chat_is_no_answer(connector: Connector, peer: Peer, result: object) -> None:
    peer.then(telegram_peer.result(result))
    with pytest.raises(Unanswered, match="can't be read") as unanswered:
        await connector.moderator.get_chat(-1001)
    assert unanswered.value.__context__ is None


@pytest.mark.parametrize(
    "more",
    [
        {"user": {"id": "5"}},
        {"user": {"id": 5, "first_name": None}},
        {"user": {"id": 5, "first_name": "\udfff"}},
        {"until_date": True},
        {"until_date": 1 << 60},
    ],
)
async def test_who_is_not_told_as_a_member_is_no_answer(
    connector: Connector, peer: Peer, more: dict[str, object]
) -> None:
    peer.then(telegram_peer.result({"user": ANN, "status": "restricted"} | more))
    with pytest.raises(Unanswered, match="can't be read"):
        await connector.moderator.get_member(-1001, 5)


async def test_an_answer_about_another_chat_or_person_is_none(connector: Connector, peer: Peer) -> None:
    peer.then(telegram_peer.result({"id": OTHER, "type": "supergroup", "title": "canary"}))
    with pytest.raises(Unanswered, match="something else"):
        await connector.moderator.get_chat(-1001)
    peer.then(telegram_peer.result({"user": ANN | {"id": 6}, "status": "member"}))
    with pytest.raises(Unanswered, match="something else"):
        await connector.moderator.get_member(-1001, 5)


def test_what_is_not_true_is_false() -> None:
    assert not chat_from(answer({"id": -1, "type": "group", "is_forum": "yes"})).is_forum


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Bad Request: CHAT_ADMIN_REQUIRED", Problem.BOT_RIGHTS_MISSING),
        ("Forbidden: not enough rights to restrict/unrestrict chat member", Problem.BOT_RIGHTS_MISSING),
        ("Bad Request: not enough rights to manage pinned messages in the chat", Problem.BOT_RIGHTS_MISSING),
        ("Bad Request: need administrator rights in the channel chat", Problem.BOT_RIGHTS_MISSING),
        ("Bad Request: method is available for supergroup and channel chats only", Problem.TYPE_UNSUITABLE),
        ("Bad Request: method is available only for supergroups", Problem.TYPE_UNSUITABLE),
        ("Bad Request: USER_NOT_PARTICIPANT", Problem.MEMBER_UNKNOWN),
        ("Bad Request: user is an administrator of the chat", Problem.MEMBER_PROTECTED),
        ("Bad Request: can't remove chat owner", Problem.MEMBER_PROTECTED),
        ("Bad Request: message to pin not found", Problem.MESSAGE_UNKNOWN),
        ("Bad Request: CHAT_NOT_MODIFIED", Problem.ALREADY_SO),
        ("Bad Request: chat not found", None),
        ("Forbidden: bot was kicked from the supergroup chat", None),
        ("Bad Request: nothing was not enough rights", None),
    ],
)
def test_what_the_words_tell(said: str, problem: Problem | None) -> None:
    assert problem_of(Refused(403 if said.startswith("Forbidden") else 400, said)) is problem


def test_a_server_that_fails_says_nothing_about_the_request() -> None:
    assert problem_of(ServerFailed(500, "Bad Request: CHAT_ADMIN_REQUIRED")) is None
