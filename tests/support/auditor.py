"""The auditor: whether what clients were told, what Telegram saw and what the store holds tell the same story.

Its invariants are those of the reliability targets: I1-I7, I9 and I11, and H for honesty. It knows nothing of how the
gateway works, so that every harness can use it. One thing is asked of a harness: every message has a text of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from gateway.delivery import content
from gateway.model import Message, Record, State


@dataclass(slots=True, kw_only=True)
class Told:
    """What one client asked for, and what it was told of it.

    Attributes:
        accepted: The message id of each answer that said OK to this request, repeats included.
        ends: Each final state that it was told, with the message's id.
        due: For a message with a time of its own, that time on the clock of the arrivals.
        give_up: Whether it asked that the message is never sent again after an attempt without an answer.
    """

    client: str
    chat_id: int
    text: str
    request_id: str = ""
    accepted: list[str] = field(default_factory=list)
    ends: list[tuple[str, State]] = field(default_factory=list)
    due: float | None = None
    give_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as Telegram saw it arrive, `at` seconds after some beginning.

    Attributes:
        message_id: The id that Telegram gave the message; 0 where it refused it.
        code: The Bot API's `error_code`; 0 where it sent the message.
        retry_after: How many seconds Telegram asked to stay away.
    """

    at: float
    chat_id: int
    text: str
    message_id: int = 0
    code: int = 0
    retry_after: float | None = None


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


def audit(evidence: Evidence) -> list[str]:
    """Return every violation found, each beginning with the invariant's name. The gateway has nothing left to do."""
    by_text = {content.decode(message.content, message.chat_id).text: message for message in evidence.messages}
    if len(by_text) < len({message.id for message in evidence.messages}):
        # The same text twice is what a message accepted twice looks like.
        twice = Counter(content.decode(message.content, message.chat_id).text for message in evidence.messages)
        return [f"I5 {text!r} was accepted {count} times" for text, count in twice.items() if count > 1]
    return [
        *_kept_and_final(evidence),
        *_nothing_unasked(evidence, by_text),
        *_in_order(evidence, by_text),
        *_duplicates_are_known(evidence, by_text),
        *_one_id_each(evidence),
        *_within_limits(evidence),
        *_keeps_away(evidence, by_text),
        *_leaves_closed_chats_alone(evidence),
        *_revoked(evidence, by_text),
        *_remembered(evidence),
        *_on_record(evidence),
        *_honest(evidence, by_text),
    ]


def _kept_and_final(evidence: Evidence) -> Iterator[str]:
    kept = {message.id: message for message in evidence.messages}
    for told in evidence.told:
        for message_id in told.accepted:
            if message_id not in kept:
                yield f"I1 {told.text!r} was accepted as {message_id} and is lost"
        for message_id, state in told.ends:
            if message_id in kept and kept[message_id].state is not state:
                yield f"I1 {told.text!r} was told to be {state.value} and is {kept[message_id].state.value}"
    for message in evidence.messages:
        if message.state is State.SENDING:
            yield f"I11 {message.id} is left in SENDING"
        elif not message.state.is_final:
            yield f"I1 {message.id} is left in {message.state.value}"
        elif message.finished_at is None:
            yield f"I1 {message.id} is {message.state.value} since nobody knows when"


