"""The SQL of the registry. `tests/unit/store/test_registry_plans.py` proves that none of it searches a whole table."""

# ruff: noqa: S105, S608 - these are names of tables and of our own columns, neither secrets nor values
from __future__ import annotations

CLIENT_COLUMNS = (
    "name, registered, enabled, chat_ids, address_ranges, per_minute, per_day, queue_depth, min_generation, "
    "not_before, second_factor, label, created_by, created_at"
)
_CLIENT_USE = "last_seen_at, last_seen_from, last_denied_at, last_denied_from"
CHAT_COLUMNS = "chat_id, authorized, permissions, suspended, title, created_by, created_at"
ISSUED_COLUMNS = "token_id, client, key_id, chat_ids, issued_at, expires_at, issued_by"


def _upsert(table: str, columns: str, key: str) -> str:
    names = [*columns.split(", "), "revision"]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {updates}"
    )


REGISTRY = "SELECT revision, not_before, swept_until FROM registry"
NEXT_REVISION = "UPDATE registry SET revision = revision + 1 RETURNING revision"
SET_NOT_BEFORE = "UPDATE registry SET not_before = ?1 WHERE not_before IS NULL OR not_before < ?1"
SET_SWEPT_UNTIL = "UPDATE registry SET swept_until = ?1, revision = revision + 1 WHERE swept_until < ?1"

CLIENT = f"SELECT {CLIENT_COLUMNS}, {_CLIENT_USE} FROM clients WHERE name = ?"
CLIENTS = f"SELECT {CLIENT_COLUMNS}, {_CLIENT_USE} FROM clients ORDER BY name"
CHANGED_CLIENTS = f"SELECT {CLIENT_COLUMNS}, {_CLIENT_USE} FROM clients WHERE revision > ?"
PUT_CLIENT = _upsert("clients", CLIENT_COLUMNS, "name")

CHAT = f"SELECT {CHAT_COLUMNS}, last_access_at FROM chats WHERE chat_id = ?"
CHATS = f"SELECT {CHAT_COLUMNS}, last_access_at FROM chats ORDER BY chat_id"
CHANGED_CHATS = f"SELECT {CHAT_COLUMNS}, last_access_at FROM chats WHERE revision > ?"
PUT_CHAT = _upsert("chats", CHAT_COLUMNS, "chat_id")

REVOKED_KEYS = "SELECT issuer, key_id FROM revoked_keys"
REVOKE_KEY = "INSERT INTO revoked_keys (issuer, key_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
CANARIES = "SELECT digest FROM canary_tokens"
IS_CANARY = "SELECT 1 FROM canary_tokens WHERE digest = ?"
MARK_CANARY = "INSERT INTO canary_tokens (digest) VALUES (?) ON CONFLICT DO NOTHING"
REVOKED_TOKEN = "SELECT 1 FROM revoked_tokens WHERE digest = ?"
REVOKED_TOKENS = "SELECT seq, digest FROM revoked_tokens WHERE seq > ? ORDER BY seq LIMIT ?"
REVOKE_TOKEN = "INSERT INTO revoked_tokens (digest, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
SWEEP_REVOKED = (
    "DELETE FROM revoked_tokens WHERE seq IN "
    "(SELECT seq FROM revoked_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?) RETURNING digest"
)

ISSUED_TOKEN = f"SELECT {ISSUED_COLUMNS} FROM issued_tokens WHERE token_id = ?"
ISSUED_TOKENS = (
    f"SELECT {ISSUED_COLUMNS} FROM issued_tokens WHERE (issued_at, token_id) < (?, ?) "
    "ORDER BY issued_at DESC, token_id DESC LIMIT ?"
)
ISSUED_TO = (
    f"SELECT {ISSUED_COLUMNS} FROM issued_tokens WHERE client = ? AND (issued_at, token_id) < (?, ?) "
    "ORDER BY issued_at DESC, token_id DESC LIMIT ?"
)
ADD_ISSUED = f"INSERT INTO issued_tokens ({ISSUED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
SWEEP_ISSUED = (
    "DELETE FROM issued_tokens WHERE token_id IN "
    "(SELECT token_id FROM issued_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?)"
)

NOTE_SEEN = (
    "UPDATE clients SET last_seen_at = ?1, last_seen_from = ?2 "
    "WHERE name = ?3 AND (last_seen_at IS NULL OR last_seen_at < ?1)"
)
NOTE_DENIED = (
    "UPDATE clients SET last_denied_at = ?1, last_denied_from = ?2 "
    "WHERE name = ?3 AND (last_denied_at IS NULL OR last_denied_at < ?1)"
)
NOTE_ACCESSED = (
    "UPDATE chats SET last_access_at = ?1 WHERE chat_id = ?2 AND (last_access_at IS NULL OR last_access_at < ?1)"
)
