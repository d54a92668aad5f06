"""What the auditor is told: what clients asked for and were told, what Telegram saw, what the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.delivery import content
from gateway.model import Kind, Message, Record, State


@dataclass(slots=True, kw_only=True)
class Told:
    """What one client asked for, and what it was told of it.

    Attributes:
        accepted: The message id of each answer that said OK to this request, repeats included.
        ends: Each final state that it was told, with the message's id.
        due: For a message with a time of its own, that time on the clock of the arrivals.
        give_up: Whether it asked that the message is never sent again after an attempt without an answer.
        parts: The texts as which it is sent, if they are several, of which `text` is the first.
    """

    client: str
    chat_id: int
    text: str
    request_id: str = ""
    accepted: list[str] = field(default_factory=list)
    ends: list[tuple[str, State]] = field(default_factory=list)
    due: float | None = None
    give_up: bool = False
    parts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as Telegram saw it arrive, `at` seconds after some beginning.

    Attributes:
        text: Of the message, or what it is to become; of a delete, that of its message after a minus.
        message_id: The id that Telegram gave the message, or that of the one it edited or deleted; 0 where it refused.
        code: The Bot API's `error_code`; 0 where it sent the message.
        retry_after: How many seconds Telegram asked to stay away.
        target: The message that it was asked to edit or delete, by Telegram's id in this chat; 0: it was to send one.
    """

    at: float
    chat_id: int
    text: str
    message_id: int = 0
    code: int = 0
    retry_after: float | None = None
    target: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What Telegram takes within a window; None where it takes any number."""

    bot_per_second: int | None = 30
    chat_per_second: int | None = 1
    group_per_minute: int | None = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the auditor is given.

    Attributes:
        beginning: When the clock of the arrivals stood at 0.
        restarts: When the gateway began anew, on the clock of the arrivals.
        forgotten: When messages, which are among `messages`, were removed from the store, by their ids.
        revoked: From when on nothing of a client may arrive any more, on the clock of the arrivals.
        per_minute: How many messages a client may hand in within a minute; None: any number.
        really: Of a gateway whose clock was set: when its instants really were, on the clock of the arrivals.
    """

    told: Sequence[Told]
    arrivals: Sequence[Arrival]
    messages: Sequence[Message]
    records: Sequence[Record]
    beginning: datetime
    limits: Limits = Limits()
    restarts: Sequence[float] = ()
    forgotten: Mapping[str, datetime] = field(default_factory=dict)
    revoked: Mapping[str, float] = field(default_factory=dict)
    really: Mapping[datetime, float] = field(default_factory=dict)
    per_minute: int | None = None

    def begun_anew(self) -> set[str]:
        """Return the ids of the messages that their client had sent again."""
        return {record.message_id for record in self.records if record.event == "message.retried"}

    def settled(self) -> set[str]:
        """Return the ids of the messages that their client has settled."""
        return {record.message_id for record in self.records if record.event == "message.resolved"}


def texts_of(messages: Sequence[Message]) -> dict[str, tuple[str, ...]]:
    """Return the texts with which each message arrives, by its id: one, or those of its parts. It goes by the first."""
    drafts = {message.id: content.decode(message.content, message.chat_id) for message in messages}
    texts = {each: tuple(part.text for part in draft.parts) or (draft.text,) for each, draft in drafts.items()}
    deletes = {each.id: (f"-{texts.get(each.target_id, (None,))[0]}",) for each in messages if each.kind is Kind.DELETE}
    return texts | deletes
