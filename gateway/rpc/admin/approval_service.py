"""`chatkey.admin.v1.ApprovalService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

from chatkey.admin.v1 import approval_service_pb2 as pb
from gateway.desk.admin.second_persons import SecondPersons
from gateway.rpc.admin import answers
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.call import Call


class ApprovalService:
    """Lets an operator approve what another one asked for."""

    def __init__(self, second_persons: SecondPersons) -> None:
        """Ask `second_persons`."""
        self._second_persons = second_persons

    async def ListApprovals(self, request: pb.ListApprovalsRequest, call: Call) -> pb.ListApprovalsResponse:
        """Return the requests that wait."""
        pending = await self._second_persons.pending(ask_from(request, call))
        return pb.ListApprovalsResponse(approvals=map(answers.approval_to, pending))

    async def GiveApproval(self, request: pb.GiveApprovalRequest, call: Call) -> pb.GiveApprovalResponse:
        """Approve a request."""
        approval = await self._second_persons.approve(ask_from(request, call), request.approval_id)
        return pb.GiveApprovalResponse(approval=answers.approval_to(approval))
