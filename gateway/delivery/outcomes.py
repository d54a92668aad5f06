"""What becomes of a message after an attempt, or without one: pure functions from what happened to what is kept.

| what happened                        | what becomes of it                                                        |
|--------------------------------------|---------------------------------------------------------------------------|
| delivered                            | DELIVERED                                                                 |
| one of its parts is, not the last    | RETRY_WAIT, and due: see `parts`                                          |
| not sent                             | RETRY_WAIT, with a growing pause                                          |
| Telegram's server failed             | the same, for at most `MOST_ATTEMPTS`; then FAILED, TELEGRAM_FAILED       |
| 429                                  | RETRY_WAIT, for as long as Telegram asked                                 |
| no answer, RESEND                    | RETRY_WAIT, with a growing pause, `MOST_RESENDS` times; then as GIVE_UP   |
| no answer, GIVE_UP                   | DELIVERY_UNKNOWN                                                          |
| chat refused                         | FAILED, CHAT_UNAVAILABLE                                                  |
| chat moved                           | RETRY_WAIT, and due; then as chat refused if that is not believed         |
| message refused, by 400 or 413       | FAILED, INVALID_REQUEST                                                   |
| refused otherwise                    | FAILED, TELEGRAM_FAILED                                                   |
| what it touches is not there, fixed  | FAILED, MESSAGE_UNAVAILABLE; it is not attempted where that is known      |
| bot refused                          | back as it was: the attempt does not count                                |
| its time to live is over             | EXPIRED                                                                   |
| cancelled                            | CANCELLED                                                                 |
| its credential ended                 | FAILED, CREDENTIAL_ENDED; it is not attempted                             |

What ends without being delivered after an attempt that got no answer ends in DELIVERY_UNKNOWN instead: the chat may
have seen it, and neither FAILED nor EXPIRED nor CANCELLED would be true. Of a message in parts all this is about the
part that is attempted; those that have arrived are known by their ids, however it ends.

An edit or a delete is repeated while an answer is missing, up to `MOST_ATTEMPTS` times: that does no harm. Neither goes
where its chat has moved to: what a group has written stays behind when it becomes a supergroup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.delivery import parts
from gateway.model import Caller, Failure, Kind, Message, Record, State, WhenUnknown
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    MessageFixed,
    MessageGone,
    NotModified,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)

Chance = Callable[[], float]
"""Returns a number from 0 up to, not including, 1."""

Outcome = tuple[Message, Record]
"""A message as it is to be kept now, and the audit record of the change."""

LEFT_BEHIND = "The group became a supergroup: what was written before can't be changed any more."
_DOUBT = {
    Kind.SEND: "Telegram did not answer; the chat may have seen the message.",
    Kind.EDIT: "Telegram did not answer; the message may have been changed.",
    Kind.DELETE: "Telegram did not answer; the message may have been deleted.",
}

MOST_RESENDS = 3
MOST_ATTEMPTS = 20
"""About half an hour of a server that answers and fails; a single message may be what it fails at."""
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=2)
LONGEST_JITTER = timedelta(seconds=5)

CAUSES: dict[type[BotFailure], str] = {
    NotSent: "not_sent",
    Unanswered: "unanswered",
    RateLimited: "rate_limited",
    ChatMoved: "chat_moved",
    ChatRefused: "chat_refused",
    BotRefused: "bot_refused",
    ServerFailed: "server_failed",
    Refused: "refused",
    NotModified: "not_modified",
    MessageGone: "message_gone",
    MessageFixed: "message_fixed",
}
"""How the audit log and the metrics call each failure."""


PART_DELIVERED = "part_delivered"
"""How the audit log calls it when a part has arrived that is not the last."""

ABOUT_THE_MESSAGE = frozenset({400, 413})
"""What Telegram answers to a request that is wrong itself. Any other refusal is none of the client's."""


def delivered(message: Message, ids: tuple[int, ...], chat_id: int, now: datetime) -> Outcome:
    """Return a message that Telegram has confirmed, or its next part, with the ids that it got in this chat."""
    if message.kind is Kind.SEND:
        ids = (*message.telegram_message_ids, *ids)
        if len(ids) < message.parts:
            after = parts.arrived(message, ids, chat_id, now)
            return after, _record(after, now, PART_DELIVERED)
    after = replace(
        message,
        state=State.DELIVERED,
        telegram_message_ids=ids,
        telegram_chat_id=message.telegram_chat_id or chat_id,
        finished_at=now,
        failure=None,
    )
    return after, _record(after, now, "delivered")


