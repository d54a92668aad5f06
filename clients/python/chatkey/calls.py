"""Every method that has one answer, as a value: what is asked of which method, and how the answer is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

import grpc
import grpc.aio

from chatkey.answers import credential_from, explanation_from, message_from, narrowed_from, sent_from
from chatkey.messages import ChatGrant, Credential, Explanation, Message, Narrowed, Resolution
from chatkey.requests import (
    DeleteOptions,
    EditOptions,
    SendOptions,
    delete_request,
    edit_request,
    explain_request,
    narrow_request,
    send_request,
)
from chatkey.v1 import (
    chat_service_pb2_grpc,
    credential_self_pb2,
    credential_self_pb2_grpc,
    messaging_gateway_pb2_grpc,
    update_service_pb2,
    update_service_pb2_grpc,
)
from chatkey.v1 import messaging_gateway_pb2 as wire

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")
_Result = TypeVar("_Result")
Metadata = tuple[tuple[str, str], ...]


class Stubs:
    """The services of the gateway on one channel, of either kind."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        """Make the stubs; nothing is sent."""
        self.messaging = messaging_gateway_pb2_grpc.MessagingGatewayStub(channel)
        self.chats = chat_service_pb2_grpc.ChatServiceStub(channel)
        self.updates = update_service_pb2_grpc.UpdateServiceStub(channel)
        self.credential_self = credential_self_pb2_grpc.CredentialSelfStub(channel)


@dataclass(frozen=True, slots=True)
class Call(Generic[_Result]):
    """A call that may be made as often as it takes: each attempt asks the same, under the same `request_id`."""

    method: Callable[[Stubs], Callable[..., Any]]
    request: object
    read: Callable[[Any], _Result]
    request_id: str = ""

    def begin(self, stubs: Stubs, timeout: float, metadata: Metadata) -> Any:
        """Make one attempt: the answer, or what is awaited for it where the channel is one for asyncio."""
        return self.method(stubs)(self.request, timeout=timeout, metadata=metadata)


def _call(
    method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[_Request, _Answer]],
    request: _Request,
    read: Callable[[_Answer], _Result],
    request_id: str = "",
) -> Call[_Result]:
    return Call(method, request, read, request_id)


class _OfOneMessage(Protocol):
    @property
    def message(self) -> wire.Message: ...


def _message(answer: _OfOneMessage) -> Message:
    return message_from(answer.message)


def send(text: str, chat_id: int, request_id: str | None, options: SendOptions) -> Call[Message]:
    """Send a message."""
    request_id = request_id or str(uuid4())
    request = send_request(text, chat_id, request_id, options)
    return _call(lambda stubs: stubs.messaging.SendMessage, request, sent_from, request_id)


def edit(text: str, message_id: str, request_id: str | None, options: EditOptions) -> Call[Message]:
    """Edit a message."""
    request_id = request_id or str(uuid4())
    request = edit_request(text, message_id, request_id, options)
    return _call(lambda stubs: stubs.messaging.EditMessage, request, sent_from, request_id)


def delete(message_id: str, request_id: str | None, options: DeleteOptions) -> Call[Message]:
    """Delete a message."""
    request_id = request_id or str(uuid4())
    request = delete_request(message_id, request_id, options)
    return _call(lambda stubs: stubs.messaging.DeleteMessage, request, sent_from, request_id)


def explain(text: str, chat_id: int, options: SendOptions) -> Call[Explanation]:
    """Explain what would become of a message."""
    return _call(lambda stubs: stubs.messaging.Explain, explain_request(text, chat_id, options), explanation_from)


def get(message_id: str) -> Call[Message]:
    """Get a message."""
    return _call(lambda stubs: stubs.messaging.GetMessage, wire.GetMessageRequest(message_id=message_id), _message)


def cancel(message_id: str) -> Call[Message]:
    """Cancel a message."""
    request = wire.CancelMessageRequest(message_id=message_id)
    return _call(lambda stubs: stubs.messaging.CancelMessage, request, _message)


def retry(message_id: str) -> Call[Message]:
    """Send a message again."""
    request = wire.RetryMessageRequest(message_id=message_id)
    return _call(lambda stubs: stubs.messaging.RetryMessage, request, _message)


def resolve(message_id: str, resolution: Resolution) -> Call[Message]:
    """Settle a message."""
    request = wire.ResolveMessageRequest(message_id=message_id, resolution=f"RESOLUTION_{Resolution(resolution).value}")
    return _call(lambda stubs: stubs.messaging.ResolveMessage, request, _message)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list of messages, and the request for those after them, if there are any."""

    messages: tuple[Message, ...]
    following: wire.ListMessagesRequest | None


def page(request: wire.ListMessagesRequest) -> Call[Page]:
    """List a page of messages."""

    def read(answer: wire.ListMessagesResponse) -> Page:
        following = None
        if answer.next_page_token:
            following = wire.ListMessagesRequest()
            following.CopyFrom(request)
            following.page_token = answer.next_page_token
        return Page(tuple(map(message_from, answer.messages)), following)

    return _call(lambda stubs: stubs.messaging.ListMessages, request, read)


def answer_callback(callback_id: str, text: str, show_alert: bool) -> Call[None]:
    """Answer a press on a button."""
    request = update_service_pb2.AnswerCallbackRequest(callback_id=callback_id, text=text, show_alert=show_alert)
    return _call(lambda stubs: stubs.updates.AnswerCallback, request, lambda _: None)


def describe() -> Call[Credential]:
    """Describe the token."""
    request = credential_self_pb2.DescribeCredentialRequest()
    return _call(
        lambda stubs: stubs.credential_self.DescribeCredential,
        request,
        lambda answer: credential_from(answer.credential),
    )


def narrow(grants: Sequence[ChatGrant], ttl: timedelta | None, address_ranges: Sequence[str]) -> Call[Narrowed]:
    """Narrow the token."""
    request = narrow_request(grants, ttl, address_ranges)
    return _call(lambda stubs: stubs.credential_self.NarrowCredential, request, narrowed_from)
