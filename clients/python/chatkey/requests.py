"""The requests that have many parts, from what a caller says in Python."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from chatkey.errors import TextTooLong
from chatkey.messages import (
    Button,
    ChatGrant,
    EntityType,
    LinkPreview,
    MessageEntity,
    Overflow,
    Permission,
    Priority,
    State,
    TextFormat,
    WaitFor,
    WhenUnknown,
)
from chatkey.v1 import credential_self_pb2
from chatkey.v1 import messaging_gateway_pb2 as wire

LONGEST_TEXT = 200_000
"""Bytes of a text beyond which gRPC refuses the whole call without a reason; what may be sent is far shorter."""


class SendOptions(TypedDict, total=False):
    """How a message is sent. What is left out is as the contract has it by default."""

    text_format: TextFormat
    """How the text is to be read; plain by default."""
    wait_for: WaitFor
    """When the call is to answer; at delivery by default."""
    silent: bool
    """Whether the message arrives without a sound."""
    protect_content: bool
    """Whether Telegram is to keep it from being forwarded or saved."""
    reply_to: int
    """The Telegram id of the message of the same chat that this one answers."""
    thread_id: int
    """The forum topic to write to."""
    buttons: Sequence[Sequence[Button]]
    """Rows of buttons below the message."""
    entities: Sequence[MessageEntity]
    """Formatting by position, for a plain text."""
    ttl: timedelta
    """How long the message is worth sending: 1 second to 7 days, 24 hours by default."""
    send_at: datetime
    """When to send it: an aware instant at most 365 days ahead."""
    when_unknown: WhenUnknown
    """What to do when it can't be known whether Telegram delivered it; sent again by default."""
    priority: Priority
    """How urgent it is, compared with messages for other chats."""
    link_preview: LinkPreview
    """Whether links get a preview; none by default."""
    overflow: Overflow
    """What to do with a text of more than 4096 characters, plain or Markdown; refused by default."""
    validate_only: bool
    """Whether only to check the request: nothing is kept and nothing is sent."""


class DeleteOptions(TypedDict, total=False):
    """How a message is deleted. What is left out is as the contract has it by default."""

    wait_for: WaitFor
    """When the call is to answer; when it is done by default."""
    ttl: timedelta
    """How long it is worth doing: 1 second to 7 days, 24 hours by default."""
    priority: Priority
    """How urgent it is, compared with messages for other chats."""
    validate_only: bool
    """Whether only to check the request: nothing is kept and nothing is done."""


class EditOptions(DeleteOptions, total=False):
    """How a message is edited. It becomes what this says: what is left out is gone from it."""

    text_format: TextFormat
    """How the text is to be read; plain by default."""
    buttons: Sequence[Sequence[Button]]
    """Rows of buttons below the message."""
    entities: Sequence[MessageEntity]
    """Formatting by position, for a plain text."""
    link_preview: LinkPreview
    """Whether links get a preview; none by default."""


def send_request(text: str, chat_id: int, request_id: str, options: SendOptions) -> wire.SendMessageRequest:
    """Build the request.

    Raises:
        TextTooLong: No request can carry the text.
        TypeError: There is no such option.
        ValueError: `send_at` has no time zone, the text is no Unicode, or something does not fit its field.
    """
    _check_names(options, SendOptions)
    request = wire.SendMessageRequest(
        chat_id=chat_id,
        text=text,
        request_id=request_id,
        silent=options.get("silent", False),
        protect_content=options.get("protect_content", False),
        reply_to_message_id=options.get("reply_to", 0),
        message_thread_id=options.get("thread_id", 0),
        validate_only=options.get("validate_only", False),
        text_format=f"TEXT_FORMAT_{TextFormat(options.get('text_format', TextFormat.PLAIN)).value}",
        wait_for=f"WAIT_FOR_{WaitFor(options.get('wait_for', WaitFor.DELIVERY)).value}",
        when_unknown=f"WHEN_UNKNOWN_{WhenUnknown(options.get('when_unknown', WhenUnknown.RESEND)).value}",
        priority=f"PRIORITY_{Priority(options.get('priority', Priority.NORMAL)).value}",
        link_preview=f"LINK_PREVIEW_{LinkPreview(options.get('link_preview', LinkPreview.NONE)).value}",
        entities=[_entity(entity) for entity in options.get("entities", ())],
        buttons=[wire.ButtonRow(buttons=map(_button, row)) for row in options.get("buttons", ())],
    )
    if "ttl" in options:
        request.ttl.FromTimedelta(options["ttl"])
    if "overflow" in options:  # otherwise not a word of it, which a gateway older than this would not understand
        overflow = Overflow(options["overflow"]).value
        request.MergeFrom(wire.SendMessageRequest(overflow=f"OVERFLOW_{overflow}"))
    if "send_at" in options:
        request.send_at.FromDatetime(aware("send_at", options["send_at"]))
    _check_length(request.text)
    return request


