"""What can go wrong with a request to Telegram, told apart by code and number, and by wording only where that is all.

    BotFailure
     +-- NotSent            nothing of the request was written: safe to repeat
     +-- Unanswered         some of it was written and no answer came: Telegram may have done it or not
     +-- Refused            Telegram answered that it did not do it
          +-- RateLimited   429
          +-- ChatMoved     400 with `migrate_to_chat_id`
          +-- ChatRefused   403: the bot may not write to this chat
          +-- BotRefused    401, 404 or 421: the token is wrong, was revoked, or belongs to another server
          +-- ServerFailed  5xx with a Bot API body: refused, and worth repeating
          +-- NotModified   400 "message is not modified": it is already as the edit would have it
          +-- MessageGone   400 "message to edit not found", "message to delete not found"
          +-- MessageFixed  400 "message can't be edited", "message can't be deleted"

A plain `Refused` (400, 413 and what is not named) is about the request itself: repeating it is of no use.

The last three have no number of their own. If Telegram worded them otherwise, an edit or a delete would be told to have
failed where it was done already; nothing would be done that should not be.
"""

from __future__ import annotations

from datetime import timedelta


class BotFailure(Exception):
    """A request to Telegram failed."""


class NotSent(BotFailure):
    """Nothing of the request reached Telegram."""


class Unanswered(BotFailure):
    """The request may have reached Telegram, and no answer came."""


class Refused(BotFailure):
    """Telegram refused the request."""

    def __init__(self, code: int, description: str) -> None:
        """Keep the Bot API's `error_code` and `description`; the token is never in it."""
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description


class RateLimited(Refused):
    """Too many requests; None for `retry_after` where Telegram gave no time."""

    def __init__(self, code: int, description: str, retry_after: timedelta | None) -> None:
        """Keep how long to stay away."""
        super().__init__(code, description)
        self.retry_after = retry_after


class ChatMoved(Refused):
    """The group became a supergroup with another id."""

    def __init__(self, code: int, description: str, new_chat_id: int) -> None:
        """Keep the id it has now."""
        super().__init__(code, description)
        self.new_chat_id = new_chat_id


class ChatRefused(Refused):
    """The bot was blocked, removed, or never let in."""


class BotRefused(Refused):
    """The bot token is wrong or was revoked."""

    def __init__(self, code: int, description: str, token_version: int = 0) -> None:
        """Keep which token was refused: another `Connector.token_version` means that it was replaced since."""
        super().__init__(code, description)
        self.token_version = token_version


class ServerFailed(Refused):
    """Telegram's server failed and said so."""


class NotModified(Refused):
    """The message is already as the edit would have it."""


class MessageGone(Refused):
    """The message that was to be edited or deleted is not in the chat."""


class MessageFixed(Refused):
    """The message that was to be edited or deleted can't be, any more or by this bot."""
