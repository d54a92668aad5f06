"""What is asked: the contract's messages as the words of the house.

A number that an enum of this version does not have, and a field that a message does not have, are refused: what is
not understood is not ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from chatkey.v1 import credential_self_pb2 as credential_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway import model
from gateway.addresses import AddressRanges
from gateway.desk.checks import MAX_TTL, Listing, Violation
from gateway.errors import RequestInvalid
from gateway.model import (
    Button,
    Draft,
    Entity,
    Grant,
    Kind,
    LinkPreview,
    Narrowing,
    Overflow,
    Permission,
    Priority,
    State,
    TextFormat,
    WhenUnknown,
)

V = TypeVar("V")
Asked: TypeAlias = pb.SendMessageRequest | pb.EditMessageRequest | pb.DeleteMessageRequest

TEXT_FORMATS: Mapping[int, TextFormat] = {
    pb.TEXT_FORMAT_UNSPECIFIED: TextFormat.PLAIN,
    pb.TEXT_FORMAT_PLAIN: TextFormat.PLAIN,
    pb.TEXT_FORMAT_HTML: TextFormat.HTML,
    pb.TEXT_FORMAT_MARKDOWN_V2: TextFormat.MARKDOWN_V2,
    pb.TEXT_FORMAT_MARKDOWN: TextFormat.MARKDOWN,
}
LINK_PREVIEWS: Mapping[int, LinkPreview] = {
    pb.LINK_PREVIEW_UNSPECIFIED: LinkPreview.NONE,
    pb.LINK_PREVIEW_NONE: LinkPreview.NONE,
    pb.LINK_PREVIEW_AUTO: LinkPreview.AUTO,
}
WHEN_UNKNOWN: Mapping[int, WhenUnknown] = {
    pb.WHEN_UNKNOWN_UNSPECIFIED: WhenUnknown.RESEND,
    pb.WHEN_UNKNOWN_RESEND: WhenUnknown.RESEND,
    pb.WHEN_UNKNOWN_GIVE_UP: WhenUnknown.GIVE_UP,
}
PRIORITIES: Mapping[int, Priority] = {
    pb.PRIORITY_UNSPECIFIED: Priority.NORMAL,
    pb.PRIORITY_BULK: Priority.BULK,
    pb.PRIORITY_NORMAL: Priority.NORMAL,
    pb.PRIORITY_HIGH: Priority.HIGH,
}
OVERFLOWS: Mapping[int, Overflow] = {
    pb.OVERFLOW_UNSPECIFIED: Overflow.REJECT,
    pb.OVERFLOW_REJECT: Overflow.REJECT,
    pb.OVERFLOW_SPLIT: Overflow.SPLIT,
    pb.OVERFLOW_DOCUMENT: Overflow.DOCUMENT,
}
WAITS: Mapping[int, bool] = {
    pb.WAIT_FOR_UNSPECIFIED: True,
    pb.WAIT_FOR_DELIVERY: True,
    pb.WAIT_FOR_ACCEPTANCE: False,
}
# The Bot API's names are the contract's in lower case. A kind without a name becomes one that the checks refuse.
ENTITY_KINDS: Mapping[int, str] = {
    number: name.removeprefix("ENTITY_TYPE_").lower() for name, number in pb.EntityType.items() if number
}
STATES: Mapping[int, State] = {pb.State.Value(f"STATE_{state.name}"): state for state in State}
RESOLUTIONS: Mapping[int, State | None] = {
    pb.RESOLUTION_UNSPECIFIED: None,
    pb.RESOLUTION_DELIVERED: State.DELIVERED,
    pb.RESOLUTION_DROPPED: State.CANCELLED,
}
PERMISSIONS: Mapping[int, Permission] = {
    credential_pb.Permission.Value(f"PERMISSION_{permission.name}"): permission for permission in Permission
}
_MAX_UNKNOWN = 20


def draft_from(request: pb.SendMessageRequest) -> tuple[Draft, list[Violation]]:
    """Return what is asked to be sent, and what of the request could not be put into it.

    The second is not raised here: whether the chat is the caller's is to be decided first.
    """
    malformed = _malformed(request)
    draft = Draft(
        chat_id=request.chat_id,
        text=request.text,
        text_format=_enum(TEXT_FORMATS, request, "text_format", malformed),
        entities=tuple(map(_entity, request.entities)),
        request_id=request.request_id,
        message_thread_id=request.message_thread_id,
        reply_to_message_id=request.reply_to_message_id,
        silent=request.silent,
        protect_content=request.protect_content,
        link_preview=_enum(LINK_PREVIEWS, request, "link_preview", malformed),
        buttons=tuple(tuple(map(_button, row.buttons)) for row in request.buttons),
        when_unknown=_enum(WHEN_UNKNOWN, request, "when_unknown", malformed),
        priority=_enum(PRIORITIES, request, "priority", malformed),
        ttl=_ttl(request.ttl) if request.HasField("ttl") else model.DEFAULT_TTL,
        send_at=instant_from(request.send_at, "send_at", malformed) if request.HasField("send_at") else None,
        overflow=_enum(OVERFLOWS, request, "overflow", malformed),
    )
    return draft, malformed


def draft_of_many(request: pb.SendMessagesRequest) -> tuple[Draft, list[Violation]]:
    """Do as `draft_from` for one request of many; paths are those of the message in it."""
    draft, malformed = draft_from(request.message)
    return draft, [*_around(request), *malformed]


def draft_to_explain(request: pb.ExplainRequest) -> tuple[Draft, list[Violation]]:
    """Do as `draft_from` for the message that is asked about; raises `RequestInvalid` if the question is not one."""
    if violations := [*_around(request)]:
        raise RequestInvalid(violations)
    return draft_from(request.message)


def edit_from(request: pb.EditMessageRequest) -> tuple[Draft, list[Violation]]:
    """Do as `draft_from` for what a message is to become."""
    malformed = _malformed(request)
    draft = Draft(
        kind=Kind.EDIT,
        chat_id=0,
        target_id=request.message_id,
        text=request.text,
        text_format=_enum(TEXT_FORMATS, request, "text_format", malformed),
        entities=tuple(map(_entity, request.entities)),
        request_id=request.request_id,
        link_preview=_enum(LINK_PREVIEWS, request, "link_preview", malformed),
        buttons=tuple(tuple(map(_button, row.buttons)) for row in request.buttons),
        priority=_enum(PRIORITIES, request, "priority", malformed),
        ttl=_ttl(request.ttl) if request.HasField("ttl") else model.DEFAULT_TTL,
    )
    return draft, malformed


def delete_from(request: pb.DeleteMessageRequest) -> tuple[Draft, list[Violation]]:
    """Do as `draft_from` for a message that is to go."""
    malformed = _malformed(request)
    draft = Draft(
        kind=Kind.DELETE,
        chat_id=0,
        target_id=request.message_id,
        text="",
        request_id=request.request_id,
        priority=_enum(PRIORITIES, request, "priority", malformed),
        ttl=_ttl(request.ttl) if request.HasField("ttl") else model.DEFAULT_TTL,
    )
    return draft, malformed


def waits(request: Asked, *, by_default: bool) -> bool:
    """Whether the call is to wait for the delivery; what is unknown was refused before anybody waits."""
    return WAITS.get(request.wait_for, False) if request.wait_for else by_default


def listing_from(request: pb.ListMessagesRequest) -> Listing:
    """Return what is asked to be listed, with what of the request could not be put into it."""
    malformed = unknown_in(request)
    for index, number in enumerate(request.states):
        if number not in STATES:
            malformed.append((f"states[{index}]", "is not a state of this version"))
    bounds = [
        instant_from(getattr(request, name), name, malformed) if request.HasField(name) else None
        for name in ("accepted_from", "accepted_until")
    ]
    return Listing(
        chat_id=request.chat_id if request.HasField("chat_id") else None,
        states=frozenset(STATES[number] for number in request.states if number in STATES),
        accepted_from=bounds[0],
        accepted_until=bounds[1],
        page_size=request.page_size,
        page_token=request.page_token,
        malformed=malformed,
    )


def resolution_from(request: pb.ResolveMessageRequest) -> State | None:
    """Return what a message is to be settled as; None where nothing is said. Raises `RequestInvalid`."""
    refuse_unknown_fields(request)
    if request.resolution not in RESOLUTIONS:
        raise RequestInvalid([("resolution", "is not a value of this version")])
    return RESOLUTIONS[request.resolution]


def narrowing_from(request: credential_pb.NarrowCredentialRequest) -> Narrowing:
    """Return what a child of a credential is to be; raises `RequestInvalid`."""
    malformed = unknown_in(request)
    grants = tuple(_grant(index, grant, malformed) for index, grant in enumerate(request.grants))
    ranges = None
    try:
        ranges = AddressRanges.parse(request.address_ranges) if request.address_ranges else None
    except ValueError:
        malformed.append(("address_ranges", "are not all ranges such as 10.0.0.0/8, or addresses"))
    if malformed:
        raise RequestInvalid(malformed)
    ttl = _ttl(request.ttl) if request.HasField("ttl") else None
    return Narrowing(grants=grants, ttl=ttl, address_ranges=ranges)


def refuse_unknown_fields(request: ProtoMessage) -> None:
    """Return if the request has no field that this version does not know; raises `RequestInvalid`."""
    if violations := unknown_in(request):
        raise RequestInvalid(violations)


def unknown_in(request: ProtoMessage) -> list[Violation]:
    """Return the fields of a request that this version does not know, or as many of them as an answer can name."""
    return list(islice(_unknown_fields(request), _MAX_UNKNOWN))


def _malformed(request: Asked) -> list[Violation]:
    malformed = unknown_in(request)
    if request.wait_for not in WAITS:
        malformed.append(("wait_for", "is not a value of this version"))
    return malformed


def _enum(known: Mapping[int, V], request: Asked, name: str, malformed: list[Violation]) -> V:
    number: int = getattr(request, name)
    if number not in known:
        malformed.append((name, "is not a value of this version"))
        return known[0]
    return known[number]


def _grant(index: int, grant: credential_pb.ChatGrant, malformed: list[Violation]) -> Grant:
    if not grant.chat_id:
        malformed.append((f"grants[{index}].chat_id", "is required"))
    if not all(number in PERMISSIONS for number in grant.permissions):
        malformed.append((f"grants[{index}].permissions", "has one that is not a permission of this version"))
    return Grant(
        chat_id=grant.chat_id,
        permissions=frozenset(PERMISSIONS[number] for number in grant.permissions if number in PERMISSIONS),
        message_thread_id=grant.message_thread_id if grant.HasField("message_thread_id") else None,
    )


def _entity(entity: pb.MessageEntity) -> Entity:
    return Entity(
        kind=ENTITY_KINDS.get(entity.type, ""),
        offset=entity.offset,
        length=entity.length,
        url=entity.url,
        language=entity.language,
    )


def _button(button: pb.Button) -> Button:
    return Button(text=button.text, url=button.url, copy_text=button.copy_text)


def _ttl(duration: Duration) -> timedelta:
    # Anything over the longest ttl is as good as just over it; a timedelta could not hold all that a Duration can.
    limit = MAX_TTL // timedelta(seconds=1) + 1
    seconds = max(-limit, min(limit, duration.seconds))
    return timedelta(seconds=seconds, microseconds=duration.nanos // 1000)


def instant_from(timestamp: Timestamp, name: str, malformed: list[Violation]) -> datetime | None:
    """Return an instant; None where it is none, which is added to what is `malformed`."""
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        malformed.append((name, "is not an instant between the years 1 and 9999"))
        return None


def _unknown_fields(message: ProtoMessage, path: str = "") -> Iterator[Violation]:
    yield from _own_unknown_fields(message, path)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        below: list[Any] = list(value) if descriptor.is_repeated else [value]
        for index, inner in enumerate(below):
            place = f"[{index}]" if descriptor.is_repeated else ""
            yield from _unknown_fields(inner, f"{path}{descriptor.name}{place}.")


def _around(request: pb.SendMessagesRequest | pb.ExplainRequest) -> Iterator[Violation]:
    if not request.HasField("message"):
        yield "message", "is required"
    yield from _own_unknown_fields(request, "")


def _own_unknown_fields(message: ProtoMessage, path: str) -> Iterator[Violation]:
    unknown = UnknownFieldSet(message)
    for index in range(min(len(unknown), _MAX_UNKNOWN)):
        yield f"{path}{unknown[index].field_number}", "is not a field of this version"
