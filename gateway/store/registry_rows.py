"""What the registry keeps, as rows and back."""

from __future__ import annotations

from datetime import datetime

import orjson

from gateway.addresses import AddressRanges
from gateway.model import Permission
from gateway.store.registry import IssuedToken, Quota, StoredChat, StoredClient
from gateway.store.rows import Row, instant, microseconds


def client_row(client: StoredClient) -> Row:
    """Return the columns of a client that a change sets."""
    return (
        client.name,
        client.registered,
        client.enabled,
        None if client.chat_ids is None else orjson.dumps(sorted(client.chat_ids)).decode(),
        None if client.address_ranges is None else orjson.dumps(client.address_ranges.texts).decode(),
        client.quota.per_minute,
        client.quota.per_day,
        client.quota.queue_depth,
        client.min_generation,
        _microseconds(client.not_before),
        client.second_factor,
        client.label,
        client.created_by,
        microseconds(client.created_at),
    )


def client_from(row: Row) -> StoredClient:
    """Return the client of a row with all its columns but `revision`."""
    name, registered, enabled, chat_ids, ranges, minute, day, depth, generation, not_before, *rest = row
    second_factor, label, created_by, created_at, seen_at, seen_from, denied_at, denied_from = rest
    return StoredClient(
        name=name,
        registered=bool(registered),
        enabled=bool(enabled),
        chat_ids=None if chat_ids is None else frozenset(orjson.loads(chat_ids)),
        address_ranges=None if ranges is None else AddressRanges.parse(orjson.loads(ranges)),
        quota=Quota(per_minute=minute, per_day=day, queue_depth=depth),
        min_generation=generation,
        not_before=_instant(not_before),
        second_factor=bool(second_factor),
        label=label,
        created_by=created_by,
        created_at=instant(created_at),
        last_seen_at=_instant(seen_at),
        last_seen_from=seen_from or "",
        last_denied_at=_instant(denied_at),
        last_denied_from=denied_from or "",
    )


def chat_row(chat: StoredChat) -> Row:
    """Return the columns of a chat that a change sets."""
    return (
        chat.chat_id,
        chat.authorized,
        " ".join(sorted(permission.value for permission in chat.permissions)),
        chat.suspended,
        chat.title,
        chat.created_by,
        microseconds(chat.created_at),
    )


def chat_from(row: Row) -> StoredChat:
    """Return the chat of a row with all its columns but `revision`."""
    chat_id, authorized, permissions, suspended, title, created_by, created_at, accessed_at = row
    return StoredChat(
        chat_id=chat_id,
        authorized=bool(authorized),
        permissions=frozenset(map(Permission, permissions.split())),
        suspended=bool(suspended),
        title=title,
        created_by=created_by,
        created_at=instant(created_at),
        last_access_at=_instant(accessed_at),
    )


def issued_row(token: IssuedToken) -> Row:
    """Return the columns of an issued token."""
    return (
        token.token_id,
        token.client,
        token.key_id,
        orjson.dumps(token.chat_ids).decode(),
        microseconds(token.issued_at),
        microseconds(token.expires_at),
        token.issued_by,
    )


def issued_from(row: Row) -> IssuedToken:
    """Return the issued token of a row."""
    token_id, client, key_id, chat_ids, issued_at, expires_at, issued_by = row
    return IssuedToken(
        token_id=token_id,
        client=client,
        key_id=key_id,
        chat_ids=tuple(orjson.loads(chat_ids)),
        issued_at=instant(issued_at),
        expires_at=instant(expires_at),
        issued_by=issued_by,
    )


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
