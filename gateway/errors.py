"""Every refusal of the house, as a tree.

    GatewayError
     +-- CallRefused                 never says why: the caller learns one fixed text, the audit log the cause
     |    +-- Unauthenticated
     |    |    +-- TokenExpired
     |    +-- PermissionDenied
     |    |    +-- StepUpRequired
     |    +-- TooManyFailures
     +-- RequestInvalid
     |    +-- TextTooLong
     +-- RequestIdReused
     +-- MessageNotFound
     +-- ResourceNotFound
     +-- StateConflict
     +-- ApprovalRequired
     +-- CursorExpired
     +-- CallbackExpired
     +-- MethodUnknown
     +-- QuotaExceeded
     +-- TelegramBusy
     +-- TelegramRefused             what was asked at once of Telegram can't be done
     |    +-- ChatUnavailable
     |    +-- BotRightsMissing
     |    +-- ChatTypeUnsuitable
     |    +-- MemberNotFound
     |    +-- MemberProtected
     +-- Unavailable
     |    +-- NotDurable
     |    +-- AuditUnavailable
     |    +-- StateStale
     |    +-- ShuttingDown
     |    +-- TelegramUnavailable
     +-- MessageFailed               a message that ended without being delivered while its caller waited
     +-- ConfigInvalid               at start only: never crosses a door

The text of an error is for its caller and has no secret in it. `reason` is a name of the contract's `ErrorReason`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from gateway.model import Failure


class GatewayError(Exception):
    """The gateway refused."""

    reason: ClassVar[str]
    is_refusal: ClassVar[bool] = True
    """Whether it says no to what was asked for, which the audit log has, rather than that something is amiss here."""

    def __init__(self, message: str | None = None, **facts: str) -> None:
        """Keep the text (the class's own where none is given) and the facts that `ErrorInfo.metadata` carries."""
        super().__init__(message or self.__doc__)
        self.facts = facts
        # Why, for the audit log. What never crosses a door has no reason.
        self.cause = getattr(self, "reason", "").lower()
        self.record: dict[str, object] = {}


class CallRefused(GatewayError):
    """The call was refused."""

    def __init__(self, cause: str, **record: object) -> None:
        """Keep why, for the audit log alone.

        Args:
            cause: One of a closed set such as `bad_signature` or `chat_mismatch`.
            record: Fields of the `Record` that are known, such as `client` or `claimed_chat_id`.
        """
        super().__init__()
        self.cause = cause
        self.record = record


class Unauthenticated(CallRefused):
    """unauthenticated"""

    reason = "UNAUTHENTICATED"


class TokenExpired(Unauthenticated):
    """token expired"""

    reason = "TOKEN_EXPIRED"


class PermissionDenied(CallRefused):
    """permission denied"""

    reason = "PERMISSION_DENIED"


class StepUpRequired(PermissionDenied):
    """a fresh second factor is needed"""

    reason = "STEP_UP_REQUIRED"


class TooManyFailures(CallRefused):
    """too many failures"""

    reason = "TOO_MANY_FAILURES"

    def __init__(self, *, retry_after: timedelta) -> None:
        """Keep when to try again."""
        super().__init__("too_many_failures", verified=False)
        self.retry_after = retry_after


class RequestInvalid(GatewayError):
    """A field of the request is missing, malformed or out of range."""

    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[tuple[str, str]], **facts: str) -> None:
        """Keep the violations: pairs of a field's path, such as `buttons[0].text`, and what is wrong with it."""
        super().__init__("; ".join(f"{path}: {what}" if path else what for path, what in violations), **facts)
        self.violations = tuple(violations)


class TextTooLong(RequestInvalid):
    """The text is longer than Telegram takes."""

    reason = "TEXT_TOO_LONG"


class RequestIdReused(GatewayError):
    """This request_id was used for a request with another content."""

    reason = "REQUEST_ID_REUSED"


