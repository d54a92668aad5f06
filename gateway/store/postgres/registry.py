"""The registry on PostgreSQL, as `gateway.store.registry` promises it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from gateway.model import Record
from gateway.store import registry_statements as statements
from gateway.store.postgres.reader import Reader, Reading
from gateway.store.postgres.transaction import Transaction
from gateway.store.postgres.writer import Writer
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
from gateway.store.registry_rows import chat_from, chat_row, client_from, client_row, issued_from, issued_row
from gateway.store.rows import Row, instant, microseconds, record_row

_LATEST = (1 << 63) - 1


class PostgresRegistryReadings:
    """What can be read of the registry."""

    def __init__(self, reader: Reader) -> None:
        """Read by `reader`."""
        self._reader = reader

    async def changes(self, after: int) -> Changes | None:
        """Return what changed since a revision; None: nothing."""
        # Asked for five times a second: only if there is something, all of it is read as of one instant.
        row = await self._reader.one(statements.REGISTRY)
        if row is not None and row[0] == after:
            return None
        return await self._reader.run(partial(_changes, after), as_of_one_instant=True)

    async def revoked_tokens(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return number and digest of the revoked tokens that are numbered above `after`, lowest first."""
        return [(seq, digest) for seq, digest in await self._reader.every(statements.REVOKED_TOKENS, after, limit)]

    async def client(self, name: str) -> StoredClient | None:
        """Return what is kept of a client."""
        row = await self._reader.one(statements.CLIENT, name)
        return None if row is None else client_from(row)

    async def clients(self) -> Sequence[StoredClient]:
        """Return all clients by name."""
        return [client_from(row) for row in await self._reader.every(statements.CLIENTS)]

    async def chat(self, chat_id: int) -> StoredChat | None:
        """Return what is kept of a chat."""
        row = await self._reader.one(statements.CHAT, chat_id)
        return None if row is None else chat_from(row)

    async def chats(self) -> Sequence[StoredChat]:
        """Return all chats by id."""
        return [chat_from(row) for row in await self._reader.every(statements.CHATS)]

    async def issued_token(self, token_id: str) -> IssuedToken | None:
        """Return a token that was issued here and is not forgotten yet."""
        row = await self._reader.one(statements.ISSUED_TOKEN, token_id)
        return None if row is None else issued_from(row)

    async def issued_tokens(
        self, client: str | None, limit: int, after: IssuedToken | None = None
    ) -> Sequence[IssuedToken]:
        """Return the tokens issued last, to this client or to all, the last first; with `after`, those behind it."""
        place = (_LATEST, "") if after is None else (microseconds(after.issued_at), after.token_id)
        if client is None:
            rows = await self._reader.every(statements.ISSUED_TOKENS, *place, limit)
        else:
            rows = await self._reader.every(statements.ISSUED_TO, client, *place, limit)
        return [issued_from(row) for row in rows]

    async def is_revoked_token(self, token_id: str) -> bool:
        """Whether the token itself was revoked, and that is not forgotten yet."""
        return await self._reader.one(statements.REVOKED_TOKEN, token_digest(token_id)) is not None

    async def is_canary_token(self, token_id: str) -> bool:
        """Whether nobody is to use the token."""
        return await self._reader.one(statements.IS_CANARY, token_digest(token_id)) is not None


