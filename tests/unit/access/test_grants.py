from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import grants
from gateway.errors import PermissionDenied
from gateway.model import MAX_CHAT_ID, MAX_MESSAGE_THREAD_ID, MIN_CHAT_ID, Caller, Grant, Permission
from tests.unit.access.forge import CHAT, NOW

CALLER = Caller(
    client="svc:billing",
    token_id="t1",
    key_id="k1",
    issuer="https://chatkey.example",
    grants=(Grant(chat_id=CHAT, permissions=frozenset({Permission.WRITE})),),
    issued_at=NOW,
    expires_at=NOW,
)
chats = st.integers(MIN_CHAT_ID, MAX_CHAT_ID)


def pinned_to(chat_id: int, *permissions: Permission, thread: int | None = None) -> Caller:
    granted = frozenset(permissions or [Permission.WRITE])
    return replace(CALLER, grants=(Grant(chat_id=chat_id, permissions=granted, message_thread_id=thread),))


def denied(caller: Caller, permission: Permission, chat_id: object) -> PermissionDenied:
    with pytest.raises(PermissionDenied) as caught:
        grants.require(caller, permission, chat_id)  # type: ignore[arg-type]
    assert str(caught.value) == "permission denied"
    return caught.value


@given(chats, chats)
def test_row_1_a_caller_may_write_to_the_chat_of_its_token_and_to_no_other(pinned: int, asked: int) -> None:
    caller = pinned_to(pinned)
    grants.require(caller, Permission.WRITE, pinned)
    if asked != pinned:
        assert denied(caller, Permission.WRITE, asked).cause == "chat_mismatch"


@given(chats)
def test_row_1_neighbours_and_mirror_images_of_the_chat_are_other_chats(pinned: int) -> None:
    for asked in (pinned + 1, pinned - 1, -pinned, pinned + (1 << 32), pinned + (1 << 64), pinned ^ (1 << 63), ~pinned):
        if asked != pinned:
            assert denied(pinned_to(pinned), Permission.WRITE, asked).cause == "chat_mismatch"


@pytest.mark.parametrize("asked", [True, 1.0, 1 + 0j, "1", b"1", [1], None])
def test_row_2_what_merely_equals_the_chat_is_refused_on_either_side(asked: object) -> None:
    assert denied(pinned_to(1), Permission.WRITE, asked).cause == "chat_mismatch"
    assert denied(pinned_to(asked), Permission.WRITE, 1).cause == "chat_mismatch"  # type: ignore[arg-type]
    assert denied(pinned_to(asked), Permission.WRITE, asked).cause == "chat_mismatch"  # type: ignore[arg-type]


def test_row_3_no_chat_in_the_request_is_another_chat() -> None:
    assert denied(CALLER, Permission.WRITE, 0).cause == "chat_mismatch"


def test_the_chat_that_was_asked_for_is_recorded() -> None:
    assert denied(CALLER, Permission.WRITE, 42).record == {"claimed_chat_id": 42}
    assert denied(CALLER, Permission.WRITE, -(1 << 63)).record == {"claimed_chat_id": -(1 << 63)}
    for unrecordable in (1 << 63, -(1 << 63) - 1, "42", True, None):
        assert denied(CALLER, Permission.WRITE, unrecordable).record == {"claimed_chat_id": None}


@pytest.mark.parametrize("permission", [Permission.READ, Permission.MODERATE])
def test_a_right_that_the_token_does_not_give_is_refused(permission: Permission) -> None:
    error = denied(CALLER, permission, CHAT)
    assert error.cause == "missing_permission"
    assert error.record == {"chat_id": CHAT, "facts": {"permission": permission.value}}
    grants.require(pinned_to(CHAT, permission), permission, CHAT)


def test_another_chat_is_said_before_a_missing_right() -> None:
    assert denied(CALLER, Permission.READ, 42).cause == "chat_mismatch"


