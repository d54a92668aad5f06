from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.desk.fingerprint import fingerprint_of
from gateway.model import Button, Draft, Entity, Kind, LinkPreview, Overflow, Part, Priority, TextFormat, WhenUnknown

DRAFT = Draft(chat_id=-5, text="hello", request_id="r1")
CHANGES: dict[str, Any] = {
    "chat_id": -6,
    "text": "hallo",
    "text_format": TextFormat.HTML,
    "entities": (Entity(kind="bold", offset=0, length=1),),
    "request_id": "r2",
    "message_thread_id": 1,
    "reply_to_message_id": 1,
    "silent": True,
    "protect_content": True,
    "link_preview": LinkPreview.AUTO,
    "buttons": ((Button(text="x", url="https://e.org"),),),
    "when_unknown": WhenUnknown.GIVE_UP,
    "priority": Priority.HIGH,
    "ttl": timedelta(seconds=1),
    "send_at": datetime(2026, 1, 1, tzinfo=UTC),
    "kind": Kind.EDIT,
    "target_id": "m1",
    "overflow": Overflow.SPLIT,
    "parts": (Part(text="h"), Part(text="ello")),
    "document": "hello",
}


def test_the_same_request_has_the_same_fingerprint() -> None:
    again = Draft(chat_id=-5, text="hello", request_id="r1", text_format=TextFormat.PLAIN, ttl=timedelta(hours=24))
    assert fingerprint_of(again) == fingerprint_of(DRAFT)
    assert len(fingerprint_of(DRAFT)) == 32


def test_every_field_of_a_draft_counts() -> None:
    assert set(CHANGES) == {field.name for field in fields(Draft)}
    changed = [fingerprint_of(replace(DRAFT, **{name: value})) for name, value in CHANGES.items()]
    assert len({fingerprint_of(DRAFT), *changed}) == len(changed) + 1


def test_a_kept_fingerprint_still_holds_in_a_later_version() -> None:
    # Written by version 0.1.0: a repeat of a request must be known after an update too.
    assert fingerprint_of(DRAFT).hex() == "0edf536e51127a8b9059a1566cc31d2aba0718a715999690643ef274337c6ba5"


def test_what_has_no_canonical_form_is_an_error_and_no_silent_difference() -> None:
    with pytest.raises(TypeError):
        fingerprint_of(replace(DRAFT, text=object()))  # type: ignore[arg-type]
