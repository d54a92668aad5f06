"""The connector about chats as such, against a Bot API: what it asks and reads, and how it tells refusals apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model import (
    AdministratorRight,
    Ban,
    ChatAct,
    ChatAction,
    ChatType,
    MemberPermission,
    MemberStatus,
    Pin,
    React,
    Restrict,
    SetPermissions,
    ShowAction,
    Unban,
    Unpin,
)
from gateway.sandbox import Sandbox, running
from gateway.telegram import failures
from gateway.telegram.connector import open_connector
from gateway.telegram.moderator import Moderator
from gateway.telegram.problems import Problem, problem_of
from gateway.telegram.token import from_value

TOKEN = "123456789:AAcanary-of-the-bot-token_0123456789"
BOT = 123456789
GROUP, SMALL, CHANNEL, PERSON = -1001234567890, -77, -1001234567891, 7
ANN, BOB, EVE = 51, 52, 53
NOTHING: frozenset[MemberPermission] = frozenset()
SOME = frozenset({MemberPermission.SEND_MESSAGES, MemberPermission.SEND_OTHER_MESSAGES})


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox(limits="none")
    people = [
        {"id": ANN, "first_name": "Ann"},
        {"id": BOB, "first_name": "Bob", "status": "administrator"},
        {"id": EVE, "first_name": "Eve", "status": "creator"},
    ]
    sandbox.add_chat(GROUP, title="Ops", username="ops", members=people, topics=[4])
    sandbox.add_chat(SMALL, type="group", title="Few", members=people)
    sandbox.add_chat(CHANNEL, type="channel", title="News", members=people)
    sandbox.add_chat(PERSON, type="private", title="Ann")
    return sandbox


@pytest.fixture
async def moderator(sandbox: Sandbox) -> AsyncIterator[Moderator]:
    async with (
        running(sandbox) as url,
        open_connector(from_value(TOKEN), base_url=url, answer_timeout=timedelta(seconds=10)) as connector,
    ):
        yield connector.moderator


def last(sandbox: Sandbox) -> dict[str, Any]:
    """Return the parameters of the last request, each as a text."""
    return {name: str(value) for name, value in sandbox.log()[-1]["parameters"].items()}


def written(sandbox: Sandbox, chat_id: int = GROUP) -> int:
    message_id: int = sandbox.inject({"chat_id": chat_id, "text": "hi"})["message_id"]
    return message_id


async def test_every_kind_of_chat_is_read(moderator: Moderator) -> None:
    chats = {chat_id: await moderator.get_chat(chat_id) for chat_id in (GROUP, SMALL, CHANNEL, PERSON)}
    assert [chat.type for chat in chats.values()] == [
        ChatType.SUPERGROUP,
        ChatType.GROUP,
        ChatType.CHANNEL,
        ChatType.PRIVATE,
    ]
    assert [chat.title for chat in chats.values()] == ["Ops", "Few", "News", "Ann"]
    assert (chats[GROUP].username, chats[GROUP].is_forum, chats[SMALL].is_forum) == ("ops", True, False)
    assert chats[GROUP].permissions == chats[SMALL].permissions == frozenset(MemberPermission)
    assert chats[CHANNEL].permissions is chats[PERSON].permissions is None
    for chat in chats.values():
        assert chat.bot is not None
        assert (chat.bot.user_id, chat.bot.is_bot, chat.bot.is_present) == (BOT, True, True)
    assert chats[PERSON].bot.status is MemberStatus.MEMBER  # type: ignore[union-attr]
    rights = chats[CHANNEL].bot.rights  # type: ignore[union-attr]
    assert rights is not None
    assert {AdministratorRight.EDIT_MESSAGES, AdministratorRight.RESTRICT_MEMBERS} <= rights
    assert AdministratorRight.PIN_MESSAGES not in rights


async def test_a_bot_that_is_told_nothing_of_itself_is_still_told_the_chat(
    moderator: Moderator, sandbox: Sandbox
) -> None:
    unknown = {"kind": "error", "error_code": 400, "description": "Bad Request: member list is inaccessible"}
    sandbox.add_fault("getChatMember", fault=unknown)
    chat = await moderator.get_chat(CHANNEL)
    assert (chat.title, chat.bot) == ("News", None)
    sandbox.add_fault("getChatMember", fault={"kind": "rate_limited", "retry_after": 3})
    with pytest.raises(failures.RateLimited):
        await moderator.get_chat(CHANNEL)


async def test_everything_of_a_permission_is_said_and_none_implies_another(
    moderator: Moderator, sandbox: Sandbox
) -> None:
    for permissions in (SOME, NOTHING, frozenset(MemberPermission)):
        await moderator.carry_out(SetPermissions(chat_id=GROUP, permissions=permissions))
        assert sandbox.chats[GROUP].permissions == {each.value: each in permissions for each in MemberPermission}
        assert all(f'"{each.value}"' in last(sandbox)["permissions"] for each in MemberPermission)
        assert last(sandbox)["use_independent_chat_permissions"].lower() == "true"
        await moderator.carry_out(Restrict(chat_id=GROUP, user_id=ANN, permissions=permissions))
        assert last(sandbox)["use_independent_chat_permissions"].lower() == "true"
        if permissions != frozenset(MemberPermission):
            assert (await moderator.get_member(GROUP, ANN)).permissions == permissions
    assert (await moderator.get_member(GROUP, ANN)).status is MemberStatus.MEMBER


async def test_times_arrive_as_they_are(moderator: Moderator, sandbox: Sandbox) -> None:
    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    await moderator.carry_out(Restrict(chat_id=GROUP, user_id=ANN, permissions=NOTHING, until=until))
    assert (await moderator.get_member(GROUP, ANN)).until == until
    await moderator.carry_out(Ban(chat_id=GROUP, user_id=ANN, until=until, revoke_messages=True))
    banned = await moderator.get_member(GROUP, ANN)
    assert (banned.status, banned.until, banned.is_present) == (MemberStatus.BANNED, until, False)
    assert last(sandbox)["user_id"] == str(ANN)
    await moderator.carry_out(Ban(chat_id=GROUP, user_id=ANN))
    assert "until_date" not in last(sandbox)
    assert (await moderator.get_member(GROUP, ANN)).until is None


async def test_an_unban_takes_a_member_out_only_where_that_is_said(moderator: Moderator, sandbox: Sandbox) -> None:
    await moderator.carry_out(Unban(chat_id=GROUP, user_id=ANN))
    assert sandbox.chats[GROUP].members[ANN].status == "member"
    await moderator.carry_out(Unban(chat_id=GROUP, user_id=ANN, remove_member=True))
    assert sandbox.chats[GROUP].members[ANN].status == "left"


async def test_pins_actions_and_reactions(moderator: Moderator, sandbox: Sandbox) -> None:
    message_id = written(sandbox)
    for notify, said in ((True, "false"), (False, "true")):
        await moderator.carry_out(Pin(chat_id=GROUP, telegram_message_id=message_id, notify=notify))
        assert last(sandbox)["disable_notification"].lower() == said
    await moderator.carry_out(Unpin(chat_id=GROUP, telegram_message_id=message_id))
    assert sandbox.chats[GROUP].pinned == []
    for action in ChatAction:
        await moderator.carry_out(ShowAction(chat_id=GROUP, action=action, message_thread_id=4))
    assert (last(sandbox)["action"], last(sandbox)["message_thread_id"]) == ("upload_video_note", "4")
    await moderator.carry_out(React(chat_id=GROUP, telegram_message_id=message_id, emoji="🔥", is_big=True))
    assert sandbox.chats[GROUP].reactions[message_id] == [{"type": "emoji", "emoji": "🔥"}]
    await moderator.carry_out(React(chat_id=GROUP, telegram_message_id=message_id))
    assert sandbox.chats[GROUP].reactions[message_id] == []


REFUSED: list[tuple[ChatAct, Problem]] = [
    (Restrict(chat_id=GROUP, user_id=BOB, permissions=NOTHING), Problem.MEMBER_PROTECTED),
    (Ban(chat_id=GROUP, user_id=EVE), Problem.MEMBER_PROTECTED),
    (Ban(chat_id=GROUP, user_id=BOT), Problem.MEMBER_PROTECTED),
    (Ban(chat_id=GROUP, user_id=99), Problem.MEMBER_UNKNOWN),
    (Restrict(chat_id=SMALL, user_id=ANN, permissions=NOTHING), Problem.TYPE_UNSUITABLE),
    (Restrict(chat_id=CHANNEL, user_id=ANN, permissions=NOTHING), Problem.TYPE_UNSUITABLE),
    (Unban(chat_id=SMALL, user_id=ANN), Problem.TYPE_UNSUITABLE),
    (Ban(chat_id=PERSON, user_id=PERSON), Problem.TYPE_UNSUITABLE),
    (SetPermissions(chat_id=CHANNEL, permissions=NOTHING), Problem.TYPE_UNSUITABLE),
    (SetPermissions(chat_id=PERSON, permissions=NOTHING), Problem.TYPE_UNSUITABLE),
    (SetPermissions(chat_id=GROUP, permissions=frozenset(MemberPermission)), Problem.ALREADY_SO),
    (Pin(chat_id=GROUP, telegram_message_id=999), Problem.MESSAGE_UNKNOWN),
    (Unpin(chat_id=GROUP, telegram_message_id=999), Problem.MESSAGE_UNKNOWN),
    (React(chat_id=GROUP, telegram_message_id=999, emoji="🔥"), Problem.MESSAGE_UNKNOWN),
    (React(chat_id=GROUP, telegram_message_id=1, emoji="🧂"), Problem.REACTION_REFUSED),
]


@pytest.mark.parametrize(("act", "problem"), REFUSED, ids=lambda value: type(value).__name__)
async def test_a_refusal_says_what_is_in_the_way(
    moderator: Moderator, sandbox: Sandbox, act: ChatAct, problem: Problem
) -> None:
    assert written(sandbox) == 1
    with pytest.raises(failures.Refused) as refused:
        await moderator.carry_out(act)
    assert problem_of(refused.value) is problem


@pytest.mark.parametrize("chat_id", [GROUP, SMALL, CHANNEL])
async def test_a_bot_without_rights_is_told_so(moderator: Moderator, sandbox: Sandbox, chat_id: int) -> None:
    message_id = written(sandbox, chat_id)
    kind = sandbox.chats[chat_id].type
    right = "can_edit_messages" if kind == "channel" else "can_pin_messages"
    sandbox.add_chat(chat_id, type=kind, bot_rights={right: False, "can_restrict_members": False})
    acts: list[ChatAct] = [Ban(chat_id=chat_id, user_id=ANN), Pin(chat_id=chat_id, telegram_message_id=message_id)]
    if kind != "channel":
        acts.append(SetPermissions(chat_id=chat_id, permissions=NOTHING))
    for act in acts:
        with pytest.raises(failures.Refused) as refused:
            await moderator.carry_out(act)
        assert problem_of(refused.value) is Problem.BOT_RIGHTS_MISSING
    bot = (await moderator.get_chat(chat_id)).bot
    assert bot is not None
    assert bot.rights is not None
    assert AdministratorRight.RESTRICT_MEMBERS not in bot.rights
