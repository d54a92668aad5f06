"""The auditor: whether what clients were told, what Telegram saw and what the store holds tell the same story.

Its invariants are those of the reliability targets: I1-I9 and I11; H is for honesty, E for edits and deletes, P for
parts, C for closed chats, R for what is remembered, Q for quotas. It knows nothing of how the gateway works, so that
every harness can use it. Two things are asked of one: every message, part and edit has a text of its own, and no
message is deleted twice. A message in parts goes by the first of its texts, a delete by that text after a minus.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf

from gateway.model import Kind, Message, Record, State
from tests.support.testimony import Arrival, Evidence, Limits, Told, texts_of

__all__ = ["Arrival", "Evidence", "Limits", "Told", "audit"]


def audit(evidence: Evidence) -> list[str]:
    """Return every violation found, each beginning with the invariant's name. The gateway has nothing left to do."""
    texts = texts_of(evidence.messages)
    names = {message_id: first for message_id, (first, *_) in texts.items()}
    by_text = {text: message for message in evidence.messages for text in texts[message.id]}
    twice = Counter(names.values())
    if len(twice) < len(names):
        # The same text twice is what a message accepted twice looks like.
        return [f"I5 {text!r} was accepted {count} times" for text, count in twice.items() if count > 1]
    return [
        *_kept_and_final(evidence),
        *_nothing_unasked(evidence, by_text),
        *_in_order(evidence, by_text),
        *_duplicates_are_known(evidence, texts),
        *_contiguous(evidence, texts),
        *_one_id_each(evidence),
        *_within_limits(evidence),
        *_within_quotas(evidence),
        *_keeps_away(evidence, by_text),
        *_leaves_closed_chats_alone(evidence, by_text),
        *_revoked(evidence, by_text),
        *_remembered(evidence),
        *_on_record(evidence),
        *_honest(evidence, texts),
        *_second_thoughts(evidence, names, by_text),
    ]


def _kept_and_final(evidence: Evidence) -> Iterator[str]:
    kept = {message.id: message for message in evidence.messages}
    again, ends = evidence.begun_anew() | evidence.settled(), _ends(evidence)
    for told in evidence.told:
        for message_id in told.accepted:
            if message_id not in kept:
                yield f"I1 {told.text!r} was accepted as {message_id} and is lost"
        for message_id, state in told.ends:
            true = (
                ends[message_id] if message_id in again else [kept[message_id].state] if message_id in kept else [state]
            )
            if state not in true:
                yield f"I1 {told.text!r} was told to be {state.value} and is {kept[message_id].state.value}"
    for message in evidence.messages:
        if message.state is State.SENDING:
            yield f"I11 {message.id} is left in SENDING"
        elif not message.state.is_final:
            yield f"I1 {message.id} is left in {message.state.value}"
        elif message.finished_at is None:
            yield f"I1 {message.id} is {message.state.value} since nobody knows when"


def _ends(evidence: Evidence) -> dict[str, list[State]]:
    """Return the ends of each message that are on record, those that its client has settled included."""
    ends: dict[str, list[State]] = defaultdict(list)
    for record in evidence.records:
        if end := _end_of(record):
            ends[record.message_id].append(end)
    return ends


def _end_of(record: Record) -> State | None:
    if record.event == "message.resolved":
        return State(record.facts["resolution"])
    state = State.__members__.get(record.event.removeprefix("message.").upper())
    return state if state and state.is_final else None


