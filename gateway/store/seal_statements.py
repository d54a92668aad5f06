"""The SQL of the chain over the audit log. `tests/unit/store/test_plans.py` proves that it searches no table."""

from __future__ import annotations

CHAIN = "SELECT name FROM audit_chain"
NAME_CHAIN = "INSERT INTO audit_chain SELECT ? WHERE NOT EXISTS (SELECT 1 FROM audit_chain)"

LAST_LINK = "SELECT seq, link FROM audit_links ORDER BY seq DESC LIMIT 1"
ARCHIVED_LINK = "SELECT seq, link FROM audit_checkpoints WHERE number = (SELECT checkpoint FROM audit_archived)"
LINKS = "SELECT seq, link FROM audit_links WHERE seq > ? ORDER BY seq LIMIT ?"
ADD_LINK = "INSERT INTO audit_links VALUES (?, ?)"

CHECKPOINTS = "SELECT * FROM audit_checkpoints WHERE number > ? ORDER BY number LIMIT ?"
LAST_CHECKPOINT = "SELECT coalesce(max(number), 0) FROM audit_checkpoints"
ADD_CHECKPOINT = "INSERT INTO audit_checkpoints VALUES (?, ?, ?, ?, ?, ?)"

LAST_NUMBERED = "SELECT record FROM numbers"

ARCHIVED = "SELECT checkpoint FROM audit_archived"
MOVE_ARCHIVED = "UPDATE audit_archived SET checkpoint = ?2 WHERE checkpoint = ?1"
REMOVE_RECORDS = "DELETE FROM audit WHERE seq <= ?"
REMOVE_LINKS = "DELETE FROM audit_links WHERE seq <= ?"
REMOVE_CHECKPOINTS = "DELETE FROM audit_checkpoints WHERE number < ?"
