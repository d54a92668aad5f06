"""One request on its way: the bot token enters here, at the last moment, and here it is seen what was written."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import BytesPayload, ClientRequest, ClientResponse
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from yarl import URL

from gateway.telegram.body import Body
from gateway.telegram.token import BotToken

PLACEHOLDER = "TOKEN"
"""Stands for the bot token in every URL that the libraries above the wire see."""


class Call(BytesPayload):
    """The body of one request to the Bot API, which knows how far the request came.

    Attributes:
        token: The token that the request was sent with; None while it has no connection.
        written: Whether anything of the request was handed to the socket. Headers and body go out in one write.
    """

    def __init__(self, body: Body, read_token: Callable[[], BotToken]) -> None:
        """Take the parameters as they are written and where the token is to be had."""
        super().__init__(body.content, content_type=body.content_type)
        self._read_token = read_token
        self.token: BotToken | None = None
        self.written = False

    def sign(self) -> str:
        """Return the token to put on the wire now."""
        self.token = self._read_token()
        return self.token.reveal()

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body; a connection that was closed meanwhile takes nothing, which is proof of not being sent."""
        transport = writer.transport
        self.written = transport is not None and not transport.is_closing()
        await super().write_with_length(writer, content_length)


class SigningRequest(ClientRequest):
    """Has the bot token in its URL only while its first line is written, when the connection is already there.

    So neither the URL in a response or an error of aiohttp has it, nor does a request that waited for a
    connection use a token that was replaced meanwhile.
    """

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request with the token of this moment."""
        unsigned = self.url
        call = self.body
        if not isinstance(call, Call):
            raise TypeError("only calls of the Bot API are sent")
        self.url = URL(str(unsigned).replace(f"/bot{PLACEHOLDER}/", f"/bot{call.sign()}/"), encoded=True)
        try:
            return await super().send(conn)
        finally:
            self.url = unsigned
