"""What is asked and told of updates: the contract's messages as the words of the house, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from chatkey.v1 import update_service_pb2 as pb
from gateway.desk.updates import Following
from gateway.model import AnswerPress, Update, UpdateKind
from gateway.rpc import convert, happenings
from gateway.rpc.telegram_json import Json, object_from

KINDS: Mapping[UpdateKind, str] = {kind: f"UPDATE_KIND_{kind.name}" for kind in UpdateKind}
_KINDS: Mapping[int, UpdateKind] = {pb.UpdateKind.Value(name): kind for kind, name in KINDS.items()}
_MESSAGE = ("message", happenings.message_from)
_MEMBER = ("chat_member_change", happenings.member_change_from)
CONTENTS: Mapping[UpdateKind, tuple[str, Callable[[Json], Any]]] = {
    UpdateKind.MESSAGE: _MESSAGE,
    UpdateKind.EDITED_MESSAGE: _MESSAGE,
    UpdateKind.CHANNEL_POST: _MESSAGE,
    UpdateKind.EDITED_CHANNEL_POST: _MESSAGE,
    UpdateKind.CALLBACK_QUERY: ("callback_query", happenings.callback_query_from),
    UpdateKind.MESSAGE_REACTION: ("message_reaction", happenings.reaction_from),
    UpdateKind.MY_CHAT_MEMBER: _MEMBER,
    UpdateKind.CHAT_MEMBER: _MEMBER,
    UpdateKind.CHAT_JOIN_REQUEST: ("chat_join_request", happenings.join_request_from),
}
"""Which field an update's content goes to, and what reads it: None where it is not understood."""


def following_from(request: pb.StreamUpdatesRequest) -> Following:
    """Return what is asked to be told, with what of the request could not be put into it."""
    malformed = convert.unknown_in(request)
    for index, number in enumerate(request.kinds):
        if number not in _KINDS:
            malformed.append((f"kinds[{index}]", "is not a kind of this version"))
    return Following(
        cursor=request.cursor,
        from_oldest=request.from_oldest,
        chat_ids=tuple(request.chat_ids),
        kinds=frozenset(_KINDS[number] for number in request.kinds if number in _KINDS),
        malformed=malformed,
    )


def answer_from(request: pb.AnswerCallbackRequest) -> AnswerPress:
    """Return how a press is to be answered; raises `RequestInvalid`."""
    convert.refuse_unknown_fields(request)
    return AnswerPress(callback_id=request.callback_id, text=request.text, show_alert=request.show_alert)


def streamed_to(update: Update | None, cursor: str) -> pb.StreamUpdatesResponse:
    """Return what happened, or the cursor alone."""
    return pb.StreamUpdatesResponse(update=None if update is None else update_to(update), cursor=cursor)


def update_to(update: Update) -> pb.Update:
    """Return an update as those who may read its chat see it; what is not understood is left out of it."""
    received = Timestamp()
    received.FromDatetime(update.received_at)
    reply = pb.Update(
        update_id=update.update_id,
        chat_id=update.chat_id,
        message_thread_id=update.message_thread_id or 0,
        receive_time=received,
        kind=KINDS[update.kind],
    )
    field, read = CONTENTS[update.kind]
    content = read(object_from(update.content))
    if content is not None:
        getattr(reply, field).CopyFrom(content)
    return reply
