"""What a draft must be like. Every rule of the contract's comments is here, once, for every door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from gateway.desk.text import hides_mention, visible_length
from gateway.errors import RequestInvalid, TextTooLong
from gateway.model import Button, Draft, Entity, Kind, Overflow, State, TextFormat, is_chat_id

Violation = tuple[str, str]
"""A field's path, as the contract names it, and what is wrong with it."""

MAX_TEXT = 4096  # code points after the markup is parsed: TDLib's message_text_length_max
MAX_TELEGRAM_MESSAGE_ID = (1 << 31) - 1  # TDLib's ServerMessageId is an int32; a topic is named by a message id
MIN_TTL, MAX_TTL = timedelta(seconds=1), timedelta(days=7)
MAX_AHEAD = timedelta(days=365)
DEFAULT_PAGE, MAX_PAGE = 100, 1000
MAX_ENTITIES, MAX_BUTTONS, MAX_ROW = 100, 100, 8
MAX_LANGUAGE, MAX_BUTTON_TEXT, MAX_COPY_TEXT, MAX_URL = 64, 64, 256, 2048

ENTITY_KINDS = frozenset(
    {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link"}
    | {"blockquote", "expandable_blockquote"}
)
LINK_SCHEMES = frozenset({"http", "https", "tg"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{0,64}")
_MESSAGE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Every control character of Unicode but tab, line feed and carriage return; and halves of UTF-16 pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_URL = re.compile("[\\s\x00-\x20\x7f-\x9f\ud800-\udfff]")


def require_sound(asked: Draft, rendered: Draft, now: datetime, malformed: Sequence[Violation] = ()) -> None:
    """Check a draft, whole.

    Args:
        asked: The draft as the caller sent it.
        rendered: The same with the text as it is handed to Telegram.
        now: The instant of the call; a `send_at` in the past is as good as none.
        malformed: What a door could not even put into a draft.

    Raises:
        TextTooLong: the text is longer than Telegram takes, and has to fit; with every other violation beside it.
        RequestInvalid: there are other violations; all of them are named.
    """
    where = _chat(asked) if asked.kind is Kind.SEND else _message_id(asked.target_id)
    violations = [*malformed, *where, *_text(rendered), *_overflow(asked), *_entities(asked), *_ids(asked)]
    violations += _buttons(asked.buttons)
    violations += _times(asked, now)
    length = visible_length(rendered.text, rendered.text_format)
    if length > MAX_TEXT and asked.overflow is Overflow.REJECT:
        violations.append(("text", f"has {length} characters after its markup is parsed, at most {MAX_TEXT}"))
        raise TextTooLong(violations, length=str(length), limit=str(MAX_TEXT))
    if length == 0 and asked.kind is not Kind.DELETE:
        violations.append(("text", "is empty"))
    # Last, because of entities without a bound it costs the square.
    if not violations and hides_mention(rendered.text, rendered.text_format, rendered.entities):
        violations.append(("entities" if asked.entities else "text", "has a tg link over nothing that can be seen"))
    if violations:
        raise RequestInvalid(violations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which of a caller's messages to list.

    Attributes:
        chat_id: Only those of this chat; None: of any that the credential opens.
        states: Only those in one of these; empty: in any.
        accepted_from: Only those accepted then or later.
        accepted_until: Only those accepted before.
        page_size: How many to return at most; 0: `DEFAULT_PAGE`.
        page_token: Where to go on; empty: with the newest.
        malformed: What the door could not put into the rest.
    """

    chat_id: int | None = None
    states: frozenset[State] = frozenset()
    accepted_from: datetime | None = None
    accepted_until: datetime | None = None
    page_size: int = 0
    page_token: str = ""
    malformed: Sequence[Violation] = ()


def require_sound_listing(listing: Listing) -> None:
    """Check what is to be listed, whole; the token is for its maker to check.

    Raises:
        RequestInvalid: there are violations; all of them are named.
    """
    violations = list(listing.malformed)
    if not 0 <= listing.page_size <= MAX_PAGE:
        violations.append(("page_size", f"must be 0 to {MAX_PAGE}"))
    if listing.chat_id is not None and not is_chat_id(listing.chat_id):
        violations.append(("chat_id", "must be the id of a chat"))
    if violations:
        raise RequestInvalid(violations)


def require_resolution(message_id: str, resolution: State | None) -> State:
    """Check what a message is to be settled as, and return it.

    Raises:
        RequestInvalid: the id is not one, or there is no resolution; both are named.
    """
    violations = [*_message_id(message_id)]
    if resolution is None:
        raise RequestInvalid([*violations, ("resolution", "is required")])
    if violations:
        raise RequestInvalid(violations)
    return resolution


def require_message_id(message_id: str) -> None:
    """Check the id of a message.

    Raises:
        RequestInvalid: it is missing or not a UUID as the service writes it.
    """
    violations = [*_message_id(message_id)]
    if violations:
        raise RequestInvalid(violations)


def _message_id(message_id: str) -> Iterator[Violation]:
    if not _MESSAGE_ID.fullmatch(message_id):
        yield "message_id", "must be a message's id, a UUID" if message_id else "is required"


def _chat(draft: Draft) -> Iterator[Violation]:
    if not is_chat_id(draft.chat_id):
        yield "chat_id", "must be the id of a chat" if draft.chat_id else "is required"


def _text(draft: Draft) -> Iterator[Violation]:
    found = _UNPRINTABLE.search(draft.text)
    if found:
        yield "text", f"has the control character U+{ord(found[0]):04X}"


def _overflow(draft: Draft) -> Iterator[Violation]:
    # However long the text is: a client is to learn of it from its first message, not from the first that is too long.
    if draft.overflow is not Overflow.REJECT and draft.text_format in (TextFormat.HTML, TextFormat.MARKDOWN_V2):
        yield "overflow", "is for PLAIN and MARKDOWN only: Telegram parses the other formats, and each message whole"


def _ids(draft: Draft) -> Iterator[Violation]:
    if not _REQUEST_ID.fullmatch(draft.request_id):
        yield "request_id", "must be 1 to 64 of A-Z a-z 0-9 . _ : -"
    for name in ("message_thread_id", "reply_to_message_id"):
        if not 0 <= getattr(draft, name) <= MAX_TELEGRAM_MESSAGE_ID:
            yield name, f"must be 0 to {MAX_TELEGRAM_MESSAGE_ID}"


def _times(draft: Draft, now: datetime) -> Iterator[Violation]:
    if not MIN_TTL <= draft.ttl <= MAX_TTL:
        yield "ttl", "must be 1 second to 7 days"
    if draft.send_at is not None and draft.send_at > now + MAX_AHEAD:
        yield "send_at", "must be at most 365 days ahead"


def _entities(draft: Draft) -> Iterator[Violation]:
    if not draft.entities:
        return
    if draft.text_format is not TextFormat.PLAIN:
        yield "entities", "are for a plain text only"
    if len(draft.entities) > MAX_ENTITIES:
        yield "entities", f"are {len(draft.entities)}, at most {MAX_ENTITIES}"
        return
    units = len(draft.text.encode("utf-16-le", "surrogatepass")) // 2
    for index, entity in enumerate(draft.entities):
        yield from _below(f"entities[{index}]", _entity(entity, units))


def _entity(entity: Entity, units: int) -> Iterator[Violation]:
    if entity.kind not in ENTITY_KINDS:
        yield "type", "is not a kind of formatting"
    if not 0 <= entity.offset < units:
        yield "offset", f"must be inside the text, which has {units} UTF-16 code units"
    elif not 1 <= entity.length <= units - entity.offset:
        yield "length", f"must be at least 1 and end inside the text, which has {units} UTF-16 code units"
    if entity.kind == "text_link":
        yield from _url(entity.url, LINK_SCHEMES)
    elif entity.url:
        yield "url", "is for ENTITY_TYPE_TEXT_LINK only"
    if entity.language and entity.kind != "pre":
        yield "language", "is for ENTITY_TYPE_PRE only"
    if len(entity.language) > MAX_LANGUAGE or _UNPRINTABLE.search(entity.language):
        yield "language", f"must be at most {MAX_LANGUAGE} printable characters"


def _buttons(rows: Sequence[Sequence[Button]]) -> Iterator[Violation]:
    count = sum(map(len, rows))
    if count > MAX_BUTTONS or len(rows) > MAX_BUTTONS:
        yield "buttons", f"are more than {MAX_BUTTONS}"
        return
    for row_index, row in enumerate(rows):
        path = f"buttons[{row_index}].buttons"
        if not 1 <= len(row) <= MAX_ROW:
            yield path, f"must be 1 to {MAX_ROW}"
        for index, button in enumerate(row):
            yield from _below(f"{path}[{index}]", _button(button))


def _button(button: Button) -> Iterator[Violation]:
    if not button.text.strip() or len(button.text) > MAX_BUTTON_TEXT or _UNPRINTABLE.search(button.text):
        yield "text", f"must be 1 to {MAX_BUTTON_TEXT} printable characters"
    if bool(button.url) == bool(button.copy_text):
        yield "action", "must be exactly one of url and copy_text, and not empty"
    elif button.url:
        yield from _url(button.url, frozenset({"https"}))
    elif len(button.copy_text) > MAX_COPY_TEXT or _UNPRINTABLE.search(button.copy_text):
        yield "copy_text", f"must be 1 to {MAX_COPY_TEXT} printable characters"


def _url(url: str, schemes: frozenset[str]) -> Iterator[Violation]:
    if len(url) > MAX_URL:
        yield "url", f"must be at most {MAX_URL} characters"
    elif not _has_scheme(url, schemes):
        yield "url", f"must be an address with the scheme {' or '.join(sorted(schemes))}"


def _has_scheme(url: str, schemes: frozenset[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and not _NOT_IN_URL.search(url)
    except ValueError:  # brackets that are no IPv6 address
        return False


def _below(path: str, violations: Iterable[Violation]) -> Iterator[Violation]:
    for name, what in violations:
        yield f"{path}.{name}", what
