"""`chatkey.v1.CredentialSelf`: what the caller may do, and hand on."""

from __future__ import annotations

from chatkey.v1 import credential_self_pb2 as pb
from gateway.desk.desk import Desk
from gateway.rpc import answers, convert
from gateway.rpc.call import Call


class CredentialSelfService:
    """Lets the holder of a credential ask about it, and hand on less of it."""

    def __init__(self, desk: Desk) -> None:
        """Ask `desk`."""
        self._desk = desk

    async def DescribeCredential(
        self, request: pb.DescribeCredentialRequest, call: Call
    ) -> pb.DescribeCredentialResponse:
        """Return the credential of this call."""
        convert.refuse_unknown_fields(request)
        caller = self._desk.describe_credential(call.require_caller())
        return pb.DescribeCredentialResponse(credential=answers.credential_to(caller))

    async def NarrowCredential(self, request: pb.NarrowCredentialRequest, call: Call) -> pb.NarrowCredentialResponse:
        """Return a child of the credential of this call."""
        wish = convert.narrowing_from(request)
        token, child = await self._desk.narrow_credential(call.require_caller(), wish)
        return pb.NarrowCredentialResponse(token=token, credential=answers.credential_to(child))
