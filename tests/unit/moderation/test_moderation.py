"""What moderates a chat: on record first, one after the other, and never for ever by mistake."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.errors import (
    AuditUnavailable,
    BotRightsMissing,
    ChatTypeUnsuitable,
    PermissionDenied,
    TelegramUnavailable,
)
from gateway.model import (
    Ban,
    ChatMember,
    MemberPermission,
    MemberStatus,
    ModeratingAct,
    Pin,
    React,
    Restrict,
    SetPermissions,
    Unban,
    Unpin,
)
from gateway.telegram.failures import ChatMoved, NotSent, RateLimited, Refused, Unanswered
from tests.support.virtual_time import BEGINNING, virtual
from tests.unit.moderation.room import CHAT, HANG, NEW, Room

BAN = Ban(chat_id=CHAT, user_id=7)
NOTHING: frozenset[MemberPermission] = frozenset()
ACTS: list[tuple[ModeratingAct, dict[str, object]]] = [
    (SetPermissions(chat_id=CHAT, permissions=NOTHING), {"act": "set_permissions", "permissions": "none"}),
    (
        SetPermissions(chat_id=CHAT, permissions=frozenset(MemberPermission)),
        {"act": "set_permissions", "permissions": "all"},
    ),
    (
        Restrict(
            chat_id=CHAT,
            user_id=7,
            permissions=frozenset({MemberPermission.SEND_POLLS, MemberPermission.SEND_MESSAGES}),
            until=BEGINNING + timedelta(hours=1),
        ),
        {
            "act": "restrict",
            "user_id": 7,
            "permissions": "send_messages send_polls",
            "until": int((BEGINNING + timedelta(hours=1)).timestamp()),
        },
    ),
    (BAN, {"act": "ban", "user_id": 7, "revoke_messages": False}),
    (Unban(chat_id=CHAT, user_id=7), {"act": "unban", "user_id": 7, "remove_member": False}),
    (Pin(chat_id=CHAT, telegram_message_id=5), {"act": "pin", "telegram_message_id": 5, "notify": False}),
    (Unpin(chat_id=CHAT, telegram_message_id=5), {"act": "unpin", "telegram_message_id": 5}),
]


@pytest.mark.parametrize(("act", "facts"), ACTS, ids=lambda value: value.get("act") if isinstance(value, dict) else "")
@virtual
async def test_an_act_is_on_record_before_it_is_done_and_after(act: ModeratingAct, facts: dict[str, object]) -> None:
    room = Room()
    done = asyncio.create_task(room.moderation.moderate(room.ask(), act))
    await asyncio.sleep(0.005)
    assert (room.telegram.asked, room.log.records) == ([], [])
    await asyncio.sleep(0.01)
    assert [what for _, what in room.telegram.asked] == [act]
    (begun,) = room.log.records
    assert (begun.client, begun.token_id, begun.chat_id, begun.call_id) == ("mod", "t1", CHAT, "c1")
    assert begun.facts == facts
    await done
    assert room.log.said == [("begun", "allow", ""), ("ended", "allow", "done")]
    assert room.log.records[1].facts == facts


@virtual
async def test_what_can_not_be_put_on_record_is_not_done() -> None:
    room = Room()
    room.log.failures = 1
    with pytest.raises(AuditUnavailable):
        await room.moderation.moderate(room.ask(), BAN)
    assert (room.telegram.asked, room.log.records) == ([], [])


@virtual
async def test_a_log_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    room = Room()
    room.log.hangs = True
    with pytest.raises(AuditUnavailable):
        await room.moderation.moderate(room.ask(5), BAN)
    assert asyncio.get_running_loop().time() == 5
    assert room.telegram.asked == []


@virtual
async def test_an_outcome_that_can_not_be_written_is_written_later_and_told_as_it_is() -> None:
    room = Room()
    room.telegram.script = [None]
    done = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(0.05)
    room.log.failures = 100
    await done
    assert asyncio.get_running_loop().time() < 3
    assert room.log.said == [("begun", "allow", "")]
    room.log.failures = 0
    await asyncio.sleep(1)
    assert room.log.said == [("begun", "allow", ""), ("ended", "allow", "done")]


@pytest.mark.parametrize(("failures", "written"), [(1, 2), (100, 1)])
@virtual
async def test_at_the_end_what_is_left_is_tried_once_more_and_then_given_up(failures: int, written: int) -> None:
    room = Room()
    done = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(0.05)
    room.log.failures = failures
    await asyncio.sleep(0.1)
    await room.moderation.drain()
    await done
    assert len(room.log.records) == written


@virtual
async def test_a_failure_is_on_record_with_its_reason() -> None:
    room = Room()
    room.telegram.script = [Refused(400, "Bad Request: not enough rights to restrict/unrestrict chat member")]
    with pytest.raises(BotRightsMissing) as missing:
        await room.moderation.moderate(room.ask(), BAN)
    assert missing.value.facts == {"userId": "7", "telegramErrorCode": "400"}
    assert room.log.said[1] == ("ended", "error", "bot_rights_missing")
    assert room.log.records[1].facts["telegram_error_code"] == "400"


@virtual
async def test_what_nobody_knows_is_on_record_as_that() -> None:
    room = Room()
    room.telegram.script = [Unanswered("x")] * 100
    with pytest.raises(TelegramUnavailable, match="may have been done"):
        await room.moderation.moderate(room.ask(5), BAN)
    assert room.log.said[1] == ("ended", "error", "telegram_failed")


@virtual
async def test_a_right_that_ends_meanwhile_is_on_record_with_its_cause() -> None:
    room = Room()
    room.telegram.script = [NotSent("x")]
    done = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(0.2)
    room.refused_with = PermissionDenied("revoked_token")
    with pytest.raises(PermissionDenied):
        await done
    assert room.log.said[1] == ("ended", "error", "revoked_token")


@virtual
async def test_a_caller_that_hangs_up_ends_it_and_what_it_asks_next_is_not_undone() -> None:
    room = Room()
    room.telegram.script = [RateLimited(429, "Too Many Requests", timedelta(seconds=5))]
    banning = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(1)
    banning.cancel()
    await asyncio.wait({banning})
    await room.moderation.moderate(room.ask(), Unban(chat_id=CHAT, user_id=7))
    await asyncio.sleep(60)
    assert [type(what) for _, what in room.telegram.asked] == [Ban, Unban]
    assert [reason for _, _, reason in room.log.said] == ["", "abandoned", "", "done"]


@virtual
async def test_to_do_what_is_so_already_is_a_success() -> None:
    for said in ("CHAT_NOT_MODIFIED", "USER_NOT_MODIFIED"):
        room = Room()
        room.telegram.script = [Refused(400, f"Bad Request: {said}")]
        await room.moderation.moderate(room.ask(), BAN)
        assert room.log.said[1] == ("ended", "allow", "done")
    room.telegram.script = [Refused(400, "Bad Request: MESSAGE_NOT_MODIFIED")]
    await room.moderation.gesture(room.ask(), React(chat_id=CHAT, telegram_message_id=1))


@virtual
async def test_acts_of_one_chat_come_one_after_the_other_and_those_of_others_beside_them() -> None:
    room = Room()
    room.telegram.script = [HANG]
    first = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(room.moderation.moderate(room.ask(), Unban(chat_id=CHAT, user_id=7)))
    other = asyncio.create_task(room.moderation.moderate(room.ask(chat_id=-5), Ban(chat_id=-5, user_id=7)))
    await other
    assert not first.done()
    assert not second.done()
    await asyncio.gather(first, second)
    assert [(type(what), what.chat_id) for _, what in room.telegram.asked] == [
        (Ban, CHAT),
        (Ban, -5),
        (Ban, CHAT),
        (Unban, CHAT),
    ]


@virtual
async def test_who_waits_in_vain_for_its_turn_is_told_so_and_has_left_no_record() -> None:
    room = Room()
    room.telegram.script = [HANG]
    first = asyncio.create_task(room.moderation.moderate(room.ask(), BAN))
    await asyncio.sleep(0.1)
    with pytest.raises(TelegramUnavailable, match="before is still under way"):
        await room.moderation.moderate(room.ask(2), Unban(chat_id=CHAT, user_id=7))
    assert len(room.log.records) == 1
    await first


@virtual
async def test_nothing_is_kept_of_chats_in_which_nothing_is_under_way() -> None:
    room = Room()
    await room.moderation.moderate(room.ask(), BAN)
    assert len(room.moderation._turns) == 0


SOON = BEGINNING + timedelta(seconds=60)
WITH_AN_END = [
    Ban(chat_id=CHAT, user_id=7, until=SOON),
    Restrict(chat_id=CHAT, user_id=7, permissions=NOTHING, until=SOON),
]


@pytest.mark.parametrize("act", WITH_AN_END, ids=lambda act: type(act).__name__)
@virtual
async def test_a_restriction_is_not_brought_so_late_that_it_would_be_for_ever(act: ModeratingAct) -> None:
    room = Room()
    room.telegram.script = [NotSent("x")] * 100
    with pytest.raises(TelegramUnavailable):
        await room.moderation.moderate(room.ask(30), act)
    assert len(room.telegram.instants) > 3
    assert max(room.telegram.instants) < 15, "45 seconds before it would end"


@pytest.mark.parametrize("act", WITH_AN_END, ids=lambda act: type(act).__name__)
@virtual
async def test_a_restriction_whose_time_has_come_is_not_asked_at_all(act: ModeratingAct) -> None:
    room = Room()
    await asyncio.sleep(20)
    with pytest.raises(TelegramUnavailable, match="nothing was done"):
        await room.moderation.moderate(room.ask(30), act)
    assert (room.telegram.asked, room.log.records) == ([], [])


@virtual
async def test_the_record_says_where_a_group_went() -> None:
    room = Room()
    room.telegram.script = [ChatMoved(400, "upgraded", NEW)]
    await room.moderation.moderate(room.ask(), BAN)
    await room.moderation.moderate(room.ask(), BAN)
    assert [record.facts.get("present_chat_id") for record in room.log.records] == [None, None, NEW, NEW]
    assert {record.chat_id for record in room.log.records} == {CHAT}


@pytest.mark.parametrize(
    "act",
    [
        SetPermissions(chat_id=7, permissions=NOTHING),
        Restrict(chat_id=7, user_id=7, permissions=NOTHING),
        Ban(chat_id=7, user_id=7),
        Unban(chat_id=7, user_id=7),
    ],
    ids=lambda act: type(act).__name__,
)
@virtual
async def test_nobody_is_moderated_in_a_chat_with_a_person(act: ModeratingAct) -> None:
    room = Room()
    with pytest.raises(ChatTypeUnsuitable):
        await room.moderation.moderate(room.ask(chat_id=7), act)
    assert (room.telegram.asked, room.log.records) == ([], [])


@virtual
async def test_a_message_may_be_pinned_in_a_chat_with_a_person_and_it_has_no_administrators() -> None:
    room = Room()
    await room.moderation.moderate(room.ask(chat_id=7), Pin(chat_id=7, telegram_message_id=1))
    with pytest.raises(ChatTypeUnsuitable):
        await room.moderation.administrators(room.ask(chat_id=7))
    assert len(room.telegram.asked) == 1


@pytest.mark.parametrize("status", [MemberStatus.LEFT, None])
@virtual
async def test_whoever_is_not_in_the_chat_has_no_name(status: MemberStatus | None) -> None:
    room = Room()
    nobody = ChatMember(user_id=9, status=MemberStatus.LEFT)
    room.telegram.member = ChatMember(user_id=9, first_name="Zoe", username="zoe", status=status)
    assert await room.moderation.get_member(room.ask(), 9) == nobody
    room.telegram.script = [Refused(400, "Bad Request: PARTICIPANT_ID_INVALID")]
    assert await room.moderation.get_member(room.ask(), 9) == nobody
    for kept in (MemberStatus.BANNED, MemberStatus.RESTRICTED, MemberStatus.MEMBER):
        room.telegram.member = ChatMember(user_id=9, first_name="Zoe", status=kept)
        assert await room.moderation.get_member(room.ask(), 9) == room.telegram.member
