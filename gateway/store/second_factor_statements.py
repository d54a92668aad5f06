"""The SQL of second factors."""

# ruff: noqa: S608 - these are names of tables and of our own columns, neither secrets nor values
from __future__ import annotations

AUTHENTICATOR_COLUMNS = "operator, secret, last_step, failures, locked_until, enrolled_by, enrolled_at"
APPROVAL_COLUMNS = "approval_id, operator, function, digest, asked_at, approved_by, is_used, parameters"

AUTHENTICATOR = f"SELECT {AUTHENTICATOR_COLUMNS} FROM authenticators WHERE operator = ?"
AUTHENTICATORS = f"SELECT {AUTHENTICATOR_COLUMNS} FROM authenticators ORDER BY operator"
REMOVE_AUTHENTICATOR = "DELETE FROM authenticators WHERE operator = ?"
PUT_AUTHENTICATOR = f"INSERT INTO authenticators ({AUTHENTICATOR_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"

APPROVAL = f"SELECT {APPROVAL_COLUMNS} FROM approvals WHERE approval_id = ?"
APPROVALS = f"SELECT {APPROVAL_COLUMNS} FROM approvals WHERE asked_at >= ? ORDER BY asked_at"
REMOVE_APPROVAL = "DELETE FROM approvals WHERE approval_id = ?"
PUT_APPROVAL = f"INSERT INTO approvals ({APPROVAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
FORGET_APPROVALS = "DELETE FROM approvals WHERE asked_at < ?"
