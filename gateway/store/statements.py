"""The SQL of the SQLite store. `tests/unit/store/test_plans.py` proves that none of it reads a whole table."""

# ruff: noqa: S608 - what is put into these texts are the names of our own columns, never a value
from __future__ import annotations

from collections.abc import Sequence

MESSAGE_COLUMNS = (
    "seq, change, id, client, chat_id, request_id, fingerprint, content, token_id, key_id, issued_at, priority, "
    "when_unknown, accepted_at, due_at, expires_at, state, attempts, unknown_attempts, attempted_at, finished_at, "
    "telegram_message_ids, failure_reason, failure_description, failure_code, ttl, issuer, generation, ancestors, "
    "kind, target_id, telegram_chat_id, parts, earlier_attempts, earlier_unknown_attempts"
)
RECORD_COLUMNS = "seq, at, event, decision, reason, client, token_id, chat_id, error_id, message_id, record"

ADD_MESSAGE = (
    f"INSERT INTO messages ({MESSAGE_COLUMNS}) VALUES ({', '.join('?' * 35)}) "
    "ON CONFLICT (client, request_id) WHERE request_id IS NOT NULL DO NOTHING"
)
REPEATED_MESSAGE = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE client = ? AND request_id = ?"
START_MESSAGE = (
    "UPDATE messages SET change = ?, state = 'SENDING', attempts = attempts + 1, attempted_at = ? "
    f"WHERE id = ? AND state IN ('QUEUED', 'RETRY_WAIT') RETURNING {MESSAGE_COLUMNS}"
)
SAVE_MESSAGE = (
    "UPDATE messages SET change = ?, due_at = ?, expires_at = ?, state = ?, attempts = ?, unknown_attempts = ?, "
    "attempted_at = ?, finished_at = ?, telegram_message_ids = ?, failure_reason = ?, failure_description = ?, "
    "failure_code = ?, telegram_chat_id = ?, earlier_attempts = ?, earlier_unknown_attempts = ? "
    "WHERE id = ? AND state = ? AND attempts = ?"
)
REQUEUE_MESSAGE = (
    "UPDATE messages SET seq = ?, token_id = ?, key_id = ?, issued_at = ?, issuer = ?, generation = ?, ancestors = ? "
    "WHERE id = ?"
)
MESSAGE = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?"
UNFINISHED = (
    "SELECT seq, id, client, chat_id, priority, accepted_at, due_at, expires_at, state, target_id, telegram_chat_id, "
    "parts, telegram_message_ids FROM messages "
    "WHERE state IN ('QUEUED', 'SENDING', 'RETRY_WAIT') ORDER BY seq"
)
RECENT_ATTEMPTS = "SELECT chat_id, attempted_at FROM messages WHERE attempted_at >= ? ORDER BY attempted_at"
# Of what counts all is either unfinished or ended later; the order in which records stand is that of time, nearly.
_RETRIED = "FROM audit WHERE event = 'message.retried'"
HANDED_IN = (
    "SELECT client, max(at), count(*) FROM ("
    "SELECT client, accepted_at AS at FROM messages WHERE finished_at >= ?1 AND accepted_at >= ?1 UNION ALL "
    "SELECT client, accepted_at FROM messages WHERE state IN ('QUEUED', 'SENDING', 'RETRY_WAIT') AND accepted_at >= ?1 "
    f"UNION ALL SELECT client, at {_RETRIED} AND at >= ?1 AND seq > "
    f"coalesce((SELECT seq {_RETRIED} AND at < ?1 ORDER BY seq DESC LIMIT 1), 0)"
    ") AS handed_in GROUP BY client, at / ?2 ORDER BY max(at)"
)
CHANGES = (
    f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE client = ? AND chat_id = ? AND change > ? ORDER BY change LIMIT ?"
)
LISTED = (
    "SELECT accepted_at, seq, state FROM messages WHERE client = ? AND chat_id = ? AND accepted_at >= ? "
    "AND (accepted_at, seq) < (?, ?) ORDER BY accepted_at DESC, seq DESC LIMIT ?"
)
_TOUCHING = "touching.target_id IS NOT NULL AND touching.state IN ('QUEUED', 'SENDING', 'RETRY_WAIT')"
FORGETTABLE = (
    "SELECT seq FROM messages WHERE finished_at < ?1 AND finished_at + ttl < ?2 AND seq NOT IN "
    "(SELECT target.seq FROM messages AS touching CROSS JOIN messages AS target ON target.id = touching.target_id "
    f"WHERE {_TOUCHING}) ORDER BY finished_at LIMIT ?3"
)
FORGET = (
    "DELETE FROM messages AS old WHERE seq = ?2 AND finished_at < ?1 "
    f"AND NOT EXISTS (SELECT 1 FROM messages AS touching WHERE {_TOUCHING} AND touching.target_id = old.id)"
)
NUMBERED_MESSAGE = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE seq = ?"

ADD_RECORD = f"INSERT INTO audit ({RECORD_COLUMNS}) VALUES ({', '.join('?' * 11)})"

NUMBERS = "SELECT message, change, record FROM numbers"
SET_NUMBERS = "UPDATE numbers SET message = ?, change = ?, record = ?"

SEARCHED = frozenset({"event", "decision", "reason", "client", "chat_id", "error_id", "message_id", "token_id"})


def records(fields: Sequence[str], empty: Sequence[str], newest_first: bool) -> str:
    """Write the search for records: between two numbers, where `fields` have given values and `empty` have none."""
    if unknown := {*fields, *empty} - SEARCHED:
        raise ValueError(f"no search by {', '.join(sorted(unknown))}")
    conditions = ["seq > ?", "seq < ?", *(f"{field} = ?" for field in fields), *(f"{field} IS NULL" for field in empty)]
    return (
        f"SELECT {RECORD_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} "
        f"ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT ?"
    )
