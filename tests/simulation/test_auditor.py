"""The auditor itself: content with a clean story, and seen to object to each thing that may be wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.delivery import content
from gateway.model import Draft, Kind, Message, Part, Priority, Record, State, WhenUnknown
from tests.support.auditor import Arrival, Evidence, Told, audit
from tests.support.virtual_time import BEGINNING

MESSAGE = Message(
    id="m1",
    client="ops",
    chat_id=1,
    request_id="r1",
    fingerprint=b"",
    content=content.encode(Draft(chat_id=1, text="one")),
    token_id="t1",
    key_id="k1",
    issued_at=BEGINNING,
    priority=Priority.NORMAL,
    when_unknown=WhenUnknown.RESEND,
    accepted_at=BEGINNING,
    due_at=BEGINNING,
    expires_at=BEGINNING + timedelta(hours=24),
    state=State.DELIVERED,
    attempts=1,
    telegram_message_ids=(1,),
    finished_at=BEGINNING + timedelta(seconds=1),
    seq=1,
)
SECOND = replace(
    MESSAGE,
    id="m2",
    request_id="r2",
    content=content.encode(Draft(chat_id=1, text="two")),
    seq=2,
    telegram_message_ids=(2,),
)
ARRIVALS = [Arrival(at=1, chat_id=1, text="one", message_id=1), Arrival(at=3, chat_id=1, text="two", message_id=2)]


def told(text: str, message_id: str, **fields: object) -> Told:
    return replace(Told(client="ops", chat_id=1, text=text, request_id=text, accepted=[message_id]), **fields)  # type: ignore[arg-type]


def record(message: Message, event: str, reason: str = "", at: float = 1.0) -> Record:
    instant = BEGINNING + timedelta(seconds=at)
    return Record(at=instant, event=event, decision="allow", reason=reason, message_id=message.id)


def records(*messages: Message) -> list[Record]:
    return [
        each
        for message in messages
        for each in (
            record(message, "message.accepted"),
            record(message, f"message.{message.state.value.lower()}"),
            *[record(message, "message.retry_wait", "unanswered")] * message.unknown_attempts,
        )
    ]


def story(
    *messages: Message,
    arrivals: Sequence[Arrival] = ARRIVALS,
    tellings: Sequence[Told] = (told("one", "m1"), told("two", "m2")),
    log: Sequence[Record] | None = None,
    restarts: Sequence[float] = (),
    forgotten: dict[str, float] | None = None,
    revoked: dict[str, float] | None = None,
    per_minute: int | None = None,
) -> list[str]:
    """Return the names of the invariants that the auditor finds violated."""
    found = audit(
        Evidence(
            told=tellings,
            arrivals=arrivals,
            messages=messages,
            records=records(*messages) if log is None else log,
            beginning=BEGINNING,
            restarts=restarts,
            forgotten={each: BEGINNING + timedelta(hours=hours) for each, hours in (forgotten or {}).items()},
            revoked=revoked or {},
            per_minute=per_minute,
        )
    )
    return sorted({violation.split()[0] for violation in found})


def test_a_clean_story_is_clean() -> None:
    assert story(MESSAGE, SECOND) == []


def test_i1_what_was_accepted_is_kept() -> None:
    assert story(MESSAGE, arrivals=ARRIVALS[:1]) == ["I1"]


@pytest.mark.parametrize("state", [State.QUEUED, State.RETRY_WAIT])
def test_i1_everything_ends(state: State) -> None:
    left = replace(SECOND, state=state, finished_at=None)
    assert story(MESSAGE, left) == ["I1"]


def test_i1_an_end_has_its_time() -> None:
    assert story(MESSAGE, replace(SECOND, finished_at=None)) == ["I1"]


def test_i1_an_end_that_was_told_stays() -> None:
    ends = [("m2", State.DELIVERY_UNKNOWN)]
    assert story(MESSAGE, SECOND, tellings=[told("one", "m1"), told("two", "m2", ends=ends)]) == ["I1"]


def test_i2_nothing_is_sent_unasked() -> None:
    extra = Arrival(at=9, chat_id=1, text="three", message_id=3)
    elsewhere = Arrival(at=9, chat_id=2, text="two", message_id=3)
    assert story(MESSAGE, SECOND, arrivals=[*ARRIVALS, extra]) == ["I2"]
    assert "I2" in story(MESSAGE, SECOND, arrivals=[*ARRIVALS, elsewhere])


def test_i2_nothing_is_sent_that_is_not_kept() -> None:
    assert story(MESSAGE, tellings=[told("one", "m1"), told("two", "m2", accepted=[])]) == ["I2"]


def test_i3_what_had_expired_before_the_clock_was_set_back_may_go_late() -> None:
    late = [replace(ARRIVALS[1], at=1), replace(ARRIVALS[0], at=3)]
    for seconds, found in ((4, ["I3"]), (2, [])):
        revived = replace(MESSAGE, expires_at=BEGINNING + timedelta(seconds=seconds))
        evidence = Evidence(
            told=[told("one", "m1"), told("two", "m2")],
            arrivals=late,
            messages=[revived, SECOND],
            records=records(revived, SECOND),
            beginning=BEGINNING,
            really={BEGINNING: 0.0},
        )
        assert [violation.split()[0] for violation in audit(evidence)] == found


def test_i3_the_order_holds_for_first_attempts_of_a_chat() -> None:
    first = replace(MESSAGE, seq=3)
    assert story(first, SECOND) == ["I3"]
    elsewhere = replace(SECOND, chat_id=2)
    arrivals = [ARRIVALS[0], replace(ARRIVALS[1], chat_id=2)]
    assert story(first, elsewhere, arrivals=arrivals, tellings=[told("one", "m1"), told("two", "m2", chat_id=2)]) == []


def test_i3_a_retry_is_no_first_attempt() -> None:
    refused = replace(ARRIVALS[0], at=0, message_id=0, code=500)
    again = replace(ARRIVALS[0], at=6)
    assert story(MESSAGE, SECOND, arrivals=[refused, ARRIVALS[1], again]) == []


def test_i3_a_message_with_a_time_of_its_own_goes_after_it() -> None:
    scheduled = told("two", "m2", due=2.0)
    assert story(replace(MESSAGE, seq=3), SECOND, tellings=[told("one", "m1"), scheduled]) == []
    scheduled = told("two", "m2", due=4.0)
    assert story(MESSAGE, SECOND, tellings=[told("one", "m1"), scheduled]) == ["I3"]


def test_i4_twice_only_after_an_attempt_without_an_answer() -> None:
    arrivals = [*ARRIVALS, Arrival(at=6, chat_id=1, text="two", message_id=3)]
    assert story(MESSAGE, SECOND, arrivals=arrivals) == ["I4"]
    known = replace(SECOND, attempts=2, unknown_attempts=1)
    assert story(MESSAGE, known, arrivals=arrivals) == []
    silent = replace(SECOND, unknown_attempts=1, telegram_message_ids=())
    assert story(MESSAGE, silent, arrivals=arrivals) == ["H", "I4"]


def test_i4_never_twice_with_give_up() -> None:
    arrivals = [*ARRIVALS, Arrival(at=6, chat_id=1, text="two", message_id=3)]
    known = replace(SECOND, attempts=2, unknown_attempts=1)
    tellings = [told("one", "m1"), told("two", "m2", give_up=True)]
    assert story(MESSAGE, known, arrivals=arrivals, tellings=tellings) == ["I4"]


def test_i5_one_request_is_one_message() -> None:
    tellings = [told("one", "m1"), told("two", "m2", request_id="one")]
    assert story(MESSAGE, SECOND, tellings=tellings) == ["I5"]
    twin = replace(SECOND, content=MESSAGE.content)
    assert story(MESSAGE, twin) == ["I5"]


def test_i6_the_limits_hold() -> None:
    assert story(MESSAGE, SECOND, arrivals=[ARRIVALS[0], replace(ARRIVALS[1], at=1.99)]) == ["I6"]
    assert story(MESSAGE, SECOND, arrivals=[ARRIVALS[0], replace(ARRIVALS[1], at=2.0)]) == []


@pytest.mark.parametrize(("count", "apart", "chat_id", "found"), [(30, 0.0, 0, []), (31, 0.0, 0, ["I6"])])
def test_i6_the_limit_of_the_bot(count: int, apart: float, chat_id: int, found: list[str]) -> None:
    assert crowd(count, apart, lambda number: number + 1) == found


def test_i6_an_arrival_that_stands_too_early_in_the_log_is_counted_where_it_belongs() -> None:
    assert crowd(90, 0.05, lambda number: number + 1, late={30: 4.01}) == []


@pytest.mark.parametrize(("count", "found"), [(20, []), (21, ["I6"])])
def test_i6_the_limit_of_a_group(count: int, found: list[str]) -> None:
    assert crowd(count, 2.0, lambda number: -1) == found


def crowd(count, apart, chat_of, late=None):  # type: ignore[no-untyped-def]
    messages = [
        replace(
            MESSAGE,
            id=f"m{number}",
            chat_id=chat_of(number),
            content=content.encode(Draft(chat_id=1, text=f"{number}")),
            telegram_message_ids=(number + 1,),
            seq=number + 1,
        )
        for number in range(count)
    ]
    return story(
        *messages,
        arrivals=[
            Arrival(
                at=(late or {}).get(number, apart * number),
                chat_id=chat_of(number),
                text=f"{number}",
                message_id=number + 1,
            )
            for number in range(count)
        ],
        tellings=[told(f"{number}", f"m{number}", chat_id=chat_of(number)) for number in range(count)],
    )


def test_i7_a_chat_is_left_alone_as_long_as_asked() -> None:
    refused = Arrival(at=0, chat_id=1, text="one", code=429, retry_after=10)
    arrivals = [refused, replace(ARRIVALS[0], at=9), replace(ARRIVALS[1], at=30)]
    heard = [*records(MESSAGE, SECOND), record(MESSAGE, "message.retry_wait", "rate_limited", at=0.1)]
    late = replace(MESSAGE, finished_at=BEGINNING + timedelta(seconds=9.1))
    assert story(late, SECOND, arrivals=arrivals, log=heard) == ["I7"]
    arrivals[1] = replace(arrivals[1], at=10)
    assert story(late, SECOND, arrivals=arrivals, log=heard) == []


def test_i7_a_refusal_that_nobody_heard_asks_nothing() -> None:
    refused = Arrival(at=0, chat_id=1, text="one", code=429, retry_after=10)
    assert story(MESSAGE, SECOND, arrivals=[refused, *ARRIVALS]) == []


def test_i7_a_restart_may_forget_the_pause_of_a_message_that_had_ended() -> None:
    refused = Arrival(at=0, chat_id=1, text="one", code=429, retry_after=10)
    gone = replace(MESSAGE, state=State.CANCELLED, telegram_message_ids=())
    log = [*records(gone, SECOND), record(gone, "message.retry_wait", "rate_limited", at=0.1)]
    assert story(gone, SECOND, arrivals=[refused, ARRIVALS[1]], log=log) == ["I7"]
    assert story(gone, SECOND, arrivals=[refused, ARRIVALS[1]], log=log, restarts=[2.0]) == []
    assert story(gone, SECOND, arrivals=[refused, ARRIVALS[1]], log=log, restarts=[0.5]) == ["I7"]


def test_i9_every_accept_and_end_is_on_record() -> None:
    log = records(MESSAGE, SECOND)
    for missing in range(len(log)):
        assert story(MESSAGE, SECOND, log=log[:missing] + log[missing + 1 :]) == ["I9"]
    assert story(MESSAGE, SECOND, log=[*log, log[0]]) == ["I9"]


def test_i9_every_attempt_without_an_answer_is_on_record() -> None:
    doubted = replace(SECOND, attempts=2, unknown_attempts=1)
    assert story(MESSAGE, doubted, log=records(MESSAGE, SECOND)) == ["I9"]


def test_i11_nothing_is_left_in_sending() -> None:
    assert story(MESSAGE, replace(SECOND, state=State.SENDING, finished_at=None)) == ["I11"]


def test_h_delivered_is_said_of_what_was() -> None:
    assert story(MESSAGE, SECOND, arrivals=ARRIVALS[:1]) == ["H"]
    assert story(MESSAGE, replace(SECOND, telegram_message_ids=(9,))) == ["H"]


@pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED, State.CANCELLED])
def test_h_not_delivered_is_said_of_what_was_not(state: State) -> None:
    assert story(MESSAGE, replace(SECOND, state=state, telegram_message_ids=())) == ["H"]


def about_chat(event: str, at: float, chat_id: int = 1, **facts: str | int | bool) -> Record:
    instant = BEGINNING + timedelta(seconds=at)
    return Record(at=instant, event=event, decision="allow", chat_id=chat_id, facts=facts)


def test_i2_what_is_for_a_group_goes_elsewhere_only_once_that_is_approved() -> None:
    pins = [told("one", "m1"), told("two", "m2")]
    arrivals = [ARRIVALS[0], replace(ARRIVALS[1], chat_id=-1001)]
    moved, log = about_chat("chat.migrated", 1, new_chat_id=-1001, approved=False), records(MESSAGE, SECOND)
    assert story(MESSAGE, SECOND, arrivals=arrivals, tellings=pins, log=[*log, moved]) == ["I2"]
    approval = about_chat("chat.migration_approved", 2)
    assert story(MESSAGE, SECOND, arrivals=arrivals, tellings=pins, log=[*log, moved, approval]) == []
    too_late = about_chat("chat.migration_approved", 4)
    assert story(MESSAGE, SECOND, arrivals=arrivals, tellings=pins, log=[*log, moved, too_late]) == ["I2"]
    followed = about_chat("chat.migrated", 1, new_chat_id=-1001, approved=True)
    assert story(MESSAGE, SECOND, arrivals=arrivals, tellings=pins, log=[*log, followed]) == []
    elsewhere = about_chat("chat.migrated", 1, new_chat_id=-1002, approved=True)
    assert story(MESSAGE, SECOND, arrivals=arrivals, tellings=pins, log=[*log, elsewhere]) == ["I2"]


def test_i3_the_order_is_kept_where_the_chat_moved_to() -> None:
    arrivals = [replace(arrival, chat_id=-1001) for arrival in ARRIVALS]
    log = [*records(MESSAGE, SECOND), about_chat("chat.migrated", 0, new_chat_id=-1001, approved=True)]
    assert story(replace(MESSAGE, seq=3), SECOND, arrivals=arrivals, log=log) == ["I3"]


def test_c_nothing_goes_to_a_closed_chat_until_it_is_opened() -> None:
    log, closed = records(MESSAGE, SECOND), about_chat("chat.closed", 2, seconds=60)
    assert story(MESSAGE, SECOND, log=[*log, closed]) == ["C"]
    assert story(MESSAGE, SECOND, log=[*log, closed, about_chat("chat.opened", 2.5)]) == []
    assert story(MESSAGE, SECOND, log=[*log, closed, about_chat("chat.opened", 3.5)]) == ["C"]
    assert story(MESSAGE, SECOND, log=[*log, about_chat("chat.closed", 1, seconds=2)]) == []
    assert story(MESSAGE, SECOND, log=[*log, about_chat("chat.closed", 2, chat_id=2, seconds=60)]) == []


def test_i8_nothing_of_a_client_goes_out_after_it_was_revoked() -> None:
    assert story(MESSAGE, SECOND, revoked={"ops": 3.0}) == []
    assert story(MESSAGE, SECOND, revoked={"ops": 2.9}) == ["I8"]
    assert story(MESSAGE, SECOND, revoked={"other": 0.0}) == []


def test_r_a_message_is_remembered_for_a_day_and_as_long_as_it_could_have_lived() -> None:
    long_lived = replace(SECOND, ttl=timedelta(hours=48))
    assert story(MESSAGE, SECOND, forgotten={"m1": 24.1}) == []
    assert story(MESSAGE, SECOND, forgotten={"m1": 23.9}) == ["R"]
    assert story(MESSAGE, long_lived, forgotten={"m2": 47.9}) == ["R"]
    assert story(MESSAGE, long_lived, forgotten={"m2": 48.1}) == []


EDIT = replace(
    MESSAGE,
    id="e1",
    request_id="e1",
    kind=Kind.EDIT,
    target_id="m1",
    content=content.encode(Draft(chat_id=1, text="edited")),
    seq=3,
)
DELETE = replace(
    EDIT, id="d1", request_id="d1", kind=Kind.DELETE, content=content.encode(Draft(chat_id=1, text="")), seq=4
)
EDITED = Arrival(at=5, chat_id=1, text="edited", message_id=1, target=1)
DELETED = Arrival(at=7, chat_id=1, text="-one", message_id=1, target=1)
TOUCHED = [told("one", "m1"), told("two", "m2"), told("edited", "e1"), told("-one", "d1")]


def touched(*touches: Message, arrivals: Sequence[Arrival] = (EDITED, DELETED)) -> list[str]:
    tellings = [each for each in TOUCHED if each.accepted[0] in {"m1", "m2", *(touch.id for touch in touches)}]
    return story(
        MESSAGE, SECOND, *touches, arrivals=sorted([*ARRIVALS, *arrivals], key=lambda each: each.at), tellings=tellings
    )


def test_e_what_is_edited_and_deleted_in_its_turn_is_clean() -> None:
    assert touched(EDIT, DELETE) == []
    assert touched(EDIT, arrivals=[EDITED]) == []


def test_e_nothing_is_touched_before_it_is_there_nor_where_it_is_not() -> None:
    early = replace(EDITED, at=0.0)
    assert touched(EDIT, arrivals=[early]) == ["E", "I3"]
    assert "E" in touched(EDIT, arrivals=[replace(EDITED, target=2, message_id=2)])
    refused = replace(EDITED, chat_id=-1001, code=400, message_id=0)
    assert "E" in touched(EDIT, arrivals=[refused, replace(EDITED, at=9)])


def test_e_the_edit_that_was_accepted_last_stays() -> None:
    second = replace(EDIT, id="e2", request_id="e2", content=content.encode(Draft(chat_id=1, text="again")), seq=5)
    again = replace(EDITED, at=9, text="again")
    tellings = [*TOUCHED[:3], told("again", "e2")]
    in_turn = [*ARRIVALS, EDITED, again]
    assert story(MESSAGE, SECOND, EDIT, second, arrivals=in_turn, tellings=tellings) == []
    turned = [*ARRIVALS, replace(again, at=5), replace(EDITED, at=9)]
    assert story(MESSAGE, SECOND, EDIT, second, arrivals=turned, tellings=tellings) == ["E", "I3"]


def test_e_a_delete_that_is_done_leaves_nothing() -> None:
    assert touched(EDIT, DELETE, arrivals=[EDITED]) == ["E", "H"]


def test_h_what_touches_is_judged_like_a_message() -> None:
    failed = replace(EDIT, state=State.FAILED, telegram_message_ids=())
    assert touched(failed, arrivals=[]) == []
    assert "H" in touched(failed, arrivals=[EDITED])
    assert touched(EDIT, arrivals=[]) == ["E", "H"]


def test_a_message_that_was_sent_again_has_as_many_ends_as_lives_and_may_probe_a_closed_chat() -> None:
    first_end, again = record(SECOND, "message.failed", at=1), record(SECOND, "message.retried", at=2)
    log = [*records(MESSAGE, SECOND)[:3], first_end, again, record(SECOND, "message.delivered", at=3)]
    ends = [("m2", State.FAILED), ("m2", State.DELIVERED)]
    tellings = [told("one", "m1"), told("two", "m2", ends=ends)]
    assert story(MESSAGE, SECOND, log=log, tellings=tellings) == []
    assert story(MESSAGE, SECOND, log=[each for each in log if each is not first_end], tellings=tellings) == [
        "I1",
        "I9",
    ]
    assert story(MESSAGE, SECOND, log=[*log, about_chat("chat.closed", 2, seconds=60)], tellings=tellings) == []


def test_a_message_that_its_client_settled_is_what_its_client_says() -> None:
    settled = replace(SECOND, unknown_attempts=1, telegram_message_ids=())
    resolved = replace(record(SECOND, "message.resolved"), facts={"resolution": "DELIVERED"})
    unknown = record(SECOND, "message.delivery_unknown", "unanswered")
    log = [*records(MESSAGE, SECOND)[:3], unknown, resolved]
    assert story(MESSAGE, settled, log=log) == []
    assert story(MESSAGE, settled, log=log, arrivals=ARRIVALS[:1]) == []
    assert story(MESSAGE, settled, log=log[:-1]) == ["H", "I9"]


def test_instants_of_a_clock_that_was_set_back_are_what_they_really_were() -> None:
    closed = about_chat("chat.closed", -3600, seconds=60)
    log = [*records(MESSAGE, SECOND), closed]
    assert story(MESSAGE, SECOND, log=log) == []
    evidence = Evidence(
        told=[told("one", "m1"), told("two", "m2")],
        arrivals=ARRIVALS,
        messages=[MESSAGE, SECOND],
        records=log,
        beginning=BEGINNING,
        really={closed.at: 2.0},
    )
    assert [violation.split()[0] for violation in audit(evidence)] == ["C"]


IN_PARTS = replace(
    MESSAGE,
    content=content.encode(Draft(chat_id=1, text="", parts=(Part(text="one"), Part(text="one+"), Part(text="one++")))),
    parts=3,
    telegram_message_ids=(1, 2, 3),
)
WHOLE = [Arrival(at=3 * number, chat_id=1, text=f"one{'+' * number}", message_id=number + 1) for number in range(3)]
AFTER = Arrival(at=20, chat_id=1, text="two", message_id=4)
BEHIND = replace(SECOND, telegram_message_ids=(4,))


def in_parts(message: Message, arrivals: Sequence[Arrival], **fields: Any) -> list[str]:
    tellings = [told("one", "m1", parts=("one", "one+", "one++"), **fields), told("two", "m2")]
    unanswered = [
        replace(record(message, "message.retry_wait", "unanswered"), facts={"telegram_message_ids": "1"})
    ] * message.unknown_attempts
    known = replace(message, unknown_attempts=0)
    return story(message, BEHIND, arrivals=arrivals, tellings=tellings, log=[*records(known, BEHIND), *unanswered])


def test_p_parts_in_their_turn_are_clean() -> None:
    assert in_parts(IN_PARTS, [*WHOLE, AFTER]) == []


def test_p_nothing_comes_between_two_parts() -> None:
    between = replace(AFTER, at=4)
    assert in_parts(IN_PARTS, [*WHOLE[:2], between, WHOLE[2]]) == ["I3", "P"]
    earlier = replace(BEHIND, seq=0)
    tellings = [told("one", "m1", parts=("one", "one+", "one++")), told("two", "m2")]
    assert story(IN_PARTS, earlier, arrivals=[WHOLE[0], replace(AFTER, at=2), *WHOLE[1:]], tellings=tellings) == [
        "I3",
        "P",
    ]
    elsewhere = replace(between, chat_id=2)
    tellings[1].chat_id = 2
    other = replace(BEHIND, chat_id=2)
    assert story(IN_PARTS, other, arrivals=[*WHOLE[:2], elsewhere, WHOLE[2]], tellings=tellings) == []


def test_p_parts_come_in_their_order_and_none_is_left_out() -> None:
    swapped = [WHOLE[0], replace(WHOLE[2], at=3), replace(WHOLE[1], at=6)]
    assert "P" in in_parts(IN_PARTS, [*swapped, AFTER])


def test_p_what_is_sent_anew_from_its_first_part_on_may_stand_behind_others() -> None:
    first_again = [WHOLE[0], replace(AFTER, at=1.5), replace(WHOLE[0], at=2.5, message_id=9), *WHOLE[1:]]
    assert "P" not in in_parts(IN_PARTS, first_again)
    second_again = [*WHOLE[:2], replace(AFTER, at=4), replace(WHOLE[1], at=5, message_id=9), WHOLE[2]]
    assert "P" in in_parts(IN_PARTS, second_again)


def test_i4_a_part_comes_twice_only_if_it_got_no_answer_itself() -> None:
    in_doubt = replace(IN_PARTS, unknown_attempts=1, attempts=4, earlier_unknown_attempts=1)
    second_twice = [*WHOLE[:2], replace(WHOLE[1], at=5, message_id=9), WHOLE[2], AFTER]
    assert in_parts(in_doubt, second_twice) == []
    assert in_parts(in_doubt, second_twice, give_up=True) == ["I4"]
    assert in_parts(IN_PARTS, second_twice) == ["I4"]
    first_twice = [WHOLE[0], replace(WHOLE[0], at=1.5, message_id=9), *WHOLE[1:], AFTER]
    assert in_parts(in_doubt, first_twice) == ["I4"]


def test_h_the_ids_of_a_message_in_parts_are_those_of_its_parts() -> None:
    assert in_parts(replace(IN_PARTS, telegram_message_ids=(1, 3, 2)), [*WHOLE, AFTER]) == ["H"]
    assert in_parts(replace(IN_PARTS, telegram_message_ids=(1, 2)), [*WHOLE, AFTER]) == ["H"]
    failed = replace(IN_PARTS, state=State.FAILED, telegram_message_ids=(1, 2))
    assert in_parts(failed, [*WHOLE[:2], AFTER]) == []
    assert in_parts(failed, [*WHOLE, AFTER]) == ["H"]


def test_q_no_client_hands_in_more_than_its_quota() -> None:
    assert story(MESSAGE, SECOND, per_minute=2) == []
    assert story(MESSAGE, SECOND, per_minute=1) == ["Q"]
    sent_again = [record(MESSAGE, "message.retried", at=60.5), record(MESSAGE, "message.delivered", at=62)]
    assert "Q" in story(MESSAGE, SECOND, log=[*records(MESSAGE, SECOND), *sent_again], per_minute=2)
    later = [replace(sent_again[0], at=sent_again[0].at + timedelta(seconds=1)), sent_again[1]]
    assert "Q" not in story(MESSAGE, SECOND, log=[*records(MESSAGE, SECOND), *later], per_minute=2)
