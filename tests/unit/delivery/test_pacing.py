from __future__ import annotations

from bisect import bisect_right
from heapq import heappop, heappush
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.pacing import LONG_PAUSE, LONGEST_BOT_PAUSE, MINUTE, MODES, RECOVERY, SECOND, Pacing


def telegram() -> Pacing:
    return Pacing(MODES["telegram"])


def send(pacing: Pacing, chat_id: int, at: float, took: float = 0.0) -> None:
    pacing.take(chat_id, at)
    pacing.answered(chat_id, at + took)


def test_a_chat_gets_one_message_a_second() -> None:
    pacing = telegram()
    assert pacing.chat_free_at(1, 0.0) == 0.0
    pacing.take(1, 0.0)
    assert pacing.chat_free_at(1, 0.5) == inf
    pacing.answered(1, 0.5)
    assert pacing.chat_free_at(1, 0.6) == 0.5 + SECOND
    assert pacing.chat_free_at(2, 0.6) == 0.6


def test_a_group_gets_twenty_messages_a_minute() -> None:
    pacing = telegram()
    for number in range(20):
        assert pacing.chat_free_at(-1, 2.0 * number) <= 2.0 * number
        send(pacing, -1, 2.0 * number)
    assert pacing.chat_free_at(-1, 40.0) == MINUTE
    assert pacing.chat_free_at(-1, MINUTE) == MINUTE


def test_the_bot_sends_thirty_messages_a_second() -> None:
    pacing = telegram()
    for chat_id in range(1, 31):
        assert pacing.bot_free_at(0.0) == 0.0
        pacing.take(chat_id, 0.0)
    assert pacing.bot_free_at(0.1) == inf
    pacing.answered(1, 0.2)
    assert pacing.bot_free_at(0.3) == 0.2 + SECOND


def test_a_bot_that_pays_sends_a_thousand() -> None:
    pacing = Pacing(MODES["paid"])
    for chat_id in range(1, 1001):
        assert pacing.bot_free_at(0.0) == 0.0
        send(pacing, chat_id, 0.0)
    assert pacing.bot_free_at(0.5) == SECOND


def test_without_limits_nothing_is_counted_and_a_pause_holds() -> None:
    pacing = Pacing(MODES["off"])
    for _ in range(2000):
        send(pacing, -1, 0.0)
    pacing.recall(-1, 0.0)
    pacing.take(-1, 0.0)
    pacing.give_back(-1, 0.0)
    assert (pacing.bot_free_at(0.0), pacing.chat_free_at(-1, 0.0), len(pacing)) == (0.0, 0.0, 0)
    assert pacing.refused(-1, 0.0, LONG_PAUSE)
    assert (pacing.bot_free_at(1.0), pacing.chat_free_at(-1, 1.0)) == (LONG_PAUSE, LONG_PAUSE)
    assert pacing.bot_free_at(LONG_PAUSE) == LONG_PAUSE


def test_an_attempt_that_was_not_made_takes_no_place() -> None:
    pacing = telegram()
    pacing.take(-1, 0.0)
    pacing.give_back(-1, 0.0)
    assert pacing.chat_free_at(-1, 0.0) == 0.0
    send(pacing, 2, 5.0)
    assert len(pacing) == 1


def test_one_chats_refusal_is_one_chats_pause() -> None:
    pacing = telegram()
    assert not pacing.refused(1, 10.0, 3.0)
    assert pacing.chat_free_at(1, 11.0) == 13.0
    assert pacing.bot_free_at(11.0) == 11.0
    assert not pacing.refused(2, 11.5, 3.0), "more than a second later it is no sign of more"
    assert not pacing.refused(2, 11.6, 3.0), "the same chat again is no sign of more"


def test_two_chats_refused_together_pause_the_bot() -> None:
    pacing = telegram()
    pacing.refused(1, 10.0, 3.0)
    assert pacing.refused(2, 10.9, 4.0)
    assert pacing.bot_free_at(11.0) == 14.9


