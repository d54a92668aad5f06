"""`chatkey.v1.ChatService`: convert, ask the desk, convert back."""

from __future__ import annotations

from chatkey.v1 import chat_service_pb2 as pb
from gateway.desk.desk import Desk
from gateway.rpc import chat_convert as convert
from gateway.rpc.call import Call
from gateway.rpc.convert import unknown_in


class ChatService:
    """Looks at chats and moderates them."""

    def __init__(self, desk: Desk) -> None:
        """Ask `desk`."""
        self._chats = desk.chats

    async def GetChat(self, request: pb.GetChatRequest, call: Call) -> pb.GetChatResponse:
        """Return what a chat is."""
        chat = await self._chats.get_chat(
            call.require_caller(), request.chat_id, call.time_to_answer(), unknown_in(request)
        )
        return pb.GetChatResponse(chat=convert.chat_to(chat))

    async def GetChatMember(self, request: pb.GetChatMemberRequest, call: Call) -> pb.GetChatMemberResponse:
        """Return how somebody stands in a chat."""
        member = await self._chats.get_chat_member(
            call.require_caller(), request.chat_id, request.user_id, call.time_to_answer(), unknown_in(request)
        )
        return pb.GetChatMemberResponse(member=convert.member_to(member))

    async def ListChatAdministrators(
        self, request: pb.ListChatAdministratorsRequest, call: Call
    ) -> pb.ListChatAdministratorsResponse:
        """Return owner and administrators of a chat."""
        members = await self._chats.list_chat_administrators(
            call.require_caller(), request.chat_id, call.time_to_answer(), unknown_in(request)
        )
        return pb.ListChatAdministratorsResponse(administrators=map(convert.member_to, members))

    async def SetChatPermissions(
        self, request: pb.SetChatPermissionsRequest, call: Call
    ) -> pb.SetChatPermissionsResponse:
        """Say what members may do."""
        act, malformed = convert.set_permissions_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.SetChatPermissionsResponse()

    async def RestrictChatMember(
        self, request: pb.RestrictChatMemberRequest, call: Call
    ) -> pb.RestrictChatMemberResponse:
        """Say what a member may do."""
        act, malformed = convert.restrict_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.RestrictChatMemberResponse()

    async def BanChatMember(self, request: pb.BanChatMemberRequest, call: Call) -> pb.BanChatMemberResponse:
        """Take somebody out, and keep them out."""
        act, malformed = convert.ban_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.BanChatMemberResponse()

    async def UnbanChatMember(self, request: pb.UnbanChatMemberRequest, call: Call) -> pb.UnbanChatMemberResponse:
        """Let somebody come back."""
        act, malformed = convert.unban_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.UnbanChatMemberResponse()

    async def PinMessage(self, request: pb.PinMessageRequest, call: Call) -> pb.PinMessageResponse:
        """Pin a message."""
        act, malformed = convert.pin_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.PinMessageResponse()

    async def UnpinMessage(self, request: pb.UnpinMessageRequest, call: Call) -> pb.UnpinMessageResponse:
        """Take the pin off a message."""
        act, malformed = convert.unpin_from(request)
        await self._chats.moderate(call.require_caller(), act, call.time_to_answer(), malformed)
        return pb.UnpinMessageResponse()
