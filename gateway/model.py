"""The words of the house: what every room may say, with no behaviour that decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from gateway.addresses import AddressRanges

DEFAULT_TTL = timedelta(hours=24)
MIN_CHAT_ID = -4_000_000_000_000
MAX_CHAT_ID = (1 << 40) - 1
"""The range of chat ids: https://core.telegram.org/api/bots/ids."""
MAX_MESSAGE_THREAD_ID = (1 << 31) - 1


def is_chat_id(value: object) -> bool:
    """Whether `value` is the id of a chat: a plain integer, in Telegram's range, not 0.

    `True` and `1.0` equal 1 in Python, so the type is compared before the value.
    """
    return type(value) is int and MIN_CHAT_ID <= value <= MAX_CHAT_ID and value != 0


def is_message_thread_id(value: object) -> bool:
    """Whether `value` is the id of a forum topic: a plain integer from 1 to 2^31 - 1."""
    return type(value) is int and 1 <= value <= MAX_MESSAGE_THREAD_ID


class Permission(Enum):
    """What may be done in a chat."""

    WRITE = "write"
    READ = "read"
    MODERATE = "moderate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a call comes from and what it asks for: known before anybody is authenticated.

    Attributes:
        method: The full name of the RPC, such as `/chatkey.v1.MessagingGateway/SendMessage`.
        address: The client's IP address, `unix` for a local socket, or empty if it can't be told. Behind a trusted
            proxy, what that says.
        call_id: Names this call in the log, the audit and the trailers.
    """

    method: str = ""
    address: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What may be done in one chat, or in one forum topic of it if `message_thread_id` is set.

    Attributes:
        withheld: Why nothing may be done there for now, whatever the token says: the cause of a refusal. Then there
            are no permissions.
    """

    chat_id: int
    permissions: frozenset[Permission]
    message_thread_id: int | None = None
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A token that another one was narrowed from: whatever revokes the one revokes the other."""

    token_id: str
    key_id: str
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client during one call: what its verified token says, and from where it calls.

    Attributes:
        grants: The chats that it opens, each once.
        address_ranges: From where alone it may be used; None: from anywhere.
        certificate_thumbprint: `x5t#S256` (RFC 8705) of the one client certificate that it may be used with; empty:
            with none or any.
        generation: Of the client's credentials; None: the token says none.
        ancestors: The tokens that it was narrowed from, its parent first.
    """

    client: str
    token_id: str
    key_id: str
    issuer: str
    grants: tuple[Grant, ...]
    issued_at: datetime
    expires_at: datetime
    address_ranges: AddressRanges | None = None
    certificate_thumbprint: str = ""
    generation: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    origin: Origin = Origin()

    @property
    def chat_ids(self) -> tuple[int, ...]:
        """The chats that it opens."""
        return tuple(grant.chat_id for grant in self.grants)

    @property
    def sole_chat_id(self) -> int | None:
        """The chat that it opens, if it is one."""
        return self.grants[0].chat_id if len(self.grants) == 1 else None

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The ids of the tokens that it was narrowed from, its parent first."""
        return tuple(ancestor.token_id for ancestor in self.ancestors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What a holder asks of a child. What is left out is as the parent has it.

    Attributes:
        grants: The chats, each once, all of them the parent's. Without permissions: with those that the parent has
            there; without a topic: in the one that the parent is for, if it is for one.
        ttl: How long, whole seconds from 1 s; never beyond the parent's end.
        address_ranges: From where alone, of what the parent allows.
    """

    grants: tuple[Grant, ...] = ()
    ttl: timedelta | None = None
    address_ranges: AddressRanges | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the audit log: who asked for what, from where, and what was decided.

    Attributes:
        event: What happened, such as `message.accepted` or `call.refused`.
        decision: `allow`, `deny` or `error`.
        reason: Why; for a refusal one of a closed set that the caller never sees.
        verified: Whether `client`, `token_id` and `key_id` come from a token whose signature holds.
        claimed_chat_id: For a refusal: the chat that was asked for, where that differs from the one of the token.
        count: How many equal events the record stands for; more than 1 only for refusals written together.
    """

    at: datetime
    event: str
    decision: str
    reason: str = ""
    client: str = ""
    token_id: str = ""
    key_id: str = ""
    issuer: str = ""
    verified: bool = True
    address: str = ""
    method: str = ""
    call_id: str = ""
    error_id: str = ""
    chat_id: int | None = None
    claimed_chat_id: int | None = None
    message_id: str = ""
    count: int = 1
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)
