"""The least that a gRPC server in Python can do for `SendMessage`: read the request and answer a constant."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import grpc

from chatkey.v1 import messaging_gateway_pb2 as pb
from tests.benchmarks.load import SEND

ANSWER = pb.SendMessageResponse(
    message=pb.Message(id="0199f0a0-7c1e-7a52-8f1c-3b1d5a6e7f80", chat_id=-1001, state=pb.STATE_QUEUED)
)
ANSWER.message.accept_time.FromSeconds(1_760_000_000)

Context: TypeAlias = "grpc.aio.ServicerContext[pb.SendMessageRequest, pb.SendMessageResponse]"


async def send_message(request: pb.SendMessageRequest, context: Context) -> pb.SendMessageResponse:
    """Answer the constant."""
    return ANSWER


async def main() -> None:
    """Serve on a free port, and print the address once it is served."""
    server = grpc.aio.server()
    service, method = SEND.strip("/").split("/")
    handler = grpc.unary_unary_rpc_method_handler(
        send_message,
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
    asyncio.run(main())
