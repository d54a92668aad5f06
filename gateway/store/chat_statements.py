"""The SQL of chats that moved and chats that are closed."""

# ruff: noqa: S608 - what is put into these texts are the names of our own columns, never a value
from __future__ import annotations

CHAT_REVISION = "SELECT revision FROM chat_changes"
NEXT_CHAT_REVISION = "UPDATE chat_changes SET revision = revision + 1"

MOVE_COLUMNS = "chat_id, new_chat_id, approved, noticed_at"
CLOSURE_COLUMNS = "chat_id, closed_at, until, description, code"

MOVES = f"SELECT {MOVE_COLUMNS} FROM chat_aliases ORDER BY chat_id"
MOVE = f"SELECT {MOVE_COLUMNS} FROM chat_aliases WHERE chat_id = ?"
ADD_MOVE = f"INSERT INTO chat_aliases ({MOVE_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
APPROVE_MOVE = f"UPDATE chat_aliases SET approved = 1 WHERE chat_id = ? AND approved = 0 RETURNING {MOVE_COLUMNS}"

CLOSURES = f"SELECT {CLOSURE_COLUMNS} FROM closed_chats ORDER BY chat_id"
CLOSE_CHAT = f"INSERT OR REPLACE INTO closed_chats ({CLOSURE_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
OPEN_CHAT = "DELETE FROM closed_chats WHERE chat_id = ?"
