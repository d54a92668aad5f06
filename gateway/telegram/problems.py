"""Why Telegram refused to moderate: told apart by wording, because it gives these no number.

The words are those of the Bot API server (https://github.com/tdlib/telegram-bot-api, Client.cpp) and of TDLib
(https://github.com/tdlib/td, DialogManager.cpp, DialogParticipantManager.cpp); those in capitals are Telegram's own. If
one were worded otherwise, a refusal would lose its reason and be told as `INVALID_REQUEST`, with Telegram's words;
nothing would be done that should not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gateway.telegram.failures import Refused


class Problem(Enum):
    """What is in the way."""

    ALREADY_SO = "already_so"
    BOT_RIGHTS_MISSING = "bot_rights_missing"
    TYPE_UNSUITABLE = "chat_type_unsuitable"
    MEMBER_UNKNOWN = "member_not_found"
    MEMBER_PROTECTED = "member_protected"
    MESSAGE_UNKNOWN = "message_not_found"
    REACTION_REFUSED = "reaction_refused"
    PRESS_OVER = "press_over"


_BY_WORDING: Mapping[str, Problem] = {
    "CHAT_NOT_MODIFIED": Problem.ALREADY_SO,
    "MESSAGE_NOT_MODIFIED": Problem.ALREADY_SO,
    "USER_NOT_MODIFIED": Problem.ALREADY_SO,
    "not enough rights": Problem.BOT_RIGHTS_MISSING,
    "have no rights": Problem.BOT_RIGHTS_MISSING,
    "need administrator rights": Problem.BOT_RIGHTS_MISSING,
    "need to be inviter of a user to kick it from a basic group": Problem.BOT_RIGHTS_MISSING,
    "CHAT_ADMIN_REQUIRED": Problem.BOT_RIGHTS_MISSING,
    "CHAT_WRITE_FORBIDDEN": Problem.BOT_RIGHTS_MISSING,
    "RIGHT_FORBIDDEN": Problem.BOT_RIGHTS_MISSING,
    "member list is inaccessible": Problem.BOT_RIGHTS_MISSING,
    "method is available": Problem.TYPE_UNSUITABLE,
    "can't ban members in private chats": Problem.TYPE_UNSUITABLE,
    "can't change private chat permissions": Problem.TYPE_UNSUITABLE,
    "can't change channel chat permissions": Problem.TYPE_UNSUITABLE,
    "can't change chat permissions": Problem.TYPE_UNSUITABLE,
    "there are no administrators in the private chat": Problem.TYPE_UNSUITABLE,
    "PARTICIPANT_ID_INVALID": Problem.MEMBER_UNKNOWN,
    "USER_ID_INVALID": Problem.MEMBER_UNKNOWN,
    "USER_NOT_PARTICIPANT": Problem.MEMBER_UNKNOWN,
    "invalid user_id specified": Problem.MEMBER_UNKNOWN,
    "member not found": Problem.MEMBER_UNKNOWN,
    "user not found": Problem.MEMBER_UNKNOWN,
    "USER_ADMIN_INVALID": Problem.MEMBER_PROTECTED,
    "user is an administrator of the chat": Problem.MEMBER_PROTECTED,
    "can't remove chat owner": Problem.MEMBER_PROTECTED,
    "can't restrict self": Problem.MEMBER_PROTECTED,
    "MESSAGE_ID_INVALID": Problem.MESSAGE_UNKNOWN,
    "message to pin not found": Problem.MESSAGE_UNKNOWN,
    "message to unpin not found": Problem.MESSAGE_UNKNOWN,
    "message to react not found": Problem.MESSAGE_UNKNOWN,
    "message not found": Problem.MESSAGE_UNKNOWN,
    "query is too old": Problem.PRESS_OVER,
    "QUERY_ID_INVALID": Problem.PRESS_OVER,
    "REACTION_INVALID": Problem.REACTION_REFUSED,
    "REACTION_EMPTY": Problem.REACTION_REFUSED,
    "REACTIONS_TOO_MANY": Problem.REACTION_REFUSED,
}


def problem_of(failure: Refused) -> Problem | None:
    """Return what is in the way, as far as Telegram's words tell; None: they don't."""
    if failure.code not in (400, 403):
        return None
    said = failure.description.removeprefix("Bad Request: ").removeprefix("Forbidden: ")
    return next((problem for wording, problem in _BY_WORDING.items() if said.startswith(wording)), None)
