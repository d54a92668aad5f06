"""Records as lines: nothing a stranger wrote can break one, or hide in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.audit.lines import MAX_STRANGER, tamed, to_json_line
from gateway.model import Record

AT = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)

INJECTIONS = [
    "line\nbreak",
    "carriage\rreturn",
    'quote"},"decision":"allow',
    "back\\slash \\n",
    "\x1b[2J\x1b[31mcleared",
    "c1 \x9b31m",
    "nul\x00",
    "delete\x7f",
    "bidi \u202egnirts\u202c \u2066isolate\u2069",
    "line\u2028separator\u2029",
    "zero\u200bwidth\ufeff",
    "tags \U000e0041",
    "surrogate \ud800",
    "x" * 5000,
    "\n" * 5000,
    "😀" * 5000,
]


def test_a_line_is_canonical() -> None:
    record = Record(
        at=AT,
        event="call.refused",
        decision="deny",
        reason="chat_mismatch",
        client="näin",
        chat_id=-100,
        claimed_chat_id=2**40,
        facts={"b": True, "a": 1},
    )
    assert to_json_line(7, record) == (
        '{"at":"2026-01-02T03:04:05.678Z","chat_id":-100,"claimed_chat_id":1099511627776,"client":"näin","count":1,'
        '"decision":"deny","event":"call.refused","facts":{"a":1,"b":true},"reason":"chat_mismatch","seq":7,"v":1,'
        '"verified":true}'
    )


def test_times_are_in_utc() -> None:
    record = Record(at=AT.astimezone(timezone(timedelta(hours=-5))), event="e", decision="allow")
    assert json.loads(to_json_line(1, record))["at"] == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize("text", INJECTIONS)
def test_row_45_what_a_stranger_claims_stays_on_one_visible_short_line(text: str) -> None:
    claimed = Record(
        at=AT,
        event="call.refused",
        decision="deny",
        client=text,
        token_id=text,
        key_id=text,
        issuer=text,
        verified=False,
        address=text,
        method=text,
        call_id=text,
        facts={text: text},
    )
    line = to_json_line(1, tamed(claimed))
    assert line.isprintable()
    assert line.encode("utf-8")
    fields = json.loads(line)
    assert fields["decision"] == "deny"
    assert fields["verified"] is False
    [fact] = fields["facts"].items()
    for value in (*(fields[name] for name in ("client", "token_id", "key_id", "issuer", "method", "call_id")), *fact):
        assert value.isprintable()
        assert len(value) <= MAX_STRANGER


@pytest.mark.parametrize("text", INJECTIONS)
def test_row_45_a_line_is_visible_whatever_is_in_the_record(text: str) -> None:
    line = to_json_line(1, Record(at=AT, event="e", decision="allow", client=text))
    assert line.isprintable()
    assert json.loads(line)["client"] == text


def test_two_claims_that_differ_are_told_apart() -> None:
    def client(text: str) -> str:
        return tamed(Record(at=AT, event="e", decision="deny", client=text, verified=False)).client

    assert client("a\nb") != client("a\\nb")
    assert client("a" * MAX_STRANGER) != client("a" * (MAX_STRANGER + 1))
    assert client("plain-client.7") == "plain-client.7"


def test_a_verified_name_is_not_cut() -> None:
    record = Record(at=AT, event="e", decision="deny", client="c" * 200, method="/m" * 200)
    assert tamed(record).client == record.client
    assert len(tamed(record).method) <= MAX_STRANGER