def _nothing_unasked(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    asked = {text: told.chat_id for told in evidence.told for text in (told.text, *told.parts)}
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

    A message with a time of its own goes at any time after that, and what touches it after the message. One that was
    sent again stands last. One that was over, let later ones pass, and is not over any more since a crash lost its end
    and the clock was set back, goes when it goes.
    """
    again = evidence.begun_anew()
    free = {each.id for each in evidence.messages if not {each.id, each.target_id}.isdisjoint(again)}
    due = {text: told.due for told in evidence.told if told.due is not None for text in (told.text, *told.parts)}
    free |= {message.id for text, message in by_text.items() if text in due}
    free |= {each.id for each in evidence.messages if each.target_id in free}
    seen: set[str] = set()
    last: dict[int, int] = defaultdict(int)
    for arrival in evidence.arrivals:
        message = by_text.get(arrival.text)
        if arrival.text in due and arrival.at < due[arrival.text]:
            yield f"I3 {arrival.text!r} was sent before its time"
        if message is None or arrival.text in seen or message.id in free or arrival.code in (401, 404):
            continue
        seen.add(arrival.text)
        if evidence.really and message.expires_at < evidence.beginning + timedelta(seconds=arrival.at):
            continue
        if message.seq < last[message.chat_id]:
            yield f"I3 {arrival.text!r} of chat {message.chat_id} was overtaken"
        last[message.chat_id] = max(last[message.chat_id], message.seq)


def _duplicates_are_known(evidence: Evidence, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A text arrives again only after an attempt at it without an answer, which is on record, never with GIVE_UP."""
    again = evidence.begun_anew()
    given_up = {told.text for told in evidence.told if told.give_up and again.isdisjoint(told.accepted)}
    sent = Counter(arrival.text for arrival in evidence.arrivals if not arrival.code and not arrival.target)
    unanswered = Counter(
        (record.message_id, len(str(record.facts.get("telegram_message_ids", "")).split()))
        for record in evidence.records
        if record.reason == "unanswered"
    )
    for message in evidence.messages:
        for part, text in enumerate(texts[message.id]):
            count = sent[text]
            if count < 2:
                continue
            if texts[message.id][0] in given_up:
                yield f"I4 {text!r} was delivered {count} times, and its client had said GIVE_UP"
            elif unanswered[message.id, part] < count - 1:
                known = unanswered[message.id, part]
                yield f"I4 {text!r} was delivered {count} times with {known} attempts unanswered"
            elif message.state is State.DELIVERED and not message.possibly_duplicated:
                yield f"I4 {text!r} was delivered {count} times and does not say so"


def _contiguous(evidence: Evidence, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The parts of a message stand in order in a chat, with no other message between, unless it was sent again."""
    whose = {text: (message_id, part) for message_id, each in texts.items() for part, text in enumerate(each)}
    chats: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for arrival in evidence.arrivals:
        if not arrival.code and not arrival.target and arrival.text in whose:
            chats[arrival.chat_id].append(whose[arrival.text])
    again = evidence.begun_anew()
    for chat_id, sent in chats.items():
        last: dict[str, tuple[int, int]] = {}
        for place, (message_id, part) in enumerate(sent):
            before, part_before = last.get(message_id, (place - 1, part))
            follows = before == place - 1 and part in (part_before, part_before + 1)
            # Of a first part that was sent in doubt nothing was confirmed; where two ids become one chat, what was
            # accepted earlier for the other id goes before it.
            begins_again = part == part_before == 0
            if message_id not in again and not (follows or begins_again):
                yield f"P {texts[message_id][part]!r} of chat {chat_id} does not stand behind the part before it"
            last[message_id] = place, part


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
    yield from _over(limits.bot_per_second, 1, [arrival.at for arrival in delivered], "I6 the bot got")
    for chat_id, instants in by_chat.items():
        yield from _over(limits.chat_per_second, 1, instants, f"I6 chat {chat_id} got")
        if chat_id < 0:
            yield from _over(limits.group_per_minute, 60, instants, f"I6 group {chat_id} got")


def _within_quotas(evidence: Evidence) -> Iterator[str]:
    handed_in: dict[str, list[float]] = defaultdict(list)
    for record in evidence.records:
        if record.event in ("message.accepted", "message.retried"):
            handed_in[record.client].append(_seconds(record.at, evidence))
    for client, instants in handed_in.items():
        yield from _over(evidence.per_minute, 60, instants, f"Q {client} handed in")


def _over(limit: int | None, seconds: float, instants: Sequence[float], what: str) -> Iterator[str]:
    if limit is None:
        return
    instants = sorted(instants)
    for last, at in enumerate(instants):
        count = last + 1 - bisect_left(instants, at - seconds + 1e-6, 0, last)
        if count > limit:
            yield f"{what} {count} messages in {seconds} s at {at:.3f}"


def _keeps_away(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    """A chat is left alone as long as Telegram asked, if the gateway ever heard of it.

    The pause is kept with the message that was refused: once that is final, a restart may forget it.
    """
    heard: dict[str, list[float]] = defaultdict(list)
    ends: dict[str, list[float]] = defaultdict(list)
    for record in evidence.records:
        if record.reason == "rate_limited":
            heard[record.message_id].append(_seconds(record.at, evidence))
        elif _end_of(record):
            ends[record.message_id].append(_seconds(record.at, evidence))
    away: dict[int, tuple[Arrival, float]] = {}
    following: dict[int, float] = {}
    for arrival in evidence.arrivals:
        asked, until = away.get(arrival.chat_id, (arrival, 0.0))
        message = by_text.get(asked.text)
        # What was heard of it was heard before anything else went there; what is heard later is of a later refusal.
        heard_by = following.setdefault(arrival.chat_id, arrival.at)
        if arrival.at < until - 1e-6 and message and any(asked.at <= at <= heard_by for at in heard[message.id]):
            restarts = [restart for restart in evidence.restarts if asked.at <= restart <= arrival.at]
            if not any(asked.at <= end <= restart for end in ends[message.id] for restart in restarts):
                yield f"I7 {arrival.text!r} came {until - arrival.at:.3f} s before the end of a pause"
        if arrival.retry_after is not None:
            away[arrival.chat_id] = (arrival, arrival.at + arrival.retry_after)
            following.pop(arrival.chat_id, None)


def _leaves_closed_chats_alone(evidence: Evidence, by_text: dict[str, Message]) -> Iterator[str]:
    """Nothing goes to a chat from when its refusal is on record until its time is over or it is opened.

    But for what its client had sent again: that is to find out.
    """
    again = evidence.begun_anew()
    closed: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record in evidence.records:
        at, spans = _seconds(record.at, evidence), closed[record.chat_id or 0]
        if record.event == "chat.closed":
            spans.append((at, at + int(record.facts["seconds"])))
        if record.event == "chat.opened":
            spans[:] = [(since, min(at, until)) for since, until in spans]
    for arrival in evidence.arrivals:
        message = by_text.get(arrival.text)
        if message and message.id in again:
            continue
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
    if instant in evidence.really:
        return evidence.really[instant]
    return (instant - evidence.beginning).total_seconds()


def _on_record(evidence: Evidence) -> Iterator[str]:
    events: dict[str, Counter[str]] = defaultdict(Counter)
    unanswered: Counter[str] = Counter()
    ends = _ends(evidence)
    for record in evidence.records:
        events[record.message_id][record.event] += 1
        unanswered[record.message_id] += record.reason == "unanswered"
    for message in evidence.messages:
        if events[message.id]["message.accepted"] != 1:
            yield f"I9 {message.id} was accepted {events[message.id]['message.accepted']} times on record"
        lives = events[message.id]["message.retried"] + events[message.id]["message.resolved"] + 1
        if message.state.is_final and (len(ends[message.id]) != lives or ends[message.id][-1] is not message.state):
            yield f"I9 the end of {message.id} is not on record once"
        if unanswered[message.id] != message.unknown_attempts:
            yield f"I9 {message.id}: {message.unknown_attempts} unanswered, {unanswered[message.id]} on record"


def _honest(evidence: Evidence, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is said to be delivered was, with these ids; what is said not to be was not. What its client says may be."""
    settled = evidence.settled()
    ids: dict[str, set[int]] = defaultdict(set)
    for arrival in evidence.arrivals:
        if not arrival.code:
            ids[arrival.text].add(arrival.message_id)
    for message in evidence.messages:
        for part, text in enumerate(texts[message.id]):
            if part < len(message.telegram_message_ids):
                if message.telegram_message_ids[part] not in ids[text]:
                    yield f"H {text!r} is said to be {message.telegram_message_ids[part]}, which Telegram has not seen"
            elif message.id in settled:
                continue
            elif message.state is State.DELIVERED:
                yield f"H {text!r} is DELIVERED and nobody knows as what"
            elif message.state in (State.FAILED, State.EXPIRED, State.CANCELLED) and ids[text]:
                yield f"H {text!r} is {message.state.value} and Telegram has delivered it"


def _second_thoughts(evidence: Evidence, names: Mapping[str, str], by_text: dict[str, Message]) -> Iterator[str]:
    """Nothing is touched before it is there, or where it is not; and of edits the one that was accepted last stays."""
    there: dict[str, set[tuple[int, int]]] = defaultdict(set)
    shown: dict[tuple[int, int], str] = {}
    for arrival in evidence.arrivals:
        place = arrival.chat_id, arrival.target or arrival.message_id
        touching = by_text.get(arrival.text)
        if arrival.target and touching and place not in there[names.get(touching.target_id, "")]:
            yield f"E {arrival.text!r} touched {arrival.target} in {arrival.chat_id}, another or not there"
        if not arrival.code and not arrival.target:
            there[arrival.text].add(place)
        if not arrival.code:
            shown[place] = arrival.text
    yield from _the_last_stays(evidence, names, shown)


def _the_last_stays(
    evidence: Evidence, names: Mapping[str, str], shown: Mapping[tuple[int, int], str]
) -> Iterator[str]:
    """What a message says in the end, as far as that is known, is what was asked for last and done."""
    by_target: dict[str, list[Message]] = defaultdict(list)
    for each in sorted(evidence.messages, key=lambda each: each.seq):
        if each.state is State.DELIVERED or each.unknown_attempts:
            by_target[each.target_id].append(each)
    for message in evidence.messages:
        touches = by_target.get(message.id)
        if not touches or not message.telegram_message_ids:
            continue
        deletes = [each for each in touches if each.kind is Kind.DELETE and each.state is State.DELIVERED]
        last = (deletes or touches)[-1]
        place = message.telegram_chat_id or message.chat_id, message.telegram_message_ids[0]
        if last.state is State.DELIVERED and shown.get(place) != names[last.id]:
            yield f"E {names[message.id]!r} is shown as {shown.get(place)!r} and not as {names[last.id]!r}"
