"""An answer becomes a failure by code and number, never by wording."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from gateway.telegram.answers import Answer, failure_from
from gateway.telegram.failures import (
    BotFailure,
    BotRefused,
    ChatMoved,
    ChatRefused,
    MessageFixed,
    MessageGone,
    NotModified,
    RateLimited,
    Refused,
    ServerFailed,
    Unanswered,
)
from gateway.telegram.token import BotToken

TOKEN = BotToken("123456789:AAcanary-of-the-bot-token_0123456789", version=3)


def failure(status: int, body: object, retry_after: str | None = None) -> BotFailure | None:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_from(Answer(status=status, payload=payload, retry_after=retry_after), TOKEN)


def refusal(code: int, **more: object) -> dict[str, object]:
    return {"ok": False, "error_code": code, "description": "any wording", **more}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, Refused),
        (401, BotRefused),
        (403, ChatRefused),
        (404, BotRefused),
        (409, Refused),
        (413, Refused),
        (421, BotRefused),
        (429, RateLimited),
        (500, ServerFailed),
        (502, ServerFailed),
        (599, ServerFailed),
        (600, Refused),
    ],
)
def test_the_code_alone_decides(code: int, expected: type[Refused]) -> None:
    for status in (code, 200):
        found = failure(status, refusal(code))
        assert type(found) is expected
        assert found.code == code
        assert found.description == "any wording"


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("message is not modified: specified new message content and reply markup are the same", NotModified),
        ("message to edit not found", MessageGone),
        ("message to delete not found", MessageGone),
        ("message can't be edited", MessageFixed),
        ("message can't be deleted for everyone", MessageFixed),
        ("message to be replied not found", Refused),
        ("can't parse entities: message is not modified", Refused),
    ],
)
def test_what_has_no_number_is_told_apart_by_how_it_begins(problem: str, expected: type[Refused]) -> None:
    found = failure(400, refusal(400) | {"description": f"Bad Request: {problem}"})
    assert type(found) is expected
    assert type(failure(413, refusal(413) | {"description": f"Bad Request: {problem}"})) is Refused


@pytest.mark.parametrize("body", [{"ok": True, "result": False}, {"result": [], "ok": True, "description": "x"}])
def test_a_result_is_no_failure(body: object) -> None:
    assert failure(200, body) is None


@pytest.mark.parametrize(
    ("parameters", "header", "expected"),
    [
        ({"retry_after": 3}, None, timedelta(seconds=3)),
        ({"retry_after": 50_400}, "1", timedelta(hours=14)),
        ({"retry_after": 0}, None, timedelta(0)),
        ({"retry_after": 10**30}, None, timedelta(days=366)),
        ({}, "35", timedelta(seconds=35)),
        (None, "35", timedelta(seconds=35)),
        (None, None, None),
        (None, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (None, "9" * 5000, None),
        ({"retry_after": -1}, None, None),
        ({"retry_after": True}, None, None),
        ({"retry_after": "soon"}, None, None),
        ("junk", None, None),
    ],
)
def test_a_rate_limit_says_how_long_where_telegram_does(
    parameters: object, header: str | None, expected: timedelta | None
) -> None:
    body = refusal(429) if parameters is None else refusal(429, parameters=parameters)
    found = failure(429, body, header)
    assert isinstance(found, RateLimited)
    assert found.retry_after == expected


def test_a_429_of_a_proxy_is_a_rate_limit_too() -> None:
    found = failure(429, b"<html>slow down</html>", "7")
    assert isinstance(found, RateLimited)
    assert found.retry_after == timedelta(seconds=7)


def test_a_chat_that_moved_has_its_new_id() -> None:
    found = failure(400, refusal(400, parameters={"migrate_to_chat_id": -1001234567890}))
    assert isinstance(found, ChatMoved)
    assert found.new_chat_id == -1001234567890


@pytest.mark.parametrize("new_id", [0, True, "-1001234567890", 10**18, None])
def test_a_chat_that_moved_to_what_is_no_chat_is_a_plain_refusal(new_id: object) -> None:
    assert type(failure(400, refusal(400, parameters={"migrate_to_chat_id": new_id}))) is Refused


def test_a_refused_bot_remembers_which_token_it_was() -> None:
    found = failure(401, refusal(401))
    assert isinstance(found, BotRefused)
    assert found.token_version == 3


@pytest.mark.parametrize("status", [200, 301, 307, 400, 401, 403, 404, 407, 413, 500, 502, 504])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b'{"ok":true,"result":{"message_id"',
        b"[" * 100_000,
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"ok":true}',
        b'{"ok":false}',
        b'{"ok":false,"error_code":"400"}',
        b'{"ok":false,"error_code":true}',
        b'{"ok":1,"result":{}}',
        b'{"error_code":403,"description":"from somebody else"}',
    ],
)
def test_what_is_not_an_answer_of_the_bot_api_says_nothing(status: int, body: bytes) -> None:
    assert type(failure(status, body)) is Unanswered


@pytest.mark.parametrize("status", [302, 500])
def test_a_result_with_the_wrong_status_says_nothing(status: int) -> None:
    assert type(failure(status, {"ok": True, "result": {}})) is Unanswered


@pytest.mark.parametrize("description", [None, 5, {}, "x" * 10_000])
def test_a_description_is_a_short_text_whatever_came(description: object) -> None:
    found = failure(400, {"ok": False, "error_code": 400, "description": description})
    assert isinstance(found, Refused)
    assert 0 < len(found.description) <= 300


def test_a_description_that_repeats_the_token_is_freed_of_it() -> None:
    found = failure(400, {"ok": False, "error_code": 400, "description": f"no such path /bot{TOKEN.reveal()}/x"})
    assert isinstance(found, Refused)
    assert "canary" not in str(found)
    assert found.description == "no such path /bot123456789:****/x"
