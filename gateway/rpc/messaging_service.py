"""`chatkey.v1.MessagingGateway`: convert, ask the desk, convert back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.desk.desk import Desk
from gateway.rpc import convert
from gateway.rpc.call import Call

MAX_WAIT = timedelta(seconds=30)
MAX_MARGIN = timedelta(milliseconds=250)
"""What is left of the client's deadline for the way back of the answer; of a short deadline, a fifth."""


class MessagingService:
    """Sends messages and tells what became of them."""

    def __init__(self, desk: Desk) -> None:
        """Ask `desk`."""
        self._desk = desk

    async def SendMessage(self, request: pb.SendMessageRequest, call: Call) -> pb.SendMessageResponse:
        """Accept a message, and wait as long as the client wants and can."""
        caller = call.require_caller()
        draft, malformed = convert.draft_from(request)
        if request.validate_only:
            self._desk.validate_message(caller, draft, malformed)
            return pb.SendMessageResponse(message=convert.checked_to(draft))
        wait = _wait(call.time_remaining()) if convert.waits(request) else None
        message = await self._desk.send_message(caller, draft, wait, malformed)
        return pb.SendMessageResponse(message=convert.message_to(message))

    async def GetMessage(self, request: pb.GetMessageRequest, call: Call) -> pb.GetMessageResponse:
        """Return one message."""
        convert.refuse_unknown_fields(request)
        message = await self._desk.get_message(call.require_caller(), request.message_id)
        return pb.GetMessageResponse(message=convert.message_to(message))

    async def WatchMessages(
        self, request: pb.WatchMessagesRequest, call: Call
    ) -> AsyncGenerator[pb.WatchMessagesResponse, None]:
        """Yield the changes of the client's messages."""
        convert.refuse_unknown_fields(request)
        async with aclosing(self._desk.watch_messages(call.require_caller(), request.resume_token)) as changes:
            async for message, resume_token in changes:
                yield pb.WatchMessagesResponse(message=convert.message_to(message), resume_token=resume_token)

    async def CancelMessage(self, request: pb.CancelMessageRequest, call: Call) -> pb.CancelMessageResponse:
        """Cancel a message."""
        convert.refuse_unknown_fields(request)
        message = await self._desk.cancel_message(call.require_caller(), request.message_id)
        return pb.CancelMessageResponse(message=convert.message_to(message))


def _wait(remaining: timedelta | None) -> timedelta:
    """Return how long to wait for the end of a message whose client waits that long for an answer."""
    if remaining is None:
        return MAX_WAIT
    return max(timedelta(0), min(MAX_WAIT, remaining - min(MAX_MARGIN, remaining / 5)))