class MessageNotFound(GatewayError):
    """There is no such message of this client in this chat."""

    reason = "MESSAGE_NOT_FOUND"


class ResourceNotFound(GatewayError):
    """There is no such thing."""

    reason = "RESOURCE_NOT_FOUND"


class StateConflict(GatewayError):
    """The message is not in a state that allows this."""

    reason = "STATE_CONFLICT"


class ApprovalRequired(GatewayError):
    """A second person has to approve this request; then repeat it."""

    reason = "APPROVAL_REQUIRED"

    def __init__(self, approval_id: str) -> None:
        """Keep under which id it waits."""
        super().__init__(approvalId=approval_id)


class CursorExpired(GatewayError):
    """Some of what happened after this cursor is not kept any more."""

    reason = "CURSOR_EXPIRED"


class CallbackExpired(GatewayError):
    """Telegram takes no answer to this press on a button any more."""

    reason = "CALLBACK_EXPIRED"


class MethodUnknown(GatewayError):
    """There is no such method."""

    reason = "METHOD_UNKNOWN"


class QuotaExceeded(GatewayError):
    """The client has used up what it may send or queue for now."""

    reason = "QUOTA_EXCEEDED"

    def __init__(self, message: str | None = None, *, retry_after: timedelta, **facts: str) -> None:
        """Keep when to try again."""
        super().__init__(message, **facts)
        self.retry_after = retry_after


class TelegramBusy(GatewayError):
    """Telegram asks to wait."""

    reason = "RATE_LIMITED"
    is_refusal = False

    def __init__(self, message: str | None = None, *, retry_after: timedelta, **facts: str) -> None:
        """Keep when to try again."""
        super().__init__(message, **facts)
        self.retry_after = retry_after


class TelegramRefused(GatewayError):
    """Telegram does not do it."""

    is_refusal = False


class ChatUnavailable(TelegramRefused):
    """The bot is not in this chat, or the chat is gone."""

    reason = "CHAT_UNAVAILABLE"


class BotRightsMissing(TelegramRefused):
    """The bot has not the right to do this in this chat."""

    reason = "BOT_RIGHTS_MISSING"


class ChatTypeUnsuitable(TelegramRefused):
    """This can't be done in a chat of this type."""

    reason = "CHAT_TYPE_UNSUITABLE"


class MemberNotFound(TelegramRefused):
    """Telegram knows nobody of this id in this chat."""

    reason = "MEMBER_NOT_FOUND"


class MemberProtected(TelegramRefused):
    """The bot may not restrict an owner, an administrator or itself."""

    reason = "MEMBER_PROTECTED"


class Unavailable(GatewayError):
    """Not now. A repeat may succeed."""

    is_refusal = False


class NotDurable(Unavailable):
    """The message could not be put on durable storage and was not accepted."""

    reason = "NOT_DURABLE"


class AuditUnavailable(Unavailable):
    """The audit log could not be written, so nothing was done."""

    reason = "AUDIT_UNAVAILABLE"


class StateStale(Unavailable):
    """It can't be told whether the credential was revoked."""

    reason = "STATE_STALE"


class ShuttingDown(Unavailable):
    """The gateway is shutting down."""

    reason = "SHUTTING_DOWN"


class TelegramUnavailable(Unavailable):
    """Telegram refused to say, or could not be reached."""

    reason = "TELEGRAM_FAILED"


class MessageFailed(GatewayError):
    """The message was not delivered."""

    reason = "INVALID_REQUEST"
    is_refusal = False

    def __init__(self, message_id: str, failure: Failure) -> None:
        """Keep the failure: its reason, not the class's, goes out."""
        facts = {"messageId": message_id}
        if failure.telegram_error_code:
            facts["telegramErrorCode"] = str(failure.telegram_error_code)
        super().__init__(failure.description, **facts)
        self.failure = failure


class ConfigInvalid(Exception):
    """The configuration is incomplete or contradicts itself; the text says which setting and what to do."""