def test_a_long_pause_of_one_chat_pauses_the_bot_for_a_while() -> None:
    pacing = telegram()
    assert pacing.refused(1, 0.0, 50_000.0)
    assert pacing.bot_free_at(0.0) == LONGEST_BOT_PAUSE
    assert pacing.chat_free_at(1, 100.0) == 50_000.0


def test_an_allowance_a_hair_below_a_whole_message_is_no_room_without_end() -> None:
    pacing, at = telegram(), 90.41168717999267
    # Of a simulated life: 7.9999999999999964 messages, and the instant of the eighth is now, as far as floats go.
    pacing._cut_to, pacing._cut_at = 7.687728521421636, 89.78714422283595
    for chat_id in range(8):
        assert pacing.bot_free_at(at) <= at
        pacing.take(chat_id, at)
    assert pacing.bot_free_at(at) > at + 1


def test_after_a_refusal_the_bot_goes_at_half_its_pace_and_recovers() -> None:
    pacing = telegram()
    pacing.refused(1, 0.0, 1.0)
    pacing.refused(2, 0.0, 1.0)
    pacing.refused(3, 0.0, 1.0)
    for chat_id in range(10, 25):
        assert pacing.bot_free_at(1.0) == 1.0
        send(pacing, chat_id, 1.0)
    one_more = 1.0 + RECOVERY / 30
    assert pacing.bot_free_at(1.0) == pytest.approx(min(one_more, 1.0 + SECOND))
    for chat_id in range(100, 130):
        assert pacing.bot_free_at(1.0 + RECOVERY) == 1.0 + RECOVERY
        send(pacing, chat_id, 1.0 + RECOVERY)


def test_the_slowest_pace_is_one_a_second() -> None:
    pacing = telegram()
    for second in range(20):
        pacing.refused(1, 10.0 * second, LONG_PAUSE)
        pacing._bot_paused_until = -inf
    assert pacing._cut_to == 1.0


def test_an_earlier_run_counts() -> None:
    pacing = telegram()
    for _ in range(20):
        pacing.recall(-1, 5.0)
    pacing.recall(2, 5.5)
    assert pacing.chat_free_at(-1, 6.0) == 5.0 + MINUTE
    assert pacing.chat_free_at(2, 6.0) == 5.5 + SECOND
    pacing.hold(3, 9.0)
    assert pacing.chat_free_at(3, 6.0) == 9.0


def test_chats_are_forgotten_when_nothing_holds_them_back() -> None:
    pacing = telegram()
    for number in range(1, 10_001):
        send(pacing, number, float(number))
    assert len(pacing) < 5
    for number in range(1, 1001):
        send(pacing, -number, 20_000.0 + number)
    assert len(pacing) < 65


@given(
    st.lists(
        st.tuples(st.integers(-2, 2).filter(bool), st.floats(0, 0.4), st.floats(0, 3), st.floats(0, 3)), max_size=150
    )
)
def test_no_window_at_telegram_is_ever_over(plan: list[tuple[int, float, float, float]]) -> None:
    """However long each way takes: attempts begin as soon as they may, and what is counted is when they arrive."""
    pacing = telegram()
    arrivals: list[tuple[float, int]] = []
    answers: list[tuple[float, int]] = []
    now = 0.0
    for chat_id, pause, there, back in plan:
        now += pause
        while True:
            while answers and answers[0][0] <= now:
                pacing.answered(heappop(answers)[1], now)
            free_at = max(pacing.chat_free_at(chat_id, now), pacing.bot_free_at(now))
            if free_at <= now:
                break
            now = min(free_at, answers[0][0] if answers else inf)
        pacing.take(chat_id, now)
        arrivals.append((now + there, chat_id))
        heappush(answers, (now + there + back, chat_id))
    assert most_within(1.0, [at for at, _ in arrivals]) <= 30
    for chat in (-2, -1, 1, 2):
        instants = [at for at, chat_id in arrivals if chat_id == chat]
        assert most_within(1.0, instants) <= 1
        assert chat > 0 or most_within(60.0, instants) <= 20


def most_within(seconds: float, instants: list[float]) -> int:
    ordered = sorted(instants)
    return max((last + 1 - bisect_right(ordered, at - seconds) for last, at in enumerate(ordered)), default=0)
