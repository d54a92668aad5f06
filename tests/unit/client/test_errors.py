"""Errors by reason, and by status code where the reason is not known."""

from __future__ import annotations

import re
from typing import Any

import grpc
import pytest

import chatkey
from chatkey import errors
from chatkey.refusals import BY_CODE, BY_REASON
from chatkey.v1.error_reason_pb2 import ErrorReason
from tests.unit.client.far_side import FarSide, refuse

Code = grpc.StatusCode


def leaves_of(kind: type[errors.ChatkeyError]) -> set[type[errors.ChatkeyError]]:
    return {kind}.union(*map(leaves_of, kind.__subclasses__()))


def test_every_reason_of_the_contract_has_a_class() -> None:
    assert {f"ERROR_REASON_{reason}" for reason in BY_REASON} == set(ErrorReason.keys())


def test_no_two_reasons_share_a_class() -> None:
    assert len(set(BY_REASON.values())) == len(BY_REASON)


def test_every_class_is_public_and_drawn_in_the_tree() -> None:
    drawn = re.findall(r"(?:\+-- |^    )([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert {kind.__name__ for kind in leaves_of(errors.ChatkeyError)} == set(drawn) <= set(chatkey.__all__)


@pytest.mark.parametrize("reason", [reason for reason in BY_REASON if reason != "UNSPECIFIED"])
async def test_a_reason_decides_the_class(client: Any, far_side: FarSide, reason: str) -> None:
    far_side.outcomes = [refuse(Code.FAILED_PRECONDITION, reason)]
    with pytest.raises(errors.ChatkeyError) as refused:
        await client.get("m-1")
    assert type(refused.value) is BY_REASON[reason]
    assert refused.value.reason == reason


@pytest.mark.parametrize("code", [code for code in Code if code not in (Code.OK, Code.UNAVAILABLE)])
async def test_an_unknown_reason_falls_back_to_the_code(client: Any, far_side: FarSide, code: Code) -> None:
    far_side.outcomes = [refuse(code, "NEW_REASON")]
    with pytest.raises(errors.ChatkeyError) as refused:
        await client.get("m-1")
    assert type(refused.value) is BY_CODE.get(code, errors.ChatkeyError)
    assert (refused.value.reason, refused.value.code) == ("NEW_REASON", code)


async def test_another_service_does_not_speak_for_the_gateway(client: Any, far_side: FarSide) -> None:
    far_side.outcomes = [refuse(Code.NOT_FOUND, "TOKEN_EXPIRED", domain="proxy.example")]
    with pytest.raises(errors.MessageNotFound) as refused:
        await client.get("m-1")
    assert refused.value.reason == ""


async def test_unreadable_details_leave_the_code(client: Any, far_side: FarSide) -> None:
    async def answer(context: Any) -> None:
        await context.abort(Code.PERMISSION_DENIED, "", trailing_metadata=(("grpc-status-details-bin", b"\xff\xff"),))

    far_side.outcomes = [answer]
    with pytest.raises(errors.PermissionDenied, match="does not open this chat"):
        await client.get("m-1")


async def test_what_telegram_failed_at_is_repeated_unless_it_is_the_end_of_a_message(
    client: Any, far_side: FarSide
) -> None:
    far_side.outcomes = [refuse(Code.UNAVAILABLE, "TELEGRAM_FAILED")] * 2
    assert (await client.get("m-1")).id == "m-1"
    assert len(far_side.requests) == 3
    far_side.outcomes = [refuse(Code.UNAVAILABLE, "TELEGRAM_FAILED", metadata={"messageId": "m-1"})]
    with pytest.raises(errors.TelegramFailed) as failed:
        await client.get("m-1")
    assert (failed.value.retriable, failed.value.message_id) == (False, "m-1")
