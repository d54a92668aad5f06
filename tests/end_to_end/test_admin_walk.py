"""An operator gives a client its key over the network, and takes it away; the client notices, and the log has both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import credential_service_pb2 as pb
from chatkey.v1 import credential_self_pb2 as self_pb
from chatkey.v1 import messaging_gateway_pb2 as messaging_pb
from tests.support import canary
from tests.support.open_administration import OutsideOffices, open_offices, outside_offices
from tests.support.open_door import Outside, outside, refusal_of
from tests.support.open_house import CHAT

CLIENT = "svc:walker"


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[tuple[OutsideOffices, Outside]]:
    """Both doors of one gateway."""
    async with (
        open_offices(tmp_path) as offices,
        outside_offices(offices) as operators,
        outside(offices.house) as clients,
    ):
        yield operators, clients


def wish() -> pb.IssueCredentialRequest:
    grant = self_pb.ChatGrant(chat_id=CHAT, permissions=[self_pb.PERMISSION_WRITE])
    return pb.IssueCredentialRequest(client=CLIENT, grants=[grant])


def message() -> messaging_pb.SendMessageRequest:
    return messaging_pb.SendMessageRequest(chat_id=CHAT, text="hello")


async def test_a_key_is_issued_used_revoked_and_found_in_the_log(doors: tuple[OutsideOffices, Outside]) -> None:
    operators, clients = doors
    offices = operators.offices

    issued = await operators.credentials.IssueCredential(wish(), metadata=operators.meant())
    bearer = clients.bearer(canary.watch(issued.token))
    token_id = issued.credential.token_id
    assert issued.credential.issued_by == "operator:alice"
    sent = await clients.messaging.SendMessage(message(), metadata=bearer)
    assert sent.message.state == messaging_pb.STATE_DELIVERED

    request = pb.RevokeAllCredentialsRequest(client=CLIENT)
    await operators.credentials.RevokeAllCredentials(request, metadata=operators.meant())
    await offices.house.registry.refresh()
    refused = await refusal_of(clients.messaging.SendMessage(message(), metadata=bearer))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED

    await offices.house.ledger.flush()
    searched = audit_pb.SearchRecordsRequest(filter=audit_pb.RecordFilter(client=CLIENT))
    found = (await operators.audit.SearchRecords(searched, metadata=operators.bearer())).records
    assert [record.event for record in found] == [
        "call.refused", "client.revoked", "message.delivered", "message.accepted", "token.issued",
    ]  # fmt: skip
    assert {record.facts["by"] for record in found if "by" in record.facts} == {"operator:alice"}
    assert {record.token_id for record in found if record.token_id} == {token_id}

    await offices.seal()
    verdict = await operators.audit.VerifyLog(audit_pb.VerifyLogRequest(), metadata=operators.bearer())
    assert not verdict.problems
    # The verification is in the log itself, before it is made, and not sealed yet.
    assert verdict.sealed == verdict.records - 1 > len(found)
    assert await operators.offices.done_by("operator:alice") == [
        ("operator.call", "allow"), ("token.issued", "allow"), ("operator.call", "allow"),
        ("client.revoked", "allow"), ("operator.call", "allow"), ("operator.call", "allow"),
    ]  # fmt: skip


async def test_row_50_a_stolen_token_alone_issues_and_revokes_nothing(doors: tuple[OutsideOffices, Outside]) -> None:
    operators, _ = doors
    for call in (
        operators.credentials.IssueCredential(wish(), metadata=operators.bearer()),
        operators.credentials.IssueCredential(wish(), metadata=operators.bearer(("x-chatkey-otp", "000000"))),
        operators.credentials.RevokeAllCredentials(
            pb.RevokeAllCredentialsRequest(client=CLIENT), metadata=operators.bearer()
        ),
    ):
        refused = await refusal_of(call)
        assert refused.code is grpc.StatusCode.PERMISSION_DENIED
        assert refused.info.reason == "STEP_UP_REQUIRED"
    assert await operators.offices.done_by() == [("operator.refused", "deny")] * 3
