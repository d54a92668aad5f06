"""What is answered: the words of the house as the contract's messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chatkey.v1 import credential_self_pb2 as credential_pb
from chatkey.v1 import messaging_gateway_pb2 as pb
from gateway.desk.explanation import Explanation
from gateway.model import Caller, Draft, Failure, Grant, Kind, Message, Permission, State
from gateway.rpc.status import Answer, answer_to

STATES: Mapping[State, str] = {state: f"STATE_{state.name}" for state in State}
KINDS: Mapping[Kind, str] = {kind: f"KIND_{kind.name}" for kind in Kind}
PERMISSIONS: Mapping[Permission, str] = {permission: f"PERMISSION_{permission.name}" for permission in Permission}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def message_to(message: Message) -> pb.Message:
    """Return a message as its client sees it."""
    reply = pb.Message(
        id=message.id,
        chat_id=message.chat_id,
        state=STATES[message.state],
        telegram_message_ids=message.telegram_message_ids,
        request_id=message.request_id,
        accept_time=timestamp_to(message.accepted_at),
        attempts=message.attempts,
        possibly_duplicated=message.possibly_duplicated,
        expire_time=timestamp_to(message.expires_at),
        kind=KINDS[message.kind],
        target_message_id=message.target_id,
        parts=message.parts,
    )
    if message.finished_at is not None:
        reply.finish_time.CopyFrom(timestamp_to(message.finished_at))
    if message.failure is not None:
        reply.failure.CopyFrom(_failure(message.failure))
    if message.state in (State.QUEUED, State.RETRY_WAIT) and message.due_at > message.accepted_at:
        reply.due_time.CopyFrom(timestamp_to(message.due_at))
    return reply


def sent_to(message: Message, estimated_wait: timedelta | None) -> pb.SendMessageResponse:
    """Return the answer to whoever sent a message."""
    return pb.SendMessageResponse(message=message_to(message), estimated_wait=duration_to(estimated_wait))


def edited_to(message: Message, estimated_wait: timedelta | None) -> pb.EditMessageResponse:
    """Return the answer to whoever edited a message."""
    return pb.EditMessageResponse(message=message_to(message), estimated_wait=duration_to(estimated_wait))


def deleted_to(message: Message, estimated_wait: timedelta | None) -> pb.DeleteMessageResponse:
    """Return the answer to whoever deleted a message."""
    return pb.DeleteMessageResponse(message=message_to(message), estimated_wait=duration_to(estimated_wait))


def change_to(message: Message | None, resume_token: str) -> pb.WatchMessagesResponse:
    """Return a change, or the token alone."""
    return pb.WatchMessagesResponse(message=None if message is None else message_to(message), resume_token=resume_token)


def refusal_to(answer: Answer, error_id: str = "") -> pb.Refusal:
    """Return what is wrong with one request of many."""
    return pb.Refusal(
        code=answer.code.value[0],
        reason=f"ERROR_REASON_{answer.reason}",
        description=answer.text,
        metadata=answer.metadata,
        violations=[pb.FieldViolation(field=path, description=what) for path, what in answer.violations],
        retry_delay=duration_to(answer.retry_after),
        error_id=error_id,
    )


def explanation_to(explanation: Explanation) -> pb.ExplainResponse:
    """Return what would become of a message."""
    refusal = explanation.refusal
    return pb.ExplainResponse(
        allowed=explanation.allowed,
        rule=explanation.rule,
        refusal=refusal_to(answer_to(refusal)) if refusal else None,
        text_length=explanation.text_length,
        parts=explanation.parts,
        estimated_wait=duration_to(explanation.estimated_wait),
    )


def checked_to(draft: Draft) -> pb.Message:
    """Return the message that the draft would have made: without an id or a state, since it was not kept."""
    return pb.Message(
        chat_id=draft.chat_id,
        request_id=draft.request_id,
        kind=KINDS[draft.kind],
        target_message_id=draft.target_id,
    )


def credential_to(caller: Caller) -> credential_pb.Credential:
    """Return what a caller's credential says."""
    return credential_pb.Credential(
        client=caller.client,
        token_id=caller.token_id,
        issuer=caller.issuer,
        grants=[_grant(grant) for grant in caller.grants],
        issue_time=timestamp_to(caller.issued_at),
        expire_time=timestamp_to(caller.expires_at),
        address_ranges=caller.address_ranges.texts if caller.address_ranges else (),
        certificate_thumbprint=caller.certificate_thumbprint,
        generation=caller.generation,
        parent_token_ids=caller.parent_ids,
    )


def _grant(grant: Grant) -> credential_pb.ChatGrant:
    return credential_pb.ChatGrant(
        chat_id=grant.chat_id,
        permissions=[PERMISSIONS[permission] for permission in Permission if permission in grant.permissions],
        message_thread_id=grant.message_thread_id,
    )


def _failure(failure: Failure) -> pb.Failure:
    return pb.Failure(
        reason=f"ERROR_REASON_{failure.reason}",
        description=failure.description,
        telegram_error_code=failure.telegram_error_code,
    )


def duration_to(delta: timedelta | None) -> Duration | None:
    """Return a time as the contract has it."""
    if delta is None:
        return None
    duration = Duration()
    duration.FromTimedelta(delta)
    return duration


def timestamp_to(at: datetime) -> Timestamp:
    """Return an instant as the contract has it."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)