def test_a_call_without_a_chat_gets_the_grants_with_the_right() -> None:
    assert grants.allowing(CALLER, Permission.WRITE) is CALLER
    with pytest.raises(PermissionDenied) as caught:
        grants.allowing(CALLER, Permission.READ)
    assert (caught.value.cause, caught.value.record) == ("missing_permission", {"facts": {"permission": "read"}})
    reader = Grant(chat_id=7, permissions=frozenset({Permission.READ}))
    both = replace(CALLER, grants=(*CALLER.grants, reader))
    assert grants.allowing(both, Permission.READ) == replace(CALLER, grants=(reader,))
    assert grants.allowing(both, Permission.WRITE) == CALLER
    with pytest.raises(PermissionDenied):
        grants.allowing(both, Permission.MODERATE)


@given(st.dictionaries(chats.filter(bool), st.frozensets(st.sampled_from(Permission)), min_size=1, max_size=64), chats)
def test_row_1_each_of_several_chats_has_its_own_rights(opened: dict[int, frozenset[Permission]], asked: int) -> None:
    caller = replace(CALLER, grants=tuple(Grant(chat_id=chat, permissions=these) for chat, these in opened.items()))
    for chat_id in (*opened, asked):
        for permission in Permission:
            if permission in opened.get(chat_id, ()):
                grants.require(caller, permission, chat_id)
            else:
                expected = "missing_permission" if chat_id in opened else "chat_mismatch"
                assert denied(caller, permission, chat_id).cause == expected


@given(st.integers(1, MAX_MESSAGE_THREAD_ID), st.integers(0, MAX_MESSAGE_THREAD_ID))
def test_row_16_a_key_of_one_topic_writes_to_this_topic_alone(pinned: int, asked: int) -> None:
    caller = pinned_to(CHAT, thread=pinned)
    grants.require(caller, Permission.WRITE, CHAT, pinned)
    for other in {asked, pinned + 1, pinned - 1, -pinned, 0} - {pinned}:
        with pytest.raises(PermissionDenied) as caught:
            grants.require(caller, Permission.WRITE, CHAT, other)
        assert caught.value.cause == "thread_mismatch"
        assert caught.value.record == {"chat_id": CHAT, "facts": {"claimed_message_thread_id": other}}


@pytest.mark.parametrize("asked", [True, 1.0, "1", None])
def test_row_16_what_merely_equals_the_topic_is_refused(asked: object) -> None:
    with pytest.raises(PermissionDenied) as caught:
        grants.require(pinned_to(CHAT, thread=1), Permission.WRITE, CHAT, asked)  # type: ignore[arg-type]
    assert caught.value.record == {"chat_id": CHAT, "facts": {"claimed_message_thread_id": 0}}


@pytest.mark.parametrize("thread", [1, 2, MAX_MESSAGE_THREAD_ID])
def test_row_16_whoever_names_no_topic_names_none_that_a_key_could_have(thread: int) -> None:
    assert denied(pinned_to(CHAT, thread=thread), Permission.WRITE, CHAT).cause == "thread_mismatch"


def test_why_the_only_chat_is_withheld_is_on_record_with_the_chat() -> None:
    caller = replace(CALLER, grants=(Grant(chat_id=CHAT, permissions=frozenset(), withheld="chat_suspended"),))
    with pytest.raises(PermissionDenied) as caught:
        grants.allowing(caller, Permission.WRITE)
    assert (caught.value.cause, caught.value.record) == ("chat_suspended", {"chat_id": CHAT})


def test_row_16_a_call_that_names_no_topic_is_for_the_chat_as_a_whole() -> None:
    assert denied(pinned_to(CHAT, *Permission, thread=42), Permission.MODERATE, CHAT).cause == "thread_mismatch"
    assert denied(pinned_to(CHAT, thread=42), Permission.WRITE, 42).cause == "chat_mismatch"


@given(st.integers(0, MAX_MESSAGE_THREAD_ID))
def test_a_key_of_a_chat_writes_to_each_of_its_topics(asked: int) -> None:
    grants.require(CALLER, Permission.WRITE, CHAT, asked)


def test_a_chat_that_is_withheld_is_refused_with_why() -> None:
    withheld = Grant(chat_id=CHAT, permissions=frozenset(), withheld="chat_suspended")
    caller = replace(CALLER, grants=(withheld,))
    error = denied(caller, Permission.WRITE, CHAT)
    assert (error.cause, error.record) == ("chat_suspended", {"chat_id": CHAT})
    assert denied(caller, Permission.WRITE, CHAT + 1).cause == "chat_mismatch"
