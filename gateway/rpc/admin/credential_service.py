"""`chatkey.admin.v1.CredentialService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

from chatkey.admin.v1 import credential_service_pb2 as pb
from gateway.desk.admin.credentials import Credentials
from gateway.desk.admin.pages import Page
from gateway.rpc.admin import answers, convert
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.admin.times import timestamp_to
from gateway.rpc.call import Call


class CredentialService:
    """Issues, finds and revokes tokens of clients."""

    def __init__(self, credentials: Credentials) -> None:
        """Ask `credentials`."""
        self._credentials = credentials

    async def IssueCredential(self, request: pb.IssueCredentialRequest, call: Call) -> pb.IssueCredentialResponse:
        """Issue a token."""
        token, kept = await self._credentials.issue(ask_from(request, call), convert.terms_of_token(request))
        return pb.IssueCredentialResponse(token=token, credential=answers.credential_to(kept, "valid"))

    async def GetCredential(self, request: pb.GetCredentialRequest, call: Call) -> pb.GetCredentialResponse:
        """Return what is kept of a token."""
        found = await self._credentials.get(ask_from(request, call), request.token_id)
        return pb.GetCredentialResponse(credential=answers.credential_to(*found))

    async def ListCredentials(self, request: pb.ListCredentialsRequest, call: Call) -> pb.ListCredentialsResponse:
        """Return a page of tokens."""
        states = convert.states_from(request.states, convert.CREDENTIAL_STATES)
        page = Page(request.page_size, request.page_token)
        found, token = await self._credentials.list(ask_from(request, call), request.client, states, page)
        credentials = [answers.credential_to(*each) for each in found]
        return pb.ListCredentialsResponse(credentials=credentials, next_page_token=token)

    async def RevokeCredential(self, request: pb.RevokeCredentialRequest, call: Call) -> pb.RevokeCredentialResponse:
        """Revoke a token."""
        is_news = await self._credentials.revoke(ask_from(request, call), request.token_id)
        return pb.RevokeCredentialResponse(newly_revoked=is_news)

    async def MarkCanary(self, request: pb.MarkCanaryRequest, call: Call) -> pb.MarkCanaryResponse:
        """Make a token a bait."""
        is_news = await self._credentials.mark_canary(ask_from(request, call), request.token_id)
        return pb.MarkCanaryResponse(newly_marked=is_news)

    async def RevokeAllCredentials(
        self, request: pb.RevokeAllCredentialsRequest, call: Call
    ) -> pb.RevokeAllCredentialsResponse:
        """Revoke every token of somebody."""
        whose, not_before = convert.revocation_from(request)
        until = await self._credentials.revoke_all(ask_from(request, call), whose, not_before)
        return pb.RevokeAllCredentialsResponse(not_before=timestamp_to(until))