def refused(message: Message, failure: BotFailure, now: datetime, chance: Chance) -> Outcome:
    """Return a message, which is SENDING, after its attempt ended in `failure`."""
    cause = CAUSES[type(failure)]
    match failure:
        case NotSent():
            after = _later(message, now + _backoff(message, chance), "Telegram could not be reached", failure)
        case Unanswered():
            return _unanswered(message, failure, now, chance)
        case RateLimited(retry_after=timedelta() as pause):
            after = _later(message, now + pause + min(pause * 0.1, LONGEST_JITTER) * chance(), None, failure)
        case RateLimited():
            after = _later(message, now + _backoff(message, chance), None, failure)
        case ServerFailed() if message.attempts_at_part < MOST_ATTEMPTS:
            after = _later(message, now + _backoff(message, chance), None, failure)
        case ServerFailed():
            after = _final(message, State.FAILED, now, _failure("TELEGRAM_FAILED", None, failure))
        case BotRefused():
            after = _untried(message, now)
        case ChatMoved(new_chat_id=new_chat_id):
            after = _final(message, State.FAILED, now, _failure("CHAT_UNAVAILABLE", None, failure))
            return after, _record(after, now, cause, new_chat_id=new_chat_id)
        case ChatRefused():
            after = _final(message, State.FAILED, now, _failure("CHAT_UNAVAILABLE", None, failure))
        case MessageGone() | MessageFixed():
            after = _final(message, State.FAILED, now, _failure("MESSAGE_UNAVAILABLE", None, failure))
        case _:
            after = _final(message, State.FAILED, now, _failure(_reason(message, failure), None, failure))
    return after, _record(after, now, cause)


def moved(message: Message, failure: ChatMoved, approved: bool, now: datetime) -> Outcome:
    """Return a message, which is SENDING, for a group that became a supergroup: it goes there as soon as it may.

    An edit or a delete fails: there, the ids of the group's messages are those of others.
    """
    if message.kind is not Kind.SEND:
        after = _final(message, State.FAILED, now, _failure("MESSAGE_UNAVAILABLE", LEFT_BEHIND, failure))
        return after, _record(after, now, "chat_moved", new_chat_id=failure.new_chat_id)
    what = (
        "The group became a supergroup" if approved else "The group became a supergroup; an operator has to approve it"
    )
    after = replace(message, state=State.RETRY_WAIT, due_at=now, failure=_failure("CHAT_UNAVAILABLE", what, failure))
    return after, _record(after, now, "chat_moved", new_chat_id=failure.new_chat_id)


def untouched(why: str, message: Message, now: datetime) -> Outcome:
    """Return an edit or a delete of what can't be touched: it waits, or is SENDING and was not attempted."""
    untried = replace(message, attempts=message.attempts - (message.state is State.SENDING))
    after = _final(untried, State.FAILED, now, Failure(reason="MESSAGE_UNAVAILABLE", description=why))
    return after, _record(after, now, "message_unavailable")


def chat_closed(message: Message, why: ChatRefused, now: datetime) -> Outcome:
    """Return a message for a chat that is closed."""
    after = _final(message, State.FAILED, now, _failure("CHAT_UNAVAILABLE", None, why))
    return after, _record(after, now, "chat_refused")


def expired(message: Message, now: datetime) -> Outcome:
    """Return a message whose time to live is over."""
    sent = f"part {len(message.telegram_message_ids) + 1} of it could" if message.telegram_message_ids else "it could"
    why = Failure(reason="MESSAGE_EXPIRED", description=f"Its time to live was over before {sent} be sent.")
    after = _final(message, State.EXPIRED, now, why)
    return after, _record(after, now, "expired")


def credential_ended(message: Message, cause: str, now: datetime) -> Outcome:
    """Return a message, which is SENDING but was not attempted, whose credential must not send it any more."""
    why = Failure(reason="CREDENTIAL_ENDED", description="The credential's right ended before it could be sent.")
    after = _final(replace(message, attempts=message.attempts - 1), State.FAILED, now, why)
    return after, replace(_record(after, now, cause), decision="deny")


def held_back(message: Message, now: datetime) -> Outcome:
    """Return a message, which is SENDING but was not attempted, of whose credential nothing can be told now."""
    after = _untried(message, now)
    return after, _record(after, now, "state_stale")


def cancelled(message: Message, now: datetime) -> Outcome:
    """Return a message that its client cancelled."""
    after = _final(message, State.CANCELLED, now, None)
    return after, _record(after, now, "cancelled")


