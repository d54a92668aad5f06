"""No statement of the registry searches a whole table: the millionth revocation costs what the first one did."""

from __future__ import annotations

import apsw
import pytest

from gateway.store import registry_statements
from gateway.store.opening import open_writing

STATEMENTS = {
    name: text
    for name, text in vars(registry_statements).items()
    if name.isupper() and isinstance(text, str) and not name.startswith("_") and not name.endswith("_COLUMNS")
}

ALLOWED_SCANS = {
    "REGISTRY": "SCAN registry",  # one row
    "NEXT_REVISION": "SCAN registry",
    "SET_NOT_BEFORE": "SCAN registry",
    "SET_SWEPT_UNTIL": "SCAN registry",
    "CLIENTS": "SCAN clients",  # asked for whole, in the order that it has
    "CHATS": "SCAN chats",
    "REVOKED_KEYS": "SCAN revoked_keys",
    "CANARIES": "SCAN canary_tokens",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_searches_or_sorts_a_whole_table(name: str) -> None:
    database = open_writing("")
    connection: apsw.Connection = database.connection
    sql = STATEMENTS[name]
    count = max((number for number in range(1, 4) if f"?{number}" in sql), default=sql.count("?"))
    steps = [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * count)]
    connection.close()
    assert not [step for step in steps if step != ALLOWED_SCANS.get(name) and ("SCAN" in step or "TEMP B-TREE" in step)]
