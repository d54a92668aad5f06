"""`chatkey.admin.v1.ClientService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

from chatkey.admin.v1 import client_service_pb2 as pb
from gateway.desk.admin.clients import Clients
from gateway.desk.admin.pages import Page
from gateway.rpc.admin import answers, convert
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.call import Call


class ClientService:
    """Registers, restricts and disables clients."""

    def __init__(self, clients: Clients) -> None:
        """Ask `clients`."""
        self._clients = clients

    async def AddClient(self, request: pb.AddClientRequest, call: Call) -> pb.AddClientResponse:
        """Register a client."""
        client = await self._clients.add(ask_from(request, call), request.name, convert.terms_of_new(request))
        return pb.AddClientResponse(client=answers.client_to(client))

    async def GetClient(self, request: pb.GetClientRequest, call: Call) -> pb.GetClientResponse:
        """Return what is kept of a client."""
        client = await self._clients.get(ask_from(request, call), request.name)
        return pb.GetClientResponse(client=answers.client_to(client))

    async def ListClients(self, request: pb.ListClientsRequest, call: Call) -> pb.ListClientsResponse:
        """Return a page of clients."""
        states = convert.states_from(request.states, convert.CLIENT_STATES)
        page = Page(request.page_size, request.page_token)
        clients, token = await self._clients.list(ask_from(request, call), convert.stale_for(request), states, page)
        return pb.ListClientsResponse(clients=map(answers.client_to, clients), next_page_token=token)

    async def UpdateClient(self, request: pb.UpdateClientRequest, call: Call) -> pb.UpdateClientResponse:
        """Change terms of a client."""
        client = await self._clients.update(ask_from(request, call), request.name, convert.terms_of_change(request))
        return pb.UpdateClientResponse(client=answers.client_to(client))

    async def DisableClient(self, request: pb.DisableClientRequest, call: Call) -> pb.DisableClientResponse:
        """Refuse every call of a client."""
        client = await self._clients.disable(ask_from(request, call), request.name)
        return pb.DisableClientResponse(client=answers.client_to(client))

    async def EnableClient(self, request: pb.EnableClientRequest, call: Call) -> pb.EnableClientResponse:
        """Take back that a client was disabled."""
        client = await self._clients.enable(ask_from(request, call), request.name)
        return pb.EnableClientResponse(client=answers.client_to(client))
