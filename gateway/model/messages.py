"""What clients ask for, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from gateway.model.rights import Ancestor

DEFAULT_TTL = timedelta(hours=24)


class TextFormat(Enum):
    """How a text is to be read."""

    PLAIN = "plain"
    HTML = "html"
    MARKDOWN_V2 = "markdown_v2"
    MARKDOWN = "markdown"


class Kind(Enum):
    """What is to be done in a chat: send a message, or change or take out one that was sent."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"


class WhenUnknown(Enum):
    """What to do when it can't be known whether Telegram delivered a message."""

    RESEND = "resend"
    GIVE_UP = "give_up"


class Priority(IntEnum):
    """How urgent a message is; a higher number goes first."""

    BULK = 1
    NORMAL = 2
    HIGH = 3


class LinkPreview(Enum):
    """Whether links get a preview."""

    NONE = "none"
    AUTO = "auto"


class Overflow(Enum):
    """What to do with a text that is longer than Telegram takes."""

    REJECT = "reject"
    SPLIT = "split"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Formatting of a part of a plain text; offset and length in UTF-16 code units, `kind` as in the Bot API."""

    kind: str
    offset: int
    length: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button below a message; exactly one of `url` and `copy_text` is set."""

    text: str
    url: str = ""
    copy_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a text, with the formatting in it."""

    text: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a client asks for, as yet unchecked.

    Attributes:
        chat_id: Of an edit or a delete: 0 until it is known, by the message that it touches.
        target_id: The message that an edit or a delete touches; a delete has no content.
        overflow: What to do if the text is too long. Nobody asks for the two below: they are what is done.
        parts: The messages as which the text is sent, one after the other; empty: it is sent as it is.
        document: The text of a file to which `text` is the caption; empty: there is no file.
    """

    chat_id: int
    text: str
    text_format: TextFormat = TextFormat.PLAIN
    entities: tuple[Entity, ...] = ()
    request_id: str = ""
    message_thread_id: int = 0
    reply_to_message_id: int = 0
    silent: bool = False
    protect_content: bool = False
    link_preview: LinkPreview = LinkPreview.NONE
    buttons: tuple[tuple[Button, ...], ...] = ()
    when_unknown: WhenUnknown = WhenUnknown.RESEND
    priority: Priority = Priority.NORMAL
    ttl: timedelta = DEFAULT_TTL
    send_at: datetime | None = None
    kind: Kind = Kind.SEND
    target_id: str = ""
    overflow: Overflow = Overflow.REJECT
    parts: tuple[Part, ...] = ()
    document: str = ""


class State(Enum):
    """Where a message is on its way."""

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
        return self not in _UNFINISHED


_UNFINISHED = frozenset({State.QUEUED, State.SENDING, State.RETRY_WAIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a message was not delivered; `reason` is a name of the contract's `ErrorReason`."""

    reason: str
    description: str
    telegram_error_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that was accepted, or an edit or a delete of one: what the store keeps of it.

    Attributes:
        id: UUIDv7, given at acceptance.
        seq: Its place in the order in which messages were accepted, or sent again by `retry`; 0 until it is kept.
        change: The number of its last change, rising over all messages; 0 until it is kept.
        content: What is to be sent, as `delivery.content` writes it; the same bytes for the same content.
        fingerprint: SHA-256 of the request as the client asked it: a repeat must ask the same.
        token_id: `jti` of the token that it was accepted with.
        key_id: `kid` of the key that signed this token.
        issuer: `iss` of this token.
        generation: Its `gen`; None: it says none.
        ancestors: The tokens that it was narrowed from, its parent first.
        due_at: Not to be attempted before.
        ttl: How long it is worth sending from when it is first due; retried, from then on.
        attempts: How often it was handed to Telegram, an attempt under way included.
        unknown_attempts: How many of these ended without an answer.
        telegram_message_ids: Those of the message that Telegram sent, changed or deleted; of its parts, in order: while
            some are missing, the next is the one that is on its way or waits.
        telegram_chat_id: The chat that they, or the first of them, count in: a group that became a supergroup has
            another. None: there are none yet, or they are older than this.
        target_id: The message that it touches.
        parts: As how many messages Telegram gets it, one after the other.
        earlier_attempts: How many of `attempts` were for parts that are confirmed and are not the last.
        earlier_unknown_attempts: How many of `unknown_attempts` were.
    """

    id: str
    client: str
    chat_id: int
    request_id: str
    fingerprint: bytes
    content: bytes
    token_id: str
    key_id: str
    issued_at: datetime
    priority: Priority
    when_unknown: WhenUnknown
    accepted_at: datetime
    due_at: datetime
    expires_at: datetime
    state: State = State.QUEUED
    attempts: int = 0
    unknown_attempts: int = 0
    attempted_at: datetime | None = None
    finished_at: datetime | None = None
    telegram_message_ids: tuple[int, ...] = ()
    failure: Failure | None = None
    ttl: timedelta = DEFAULT_TTL
    issuer: str = ""
    generation: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    kind: Kind = Kind.SEND
    target_id: str = ""
    telegram_chat_id: int | None = None
    parts: int = 1
    earlier_attempts: int = 0
    earlier_unknown_attempts: int = 0
    seq: int = 0
    change: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether Telegram has confirmed all of it."""
        return len(self.telegram_message_ids) >= self.parts

    @property
    def attempts_at_part(self) -> int:
        """How often the part that is on its way, waits, or was the last was handed to Telegram."""
        return self.attempts - self.earlier_attempts

    @property
    def unknown_attempts_at_part(self) -> int:
        """How many of these ended without an answer."""
        return self.unknown_attempts - self.earlier_unknown_attempts

    @property
    def possibly_duplicated(self) -> bool:
        """Whether the chat may have seen it, or one of its parts, more than once.

        What it may have seen of a part: each attempt that got no answer, the one under way, and the one that was
        confirmed, by which there is an id. To edit or delete twice is as good as once.
        """
        last = self.state is State.SENDING or self.is_whole
        twice = self.earlier_unknown_attempts > 0 or self.unknown_attempts_at_part + last > 1
        return self.kind is Kind.SEND and twice
