"""What has become of the tokens that were issued here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from gateway.access.claims import MAX_DEPTH
from gateway.store.registry import NARROWED, IssuedToken, RegistryReader, StoredClient


async def states(
    store: RegistryReader, tokens: Sequence[IssuedToken], now: datetime, trusts: Callable[[str], bool]
) -> list[str]:
    """Return of each token `canary`, `expired`, `revoked`, `disabled` (its client is) or `valid`.

    A token that was narrowed is revoked with the one that it comes from, as far as that one was issued here.

    Args:
        trusts: Whether a key of our own, by its `kid`, is still good.
    """
    everything = await store.changes(-1)
    assert everything is not None  # noqa: S101 - no revision is below 0
    clients = {client.name: client for client in everything.clients}
    revoked_keys = {key_id for _, key_id in everything.revoked_keys}

    async def is_revoked(token: IssuedToken) -> bool:
        client = clients.get(token.client)
        return (
            _was_before(token, client, everything.not_before)
            or token.key_id in revoked_keys
            or not trusts(token.key_id)
            or await store.is_revoked_token(token.token_id)
        )

    async def state(token: IssuedToken) -> str:
        client = clients.get(token.client)
        if await store.is_canary_token(token.token_id):
            return "canary"
        if token.expires_at <= now:
            return "expired"
        async for one in _lineage(store, token):
            if await (store.is_revoked_token(one) if isinstance(one, str) else is_revoked(one)):
                return "revoked"
        return "valid" if client is None or client.enabled else "disabled"

    return [await state(token) for token in tokens]


async def _lineage(store: RegistryReader, token: IssuedToken) -> AsyncIterator[IssuedToken | str]:
    """Yield a token and those that it was narrowed from; of one that was not issued here, its id."""
    yield token
    for _ in range(MAX_DEPTH):
        if not token.issued_by.startswith(NARROWED):
            return
        parent_id = token.issued_by.removeprefix(NARROWED)
        parent = await store.issued_token(parent_id)
        if parent is None:
            yield parent_id
            return
        token = parent
        yield token


def _was_before(token: IssuedToken, client: StoredClient | None, not_before: datetime | None) -> bool:
    instants = (not_before, client.not_before if client else None)
    return any(at is not None and token.issued_at <= at for at in instants)
