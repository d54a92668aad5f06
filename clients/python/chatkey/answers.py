"""What the gateway answers, as the words that Python has for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from chatkey.errors import ChatkeyError
from chatkey.messages import (
    Change,
    ChatGrant,
    Credential,
    Explanation,
    Failure,
    Kind,
    Message,
    Narrowed,
    Permission,
    State,
)
from chatkey.refusals import error_of, reason_of
from chatkey.v1 import credential_self_pb2, messaging_gateway_pb2

Accepted: TypeAlias = (
    messaging_gateway_pb2.SendMessageResponse
    | messaging_gateway_pb2.EditMessageResponse
    | messaging_gateway_pb2.DeleteMessageResponse
)


def sent_from(answer: Accepted) -> Message:
    """Read a message, an edit or a delete that was just accepted."""
    return message_from(answer.message, _wait(answer))


def outcome_from(
    answer: messaging_gateway_pb2.SendMessagesResponse, request: messaging_gateway_pb2.SendMessagesRequest
) -> Message | ChatkeyError:
    """Read what became of one message of many: as it is, or why it was refused or has failed."""
    if answer.HasField("refusal"):
        return error_of(answer.refusal, request.message.request_id)
    return message_from(answer.message)


def explanation_from(answer: messaging_gateway_pb2.ExplainResponse) -> Explanation:
    """Read what would become of a message."""
    return Explanation(
        allowed=answer.allowed,
        rule=answer.rule,
        error=error_of(answer.refusal) if answer.HasField("refusal") else None,
        text_length=answer.text_length,
        parts=answer.parts,
        estimated_wait=_wait(answer),
    )


def _wait(answer: Accepted | messaging_gateway_pb2.ExplainResponse) -> timedelta | None:
    return answer.estimated_wait.ToTimedelta() if answer.HasField("estimated_wait") else None


def message_from(answer: messaging_gateway_pb2.Message, estimated_wait: timedelta | None = None) -> Message:
    """Read a message."""
    return Message(
        id=answer.id,
        chat_id=answer.chat_id,
        state=_state(answer.state),
        telegram_message_ids=tuple(answer.telegram_message_ids),
        request_id=answer.request_id,
        accepted_at=instant_from(answer.accept_time),
        finished_at=instant_from(answer.finish_time),
        attempts=answer.attempts,
        possibly_duplicated=answer.possibly_duplicated,
        failure=_failure(answer.failure) if answer.HasField("failure") else None,
        due_at=instant_from(answer.due_time),
        expires_at=instant_from(answer.expire_time),
        estimated_wait=estimated_wait,
        kind=_kind(answer.kind),
        target_id=answer.target_message_id,
        parts=answer.parts or 1,  # a gateway that is older than parts says none
    )


def change_from(answer: messaging_gateway_pb2.WatchMessagesResponse) -> Change:
    """Read a change."""
    return Change(message_from(answer.message), answer.resume_token)


def credential_from(answer: credential_self_pb2.Credential) -> Credential:
    """Read a credential."""
    return Credential(
        client=answer.client,
        token_id=answer.token_id,
        issuer=answer.issuer,
        grants=tuple(_grant(grant) for grant in answer.grants),
        issued_at=instant_from(answer.issue_time),
        expires_at=instant_from(answer.expire_time),
        address_ranges=tuple(answer.address_ranges),
        certificate_thumbprint=answer.certificate_thumbprint,
        generation=answer.generation if answer.HasField("generation") else None,
        parent_token_ids=tuple(answer.parent_token_ids),
    )


def narrowed_from(answer: credential_self_pb2.NarrowCredentialResponse) -> Narrowed:
    """Read a child of a credential."""
    return Narrowed(token=answer.token, credential=credential_from(answer.credential))


def _grant(grant: credential_self_pb2.ChatGrant) -> ChatGrant:
    topic = grant.message_thread_id if grant.HasField("message_thread_id") else None
    return ChatGrant(grant.chat_id, frozenset(map(_permission, grant.permissions)), topic)


def _failure(failure: messaging_gateway_pb2.Failure) -> Failure:
    return Failure(
        reason=reason_of(failure.reason),
        description=failure.description,
        telegram_error_code=failure.telegram_error_code,
    )


def _state(number: int) -> State:
    value = messaging_gateway_pb2.State.DESCRIPTOR.values_by_number.get(number)
    return State(value.name.removeprefix("STATE_")) if value else State.UNSPECIFIED


def _kind(number: int) -> Kind:
    value = messaging_gateway_pb2.Kind.DESCRIPTOR.values_by_number.get(number)
    return Kind(value.name.removeprefix("KIND_")) if value else Kind.UNSPECIFIED


def _permission(number: int) -> Permission:
    value = credential_self_pb2.Permission.DESCRIPTOR.values_by_number.get(number)
    return Permission(value.name.removeprefix("PERMISSION_")) if value else Permission.UNSPECIFIED


def instant_from(timestamp: Timestamp) -> datetime | None:
    """Read an instant; None where there is none."""
    # Not set and the start of 1970 are the same on the wire; nothing was sent then.
    return timestamp.ToDatetime(tzinfo=UTC) if timestamp.seconds or timestamp.nanos else None
