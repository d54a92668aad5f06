"""The SQL of updates, for both databases."""

# ruff: noqa: S608 - what is put into these texts are the names of our own columns, never a value
from __future__ import annotations

UPDATE_COLUMNS = "seq, update_id, kind, chat_id, message_thread_id, callback_id, received_at, content"

LAST_UPDATE = "SELECT last FROM update_numbers"
SET_LAST_UPDATE = "UPDATE update_numbers SET last = ?"
OLDEST_UPDATE = "SELECT min(seq) FROM updates"
CHATS_AFTER = "SELECT seq, chat_id FROM updates WHERE seq > ? ORDER BY seq LIMIT ?"
PRESSED = f"SELECT {UPDATE_COLUMNS} FROM updates WHERE callback_id = ? ORDER BY seq DESC LIMIT 1"

FIRST_UPDATES = "SELECT seq, chat_id, message_thread_id, kind, received_at FROM updates ORDER BY seq LIMIT ?"
FORGET_UPDATES = "DELETE FROM updates WHERE seq <= ?"
NOTE_FORGOTTEN = (
    "INSERT INTO forgotten_updates (chat_id, message_thread_id, kind, seq) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (chat_id, message_thread_id, kind) DO UPDATE SET seq = excluded.seq"
)

SEEN_COLUMNS = "chat_id, type, title, seen_at"
SEE = (
    f"INSERT INTO seen_chats ({SEEN_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (chat_id) DO UPDATE "
    "SET type = excluded.type, title = excluded.title, seen_at = excluded.seen_at"
)
SEEN = f"SELECT {SEEN_COLUMNS} FROM seen_chats ORDER BY seen_at DESC LIMIT ?"
FORGET_SEEN = "DELETE FROM seen_chats WHERE seen_at < ?"
FORGET_MOST_SEEN = (
    "DELETE FROM seen_chats WHERE seen_at <= (SELECT seen_at FROM seen_chats ORDER BY seen_at DESC LIMIT 1 OFFSET ?)"
)


def page(kinds: int, *, is_topic: bool) -> str:
    """Write what reads updates of one place: its chat, its topic if it is one, kinds if there are any, after, limit."""
    return f"SELECT {UPDATE_COLUMNS} FROM updates WHERE {_of(kinds, is_topic)} AND seq > ? ORDER BY seq LIMIT ?"


def forgotten(kinds: int, *, is_topic: bool) -> str:
    """Write what reads up to where updates of one place are forgotten."""
    return f"SELECT coalesce(max(seq), 0) FROM forgotten_updates WHERE {_of(kinds, is_topic)}"


def _of(kinds: int, is_topic: bool) -> str:
    topic = " AND message_thread_id = ?" if is_topic else ""
    kind = f" AND kind IN ({', '.join('?' * kinds)})" if kinds else ""
    return f"chat_id = ?{topic}{kind}"
