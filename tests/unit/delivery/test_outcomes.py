from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.delivery import outcomes
from gateway.model import Message, Priority, State, WhenUnknown
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    NotSent,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from tests.support.virtual_time import BEGINNING

NOW = BEGINNING + timedelta(minutes=1)
SENDING = Message(
    id="m1",
    client="ops",
    chat_id=-5,
    request_id="",
    fingerprint=b"",
    content=b"{}",
    token_id="t1",
    key_id="k1",
    issued_at=BEGINNING,
    priority=Priority.NORMAL,
    when_unknown=WhenUnknown.RESEND,
    accepted_at=BEGINNING,
    due_at=BEGINNING,
    expires_at=BEGINNING + timedelta(hours=24),
    state=State.SENDING,
    attempts=1,
)
GIVE_UP = replace(SENDING, when_unknown=WhenUnknown.GIVE_UP)


def half() -> float:
    return 0.5


def after(message: Message, failure: BotFailure) -> Message:
    return outcomes.refused(message, failure, NOW, half)[0]


def test_delivered() -> None:
    message, record = outcomes.delivered(replace(SENDING, failure=outcomes._failure("X", "", NotSent())), (7,), -5, NOW)
    assert (message.state, message.telegram_message_ids, message.finished_at) == (State.DELIVERED, (7,), NOW)
    assert message.telegram_chat_id == -5
    assert message.failure is None
    assert (record.event, record.decision, record.reason) == ("message.delivered", "allow", "delivered")
    assert (record.client, record.chat_id, record.message_id, record.token_id) == ("ops", -5, "m1", "t1")


@pytest.mark.parametrize(
    ("failure", "state", "reason", "code", "cause"),
    [
        (NotSent("no route"), State.RETRY_WAIT, "TELEGRAM_FAILED", 0, "not_sent"),
        (Unanswered(), State.RETRY_WAIT, "TELEGRAM_FAILED", 0, "unanswered"),
        (ServerFailed(500, "restart"), State.RETRY_WAIT, "TELEGRAM_FAILED", 500, "server_failed"),
        (RateLimited(429, "slow", timedelta(3)), State.RETRY_WAIT, "TELEGRAM_FAILED", 429, "rate_limited"),
        (RateLimited(429, "slow", None), State.RETRY_WAIT, "TELEGRAM_FAILED", 429, "rate_limited"),
        (ChatRefused(403, "blocked"), State.FAILED, "CHAT_UNAVAILABLE", 403, "chat_refused"),
        (ChatMoved(400, "upgraded", -7), State.FAILED, "CHAT_UNAVAILABLE", 400, "chat_moved"),
        (Refused(400, "can't parse"), State.FAILED, "INVALID_REQUEST", 400, "refused"),
        (Refused(413, "too large"), State.FAILED, "INVALID_REQUEST", 413, "refused"),
    ],
)
def test_every_failure_has_its_end_and_its_record(
    failure: BotFailure, state: State, reason: str, code: int, cause: str
) -> None:
    message, record = outcomes.refused(SENDING, failure, NOW, half)
    assert message.failure is not None
    assert (message.state, message.failure.reason, message.failure.telegram_error_code) == (state, reason, code)
    assert message.finished_at == (NOW if state.is_final else None)
    assert (record.event, record.decision, record.reason) == (f"message.{state.value.lower()}", "error", cause)
    assert record.facts["attempts"] == 1


def test_every_failure_is_named() -> None:
    assert set(outcomes.CAUSES) == {*BotFailure.__subclasses__(), *Refused.__subclasses__()}


def test_telegrams_own_words_are_passed_on() -> None:
    failure = after(SENDING, Refused(400, "Bad Request: can't parse entities")).failure
    assert failure is not None
    assert failure.description == "Bad Request: can't parse entities"


def test_where_a_chat_moved_to_is_on_record_only() -> None:
    message, record = outcomes.refused(SENDING, ChatMoved(400, "upgraded", -100777), NOW, half)
    assert record.facts["new_chat_id"] == -100777
    assert message.failure is not None
    assert "777" not in message.failure.description


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 40.0), (0.5, 42.0), (0.999, 43.996)])
def test_a_429_is_waited_for_as_long_as_asked_and_a_little_longer(chance: float, seconds: float) -> None:
    failure = RateLimited(429, "slow", timedelta(seconds=40))
    message, _ = outcomes.refused(SENDING, failure, NOW, lambda: chance)
    assert message.due_at == NOW + timedelta(seconds=seconds)


def test_a_very_long_pause_gets_little_jitter() -> None:
    message, _ = outcomes.refused(SENDING, RateLimited(429, "slow", timedelta(hours=12)), NOW, lambda: 1.0)
    assert message.due_at == NOW + timedelta(hours=12) + outcomes.LONGEST_JITTER


