"""`chatkey.admin.v1.ChatRegistryService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

from chatkey.admin.v1 import chat_registry_service_pb2 as pb
from gateway.desk.admin.chats import Chats
from gateway.desk.admin.pages import Page
from gateway.rpc.admin import answers, convert
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.call import Call


class ChatRegistryService:
    """Says which chats tokens may open."""

    def __init__(self, chats: Chats) -> None:
        """Ask `chats`."""
        self._chats = chats

    async def AuthorizeChat(self, request: pb.AuthorizeChatRequest, call: Call) -> pb.AuthorizeChatResponse:
        """Let tokens open a chat."""
        permissions = convert.permissions_from(request.permissions)
        title = request.title if request.HasField("title") else None
        chat = await self._chats.authorize(ask_from(request, call), request.chat_id, permissions, title)
        return pb.AuthorizeChatResponse(chat=answers.chat_to(chat))

    async def SuspendChat(self, request: pb.SuspendChatRequest, call: Call) -> pb.SuspendChatResponse:
        """Refuse every token in a chat."""
        chat = await self._chats.suspend(ask_from(request, call), request.chat_id)
        return pb.SuspendChatResponse(chat=answers.chat_to(chat))

    async def ResumeChat(self, request: pb.ResumeChatRequest, call: Call) -> pb.ResumeChatResponse:
        """Take back that a chat was suspended."""
        chat = await self._chats.resume(ask_from(request, call), request.chat_id)
        return pb.ResumeChatResponse(chat=answers.chat_to(chat))

    async def ListChats(self, request: pb.ListChatsRequest, call: Call) -> pb.ListChatsResponse:
        """Return a page of chats."""
        states = convert.states_from(request.states, convert.CHAT_STATES)
        page = Page(request.page_size, request.page_token)
        chats, token = await self._chats.list(ask_from(request, call), states, page)
        return pb.ListChatsResponse(chats=map(answers.chat_to, chats), next_page_token=token)

    async def ListDiscoveredChats(
        self, request: pb.ListDiscoveredChatsRequest, call: Call
    ) -> pb.ListDiscoveredChatsResponse:
        """Return the chats in which the bot saw something."""
        chats = await self._chats.discovered(ask_from(request, call))
        return pb.ListDiscoveredChatsResponse(chats=map(answers.discovered_to, chats))

    async def ListMigrations(self, request: pb.ListMigrationsRequest, call: Call) -> pb.ListMigrationsResponse:
        """Return a page of groups that became supergroups."""
        page = Page(request.page_size, request.page_token)
        moves, token = await self._chats.migrations(ask_from(request, call), page, waiting_only=request.waiting_only)
        return pb.ListMigrationsResponse(migrations=map(answers.migration_to, moves), next_page_token=token)

    async def ListClosedChats(self, request: pb.ListClosedChatsRequest, call: Call) -> pb.ListClosedChatsResponse:
        """Return a page of chats that refused the bot."""
        page = Page(request.page_size, request.page_token)
        closures, token = await self._chats.closed(ask_from(request, call), page)
        return pb.ListClosedChatsResponse(chats=map(answers.closed_to, closures), next_page_token=token)

    async def ReopenChat(self, request: pb.ReopenChatRequest, call: Call) -> pb.ReopenChatResponse:
        """Write to a chat again."""
        return pb.ReopenChatResponse(chat_id=await self._chats.reopen(ask_from(request, call), request.chat_id))

    async def ApproveMigration(self, request: pb.ApproveMigrationRequest, call: Call) -> pb.ApproveMigrationResponse:
        """Have what is for a group go to its supergroup."""
        move = await self._chats.approve_migration(ask_from(request, call), request.chat_id)
        return pb.ApproveMigrationResponse(migration=answers.migration_to(move))
