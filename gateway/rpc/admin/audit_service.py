"""`chatkey.admin.v1.AuditService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatkey.admin.v1 import audit_service_pb2 as pb
from gateway.desk.admin.audit import Audit
from gateway.desk.admin.pages import Page
from gateway.rpc.admin import answers, convert
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.call import Call


class AuditService:
    """Looks into the audit log."""

    def __init__(self, audit: Audit) -> None:
        """Ask `audit`."""
        self._audit = audit

    async def SearchRecords(self, request: pb.SearchRecordsRequest, call: Call) -> pb.SearchRecordsResponse:
        """Return a page of records."""
        wanted, page = convert.filter_from(request.filter), Page(request.page_size, request.page_token)
        found, token = await self._audit.search(ask_from(request, call), wanted, page)
        return pb.SearchRecordsResponse(records=[answers.record_to(*each) for each in found], next_page_token=token)

    async def VerifyLog(self, request: pb.VerifyLogRequest, call: Call) -> pb.VerifyLogResponse:
        """Say whether the log is as it was written."""
        expected = [(link.seq, link.link) for link in request.expected_links]
        return answers.verdict_to(await self._audit.verify(ask_from(request, call), expected))

    async def TailRecords(
        self, request: pb.TailRecordsRequest, call: Call
    ) -> AsyncGenerator[pb.TailRecordsResponse, None]:
        """Yield the last records, and what comes."""
        wanted = convert.filter_from(request.filter)
        async with aclosing(self._audit.tail(ask_from(request, call), wanted, request.last)) as records:
            async for numbered in records:
                yield pb.TailRecordsResponse(record=answers.record_to(*numbered))