def retried(message: Message, caller: Caller, now: datetime) -> Message:
    """Return a message that ended undelivered and is to be sent again, as if the caller's token had brought it.

    It has no time of its own any more, and is due whatever the clock says after a restart.
    """
    return replace(
        message,
        state=State.QUEUED,
        due_at=message.accepted_at,
        expires_at=now + message.ttl,
        finished_at=None,
        failure=None,
        token_id=caller.token_id,
        key_id=caller.key_id,
        issued_at=caller.issued_at,
        issuer=caller.issuer,
        generation=caller.generation,
        ancestors=caller.ancestors,
    )


def _unanswered(message: Message, failure: Unanswered, now: datetime, chance: Chance) -> Outcome:
    unknown = replace(message, unknown_attempts=message.unknown_attempts + 1)
    most = MOST_RESENDS if message.kind is Kind.SEND else MOST_ATTEMPTS
    if message.when_unknown is WhenUnknown.GIVE_UP or unknown.unknown_attempts_at_part > most:
        after = _final(unknown, State.DELIVERY_UNKNOWN, now, None)
    else:
        after = _later(unknown, now + _backoff(message, chance), "Telegram did not answer", failure)
    return after, _record(after, now, CAUSES[Unanswered])


def _untried(message: Message, now: datetime) -> Message:
    """Return a message as if its attempt had not begun.

    One without another attempt is due as before: an instant of its own would make it one that was sent for later, and
    after a restart the next one would go first.
    """
    state, due_at = (State.QUEUED, message.due_at) if message.attempts == 1 else (State.RETRY_WAIT, now)
    return replace(message, state=state, attempts=message.attempts - 1, due_at=due_at)


def _later(message: Message, due_at: datetime, description: str | None, failure: BotFailure) -> Message:
    why = _failure("TELEGRAM_FAILED", description, failure)
    return replace(message, state=State.RETRY_WAIT, due_at=due_at, failure=why)


def _final(message: Message, state: State, now: datetime, why: Failure | None) -> Message:
    if message.unknown_attempts_at_part:
        state = State.DELIVERY_UNKNOWN
        why = Failure(
            reason="TELEGRAM_FAILED",
            description=_DOUBT[message.kind],
            telegram_error_code=why.telegram_error_code if why else 0,
        )
    return replace(message, state=state, finished_at=now, failure=why)


def _reason(message: Message, failure: BotFailure) -> str:
    """Say what a refusal that has no other meaning is about: a delete has no content that could be wrong."""
    if not isinstance(failure, Refused) or failure.code not in ABOUT_THE_MESSAGE:
        return "TELEGRAM_FAILED"
    return "MESSAGE_UNAVAILABLE" if message.kind is Kind.DELETE else "INVALID_REQUEST"


def _failure(reason: str, description: str | None, failure: BotFailure) -> Failure:
    """Return a failure in our words, or else in Telegram's."""
    if isinstance(failure, Refused):
        return Failure(reason=reason, description=description or failure.description, telegram_error_code=failure.code)
    return Failure(reason=reason, description=description or str(failure))


def _backoff(message: Message, chance: Chance) -> timedelta:
    """Return a pause of any length up to one that doubles with each attempt.

    "Full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(message.attempts_at_part - 1, 16))) * chance()


def _record(message: Message, now: datetime, reason: str, **facts: str | int | bool) -> Record:
    return Record(
        at=now,
        event=f"message.{message.state.value.lower()}",
        decision="error" if message.failure else "allow",
        reason=reason,
        client=message.client,
        token_id=message.token_id,
        key_id=message.key_id,
        issuer=message.issuer,
        chat_id=message.chat_id,
        message_id=message.id,
        facts={
            "attempts": message.attempts,
            **_telegram_facts(message),
            **part_facts(message),
            **facts,
            **touch_facts(message),
        },
    )


def _telegram_facts(message: Message) -> dict[str, str | int | bool]:
    """Return by which ids Telegram has the message, or with which code it refused."""
    facts: dict[str, str | int | bool] = {}
    if message.failure and message.failure.telegram_error_code:
        facts["telegram_error_code"] = message.failure.telegram_error_code
    if message.telegram_message_ids:
        facts["telegram_message_ids"] = " ".join(map(str, message.telegram_message_ids))
    return facts


def part_facts(message: Message) -> dict[str, str | int | bool]:
    """Return what the record of a message in parts says beside that of another."""
    return {"parts": message.parts} if message.parts > 1 else {}


def touch_facts(message: Message) -> dict[str, str | int | bool]:
    """Return what the record of an edit or a delete says beside that of a message."""
    return {} if message.kind is Kind.SEND else {"kind": message.kind.value, "target_id": message.target_id}
