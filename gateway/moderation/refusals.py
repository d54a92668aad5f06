"""What a caller is told of a failure.

| what happened                                | what the caller is told                             |
|----------------------------------------------|-----------------------------------------------------|
| not sent, no answer, Telegram's server failed | TELEGRAM_FAILED, after attempts until the deadline  |
| 429                                          | RATE_LIMITED, if the pause is beyond the deadline   |
| the bot is refused                           | TELEGRAM_FAILED, at once                            |
| the chat is refused, or moved and not followed | CHAT_UNAVAILABLE                                  |
| refused, and the words tell why              | the reason in `_TOLD`                               |
| refused otherwise, by 400 or 413             | INVALID_REQUEST, with Telegram's words              |
| refused otherwise                            | TELEGRAM_FAILED                                     |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.errors import (
    BotRightsMissing,
    CallbackExpired,
    ChatTypeUnsuitable,
    ChatUnavailable,
    GatewayError,
    MemberNotFound,
    MemberProtected,
    MessageNotFound,
    RequestInvalid,
    TelegramBusy,
    TelegramUnavailable,
)
from gateway.telegram.failures import BotFailure, BotRefused, ChatMoved, ChatRefused, RateLimited, Refused, Unanswered
from gateway.telegram.problems import Problem, problem_of

PAUSE = timedelta(seconds=1)
"""What is waited where Telegram asks to wait and does not say how long."""
ABOUT_THE_REQUEST = frozenset({400, 413})

_TOLD: Mapping[Problem, type[GatewayError]] = {
    Problem.BOT_RIGHTS_MISSING: BotRightsMissing,
    Problem.TYPE_UNSUITABLE: ChatTypeUnsuitable,
    Problem.MEMBER_UNKNOWN: MemberNotFound,
    Problem.MEMBER_PROTECTED: MemberProtected,
    Problem.MESSAGE_UNKNOWN: MessageNotFound,
    Problem.PRESS_OVER: CallbackExpired,
}


def error_of(failure: BotFailure, about: Mapping[str, str]) -> GatewayError:
    """Return what a caller is told; `about` has the facts of the member or message that was asked for."""
    if isinstance(failure, BotRefused):
        return TelegramUnavailable("Telegram refuses the bot; nothing was done.")
    if isinstance(failure, Unanswered):
        return TelegramUnavailable("Telegram did not answer, so it may have been done; to repeat it does no harm.")
    if not isinstance(failure, Refused):
        return TelegramUnavailable("Telegram could not be reached; nothing was done.")
    code = {"telegramErrorCode": str(failure.code)}
    problem = problem_of(failure)
    if isinstance(failure, RateLimited):
        return TelegramBusy(retry_after=failure.retry_after or PAUSE, **code)
    if problem is Problem.REACTION_REFUSED:
        return RequestInvalid([("emoji", "is no reaction that Telegram takes in this chat")], **code)
    if problem is not None and problem in _TOLD:
        return _TOLD[problem](None, **about, **code)
    if isinstance(failure, ChatMoved | ChatRefused):
        return ChatUnavailable(failure.description, **code)
    if failure.code in ABOUT_THE_REQUEST:
        return RequestInvalid([("", failure.description)], **code)
    return TelegramUnavailable(failure.description, **code)
