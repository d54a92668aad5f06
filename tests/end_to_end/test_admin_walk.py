"""An operator gives a client its key over the network, and takes it away; the client notices, and the log has both."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pyotp
import pytest

from chatkey import Client, CredentialEnded, State, StateConflict, Unauthenticated
from chatkey.admin.v1 import approval_service_pb2 as approval_pb
from chatkey.admin.v1 import approval_service_pb2_grpc, audit_service_pb2_grpc, credential_service_pb2_grpc
from chatkey.admin.v1 import audit_service_pb2 as audit_pb
from chatkey.admin.v1 import credential_service_pb2 as pb
from chatkey.v1 import credential_self_pb2 as self_pb
from gateway.access.administration import Administration
from gateway.access.authenticators import Authenticators
from gateway.access.key_file import issuer_key
from gateway.access.key_ring import OPERATORS, open_ring
from gateway.access.operator_issue import OperatorIssuer
from gateway.clock import SystemClock
from gateway.operators import AdminRight
from gateway.store.sqlite import open_sqlite_beside
from tests.support import canary
from tests.support.gateway import Gateway, gateway
from tests.support.open_door import refusal_of
from tests.support.server import until

OPS, CLIENT = -1001, "svc:walker"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
STEP = timedelta(seconds=30)


@dataclass
class Operators:
    """Operators outside a gateway that serves, each with an authenticator app."""

    served: Gateway
    channel: grpc.aio.Channel

    @property
    def credentials(self) -> Any:
        return credential_service_pb2_grpc.CredentialServiceStub(self.channel)

    @property
    def approvals(self) -> Any:
        return approval_service_pb2_grpc.ApprovalServiceStub(self.channel)

    @property
    def audit(self) -> Any:
        return audit_service_pb2_grpc.AuditServiceStub(self.channel)

    def bearer(self, *more: tuple[str, str], name: str = "alice") -> Sequence[tuple[str, str]]:
        config = self.served.config
        issuer = OperatorIssuer(
            issuer_key(config.data_dir, OPERATORS),
            issuer=config.issuer,
            audience=config.operator_audience,
            clock=SystemClock(),
            random_bytes=os.urandom,
        )
        return (("authorization", f"Bearer {canary.watch(issuer.mint(name, AdminRight).token)}"), *more)

    async def enroll(self, name: str) -> None:
        """Give an operator an app, with the code of the step before this one."""
        async with open_sqlite_beside(self.served.config.database_path) as store:
            authenticators = Authenticators(store.second_factors, SystemClock())
            await authenticators.enroll(name, SECRET, code(-1), by="os:root")

    async def records(self, **wanted: Any) -> list[audit_pb.Record]:
        """Find records, newest first."""
        request = audit_pb.SearchRecordsRequest(filter=audit_pb.RecordFilter(**wanted))
        return list((await self.audit.SearchRecords(request, metadata=self.bearer())).records)


def code(steps: int) -> str:
    """Return what an app shows, so many steps of 30 seconds from now."""
    return pyotp.TOTP(SECRET).at(SystemClock().now() + steps * STEP)


@asynccontextmanager
async def operators(folder: Path, **settings: object) -> AsyncIterator[Operators]:
    async with (
        gateway(folder / "data", admin_listen="127.0.0.1:0", **settings) as served,
        grpc.aio.insecure_channel(f"127.0.0.1:{served.app.admin_port}") as channel,
    ):
        yield Operators(served, channel)


def wish() -> pb.IssueCredentialRequest:
    grant = self_pb.ChatGrant(chat_id=OPS, permissions=[self_pb.PERMISSION_WRITE])
    return pb.IssueCredentialRequest(client=CLIENT, grants=[grant])


async def test_a_key_is_issued_used_revoked_and_found_in_the_log(tmp_path: Path) -> None:
    async with operators(tmp_path) as outside:
        await outside.enroll("alice")
        metadata = outside.bearer(("x-chatkey-otp", code(0)))
        issued = await outside.credentials.IssueCredential(wish(), metadata=metadata)
        assert issued.credential.issued_by == "operator:alice"
        async with Client(outside.served.address, token=canary.watch(issued.token)) as client:
            sent = await client.send("hello", chat_id=OPS)
            assert sent.state is State.DELIVERED

            revoke = pb.RevokeCredentialRequest(token_id=issued.credential.token_id)
            await outside.credentials.RevokeCredential(revoke, metadata=outside.bearer())

            async def is_refused() -> bool:
                try:
                    await client.send("hello", chat_id=OPS)
                except Unauthenticated:
                    return True
                except CredentialEnded:
                    pass  # accepted a moment before
                return False

            await until(is_refused, "the client is refused")

        await until(lambda: outside.records(event="call.refused"), "the refusal is in the log")
        found = await outside.records(token_id=issued.credential.token_id)
        events = [record.event for record in found]
        assert events[0] == "call.refused"
        assert events[-1] == "token.issued"
        assert "token.revoked" in events
        assert {record.facts["by"] for record in found if "by" in record.facts} == {"operator:alice"}
        calls = [record.facts["function"] for record in reversed(await outside.records(event="operator.call"))]
        assert calls[:2] == ["credentials.issue", "credentials.revoke"]

        verdict = await outside.audit.VerifyLog(audit_pb.VerifyLogRequest(), metadata=outside.bearer())
        assert not verdict.problems
        assert verdict.records > len(found)


async def test_row_50_a_stolen_token_alone_issues_and_revokes_nothing(tmp_path: Path) -> None:
    async with operators(tmp_path) as outside:
        await outside.enroll("alice")
        used = ("x-chatkey-otp", code(0))
        await outside.credentials.IssueCredential(wish(), metadata=outside.bearer(used))
        issue, revoke = outside.credentials.IssueCredential, outside.credentials.RevokeAllCredentials
        for call, request, metadata in (
            (issue, wish(), outside.bearer()),
            (issue, wish(), outside.bearer(used)),
            (issue, wish(), outside.bearer(("x-chatkey-otp", "000000"))),
            (issue, wish(), outside.bearer(used, name="bob")),  # who has no app
            (revoke, pb.RevokeAllCredentialsRequest(client=CLIENT), outside.bearer()),
        ):
            refused = await refusal_of(call(request, metadata=metadata))
            assert refused.code is grpc.StatusCode.PERMISSION_DENIED
            assert refused.info.reason == "STEP_UP_REQUIRED"

        async def refusals() -> bool:
            return len(await outside.records(event="operator.refused")) == 5

        await until(refusals, "every refusal is in the log")
        assert [record.reason for record in reversed(await outside.records(event="operator.refused"))] == [
            "second_factor_missing", "second_factor_used", "second_factor_wrong", "second_factor_missing",
            "second_factor_missing",
        ]  # fmt: skip
        assert len(await outside.records(event="token.issued")) == 1


async def test_a_request_that_is_not_sound_uses_up_no_code(tmp_path: Path) -> None:
    async with operators(tmp_path) as outside:
        await outside.enroll("alice")
        proof = ("x-chatkey-otp", code(0))
        unsound = pb.IssueCredentialRequest(client="svc walker", grants=wish().grants)
        for metadata in (outside.bearer(), outside.bearer(proof)):
            refused = await refusal_of(outside.credentials.IssueCredential(unsound, metadata=metadata))
            assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        canary.watch((await outside.credentials.IssueCredential(wish(), metadata=outside.bearer(proof))).token)


async def test_row_51_where_two_persons_are_needed_nothing_is_done_before_the_other_one_approves(
    tmp_path: Path,
) -> None:
    async with operators(tmp_path, admin_approval="two_person") as outside:
        await outside.enroll("alice")
        used = ("x-chatkey-otp", code(0))
        refused = await refusal_of(outside.credentials.IssueCredential(wish(), metadata=outside.bearer(used)))
        assert (refused.code, refused.info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "APPROVAL_REQUIRED")
        approval = ("x-chatkey-approval", refused.info.metadata["approvalId"])
        (waiting,) = (
            await outside.approvals.ListApprovals(approval_pb.ListApprovalsRequest(), metadata=outside.bearer())
        ).approvals
        assert (waiting.approval_id, waiting.operator, waiting.function) == (approval[1], "alice", "credentials.issue")
        assert json.loads(waiting.parameters) == {
            "client": CLIENT,
            "grants": [{"chat_id": OPS, "permissions": ["PERMISSION_WRITE"]}],
            "address_ranges": [],
            "certificate_thumbprint": "",
        }
        assert waiting.expire_time.ToDatetime() - waiting.ask_time.ToDatetime() == timedelta(minutes=5)
        give = approval_pb.GiveApprovalRequest(approval_id=approval[1])
        for metadata in (outside.bearer(), outside.bearer(used)):
            assert (await refusal_of(outside.approvals.GiveApproval(give, metadata=metadata))).info.reason == (
                "STEP_UP_REQUIRED"
            )
        await outside.enroll("bob")
        metadata = outside.bearer(("x-chatkey-otp", code(0)), name="bob")
        given = await outside.approvals.GiveApproval(give, metadata=metadata)
        assert given.approval.approved_by == "bob"

        metadata = outside.bearer(("x-chatkey-otp", code(1)), approval)
        issued = await outside.credentials.IssueCredential(wish(), metadata=metadata)
        canary.watch(issued.token)
        assert issued.credential.client == CLIENT
        for event, by in (
            ("approval.asked", "operator:alice"),
            ("approval.given", "operator:bob"),
            ("approval.used", "operator:alice"),
        ):
            (record,) = await outside.records(event=event, client=by)
            assert (record.facts["function"], record.facts["by"]) == ("credentials.issue", by)


async def test_row_51_what_a_person_approved_who_is_stopped_is_not_done(tmp_path: Path) -> None:
    async with operators(tmp_path, admin_approval="two_person") as outside:
        for name in ("alice", "bob"):
            await outside.enroll(name)
        metadata = outside.bearer(("x-chatkey-otp", code(0)))
        refused = await refusal_of(outside.credentials.IssueCredential(wish(), metadata=metadata))
        approval_id = refused.info.metadata["approvalId"]
        metadata = outside.bearer(("x-chatkey-otp", code(0)), name="bob")
        await outside.approvals.GiveApproval(
            approval_pb.GiveApprovalRequest(approval_id=approval_id), metadata=metadata
        )
        async with open_sqlite_beside(outside.served.config.database_path) as store:
            await Administration(store.registry, SystemClock(), "os:root").disable_client("operator:bob")

        async def is_stopped() -> bool:
            asked = approval_pb.ListApprovalsRequest()
            try:
                await outside.approvals.ListApprovals(asked, metadata=outside.bearer(name="bob"))
            except grpc.aio.AioRpcError:
                return True
            return False

        await until(is_stopped, "bob is refused")
        metadata = outside.bearer(("x-chatkey-otp", code(1)), ("x-chatkey-approval", approval_id))
        again = await refusal_of(outside.credentials.IssueCredential(wish(), metadata=metadata))
        assert again.info.reason == "STEP_UP_REQUIRED"

        async def is_told() -> bool:
            return bool(await outside.records(reason="approval_withdrawn"))

        await until(is_told, "the log says why")


async def test_while_no_key_signs_a_wish_for_a_token_is_refused_in_words(tmp_path: Path) -> None:
    async with operators(tmp_path) as outside:
        await outside.enroll("alice")
        token, ring = outside.served.token(OPS), open_ring(outside.served.config.data_dir)
        ring.taint(ring.read()[0].kid, SystemClock().now())
        metadata = outside.bearer(("x-chatkey-otp", code(0)))
        refused = await refusal_of(outside.credentials.IssueCredential(wish(), metadata=metadata))
        assert (refused.code, refused.info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT")
        async with Client(outside.served.address, token=token) as client:
            with pytest.raises(StateConflict, match="no key of this gateway signs now"):
                await client.narrow(ttl=timedelta(seconds=60))
