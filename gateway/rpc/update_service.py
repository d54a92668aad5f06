"""`chatkey.v1.UpdateService`: convert, ask the desk, convert back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatkey.v1 import update_service_pb2 as pb
from gateway.desk.desk import Desk
from gateway.rpc import updates
from gateway.rpc.call import Call


class UpdateService:
    """Tells what happens in chats."""

    def __init__(self, desk: Desk) -> None:
        """Ask `desk`."""
        self._desk = desk

    async def StreamUpdates(
        self, request: pb.StreamUpdatesRequest, call: Call
    ) -> AsyncGenerator[pb.StreamUpdatesResponse, None]:
        """Yield what happens in the chats of the caller."""
        following = updates.following_from(request)
        async with aclosing(self._desk.stream_updates(call.require_caller(), following)) as followed:
            async for update, cursor in followed:
                yield updates.streamed_to(update, cursor)

    async def AnswerCallback(self, request: pb.AnswerCallbackRequest, call: Call) -> pb.AnswerCallbackResponse:
        """Answer a press on a button."""
        await self._desk.answer_callback(call.require_caller(), updates.answer_from(request), call.time_to_answer())
        return pb.AnswerCallbackResponse()