def _nothing_unasked(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    asked = {told.text: told.chat_id for told in evidence.told}
    moves = _moves(evidence)
    for arrival in evidence.arrivals:
        pin = asked.get(arrival.text)
        new_chat_id, since = moves.get(pin or 0, (0, 0.0))
        if arrival.chat_id != pin and (arrival.chat_id != new_chat_id or arrival.at < since):
            yield f"I2 {arrival.text!r} was never asked for in chat {arrival.chat_id}"
        elif arrival.text not in by_text:
            yield f"I2 {arrival.text!r} was sent and is not in the store"


def _moves(evidence: Evidence) -> dict[int, tuple[int, float]]:
    """Return where each chat moved to and since when that is approved, as far as it is on record."""
    new_chat_ids: dict[int, int] = {}
    moves: dict[int, tuple[int, float]] = {}
    for record in evidence.records:
        if record.chat_id is None:
            continue
        if record.event == "chat.migrated":
            new_chat_ids[record.chat_id] = int(record.facts["new_chat_id"])
        if record.event == "chat.migration_approved" or record.facts.get("approved") is True:
            moves[record.chat_id] = (new_chat_ids[record.chat_id], _seconds(record.at, evidence))
    return moves


def _in_order(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    """First attempts go up in `seq` among the messages for a chat, by whichever name their clients call it.

    A message with a time of its own goes at any time after that.
    """
    due = {told.text: told.due for told in evidence.told if told.due is not None}
    seen: set[str] = set()
    last: dict[int, int] = defaultdict(int)
    for arrival in evidence.arrivals:
        message = by_text.get(arrival.text)
        if arrival.text in due and arrival.at < due[arrival.text]:
            yield f"I3 {arrival.text!r} was sent before its time"
        if message is None or arrival.text in seen or arrival.text in due or arrival.code in (401, 404):
            continue
        seen.add(arrival.text)
        if message.seq < last[message.chat_id]:
            yield f"I3 {arrival.text!r} of chat {message.chat_id} was overtaken"
        last[message.chat_id] = max(last[message.chat_id], message.seq)


def _duplicates_are_known(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    given_up = {told.text for told in evidence.told if told.give_up}
    for text, count in Counter(arrival.text for arrival in evidence.arrivals if not arrival.code).items():
        message = by_text.get(text)
        if count > 1 and message is not None:
            if text in given_up:
                yield f"I4 {text!r} was delivered {count} times, and its client had said GIVE_UP"
            elif message.unknown_attempts < count - 1:
                yield f"I4 {text!r} was delivered {count} times with {message.unknown_attempts} attempts unanswered"
            elif message.state is State.DELIVERED and not message.possibly_duplicated:
                yield f"I4 {text!r} was delivered {count} times and does not say so"


def _one_id_each(evidence: Evidence) -> Iterator[str]:
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for told in evidence.told:
        if told.request_id:
            ids[told.client, told.request_id].update(told.accepted)
    for (client, request_id), found in ids.items():
        if len(found) > 1:
            yield f"I5 request {request_id} of {client} is {len(found)} messages"


def _within_limits(evidence: Evidence) -> Iterator[str]:
    delivered = [arrival for arrival in evidence.arrivals if not arrival.code]
    by_chat: dict[int, list[float]] = defaultdict(list)
    for arrival in delivered:
        by_chat[arrival.chat_id].append(arrival.at)
    limits = evidence.limits
    yield from _over(limits.bot_per_second, 1, [arrival.at for arrival in delivered], "the bot")
    for chat_id, instants in by_chat.items():
        yield from _over(limits.chat_per_second, 1, instants, f"chat {chat_id}")
        if chat_id < 0:
            yield from _over(limits.group_per_minute, 60, instants, f"group {chat_id}")


def _over(limit: int | None, seconds: float, instants: Sequence[float], who: str) -> Iterator[str]:
    if limit is None:
        return
    instants = sorted(instants)
    for last, at in enumerate(instants):
        count = last + 1 - bisect_left(instants, at - seconds + 1e-6, 0, last)
        if count > limit:
            yield f"I6 {who} got {count} messages in {seconds} s at {at:.3f}"


def _keeps_away(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    """A chat is left alone as long as Telegram asked, if the gateway ever heard of it.

    The pause is kept with the message that was refused: once that is final, a restart may forget it.
    """
    heard: dict[str, list[float]] = defaultdict(list)
    for record in evidence.records:
        if record.reason == "rate_limited":
            heard[record.message_id].append(_seconds(record.at, evidence))
    away: dict[int, tuple[Arrival, float]] = {}
    for arrival in evidence.arrivals:
        asked, until = away.get(arrival.chat_id, (arrival, 0.0))
        message = by_text.get(asked.text)
        if arrival.at < until - 1e-6 and message and any(asked.at <= at <= arrival.at for at in heard[message.id]):
            ended = _seconds(message.finished_at, evidence) if message.finished_at else arrival.at
            if not any(max(asked.at, ended) <= restart <= arrival.at for restart in evidence.restarts):
                yield f"I7 {arrival.text!r} came {until - arrival.at:.3f} s before the end of a pause"
        if arrival.retry_after is not None:
            away[arrival.chat_id] = (arrival, arrival.at + arrival.retry_after)


def _leaves_closed_chats_alone(evidence: Evidence) -> Iterator[str]:
    """Nothing goes to a chat from when its refusal is on record until its time is over or it is opened."""
    closed: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record in evidence.records:
        at, spans = _seconds(record.at, evidence), closed[record.chat_id or 0]
        if record.event == "chat.closed":
            spans.append((at, at + int(record.facts["seconds"])))
        if record.event == "chat.opened" and spans:
            spans[-1] = (spans[-1][0], min(at, spans[-1][1]))
    for arrival in evidence.arrivals:
        if any(since < arrival.at < until - 1e-6 for since, until in closed.get(arrival.chat_id, ())):
            yield f"C {arrival.text!r} went to chat {arrival.chat_id}, which was closed"


def _revoked(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    for arrival in evidence.arrivals:
        message = by_text.get(arrival.text)
        if message and arrival.at > evidence.revoked.get(message.client, inf):
            yield f"I8 {arrival.text!r} went out after {message.client} was revoked"


def _remembered(evidence: Evidence) -> Iterator[str]:
    """What was forgotten had ended, a day and its own time to live before."""
    for message in evidence.messages:
        at = evidence.forgotten.get(message.id)
        if at is None:
            continue
        if message.finished_at is None or at < message.finished_at + max(timedelta(hours=24), message.ttl):
            yield f"R {message.id} was forgotten too soon"


def _seconds(instant: datetime, evidence: Evidence) -> float:
    return (instant - evidence.beginning).total_seconds()


def _on_record(evidence: Evidence) -> Iterator[str]:
    events: dict[str, Counter[str]] = defaultdict(Counter)
    unanswered: Counter[str] = Counter()
    for record in evidence.records:
        events[record.message_id][record.event] += 1
        unanswered[record.message_id] += record.reason == "unanswered"
    for message in evidence.messages:
        if events[message.id]["message.accepted"] != 1:
            yield f"I9 {message.id} was accepted {events[message.id]['message.accepted']} times on record"
        if message.state.is_final and events[message.id][f"message.{message.state.value.lower()}"] != 1:
            yield f"I9 the end of {message.id} is not on record once"
        if unanswered[message.id] != message.unknown_attempts:
            yield f"I9 {message.id}: {message.unknown_attempts} unanswered, {unanswered[message.id]} on record"


def _honest(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    """What is said to be delivered was, with these ids; what is said not to be was not."""
    ids: dict[str, set[int]] = defaultdict(set)
    for arrival in evidence.arrivals:
        if not arrival.code:
            ids[arrival.text].add(arrival.message_id)
    for text, message in by_text.items():
        if message.state is State.DELIVERED and not (set(message.telegram_message_ids) & ids[text]):
            yield f"H {text!r} is DELIVERED and Telegram has not seen it"
        if message.state in (State.FAILED, State.EXPIRED, State.CANCELLED) and ids[text]:
            yield f"H {text!r} is {message.state.value} and Telegram has delivered it"
