from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.desk.checks import require_message_id, require_sound
from gateway.errors import RequestInvalid, TextTooLong
from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID, Button, Draft, Entity, TextFormat

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CHAT = -1001234567890


def violations_of(**fields: Any) -> dict[str, str]:
    draft = Draft(**{"chat_id": CHAT, "text": "hello", **fields})
    try:
        require_sound(draft, draft, NOW)
    except RequestInvalid as error:
        return dict(error.violations)
    return {}


def entity(**fields: Any) -> tuple[Entity, ...]:
    return (Entity(**{"kind": "bold", "offset": 0, "length": 1, **fields}),)


def button(**fields: Any) -> tuple[tuple[Button, ...], ...]:
    return ((Button(**{"text": "Open", "url": "https://example.org/", **fields}),),)


SOUND: list[dict[str, Any]] = [
    {},
    {"chat_id": MIN_CHAT_ID},
    {"chat_id": MAX_CHAT_ID},
    {"text": "a"},
    {"text": "x" * 4096},
    {"text": "\U0001f600" * 4096},
    {"text": " \n" * 3000 + "x"},
    {"text": "tab\tline\nreturn\r."},
    {"text": "<b>" * 2000 + "x", "text_format": TextFormat.HTML},
    {"request_id": "A-z0.9_:"},
    {"request_id": "x" * 64},
    {"message_thread_id": 2**31 - 1, "reply_to_message_id": 2**31 - 1},
    {"ttl": timedelta(seconds=1)},
    {"ttl": timedelta(days=7)},
    {"send_at": NOW + timedelta(days=365)},
    {"send_at": NOW - timedelta(days=9999)},
    {"entities": entity(length=5)},
    {"text": "\U0001f600", "entities": entity(length=2)},
    {"entities": entity() * 100},
    {"entities": entity(kind="text_link", url="https://example.org")},
    {"entities": entity(kind="text_link", url="http://[::1]/x")},
    {"entities": entity(kind="text_link", url="tg://user?id=5")},
    {"entities": entity(kind="text_link", url="HTTPS://EXAMPLE.ORG")},
    {"entities": entity(kind="pre", language="python")},
    {"buttons": button()},
    {"buttons": button(url="https://e.org/" + "x" * (2048 - 14))},
    {"buttons": button(url="", copy_text="x" * 256)},
    {"buttons": button(text="x" * 64)},
    {"buttons": (button()[0] * 8,) * 12 + (button()[0] * 4,)},
]


@pytest.mark.parametrize("fields", SOUND)
def test_a_sound_draft_passes(fields: dict[str, Any]) -> None:
    assert violations_of(**fields) == {}


