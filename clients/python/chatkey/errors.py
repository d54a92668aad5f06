"""What can go wrong, as a tree. Branch on the class or on `reason`, never on the text.

    ChatkeyError
     +-- ConfigurationError          found before anything was sent: no token, a contradiction between settings
     +-- Unauthenticated             the token is not accepted; the operator finds out why with `error_id`
     |    +-- TokenExpired           get a new token
     +-- PermissionDenied            the token does not open this chat or this function
     |    +-- StepUpRequired
     +-- InvalidRequest              `violations` names the fields
     |    +-- TextTooLong
     +-- RequestIdReused             the same request_id with another content
     +-- MessageNotFound
     +-- MemberNotFound              Telegram knows nobody of that id in the chat
     +-- ResourceNotFound            such as a press on a button that is of another chat
     +-- CursorExpired               some of what happened after it is not kept any more: begin anew
     +-- FailedPrecondition
     |    +-- ChatUnavailable        the bot is not in the chat, was blocked, or the chat is gone
     |    +-- BotRightsMissing       the bot is no administrator of the chat, or one without the right
     |    +-- ChatTypeUnsuitable     such as restricting somebody in a chat with one person
     |    +-- MemberProtected        an owner, an administrator, or the bot itself
     |    +-- ApprovalRequired       a second person has to approve the request
     |    +-- StateConflict          such as cancelling a message that is on its way
     |    +-- CallbackExpired        the press on a button was too long ago to be answered
     +-- ResourceExhausted           `retry_after` says when to try again
     |    +-- QuotaExceeded
     |    +-- RateLimited            Telegram asks to wait for longer than the call may
     |    +-- TooManyFailures        for a token that was not accepted before
     +-- Unavailable                 repeated by the client until the deadline; raised when that is over
     |    +-- NotDurable
     |    +-- ShuttingDown
     |    +-- AuditUnavailable
     |    +-- StateStale
     +-- DeadlineExceeded            no answer in time: `request_id` asks safely whether it was accepted
     +-- MessageFailed               the message was accepted and has ended without being delivered
     |    +-- TelegramFailed
     |    +-- MessageExpired
     |    +-- CredentialEnded
     |    +-- MessageUnavailable    the message that it edits or deletes did not arrive, is gone, or is too old
     +-- MethodUnknown               the gateway is older than this client
     +-- InternalError               a bug of the gateway; the operator finds it with `error_id`

A message that Telegram refuses fails with the reason of the refusal, such as `ChatUnavailable`; it has a `message_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import grpc


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request, such as `buttons[0].text`, and what is wrong with it."""

    field: str
    description: str


class ChatkeyError(Exception):
    """A call failed.

    Attributes:
        reason: The name of a value of the contract's `ErrorReason` without its prefix, such as `QUOTA_EXCEEDED`; also
            one that this client does not know. Empty when the gateway gave none.
        code: The gRPC status code; `None` when nothing was sent.
        error_id: Quote it to the operator, whose log has more. May be empty.
        metadata: The facts that come with the reason.
        message_id: The message that the error is about. May be empty.
        request_id: What the message was sent with: sending it again with the same one makes no second message.
        retry_after: How long the gateway asks to wait, if it does.
        violations: What is wrong with the request.
        retriable: Whether the same call may be repeated as it is.
    """

    code: grpc.StatusCode | None = None
    reason: str = ""
    error_id: str = ""
    message_id: str = ""
    request_id: str = ""
    metadata: Mapping[str, str] = {}
    retry_after: timedelta | None = None
    violations: tuple[Violation, ...] = ()
    retriable: bool = False

    may_retry: ClassVar[bool] = True


class ConfigurationError(ChatkeyError):
    """The client can't work as it is set up. The text says what to do."""


class Unauthenticated(ChatkeyError):
    """The token is not accepted."""


class TokenExpired(Unauthenticated):
    """The time of the token is over."""


class PermissionDenied(ChatkeyError):
    """The token does not open this chat or this function."""


class StepUpRequired(PermissionDenied):
    """The call needs a second factor: of a client, a credential that is bound to a client certificate."""


class InvalidRequest(ChatkeyError):
    """A field is missing, malformed or out of range, or Telegram refused the content."""


class TextTooLong(InvalidRequest):
    """The text is longer than Telegram takes."""


class RequestIdReused(ChatkeyError):
    """The request_id was used for a message with another content."""


class MessageNotFound(ChatkeyError):
    """This client has no such message."""


class MemberNotFound(ChatkeyError):
    """Telegram knows nobody of that id in the chat."""


class ResourceNotFound(ChatkeyError):
    """What is asked for is not known."""


class CursorExpired(ChatkeyError):
    """Some of what happened after this cursor is not kept any more: begin anew."""


class FailedPrecondition(ChatkeyError):
    """Something has to change before this call can succeed."""


class ChatUnavailable(FailedPrecondition):
    """The chat can't be written to."""


class BotRightsMissing(FailedPrecondition):
    """The bot has not the right to do this in the chat."""


class ChatTypeUnsuitable(FailedPrecondition):
    """This can't be done in a chat of this type."""


class MemberProtected(FailedPrecondition):
    """The bot may not restrict an owner, an administrator or itself."""


class ApprovalRequired(FailedPrecondition):
    """A second person has to approve the request."""


class StateConflict(FailedPrecondition):
    """The message is not in a state that allows this."""


class CallbackExpired(FailedPrecondition):
    """Telegram takes no answer to this press on a button any more."""


class ResourceExhausted(ChatkeyError):
    """Too much for now."""


class QuotaExceeded(ResourceExhausted):
    """The client has used up what it may send or queue for now."""


class RateLimited(ResourceExhausted):
    """Telegram asks to wait for longer than the call may."""


class TooManyFailures(ResourceExhausted):
    """Too many tokens from this address failed, so this one was not looked at."""


class Unavailable(ChatkeyError):
    """The gateway can't be reached or can't answer now."""


class NotDurable(Unavailable):
    """The message could not be put on durable storage and was not accepted."""


class ShuttingDown(Unavailable):
    """The gateway is shutting down or not ready."""


class AuditUnavailable(Unavailable):
    """The audit log could not be written, so nothing was done."""


class StateStale(Unavailable):
    """The gateway can't tell whether the token was revoked."""


class DeadlineExceeded(ChatkeyError):
    """No answer came before the deadline."""


class MessageFailed(ChatkeyError):
    """The message has ended without being delivered. Repeating the call gives the same answer."""

    may_retry = False


class TelegramFailed(MessageFailed):
    """Telegram failed on every attempt. Without a `message_id` what was asked may have been done: repeat it."""


class MessageExpired(MessageFailed):
    """The message's time to live was over before it could be sent."""


class CredentialEnded(MessageFailed):
    """The right to send ended while the message was waiting."""


class MessageUnavailable(MessageFailed):
    """The message can't be edited or deleted: it did not arrive, is gone, or Telegram does not allow it any more."""


class MethodUnknown(ChatkeyError):
    """The gateway has no such method."""


class InternalError(ChatkeyError):
    """The gateway has a bug."""
