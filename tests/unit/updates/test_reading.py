"""To which chat an update belongs is decided strictly: what is in doubt is nobody's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model import UpdateKind
from gateway.updates.reading import MAX_CONTENT, REASONS, Dropped, update_from
from tests.support.messages import NOW

CHAT = {"id": -1001, "type": "supergroup"}


def read(raw: object) -> Any:
    return update_from(raw, NOW)


def why_not(raw: object) -> str:
    with pytest.raises(Dropped) as dropped:
        read(raw)
    assert str(dropped.value) in REASONS
    return str(dropped.value)


@pytest.mark.parametrize("kind", [kind for kind in UpdateKind if kind is not UpdateKind.CALLBACK_QUERY])
def test_each_kind_belongs_to_its_chat(kind: UpdateKind) -> None:
    content = {"chat": CHAT, "from": {"id": 7}, "new_field": [1.5, None, "ü"]}
    update = read({"update_id": 3, kind.value: content})
    assert (update.update_id, update.kind, update.chat_id, update.message_thread_id) == (3, kind, -1001, None)
    assert (update.received_at, update.callback_id) == (NOW, "")
    assert json.loads(update.content) == content


def test_a_press_belongs_to_the_chat_of_its_message() -> None:
    message = {"chat": CHAT, "message_id": 5, "is_topic_message": True, "message_thread_id": 42}
    query = {"id": "4382bfdwdsb323b2d9", "from": {"id": 7}, "message": message, "data": "yes", "chat": {"id": 8}}
    update = read({"update_id": 3, "callback_query": query})
    assert (update.chat_id, update.message_thread_id, update.callback_id) == (-1001, 42, "4382bfdwdsb323b2d9")


def test_a_message_that_is_out_of_reach_still_says_its_chat() -> None:
    query = {"id": "1", "message": {"chat": CHAT, "message_id": 5, "date": 0}}
    assert read({"update_id": 3, "callback_query": query}).chat_id == -1001


def test_a_thread_of_replies_is_no_topic() -> None:
    message = {"chat": CHAT, "message_thread_id": 42}
    assert read({"update_id": 1, "message": message}).message_thread_id is None
    assert read({"update_id": 1, "message": message | {"is_topic_message": True}}).message_thread_id == 42
    assert read({"update_id": 1, "message": message | {"is_topic_message": 1}}).message_thread_id is None


@pytest.mark.parametrize(
    "kind",
    [
        "business_message",
        "deleted_business_messages",
        "business_connection",
        "guest_message",
        "inline_query",
        "poll",
        "x",
    ],
)
def test_other_kinds_are_nobody_s(kind: str) -> None:
    assert why_not({"update_id": 1, kind: {"chat": CHAT}}) == "other_kind"


@pytest.mark.parametrize("field", ["business_connection_id", "guest_query_id"])
def test_a_chat_that_only_has_the_same_number_is_another_one(field: str) -> None:
    message = {"chat": CHAT, field: "b1"}
    assert why_not({"update_id": 1, "message": message}) == "other_context"
    assert why_not({"update_id": 1, "callback_query": {"id": "1", "message": message}}) == "other_context"


@pytest.mark.parametrize(
    "raw",
    [
        {"update_id": 1, "callback_query": {"id": "1", "inline_message_id": "x", "chat_instance": "-1001"}},
        {"update_id": 1, "callback_query": {"id": "1", "message": {}}},
        {"update_id": 1, "message": {"sender_chat": CHAT, "from": {"id": 7}}},
    ],
)
def test_what_has_no_chat_is_nobody_s(raw: object) -> None:
    assert why_not(raw) == "no_chat"


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "update",
        {},
        {"message": {"chat": CHAT}},
        {"update_id": True, "message": {"chat": CHAT}},
        {"update_id": "1", "message": {"chat": CHAT}},
        {"update_id": 1.0, "message": {"chat": CHAT}},
        {"update_id": -1, "message": {"chat": CHAT}},
        {"update_id": 2**63, "message": {"chat": CHAT}},
        {"update_id": 1, "message": None},
        {"update_id": 1, "message": [CHAT]},
        {"update_id": 1, "message": {"chat": CHAT}, "edited_message": {"chat": {"id": 7}}},
        {"update_id": 1, "message": {"chat": -1001}},
        {"update_id": 1, "message": {"chat": {"id": "-1001"}}},
        {"update_id": 1, "message": {"chat": {"id": -1001.0}}},
        {"update_id": 1, "message": {"chat": {"id": True}}},
        {"update_id": 1, "message": {"chat": {"id": 0}}},
        {"update_id": 1, "message": {"chat": {"id": 2**60}}},
        {"update_id": 1, "message": {"chat": CHAT, "is_topic_message": True}},
        {"update_id": 1, "message": {"chat": CHAT, "is_topic_message": True, "message_thread_id": "4"}},
        {"update_id": 1, "message": {"chat": CHAT, "is_topic_message": True, "message_thread_id": 0}},
        {"update_id": 1, "callback_query": {"id": 5, "message": {"chat": CHAT}}},
        {"update_id": 1, "callback_query": {"message": {"chat": CHAT}}},
        {"update_id": 1, "callback_query": {"id": "5" * 65, "message": {"chat": CHAT}}},
        {"update_id": 1, "callback_query": {"id": "5\0", "message": {"chat": CHAT}}},
        {"update_id": 1, "callback_query": {"id": "5", "message": [CHAT]}},
        {"update_id": 1, "message": {"chat": CHAT, "text": "\ud800"}},
        {"update_id": 1, "message": {"chat": CHAT, "number": 10**30}},
    ],
)
def test_row_53_what_is_malformed_is_nobody_s(raw: object) -> None:
    assert why_not(raw) == "malformed"


def test_what_is_nested_too_deeply_to_be_written_again_is_malformed() -> None:
    deep: list[object] = []
    for _ in range(900):
        deep = [deep]
    assert why_not({"update_id": 1, "message": {"chat": CHAT, "deep": deep}}) == "malformed"


def test_what_is_too_large_is_not_kept() -> None:
    assert why_not({"update_id": 1, "message": {"chat": CHAT, "text": "x" * MAX_CONTENT}}) == "too_large"
    assert read({"update_id": 1, "message": {"chat": CHAT, "text": "x" * (MAX_CONTENT - 100)}}).chat_id == -1001


def test_a_migration_changes_nothing_about_whose_an_update_is() -> None:
    told_to_the_group = {"chat": {"id": -5, "type": "group"}, "migrate_to_chat_id": -1001}
    assert read({"update_id": 1, "message": told_to_the_group}).chat_id == -5
    told_to_the_supergroup = {"chat": CHAT, "migrate_from_chat_id": -5}
    assert read({"update_id": 1, "message": told_to_the_supergroup}).chat_id == -1001