UNSOUND: list[tuple[dict[str, Any], str]] = [
    ({"chat_id": 0}, "chat_id"),
    ({"chat_id": MAX_CHAT_ID + 1}, "chat_id"),
    ({"chat_id": MIN_CHAT_ID - 1}, "chat_id"),
    ({"chat_id": True}, "chat_id"),
    ({"text": ""}, "text"),
    ({"text": " \n\n "}, "text"),
    ({"text": "<b></b>", "text_format": TextFormat.HTML}, "text"),
    ({"text": "x" * 4097}, "text"),
    ({"text": "\U0001f600" * 4097}, "text"),
    ({"text": "a\0b"}, "text"),
    ({"text": "a\x1bb"}, "text"),
    ({"text": "a\x7fb"}, "text"),
    ({"text": "a\x85b"}, "text"),
    ({"text": "a\ud800b"}, "text"),
    ({"request_id": "x" * 65}, "request_id"),
    ({"request_id": "a b"}, "request_id"),
    ({"request_id": "a\n"}, "request_id"),
    ({"request_id": "ä"}, "request_id"),
    ({"request_id": "١"}, "request_id"),
    ({"message_thread_id": -1}, "message_thread_id"),
    ({"message_thread_id": 2**31}, "message_thread_id"),
    ({"reply_to_message_id": -1}, "reply_to_message_id"),
    ({"reply_to_message_id": 2**31}, "reply_to_message_id"),
    ({"ttl": timedelta(milliseconds=999)}, "ttl"),
    ({"ttl": timedelta(days=7, microseconds=1)}, "ttl"),
    ({"ttl": timedelta(0)}, "ttl"),
    ({"send_at": NOW + timedelta(days=365, microseconds=1)}, "send_at"),
    ({"entities": entity(), "text_format": TextFormat.HTML}, "entities"),
    ({"entities": entity() * 101}, "entities"),
    ({"entities": entity(kind="")}, "entities[0].type"),
    ({"entities": entity(kind="mention")}, "entities[0].type"),
    ({"entities": entity(offset=-1)}, "entities[0].offset"),
    ({"entities": entity(offset=5)}, "entities[0].offset"),
    ({"entities": entity(length=0)}, "entities[0].length"),
    ({"entities": entity(length=-1)}, "entities[0].length"),
    ({"entities": entity(offset=1, length=5)}, "entities[0].length"),
    ({"text": "\U0001f600", "entities": entity(length=3)}, "entities[0].length"),
    ({"entities": entity(url="https://example.org")}, "entities[0].url"),
    ({"entities": entity(kind="text_link")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="javascript:alert(1)")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="ftp://example.org")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="https:///path")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="https://exa mple.org")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="https://[::1")}, "entities[0].url"),
    ({"entities": entity(kind="text_link", url="https://e.org/" + "x" * 2048)}, "entities[0].url"),
    ({"entities": entity(language="python")}, "entities[0].language"),
    ({"entities": entity(kind="pre", language="x" * 65)}, "entities[0].language"),
    ({"entities": entity(kind="pre", language="a\0")}, "entities[0].language"),
    ({"buttons": ((),)}, "buttons[0].buttons"),
    ({"buttons": (button()[0] * 9,)}, "buttons[0].buttons"),
    ({"buttons": (button()[0] * 8,) * 13}, "buttons"),
    ({"buttons": ((),) * 101}, "buttons"),
    ({"buttons": button(text="")}, "buttons[0].buttons[0].text"),
    ({"buttons": button(text="  ")}, "buttons[0].buttons[0].text"),
    ({"buttons": button(text="x" * 65)}, "buttons[0].buttons[0].text"),
    ({"buttons": button(text="a\nb\0")}, "buttons[0].buttons[0].text"),
    ({"buttons": button(url="")}, "buttons[0].buttons[0].action"),
    ({"buttons": button(copy_text="x")}, "buttons[0].buttons[0].action"),
    ({"buttons": button(url="", copy_text="x" * 257)}, "buttons[0].buttons[0].copy_text"),
    ({"buttons": button(url="", copy_text="\0")}, "buttons[0].buttons[0].copy_text"),
    ({"buttons": button(url="http://example.org")}, "buttons[0].buttons[0].url"),
    ({"buttons": button(url="tg://user?id=5")}, "buttons[0].buttons[0].url"),
    ({"buttons": button(url="https://e.org/" + "x" * 2048)}, "buttons[0].buttons[0].url"),
]


@pytest.mark.parametrize(("fields", "path"), UNSOUND)
def test_an_unsound_draft_is_refused_for_the_field_and_for_no_other(fields: dict[str, Any], path: str) -> None:
    assert list(violations_of(**fields)) == [path]


def test_all_violations_are_told_together() -> None:
    found = violations_of(chat_id=0, text="", request_id="?", entities=entity(kind="", offset=9), ttl=timedelta(0))
    assert set(found) == {
        "chat_id",
        "text",
        "request_id",
        "ttl",
        "entities[0].type",
        "entities[0].offset",
    }


def test_a_long_text_has_a_reason_of_its_own_with_the_facts_and_hides_nothing_else() -> None:
    draft = Draft(chat_id=CHAT, text="x" * 5000, request_id="?")
    with pytest.raises(TextTooLong) as refused:
        require_sound(draft, draft, NOW, [("99", "is not a field")])
    assert refused.value.facts == {"length": "5000", "limit": "4096"}
    assert [path for path, _ in refused.value.violations] == ["99", "request_id", "text"]


@pytest.mark.parametrize("message_id", ["", "x", "01931E5C-0000-7000-8000-000000000000", "0" * 36, "a" * 60_000])
def test_a_message_id_is_a_uuid_as_the_service_writes_it(message_id: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        require_message_id(message_id)
    assert [path for path, _ in refused.value.violations] == ["message_id"]


def test_a_message_id_of_the_service_passes() -> None:
    require_message_id("01931e5c-0000-7000-8000-000000000000")
