"""No statement reads a whole table: the millionth message costs what the thousandth did."""

from __future__ import annotations

import re

import apsw
import pytest

from gateway.store import chat_statements, seal_statements, statements, update_sqlite, update_statements
from gateway.store.opening import open_writing

ALL = vars(statements) | vars(chat_statements) | vars(seal_statements)
ALL |= vars(update_statements) | {name: vars(update_sqlite)[name] for name in ("KNOWN", "ADD_UPDATE")}
STATEMENTS = {name: text for name, text in ALL.items() if name.isupper() and name[0] != "_" and isinstance(text, str)}
STATEMENTS = {name: text for name, text in STATEMENTS.items() if not name.endswith("_COLUMNS")}

ALLOWED_SCANS = {
    "UNFINISHED": "SCAN messages USING INDEX messages_unfinished",  # holds what is unfinished and nothing else
    "NUMBERS": "SCAN numbers",  # one row
    "SET_NUMBERS": "SCAN numbers",
    "CHAT_REVISION": "SCAN chat_changes",  # one row
    "NEXT_CHAT_REVISION": "SCAN chat_changes",
    "MOVES": "SCAN chat_aliases",  # read whole, and only when something changed
    "CLOSURES": "SCAN closed_chats",
    "CHAIN": "SCAN audit_chain",  # one row
    "NAME_CHAIN": "SCAN audit_chain",
    "LAST_LINK": "SCAN audit_links",  # its end
    "ARCHIVED": "SCAN audit_archived",  # one row
    "ARCHIVED_LINK": "SCAN audit_archived",
    "MOVE_ARCHIVED": "SCAN audit_archived",
    "LAST_NUMBERED": "SCAN numbers",
    "LAST_UPDATE": "SCAN update_numbers",  # one row
    "SET_LAST_UPDATE": "SCAN update_numbers",
    "FIRST_UPDATES": "SCAN updates",  # its beginning
    "SEEN": "SCAN seen_chats USING INDEX seen_chats_seen_at",  # its end
    "FORGET_MOST_SEEN": "SCAN seen_chats USING COVERING INDEX seen_chats_seen_at",  # as many as may be kept
}

# Of a day's messages and those that are unfinished, once at the start.
ALLOWED_OF_A_DAY = {
    "SCAN messages USING INDEX messages_unfinished",
    "SCAN handed_in",
    "USE TEMP B-TREE FOR GROUP BY",
    "USE TEMP B-TREE FOR ORDER BY",
}


def plan(sql: str) -> list[str]:
    database = open_writing("")
    connection: apsw.Connection = database.connection
    values = [None] * (len({*re.findall(r"\?\d", sql)}) or sql.count("?"))
    steps = [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    connection.close()
    return steps


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_or_sorts_a_whole_table(name: str) -> None:
    allowed = ALLOWED_OF_A_DAY if name == "HANDED_IN" else {ALLOWED_SCANS.get(name), "SCAN CONSTANT ROW"}
    assert not [step for step in plan(STATEMENTS[name]) if step not in allowed and ("SCAN" in step or "TEMP" in step)]


def test_what_may_be_forgotten_is_found_without_a_look_at_the_messages() -> None:
    assert "COVERING INDEX messages_finished" in plan(STATEMENTS["FORGETTABLE"])[0]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("field", sorted(statements.SEARCHED))
def test_each_search_of_the_log_has_its_index(field: str, newest_first: bool) -> None:
    assert plan(statements.records([field], [], newest_first)) == [
        f"SEARCH audit USING INDEX audit_{field} ({field}=? AND rowid>? AND rowid<?)"
    ]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_of_the_log_is_read_by_number(newest_first: bool) -> None:
    assert plan(statements.records([], [], newest_first)) == [
        "SEARCH audit USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    ]


@pytest.mark.parametrize("kinds", [0, 1, 9])
def test_updates_of_a_chat_or_topic_are_read_by_their_index(kinds: int) -> None:
    (of_a_chat,) = plan(update_statements.page(kinds, is_topic=False))
    assert of_a_chat == "SEARCH updates USING INDEX updates_chat (chat_id=? AND seq>?)"
    (of_a_topic,) = plan(update_statements.page(kinds, is_topic=True))
    assert of_a_topic == "SEARCH updates USING INDEX updates_topic (chat_id=? AND message_thread_id=? AND seq>?)"


@pytest.mark.parametrize("is_topic", [False, True])
@pytest.mark.parametrize("kinds", [0, 2])
def test_what_is_forgotten_of_a_chat_is_found_by_its_key(kinds: int, is_topic: bool) -> None:
    assert plan(update_statements.forgotten(kinds, is_topic=is_topic))[0].startswith(
        "SEARCH forgotten_updates USING PRIMARY KEY (chat_id=?"
    )
