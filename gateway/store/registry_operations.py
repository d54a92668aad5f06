"""What is done with the registry in the database, on a thread of the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import apsw

from gateway.store import operations
from gateway.store import registry_statements as statements
from gateway.store.database import Database
from gateway.store.operations import every, one
from gateway.store.registry import ChangeChat, ChangeClient, Changes, StoredChat, StoredClient, Uses
from gateway.store.registry_rows import chat_from, chat_row, client_from, client_row
from gateway.store.rows import Row, instant, microseconds


def changes(after: int, connection: apsw.Connection) -> Changes | None:
    """Return what changed since a revision, as of one instant."""
    found = None
    with connection:
        revision, not_before, swept_until = every(statements.REGISTRY, (), connection)[0]
        if revision != after:
            found = Changes(
                revision=revision,
                not_before=None if not_before is None else instant(not_before),
                swept_until=instant(swept_until),
                clients=[client_from(row) for row in every(statements.CHANGED_CLIENTS, (after,), connection)],
                chats=[chat_from(row) for row in every(statements.CHANGED_CHATS, (after,), connection)],
                revoked_keys=[(issuer, key_id) for issuer, key_id in every(statements.REVOKED_KEYS, (), connection)],
                canaries=[digest for (digest,) in every(statements.CANARIES, (), connection)],
            )
    return found


def change_client(name: str, change: ChangeClient, record: Row, database: Database) -> StoredClient:
    """Keep what `change` makes of a client."""
    row = one(statements.CLIENT, (name,), database.connection)
    before = None if row is None else client_from(row)
    after = change(before)
    if after != before:
        revision = _changed(record, database)
        database.connection.execute(statements.PUT_CLIENT, (*client_row(after), revision))
    return after


def change_chat(chat_id: int, change: ChangeChat, record: Row, database: Database) -> StoredChat:
    """Keep what `change` makes of a chat."""
    row = one(statements.CHAT, (chat_id,), database.connection)
    before = None if row is None else chat_from(row)
    after = change(before)
    if after != before:
        revision = _changed(record, database)
        database.connection.execute(statements.PUT_CHAT, (*chat_row(after), revision))
    return after


def revoke(statement: str, values: Row, record: Row, database: Database) -> bool:
    """Do one of the revocations; return whether it changed anything."""
    database.connection.execute(statement, values)
    if not database.connection.changes():
        return False
    _changed(record, database)
    return True


def add_issued(token: Row, record: Row, database: Database) -> None:
    """Add an issued token. No revision: nobody's right changes with it."""
    database.connection.execute(statements.ADD_ISSUED, token)
    operations.record([record], database)


def note(uses: Uses, database: Database) -> None:
    """Note the latest uses."""
    execute = database.connection.executemany
    execute(statements.NOTE_SEEN, _noted(uses.seen))
    execute(statements.NOTE_DENIED, _noted(uses.denied))
    execute(statements.NOTE_ACCESSED, ((microseconds(at), chat_id) for chat_id, at in uses.accessed.items()))


def sweep(until: int, limit: int, database: Database) -> list[bytes]:
    """Forget tokens that expired, and say first that they may be forgotten."""
    database.connection.execute(statements.SET_SWEPT_UNTIL, (until,))
    database.connection.execute(statements.SWEEP_ISSUED, (until, limit))
    return [digest for (digest,) in every(statements.SWEEP_REVOKED, (until, limit), database.connection)]


def _noted(uses: Mapping[str, tuple[datetime, str]]) -> Iterator[Row]:
    for name, (at, address) in uses.items():
        yield microseconds(at), address, name


def _changed(record: Row, database: Database) -> int:
    operations.record([record], database)
    return int(database.connection.execute(statements.NEXT_REVISION).get)
