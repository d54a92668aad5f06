"""`chatkey.v1.MessagingGateway`: convert, ask the desk, convert back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.desk.checks import Violation
from gateway.desk.desk import Desk
from gateway.model import Draft, Message
from gateway.rpc import answers, chat_convert, convert
from gateway.rpc.call import Call
from gateway.rpc.refusals import Refusals
from gateway.rpc.send_stream import SendStream


class MessagingService:
    """Sends messages and tells what became of them."""

    def __init__(self, desk: Desk, refusals: Refusals) -> None:
        """Ask `desk`; `refusals` says what a caller learns of an error among answers."""
        self._desk = desk
        self._refusals = refusals

    async def SendMessage(self, request: pb.SendMessageRequest, call: Call) -> pb.SendMessageResponse:
        """Accept a message, and wait as long as the client wants and can."""
        caller = call.require_caller()
        draft, malformed = convert.draft_from(request)
        if request.validate_only:
            self._desk.validate_message(caller, draft, malformed)
            return pb.SendMessageResponse(message=answers.checked_to(draft))
        wait = call.time_to_answer() if convert.waits(request, by_default=True) else None
        message = await self._desk.send_message(caller, draft, wait, malformed)
        return answers.sent_to(message, self._desk.estimated_wait(message))

    def SendMessages(
        self, requests: AsyncIterator[pb.SendMessagesRequest], call: Call
    ) -> AsyncGenerator[pb.SendMessagesResponse, None]:
        """Accept messages as they come, and yield what came of each."""
        return SendStream(self._desk, self._refusals, call, call.time_to_answer()).answers(requests)

    async def GetMessage(self, request: pb.GetMessageRequest, call: Call) -> pb.GetMessageResponse:
        """Return one message."""
        convert.refuse_unknown_fields(request)
        message = await self._desk.get_message(call.require_caller(), request.message_id)
        return pb.GetMessageResponse(message=answers.message_to(message))

    async def ListMessages(self, request: pb.ListMessagesRequest, call: Call) -> pb.ListMessagesResponse:
        """Return a page of messages."""
        page, token = await self._desk.list_messages(call.require_caller(), convert.listing_from(request))
        return pb.ListMessagesResponse(messages=map(answers.message_to, page), next_page_token=token)

    async def WatchMessages(
        self, request: pb.WatchMessagesRequest, call: Call
    ) -> AsyncGenerator[pb.WatchMessagesResponse, None]:
        """Yield the changes of the client's messages."""
        convert.refuse_unknown_fields(request)
        async with aclosing(self._desk.watch_messages(call.require_caller(), request.resume_token)) as changes:
            async for message, resume_token in changes:
                yield answers.change_to(message, resume_token)

    async def CancelMessage(self, request: pb.CancelMessageRequest, call: Call) -> pb.CancelMessageResponse:
        """Cancel a message."""
        convert.refuse_unknown_fields(request)
        message = await self._desk.cancel_message(call.require_caller(), request.message_id)
        return pb.CancelMessageResponse(message=answers.message_to(message))

    async def RetryMessage(self, request: pb.RetryMessageRequest, call: Call) -> pb.RetryMessageResponse:
        """Send a message again."""
        convert.refuse_unknown_fields(request)
        message = await self._desk.retry_message(call.require_caller(), request.message_id)
        return pb.RetryMessageResponse(message=answers.message_to(message))

    async def ResolveMessage(self, request: pb.ResolveMessageRequest, call: Call) -> pb.ResolveMessageResponse:
        """Settle a message."""
        resolution = convert.resolution_from(request)
        message = await self._desk.resolve_message(call.require_caller(), request.message_id, resolution)
        return pb.ResolveMessageResponse(message=answers.message_to(message))

    async def EditMessage(self, request: pb.EditMessageRequest, call: Call) -> pb.EditMessageResponse:
        """Change a message, and wait as long as the client wants and can."""
        draft, malformed = convert.edit_from(request)
        if request.validate_only:
            return pb.EditMessageResponse(message=await self._checked(call, draft, malformed))
        return answers.edited_to(*await self._touch(request, call, draft, malformed))

    async def DeleteMessage(self, request: pb.DeleteMessageRequest, call: Call) -> pb.DeleteMessageResponse:
        """Take a message out of its chat, and wait as long as the client wants and can."""
        draft, malformed = convert.delete_from(request)
        if request.validate_only:
            return pb.DeleteMessageResponse(message=await self._checked(call, draft, malformed))
        return answers.deleted_to(*await self._touch(request, call, draft, malformed))

    async def _touch(
        self, request: convert.Asked, call: Call, draft: Draft, malformed: list[Violation]
    ) -> tuple[Message, timedelta | None]:
        wait = call.time_to_answer() if convert.waits(request, by_default=True) else None
        message = await self._desk.touch_message(call.require_caller(), draft, wait, malformed)
        return message, self._desk.estimated_wait(message)

    async def _checked(self, call: Call, draft: Draft, malformed: list[Violation]) -> pb.Message:
        target = await self._desk.validate_touch(call.require_caller(), draft, malformed)
        return answers.checked_to(replace(draft, chat_id=target.chat_id))

    async def Explain(self, request: pb.ExplainRequest, call: Call) -> pb.ExplainResponse:
        """Say what would become of a message."""
        draft, malformed = convert.draft_to_explain(request)
        return answers.explanation_to(self._desk.explain(call.require_caller(), draft, malformed))

    async def SendChatAction(self, request: pb.SendChatActionRequest, call: Call) -> pb.SendChatActionResponse:
        """Show that the bot is about to send something."""
        act, malformed = chat_convert.action_from(request)
        await self._desk.chats.gesture(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.SendChatActionResponse()

    async def SetReaction(self, request: pb.SetReactionRequest, call: Call) -> pb.SetReactionResponse:
        """Set the bot's reaction to a message."""
        act, malformed = chat_convert.reaction_from(request)
        await self._desk.chats.gesture(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.SetReactionResponse()
