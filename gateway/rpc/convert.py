"""Between the contract's messages and the words of the house.

A number that an enum of this version does not have, and a field that a message does not have, are refused: what is
not understood is not ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from chatkey.v1 import credential_self_pb2 as credential_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway import model
from gateway.desk.checks import MAX_TTL, Violation
from gateway.errors import RequestInvalid
from gateway.model import (
    Button,
    Caller,
    Draft,
    Entity,
    Failure,
    Grant,
    LinkPreview,
    Message,
    Permission,
    Priority,
    State,
    TextFormat,
    WhenUnknown,
)

V = TypeVar("V")

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
WAITS: Mapping[int, bool] = {
    pb.WAIT_FOR_UNSPECIFIED: True,
    pb.WAIT_FOR_DELIVERY: True,
    pb.WAIT_FOR_ACCEPTANCE: False,
}
# The Bot API's names are the contract's in lower case. A kind without a name becomes one that the checks refuse.
ENTITY_KINDS: Mapping[int, str] = {
    number: name.removeprefix("ENTITY_TYPE_").lower() for name, number in pb.EntityType.items() if number
}
STATES: Mapping[State, str] = {state: f"STATE_{state.name}" for state in State}
PERMISSIONS: Mapping[Permission, str] = {permission: f"PERMISSION_{permission.name}" for permission in Permission}
_MAX_UNKNOWN = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def draft_from(request: pb.SendMessageRequest) -> tuple[Draft, list[Violation]]:
    """Return what is asked to be sent, and what of the request could not be put into it.

    The second is not raised here: whether the chat is the caller's is to be decided first.
    """
    malformed = list(islice(_unknown_fields(request), _MAX_UNKNOWN))
    if request.wait_for not in WAITS:
        malformed.append(("wait_for", "is not a value of this version"))
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
        send_at=_instant(request.send_at, malformed) if request.HasField("send_at") else None,
    )
    return draft, malformed


def waits(request: pb.SendMessageRequest) -> bool:
    """Whether the call is to wait for the delivery; what is unknown was refused before anybody waits."""
    return WAITS.get(request.wait_for, False)


def refuse_unknown_fields(request: ProtoMessage) -> None:
    """Return if the request has no field that this version does not know; raises `RequestInvalid`."""
    violations = list(islice(_unknown_fields(request), _MAX_UNKNOWN))
    if violations:
        raise RequestInvalid(violations)


def message_to(message: Message) -> pb.Message:
    """Return a message as its client sees it."""
    reply = pb.Message(
        id=message.id,
        chat_id=message.chat_id,
        state=STATES[message.state],
        telegram_message_ids=message.telegram_message_ids,
        request_id=message.request_id,
        accept_time=_timestamp(message.accepted_at),
        attempts=message.attempts,
        possibly_duplicated=message.possibly_duplicated,
        expire_time=_timestamp(message.expires_at),
    )
    if message.finished_at is not None:
        reply.finish_time.CopyFrom(_timestamp(message.finished_at))
    if message.failure is not None:
        reply.failure.CopyFrom(_failure(message.failure))
    if message.state in (State.QUEUED, State.RETRY_WAIT) and message.due_at > message.accepted_at:
        reply.due_time.CopyFrom(_timestamp(message.due_at))
    return reply


def checked_to(draft: Draft) -> pb.Message:
    """Return the message that the draft would have made: without an id or a state, since it was not kept."""
    return pb.Message(chat_id=draft.chat_id, request_id=draft.request_id)


def credential_to(caller: Caller) -> credential_pb.Credential:
    """Return what a caller's credential says."""
    return credential_pb.Credential(
        client=caller.client,
        token_id=caller.token_id,
        issuer=caller.issuer,
        grants=[_grant(grant) for grant in caller.grants],
        issue_time=_timestamp(caller.issued_at),
        expire_time=_timestamp(caller.expires_at),
    )


def _grant(grant: Grant) -> credential_pb.ChatGrant:
    return credential_pb.ChatGrant(
        chat_id=grant.chat_id,
        permissions=[PERMISSIONS[permission] for permission in Permission if permission in grant.permissions],
        message_thread_id=grant.message_thread_id,
    )


def _enum(known: Mapping[int, V], request: pb.SendMessageRequest, name: str, malformed: list[Violation]) -> V:
    number: int = getattr(request, name)
    if number not in known:
        malformed.append((name, "is not a value of this version"))
        return known[0]
    return known[number]


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


def _instant(timestamp: Timestamp, malformed: list[Violation]) -> datetime | None:
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        malformed.append(("send_at", "is not an instant between the years 1 and 9999"))
        return None


def _failure(failure: Failure) -> pb.Failure:
    return pb.Failure(
        reason=f"ERROR_REASON_{failure.reason}",
        description=failure.description,
        telegram_error_code=failure.telegram_error_code,
    )


def _timestamp(at: datetime) -> Timestamp:
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)


def _unknown_fields(message: ProtoMessage, path: str = "") -> Iterator[Violation]:
    unknown = UnknownFieldSet(message)
    for index in range(len(unknown)):
        yield f"{path}{unknown[index].field_number}", "is not a field of this version"
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        below: list[Any] = list(value) if descriptor.is_repeated else [value]
        for index, inner in enumerate(below):
            place = f"[{index}]" if descriptor.is_repeated else ""
            yield from _unknown_fields(inner, f"{path}{descriptor.name}{place}.")