def edit_request(text: str, message_id: str, request_id: str, options: EditOptions) -> wire.EditMessageRequest:
    """Build the request; raises as `send_request`."""
    _check_names(options, EditOptions)
    request = wire.EditMessageRequest(
        message_id=message_id,
        text=text,
        request_id=request_id,
        validate_only=options.get("validate_only", False),
        text_format=f"TEXT_FORMAT_{TextFormat(options.get('text_format', TextFormat.PLAIN)).value}",
        wait_for=f"WAIT_FOR_{WaitFor(options.get('wait_for', WaitFor.DELIVERY)).value}",
        priority=f"PRIORITY_{Priority(options.get('priority', Priority.NORMAL)).value}",
        link_preview=f"LINK_PREVIEW_{LinkPreview(options.get('link_preview', LinkPreview.NONE)).value}",
        entities=[_entity(entity) for entity in options.get("entities", ())],
        buttons=[wire.ButtonRow(buttons=map(_button, row)) for row in options.get("buttons", ())],
    )
    if "ttl" in options:
        request.ttl.FromTimedelta(options["ttl"])
    _check_length(request.text)
    return request


def delete_request(message_id: str, request_id: str, options: DeleteOptions) -> wire.DeleteMessageRequest:
    """Build the request; raises as `send_request`."""
    _check_names(options, DeleteOptions)
    request = wire.DeleteMessageRequest(
        message_id=message_id,
        request_id=request_id,
        validate_only=options.get("validate_only", False),
        wait_for=f"WAIT_FOR_{WaitFor(options.get('wait_for', WaitFor.DELIVERY)).value}",
        priority=f"PRIORITY_{Priority(options.get('priority', Priority.NORMAL)).value}",
    )
    if "ttl" in options:
        request.ttl.FromTimedelta(options["ttl"])
    return request


def _check_names(options: Mapping[str, object], known: type) -> None:
    if unknown := options.keys() - known.__annotations__.keys():
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}")


def _check_length(text: str) -> None:
    if len(text.encode()) > LONGEST_TEXT:
        error = TextTooLong(f"text: has {len(text)} characters, far more than can be sent")
        error.reason = "TEXT_TOO_LONG"
        raise error


def explain_request(text: str, chat_id: int, options: SendOptions) -> wire.ExplainRequest:
    """Build the request; raises as `send_request`."""
    return wire.ExplainRequest(message=send_request(text, chat_id, "", options))


def list_request(
    states: Collection[State],
    chat_id: int | None,
    accepted_from: datetime | None,
    accepted_until: datetime | None,
    page_size: int,
) -> wire.ListMessagesRequest:
    """Build the request for the first page; raises as `send_request`."""
    request = wire.ListMessagesRequest(
        states=[f"STATE_{State(state).value}" for state in states], chat_id=chat_id, page_size=page_size
    )
    if accepted_from is not None:
        request.accepted_from.FromDatetime(aware("accepted_from", accepted_from))
    if accepted_until is not None:
        request.accepted_until.FromDatetime(aware("accepted_until", accepted_until))
    return request


def aware(name: str, instant: datetime) -> datetime:
    """Return an instant that says where it stands; raises `ValueError`, with its name, for one that does not."""
    if instant.utcoffset() is None:
        raise ValueError(f"{name} has no time zone")
    return instant


def narrow_request(
    grants: Sequence[ChatGrant], ttl: timedelta | None, address_ranges: Sequence[str]
) -> credential_self_pb2.NarrowCredentialRequest:
    """Build the request; raises `ValueError` if a number does not fit its field."""
    request = credential_self_pb2.NarrowCredentialRequest(grants=map(_grant, grants), address_ranges=address_ranges)
    if ttl is not None:
        request.ttl.FromTimedelta(ttl)
    return request


def _grant(grant: ChatGrant) -> credential_self_pb2.ChatGrant:
    return credential_self_pb2.ChatGrant(
        chat_id=grant.chat_id,
        permissions=[f"PERMISSION_{Permission(permission).value}" for permission in grant.permissions],
        message_thread_id=grant.message_thread_id,
    )


def _entity(entity: MessageEntity) -> wire.MessageEntity:
    return wire.MessageEntity(
        type=f"ENTITY_TYPE_{EntityType(entity.type).value}",
        offset=entity.offset,
        length=entity.length,
        url=entity.url,
        language=entity.language,
    )


def _button(button: Button) -> wire.Button:
    # Both or neither is for the gateway to refuse: it names the field.
    answer = wire.Button(text=button.text)
    if button.url:
        answer.url = button.url
    if button.copy_text:
        answer.copy_text = button.copy_text
    return answer
