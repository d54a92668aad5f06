"""The least that delivers durably in Python, with the same libraries: what Chatkey would cost if it decided nothing.

Two commits that are shared with whoever else commits, one request to Telegram between them, and no key, no check, no
order, no pace, no audit, no log. What it leaves of a target is what grpc.aio, SQLite and python-telegram-bot leave.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.model import Draft
from gateway.store.database import Database
from gateway.store.opening import open_writing
from gateway.store.writer import Writer
from gateway.telegram.connector import Connector, open_connector
from gateway.telegram.token import from_value
from tests.benchmarks.load import SEND

_ACCEPTED = pb.SendMessageResponse(message=pb.Message(state=pb.STATE_QUEUED))

Context: TypeAlias = "grpc.aio.ServicerContext[pb.SendMessageRequest, pb.SendMessageResponse]"
Method: TypeAlias = Callable[[pb.SendMessageRequest, Context], Awaitable[pb.SendMessageResponse]]


def _sending(writer: Writer, connector: Connector) -> Method:
    async def send_message(request: pb.SendMessageRequest, context: Context) -> pb.SendMessageResponse:
        kept = request.SerializeToString()

        def accept(database: Database) -> int:
            database.connection.execute("INSERT INTO bare (message) VALUES (?)", (kept,))
            return database.connection.last_insert_rowid()

        row = await writer.submit(accept)
        if request.wait_for == pb.WAIT_FOR_ACCEPTANCE:
            return _ACCEPTED
        ids = await connector.send_message(Draft(chat_id=request.chat_id, text=request.text))
        settled = pb.Message(state=pb.STATE_DELIVERED, telegram_message_ids=ids)
        outcome = settled.SerializeToString()

        def settle(database: Database) -> None:
            database.connection.execute("UPDATE bare SET message = ? WHERE seq = ?", (outcome, row))

        await writer.submit(settle)
        return pb.SendMessageResponse(message=settled)

    return send_message


async def main(folder: Path, api: str) -> None:
    """Serve on a free port, and print the address once it is served."""
    database = open_writing(str(folder / "bare.db"))
    database.connection.execute("CREATE TABLE bare (seq INTEGER PRIMARY KEY, message BLOB NOT NULL)")
    token = from_value("4242424242:AAEbenchmarkbenchmarkbenchmarkbench")
    async with open_connector(token, base_url=api) as connector:
        server = grpc.aio.server()
        service, method = SEND.strip("/").split("/")
        handler = grpc.unary_unary_rpc_method_handler(
            _sending(Writer(database), connector),
            request_deserializer=pb.SendMessageRequest.FromString,
            response_serializer=pb.SendMessageResponse.SerializeToString,
        )
        server.add_registered_method_handlers(service, {method: handler})
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"127.0.0.1:{port}", flush=True)
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
