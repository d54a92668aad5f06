"""The far side of the wire: a gateway that answers as a test tells it, and a wire that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from chatkey.v1 import credential_self_pb2 as self_pb
from chatkey.v1 import credential_self_pb2_grpc, messaging_gateway_pb2_grpc, update_service_pb2_grpc
from chatkey.v1 import messaging_gateway_pb2 as pb
from chatkey.v1 import update_service_pb2 as update_pb

Context = grpc.aio.ServicerContext[Any, Any]
Outcome = Callable[[Context], Awaitable[None]]
CHAT = -1001234567890


async def accept(context: Context) -> None:
    """Let the call succeed."""


async def hang(context: Context) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def refuse(
    code: grpc.StatusCode,
    reason: str = "",
    *,
    domain: str = "chatkey.v1",
    metadata: dict[str, str] | None = None,
    violations: Sequence[tuple[str, str]] = (),
    retry_after: float | None = None,
    trailers: Sequence[tuple[str, str | bytes]] = (),
) -> Outcome:
    """Answer with an error as the contract describes it."""
    details: list[Any] = []
    if reason:
        details.append(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata or {}))
    if violations:
        fields = [error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in violations]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    if retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(int(retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code.value[0], message="refused")
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    sent = (("grpc-status-details-bin", status.SerializeToString()), ("chatkey-error-id", "e-1"), *trailers)

    async def answer(context: Context) -> None:
        await context.abort(code, "refused", trailing_metadata=sent)

    return answer


class FarSide(
    messaging_gateway_pb2_grpc.MessagingGatewayServicer,
    credential_self_pb2_grpc.CredentialSelfServicer,
    update_service_pb2_grpc.UpdateServiceServicer,
):
    """Answers each call with the next outcome, and with success when there is none; remembers what it was asked."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.requests: list[Any] = []
        self.tokens: list[str] = []
        self.arrived = asyncio.Event()
        self.chats = [CHAT]
        self.message = pb.Message(id="m-1", chat_id=CHAT, state=pb.STATE_DELIVERED, telegram_message_ids=[7])
        self.streams: list[Sequence[str | Outcome]] = []
        self.arrivals: list[Sequence[update_pb.StreamUpdatesResponse | Outcome]] = []
        self.pages: list[pb.ListMessagesResponse] = []
        self.explanation = pb.ExplainResponse(allowed=True, rule="accepted")
        self.breaks_after: list[tuple[int, Outcome]] = []
        self.refusals: dict[str, pb.Refusal] = {}
        self.estimated_wait: timedelta | None = None

    async def SendMessage(self, request: pb.SendMessageRequest, context: Context) -> pb.SendMessageResponse:
        await self._answer(request, context)
        message = pb.Message()
        message.CopyFrom(self.message)
        message.request_id = request.request_id
        answer = pb.SendMessageResponse(message=message)
        if self.estimated_wait is not None:
            answer.estimated_wait.FromTimedelta(self.estimated_wait)
        return answer

    async def SendMessages(
        self, requests: AsyncIterator[pb.SendMessagesRequest], context: Context
    ) -> AsyncIterator[pb.SendMessagesResponse]:
        """Answer each; after as many answers as the next of `breaks_after` says, do what it says."""
        count, outcome = self.breaks_after.pop(0) if self.breaks_after else (-1, accept)
        if count == 0:
            await outcome(context)
        answered = 0
        async for request in requests:
            self._remember(request, context)
            request_id = request.message.request_id
            if refusal := self.refusals.get(request.message.text):
                yield pb.SendMessagesResponse(refusal=refusal)
            else:
                yield pb.SendMessagesResponse(message=pb.Message(id=f"m-{request_id}", request_id=request_id))
            answered += 1
            if answered == count:
                await outcome(context)
                return

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.ListMessagesResponse:
        await self._answer(request, context)
        return self.pages.pop(0)

    async def RetryMessage(self, request: pb.RetryMessageRequest, context: Context) -> pb.RetryMessageResponse:
        await self._answer(request, context)
        return pb.RetryMessageResponse(message=self.message)

    async def ResolveMessage(self, request: pb.ResolveMessageRequest, context: Context) -> pb.ResolveMessageResponse:
        await self._answer(request, context)
        return pb.ResolveMessageResponse(message=self.message)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        await self._answer(request, context)
        return self.explanation

    async def GetMessage(self, request: pb.GetMessageRequest, context: Context) -> pb.GetMessageResponse:
        await self._answer(request, context)
        return pb.GetMessageResponse(message=self.message)

    async def CancelMessage(self, request: pb.CancelMessageRequest, context: Context) -> pb.CancelMessageResponse:
        await self._answer(request, context)
        return pb.CancelMessageResponse(message=self.message)

    async def WatchMessages(
        self, request: pb.WatchMessagesRequest, context: Context
    ) -> AsyncIterator[pb.WatchMessagesResponse]:
        self._remember(request, context)
        for step in self.streams.pop(0):
            if isinstance(step, str) and step.startswith("alone"):
                yield pb.WatchMessagesResponse(resume_token=step)
            elif isinstance(step, str):
                yield pb.WatchMessagesResponse(message=self.message, resume_token=step)
            else:
                await step(context)

    async def StreamUpdates(
        self, request: update_pb.StreamUpdatesRequest, context: Context
    ) -> AsyncIterator[update_pb.StreamUpdatesResponse]:
        self._remember(request, context)
        for step in self.arrivals.pop(0):
            if isinstance(step, update_pb.StreamUpdatesResponse):
                yield step
            else:
                await step(context)

    async def AnswerCallback(
        self, request: update_pb.AnswerCallbackRequest, context: Context
    ) -> update_pb.AnswerCallbackResponse:
        await self._answer(request, context)
        return update_pb.AnswerCallbackResponse()

    async def DescribeCredential(
        self, request: self_pb.DescribeCredentialRequest, context: Context
    ) -> self_pb.DescribeCredentialResponse:
        self._remember(request, context)
        grants = [self_pb.ChatGrant(chat_id=c, permissions=[self_pb.PERMISSION_WRITE]) for c in self.chats]
        return self_pb.DescribeCredentialResponse(credential=self_pb.Credential(client="ops", grants=grants))

    async def NarrowCredential(
        self, request: self_pb.NarrowCredentialRequest, context: Context
    ) -> self_pb.NarrowCredentialResponse:
        await self._answer(request, context)
        credential = self_pb.Credential(
            client="ops",
            token_id="child",
            grants=request.grants,
            address_ranges=request.address_ranges,
            certificate_thumbprint="thumb",
            generation=0,
            parent_token_ids=["parent", "root"],
        )
        return self_pb.NarrowCredentialResponse(token="c.h.ild", credential=credential)

    def asked(self, kind: type) -> list[Any]:
        """The requests of one kind, in order of arrival."""
        return [request for request in self.requests if isinstance(request, kind)]

    async def _answer(self, request: Any, context: Context) -> None:
        self._remember(request, context)
        await (self.outcomes.pop(0) if self.outcomes else accept)(context)

    def _remember(self, request: Any, context: Context) -> None:
        self.requests.append(request)
        self.tokens += [str(value) for key, value in context.invocation_metadata() or () if key == "authorization"]
        self.arrived.set()


@asynccontextmanager
async def serving(
    far_side: FarSide, credentials: grpc.ServerCredentials | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve on a free port, which is given back."""
    server = grpc.aio.server()
    messaging_gateway_pb2_grpc.add_MessagingGatewayServicer_to_server(far_side, server)
    credential_self_pb2_grpc.add_CredentialSelfServicer_to_server(far_side, server)
    update_service_pb2_grpc.add_UpdateServiceServicer_to_server(far_side, server)
    address = f"{host}:0"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


class Wire:
    """A connection to a port that can be cut in the middle of a call."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[Wire]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()