@pytest.mark.parametrize("failure", [NotSent(), Unanswered(), ServerFailed(502, "busy"), RateLimited(429, "", None)])
@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0.5), (2, 1), (5, 8), (19, 60)])
def test_other_pauses_double_up_to_a_bound(failure: BotFailure, attempts: int, seconds: float) -> None:
    assert after(replace(SENDING, attempts=attempts), failure).due_at == NOW + timedelta(seconds=seconds)


def test_a_huge_number_of_attempts_does_no_harm() -> None:
    assert after(replace(SENDING, attempts=10**6), NotSent()).state is State.RETRY_WAIT


def test_a_server_that_fails_and_fails_ends_it() -> None:
    message = after(replace(SENDING, attempts=outcomes.MOST_ATTEMPTS), ServerFailed(500, "restart"))
    assert message.state is State.FAILED
    assert message.failure is not None
    assert message.failure.reason == "TELEGRAM_FAILED"


def test_without_an_answer_it_is_sent_again_three_times() -> None:
    message = SENDING
    for attempt in range(1, outcomes.MOST_RESENDS + 1):
        message = after(message, Unanswered())
        assert (message.state, message.unknown_attempts) == (State.RETRY_WAIT, attempt)
        message = replace(message, state=State.SENDING, attempts=attempt + 1)
    message = after(message, Unanswered())
    assert (message.state, message.unknown_attempts) == (State.DELIVERY_UNKNOWN, outcomes.MOST_RESENDS + 1)
    assert message.failure is not None


def test_with_give_up_it_is_never_sent_again() -> None:
    message = after(GIVE_UP, Unanswered())
    assert (message.state, message.unknown_attempts) == (State.DELIVERY_UNKNOWN, 1)


def test_with_give_up_what_was_not_sent_is_sent_again() -> None:
    assert after(GIVE_UP, NotSent()).state is State.RETRY_WAIT


def test_an_attempt_with_a_refused_bot_does_not_count() -> None:
    first = after(SENDING, BotRefused(401, "Unauthorized"))
    assert (first.state, first.attempts, first.due_at, first.failure) == (State.QUEUED, 0, SENDING.due_at, None)
    later = after(replace(SENDING, attempts=3), BotRefused(401, "Unauthorized"))
    assert (later.state, later.attempts, later.due_at) == (State.RETRY_WAIT, 2, NOW)


def test_ends_without_an_attempt() -> None:
    queued = replace(SENDING, state=State.QUEUED, attempts=0)
    expired, on_record = outcomes.expired(queued, NOW)
    assert (expired.state, on_record.event) == (State.EXPIRED, "message.expired")
    assert expired.failure is not None
    assert expired.failure.reason == "MESSAGE_EXPIRED"
    cancelled, on_record = outcomes.cancelled(queued, NOW)
    assert (cancelled.state, cancelled.failure, on_record.decision) == (State.CANCELLED, None, "allow")
    failed, on_record = outcomes.chat_closed(queued, ChatRefused(403, "blocked"), NOW)
    assert (failed.state, on_record.reason) == (State.FAILED, "chat_refused")
    assert failed.failure is not None
    assert (failed.failure.reason, failed.failure.telegram_error_code) == ("CHAT_UNAVAILABLE", 403)


@pytest.mark.parametrize(("approved", "words"), [(True, "supergroup"), (False, "operator")])
def test_a_message_for_a_group_that_moved_is_due_at_once_and_does_not_say_where_to(approved: bool, words: str) -> None:
    message, on_record = outcomes.moved(SENDING, ChatMoved(400, "upgraded", -1000000000777), approved, NOW)
    assert (message.state, message.due_at, message.attempts, message.chat_id) == (State.RETRY_WAIT, NOW, 1, -5)
    assert message.failure is not None
    assert (message.failure.reason, message.failure.telegram_error_code) == ("CHAT_UNAVAILABLE", 400)
    assert words in message.failure.description
    assert "777" not in message.failure.description
    assert (on_record.reason, on_record.facts["new_chat_id"]) == ("chat_moved", -1000000000777)


def test_what_may_have_arrived_is_not_said_not_to_have() -> None:
    waiting = replace(SENDING, state=State.RETRY_WAIT, unknown_attempts=1)
    ends = [
        after(replace(waiting, state=State.SENDING, attempts=2), ChatRefused(403, "blocked")),
        outcomes.expired(waiting, NOW)[0],
        outcomes.cancelled(waiting, NOW)[0],
    ]
    for message in ends:
        assert message.state is State.DELIVERY_UNKNOWN
        assert message.failure is not None
        assert message.failure.reason == "TELEGRAM_FAILED"
