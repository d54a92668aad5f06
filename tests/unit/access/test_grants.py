from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import grants
from gateway.errors import PermissionDenied
from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID, Caller, Permission
from tests.unit.access.forge import CHAT, NOW

CALLER = Caller(
    client="svc:billing",
    token_id="t1",
    key_id="k1",
    issuer="https://chatkey.example",
    chat_id=CHAT,
    permissions=frozenset({Permission.WRITE}),
    issued_at=NOW,
    expires_at=NOW,
)
chats = st.integers(MIN_CHAT_ID, MAX_CHAT_ID)


def denied(caller: Caller, permission: Permission, chat_id: object) -> PermissionDenied:
    with pytest.raises(PermissionDenied) as caught:
        grants.require(caller, permission, chat_id)  # type: ignore[arg-type]
    assert str(caught.value) == "permission denied"
    return caught.value


@given(chats, chats)
def test_row_1_a_caller_may_write_to_the_chat_of_its_token_and_to_no_other(pinned: int, asked: int) -> None:
    caller = replace(CALLER, chat_id=pinned)
    grants.require(caller, Permission.WRITE, pinned)
    if asked != pinned:
        assert denied(caller, Permission.WRITE, asked).cause == "chat_mismatch"


@given(chats)
def test_row_1_neighbours_and_mirror_images_of_the_chat_are_other_chats(pinned: int) -> None:
    for asked in (pinned + 1, pinned - 1, -pinned, pinned + (1 << 32), pinned + (1 << 64), pinned ^ (1 << 63), ~pinned):
        if asked != pinned:
            assert denied(replace(CALLER, chat_id=pinned), Permission.WRITE, asked).cause == "chat_mismatch"


@pytest.mark.parametrize("asked", [True, 1.0, 1 + 0j, "1", b"1", [1], None])
def test_row_2_what_merely_equals_the_chat_is_refused_on_either_side(asked: object) -> None:
    assert denied(replace(CALLER, chat_id=1), Permission.WRITE, asked).cause == "chat_mismatch"
    assert denied(replace(CALLER, chat_id=asked), Permission.WRITE, 1).cause == "chat_mismatch"  # type: ignore[arg-type]
    assert denied(replace(CALLER, chat_id=asked), Permission.WRITE, asked).cause == "chat_mismatch"  # type: ignore[arg-type]


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
    assert (error.cause, error.record) == ("missing_permission", {"facts": {"permission": permission.value}})
    grants.require(replace(CALLER, permissions=frozenset({permission})), permission, CHAT)


def test_another_chat_is_said_before_a_missing_right() -> None:
    assert denied(CALLER, Permission.READ, 42).cause == "chat_mismatch"


def test_a_call_without_a_chat_needs_the_right_alone() -> None:
    grants.require_permission(CALLER, Permission.WRITE)
    with pytest.raises(PermissionDenied) as caught:
        grants.require_permission(CALLER, Permission.READ)
    assert caught.value.cause == "missing_permission"