class PostgresRegistry(PostgresRegistryReadings):
    """The registry."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Write by `writer` and read by `reader`."""
        super().__init__(reader)
        self._submit = writer.submit

    async def change_client(self, name: str, change: ChangeClient, record: Record) -> StoredClient:
        """Keep what `change` makes of a client."""
        return await self._submit(partial(_change_client, name, change, record_row(record)))

    async def change_chat(self, chat_id: int, change: ChangeChat, record: Record) -> StoredChat:
        """Keep what `change` makes of a chat."""
        return await self._submit(partial(_change_chat, chat_id, change, record_row(record)))

    async def revoke_token(self, token_id: str, expires_at: datetime, record: Record) -> bool:
        """Revoke a token until it expires; return whether it was not revoked before."""
        values = (token_digest(token_id), microseconds(expires_at))
        return await self._submit(partial(_revoke, statements.REVOKE_TOKEN, values, record_row(record)))

    async def revoke_key(self, issuer: str, key_id: str, record: Record) -> bool:
        """Revoke every token that a key of an issuer signed; return whether it was not revoked before."""
        return await self._submit(partial(_revoke, statements.REVOKE_KEY, (issuer, key_id), record_row(record)))

    async def revoke_all(self, not_before: datetime, record: Record) -> bool:
        """Revoke every token that was issued then or earlier; return whether that is later than it was before."""
        values = (microseconds(not_before),)
        return await self._submit(partial(_revoke, statements.SET_NOT_BEFORE, values, record_row(record)))

    async def mark_canary(self, token_id: str, record: Record) -> bool:
        """Keep for good that nobody is to use a token; return whether that is news."""
        values = (token_digest(token_id),)
        return await self._submit(partial(_revoke, statements.MARK_CANARY, values, record_row(record)))

    async def add_issued(self, token: IssuedToken, record: Record) -> None:
        """Keep that a token was issued."""
        await self._submit(partial(_add_issued, issued_row(token), record_row(record)))

    async def note(self, uses: Uses) -> None:
        """Keep the latest uses of clients and chats that are here."""
        await self._submit(partial(_note, uses))

    async def sweep(self, until: datetime, limit: int) -> Sequence[bytes]:
        """Forget up to `limit` tokens that expired before `until`; return the digests of those that were revoked."""
        return await self._submit(partial(_sweep, microseconds(until), limit))


async def _changes(after: int, reading: Reading) -> Changes:
    revision, not_before, swept_until = (await reading.every(statements.REGISTRY))[0]
    return Changes(
        revision=revision,
        not_before=None if not_before is None else instant(not_before),
        swept_until=instant(swept_until),
        clients=[client_from(row) for row in await reading.every(statements.CHANGED_CLIENTS, after)],
        chats=[chat_from(row) for row in await reading.every(statements.CHANGED_CHATS, after)],
        revoked_keys=[(issuer, key_id) for issuer, key_id in await reading.every(statements.REVOKED_KEYS)],
        canaries=[digest for (digest,) in await reading.every(statements.CANARIES)],
    )


async def _change_client(name: str, change: ChangeClient, record: Row, transaction: Transaction) -> StoredClient:
    row = await transaction.one(statements.CLIENT, name)
    before = None if row is None else client_from(row)
    after = change(before)
    if after != before:
        revision = await _changed(record, transaction)
        await transaction.execute(statements.PUT_CLIENT, *client_row(after), revision)
    return after


async def _change_chat(chat_id: int, change: ChangeChat, record: Row, transaction: Transaction) -> StoredChat:
    row = await transaction.one(statements.CHAT, chat_id)
    before = None if row is None else chat_from(row)
    after = change(before)
    if after != before:
        revision = await _changed(record, transaction)
        await transaction.execute(statements.PUT_CHAT, *chat_row(after), revision)
    return after


async def _revoke(statement: str, values: Row, record: Row, transaction: Transaction) -> bool:
    if not await transaction.execute(statement, *values):
        return False
    await _changed(record, transaction)
    return True


async def _add_issued(token: Row, record: Row, transaction: Transaction) -> None:
    await transaction.execute(statements.ADD_ISSUED, *token)
    transaction.record(record)


async def _note(uses: Uses, transaction: Transaction) -> None:
    await transaction.many(statements.NOTE_SEEN, list(_noted(uses.seen)))
    await transaction.many(statements.NOTE_DENIED, list(_noted(uses.denied)))
    accessed = [(microseconds(at), chat_id) for chat_id, at in uses.accessed.items()]
    await transaction.many(statements.NOTE_ACCESSED, accessed)


async def _sweep(until: int, limit: int, transaction: Transaction) -> list[bytes]:
    await transaction.execute(statements.SET_SWEPT_UNTIL, until)
    await transaction.execute(statements.SWEEP_ISSUED, until, limit)
    return [digest for (digest,) in await transaction.every(statements.SWEEP_REVOKED, until, limit)]


def _noted(uses: Mapping[str, tuple[datetime, str]]) -> Iterator[Row]:
    for name, (at, address) in uses.items():
        yield microseconds(at), address, name


async def _changed(record: Row, transaction: Transaction) -> int:
    transaction.record(record)
    return int((await transaction.every(statements.NEXT_REVISION))[0][0])
