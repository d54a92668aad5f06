"""The registry on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import apsw

from gateway.model import Record
from gateway.store import registry_operations as operations
from gateway.store import registry_statements as statements
from gateway.store.beside import beside
from gateway.store.opening import open_reading
from gateway.store.operations import every, one
from gateway.store.reader import Reader
from gateway.store.registry import (
    ChangeChat,
    ChangeClient,
    Changes,
    IssuedToken,
    StoredChat,
    StoredClient,
    Uses,
    token_digest,
)
from gateway.store.registry_rows import chat_from, client_from, issued_from, issued_row
from gateway.store.rows import microseconds, record_row
from gateway.store.writer import Writer

T = TypeVar("T")
_LATEST = (1 << 63) - 1


class Readable(Protocol):
    """Runs what only reads, on a connection."""

    def run(self, work: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """Return what `work` returns, or raise `NotDurable`."""


class SqliteRegistryReadings:
    """What can be read of the registry, as `gateway.store.registry` promises it."""

    def __init__(self, reader: Readable) -> None:
        """Read by `reader`."""
        self._read = reader.run

    async def changes(self, after: int) -> Changes | None:
        """Return what changed since a revision; None: nothing."""
        return await self._read(partial(operations.changes, after))

    async def revoked_tokens(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return number and digest of the revoked tokens that are numbered above `after`, lowest first."""
        rows = await self._read(partial(every, statements.REVOKED_TOKENS, (after, limit)))
        return [(seq, digest) for seq, digest in rows]

    async def client(self, name: str) -> StoredClient | None:
        """Return what is kept of a client."""
        row = await self._read(partial(one, statements.CLIENT, (name,)))
        return None if row is None else client_from(row)

    async def clients(self) -> Sequence[StoredClient]:
        """Return all clients by name."""
        return [client_from(row) for row in await self._read(partial(every, statements.CLIENTS, ()))]

    async def chat(self, chat_id: int) -> StoredChat | None:
        """Return what is kept of a chat."""
        row = await self._read(partial(one, statements.CHAT, (chat_id,)))
        return None if row is None else chat_from(row)

    async def chats(self) -> Sequence[StoredChat]:
        """Return all chats by id."""
        return [chat_from(row) for row in await self._read(partial(every, statements.CHATS, ()))]

    async def issued_token(self, token_id: str) -> IssuedToken | None:
        """Return a token that was issued here and is not forgotten yet."""
        row = await self._read(partial(one, statements.ISSUED_TOKEN, (token_id,)))
        return None if row is None else issued_from(row)

    async def issued_tokens(
        self, client: str | None, limit: int, after: IssuedToken | None = None
    ) -> Sequence[IssuedToken]:
        """Return the tokens issued last, to this client or to all, the last first; with `after`, those behind it."""
        place = (_LATEST, "") if after is None else (microseconds(after.issued_at), after.token_id)
        if client is None:
            rows = await self._read(partial(every, statements.ISSUED_TOKENS, (*place, limit)))
        else:
            rows = await self._read(partial(every, statements.ISSUED_TO, (client, *place, limit)))
        return [issued_from(row) for row in rows]

    async def is_revoked_token(self, token_id: str) -> bool:
        """Whether the token itself was revoked, and that is not forgotten yet."""
        return await self._read(partial(one, statements.REVOKED_TOKEN, (token_digest(token_id),))) is not None

    async def is_canary_token(self, token_id: str) -> bool:
        """Whether nobody is to use the token."""
        return await self._read(partial(one, statements.IS_CANARY, (token_digest(token_id),))) is not None


class SqliteRegistry(SqliteRegistryReadings):
    """The registry, as `gateway.store.registry` promises it."""

    def __init__(self, writer: Writer, reader: Readable) -> None:
        """Write by `writer` and read by `reader`."""
        super().__init__(reader)
        self._submit = writer.submit

    async def change_client(self, name: str, change: ChangeClient, record: Record) -> StoredClient:
        """Keep what `change` makes of a client."""
        return await self._submit(partial(operations.change_client, name, change, record_row(record)))

    async def change_chat(self, chat_id: int, change: ChangeChat, record: Record) -> StoredChat:
        """Keep what `change` makes of a chat."""
        return await self._submit(partial(operations.change_chat, chat_id, change, record_row(record)))

    async def revoke_token(self, token_id: str, expires_at: datetime, record: Record) -> bool:
        """Revoke a token until it expires; return whether it was not revoked before."""
        values = (token_digest(token_id), microseconds(expires_at))
        return await self._submit(partial(operations.revoke, statements.REVOKE_TOKEN, values, record_row(record)))

    async def mark_canary(self, token_id: str, record: Record) -> bool:
        """Keep for good that nobody is to use a token; return whether that is news."""
        values = (token_digest(token_id),)
        return await self._submit(partial(operations.revoke, statements.MARK_CANARY, values, record_row(record)))

    async def revoke_key(self, issuer: str, key_id: str, record: Record) -> bool:
        """Revoke every token that a key of an issuer signed; return whether it was not revoked before."""
        values = (issuer, key_id)
        return await self._submit(partial(operations.revoke, statements.REVOKE_KEY, values, record_row(record)))

    async def revoke_all(self, not_before: datetime, record: Record) -> bool:
        """Revoke every token that was issued then or earlier; return whether that is later than it was before."""
        values = (microseconds(not_before),)
        return await self._submit(partial(operations.revoke, statements.SET_NOT_BEFORE, values, record_row(record)))

    async def add_issued(self, token: IssuedToken, record: Record) -> None:
        """Keep that a token was issued."""
        await self._submit(partial(operations.add_issued, issued_row(token), record_row(record)))

    async def note(self, uses: Uses) -> None:
        """Keep the latest uses of clients and chats that are here."""
        await self._submit(partial(operations.note, uses))

    async def sweep(self, until: datetime, limit: int) -> Sequence[bytes]:
        """Forget up to `limit` tokens that expired before `until`; return the digests of those that were revoked."""
        return await self._submit(partial(operations.sweep, microseconds(until), limit))


@asynccontextmanager
async def open_registry(path: Path) -> AsyncIterator[SqliteRegistry]:
    """Open the registry in the database at `path` to change it, also while a server uses it.

    The database is made if it is missing, and brought to this version if no server has it.

    Raises:
        ConfigInvalid: It can't be used; the text says why in one line.
    """
    async with beside(path) as (writer, reader):
        yield SqliteRegistry(writer, reader)


@asynccontextmanager
async def read_registry(path: Path) -> AsyncIterator[SqliteRegistryReadings]:
    """Open the registry in the database at `path` to read, also while a server uses it.

    Raises:
        ConfigInvalid: It is missing or can't be used; the text says why in one line.
    """
    reader = Reader(partial(open_reading, str(path)))
    try:
        yield SqliteRegistryReadings(reader)
    finally:
        await reader.close()
