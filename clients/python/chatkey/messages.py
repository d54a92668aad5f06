"""The words of the contract as Python has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from chatkey.errors import ChatkeyError


class State(Enum):
    """Where a message is on its way."""

    UNSPECIFIED = "UNSPECIFIED"
    """The answer to a request that was only checked, or a state that this client does not know."""
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    RETRY_WAIT = "RETRY_WAIT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DELIVERY_UNKNOWN = "DELIVERY_UNKNOWN"

    @property
    def is_final(self) -> bool:
        """Whether a message in this state stays in it."""
        return self in (State.DELIVERED, State.FAILED, State.EXPIRED, State.CANCELLED, State.DELIVERY_UNKNOWN)


class Kind(Enum):
    """What is to be done in a chat."""

    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know, or a gateway that is older than edits."""
    SEND = "SEND"
    EDIT = "EDIT"
    DELETE = "DELETE"


class Resolution(Enum):
    """What became of a message whose delivery was unknown."""

    DELIVERED = "DELIVERED"
    """The chat has it."""
    DROPPED = "DROPPED"
    """The chat does not have it, or need not."""


class TextFormat(Enum):
    """How a text is to be read."""

    PLAIN = "PLAIN"
    HTML = "HTML"
    MARKDOWN_V2 = "MARKDOWN_V2"
    """Telegram's dialect: the caller escapes."""
    MARKDOWN = "MARKDOWN"
    """Markdown as people write it: nothing has to be escaped."""


class WaitFor(Enum):
    """When a call is to answer."""

    DELIVERY = "DELIVERY"
    """When the message is final, or shortly before the deadline with the state that it has then."""
    ACCEPTANCE = "ACCEPTANCE"
    """When the message is on durable storage."""


class WhenUnknown(Enum):
    """What to do when it can't be known whether Telegram delivered a message."""

    RESEND = "RESEND"
    """Send it again: the chat may see it twice."""
    GIVE_UP = "GIVE_UP"
    """Never send it again: the chat may not see it."""


class Priority(Enum):
    """How urgent a message is, compared with messages for other chats."""

    BULK = "BULK"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


class LinkPreview(Enum):
    """Whether links get a preview."""

    NONE = "NONE"
    AUTO = "AUTO"


class Overflow(Enum):
    """What to do with a text that is longer than Telegram takes."""

    REJECT = "REJECT"
    """Refuse it: `TextTooLong`."""
    SPLIT = "SPLIT"
    """Send it as several messages, one after the other. It stays one message of ours."""
    DOCUMENT = "DOCUMENT"
    """Send it as a file, with its beginning as the caption."""


class EntityType(Enum):
    """The kinds of formatting."""

    BOLD = "BOLD"
    ITALIC = "ITALIC"
    UNDERLINE = "UNDERLINE"
    STRIKETHROUGH = "STRIKETHROUGH"
    SPOILER = "SPOILER"
    BLOCKQUOTE = "BLOCKQUOTE"
    EXPANDABLE_BLOCKQUOTE = "EXPANDABLE_BLOCKQUOTE"
    CODE = "CODE"
    PRE = "PRE"
    TEXT_LINK = "TEXT_LINK"


class Permission(Enum):
    """What may be done in a chat."""

    UNSPECIFIED = "UNSPECIFIED"
    """One that this client does not know."""
    WRITE = "WRITE"
    READ = "READ"
    MODERATE = "MODERATE"


@dataclass(frozen=True, slots=True)
class MessageEntity:
    """Formatting of a part of a plain text; `offset` and `length` in UTF-16 code units."""

    type: EntityType
    offset: int
    length: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message; exactly one of `url` and `copy_text` is set."""

    text: str
    url: str = ""
    copy_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a message was not delivered.

    Attributes:
        reason: The name of a value of the contract's `ErrorReason` without its prefix.
        description: One line for people.
        telegram_error_code: The Bot API's code; 0 when Telegram gave no answer.
    """

    reason: str
    description: str
    telegram_error_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message on its way to Telegram, or at its end; or an edit or a delete of one.

    Attributes:
        id: Given at acceptance; empty for a request that was only checked.
        telegram_message_ids: Those of its parts that Telegram has confirmed, in order: one, if it was not split. Of an
            edit or a delete: those of what it touched.
        request_id: What it was sent with.
        accepted_at: When it was put on durable storage; `None` for a request that was only checked.
        finished_at: When it reached its final state.
        attempts: How often it was handed to Telegram.
        possibly_duplicated: Whether the chat may have seen it more than once.
        failure: Why it was not delivered, or why the last attempt failed.
        due_at: When the next attempt is due at the earliest, if it waits for one.
        expires_at: When it ends if it has not been sent by then.
        estimated_wait: In the answer to `send`, `edit` and `delete`, about how long it will wait for its first attempt.
        kind: Whether it is a message or what is to be done to one.
        target_id: Of an edit or a delete: the `id` of the message that it touches.
        parts: As how many Telegram messages it is sent.
    """

    id: str
    chat_id: int
    state: State
    telegram_message_ids: tuple[int, ...]
    request_id: str
    accepted_at: datetime | None
    finished_at: datetime | None
    attempts: int
    possibly_duplicated: bool
    failure: Failure | None
    due_at: datetime | None
    expires_at: datetime | None
    estimated_wait: timedelta | None = None
    kind: Kind = Kind.SEND
    target_id: str = ""
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """A message after a change, and where to go on watching after it."""

    message: Message
    resume_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would become of a message.

    Attributes:
        allowed: Whether it would be accepted.
        rule: The rule that decides, such as `pin`, `content` or `accepted`.
        error: What sending it would raise; `None` if it would be accepted.
        text_length: What Telegram would count as its length, in Unicode code points.
        parts: How many Telegram messages it would become.
        estimated_wait: About how long it would wait for its first attempt; `None` if it would be refused.
    """

    allowed: bool
    rule: str
    error: ChatkeyError | None
    text_length: int
    parts: int
    estimated_wait: timedelta | None


@dataclass(frozen=True, slots=True)
class ChatGrant:
    """A chat that a credential opens; for one forum topic only if `message_thread_id` is set."""

    chat_id: int
    permissions: frozenset[Permission]
    message_thread_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a token is and what it opens. Quote `token_id`, never the token, when you ask for it to be revoked."""

    client: str
    token_id: str
    issuer: str
    grants: tuple[ChatGrant, ...]
    issued_at: datetime | None
    expires_at: datetime | None
    address_ranges: tuple[str, ...] = ()
    """From where alone it may be used; empty: from anywhere that the gateway allows."""
    certificate_thumbprint: str = ""
    """The SHA-256, in base64url, of the one client certificate that it may be used with."""
    generation: int | None = None
    parent_token_ids: tuple[str, ...] = ()
    """The tokens that it was narrowed from, its parent first: it ends with any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """A token that was just made of another one. Hand it on, and do not log it: `repr` leaves it out."""

    token: str = field(repr=False)
    credential: Credential
