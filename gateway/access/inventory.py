"""What has become of the tokens that were issued here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.store.registry import IssuedToken, RegistryReader, StoredClient


async def states(
    store: RegistryReader, tokens: Sequence[IssuedToken], now: datetime, trusts: Callable[[str], bool]
) -> list[str]:
    """Return of each token `expired`, `revoked`, `disabled` (its client is) or `valid`.

    Args:
        trusts: Whether a key of our own, by its `kid`, is still good.
    """
    everything = await store.changes(-1)
    assert everything is not None  # noqa: S101 - no revision is below 0
    clients = {client.name: client for client in everything.clients}
    revoked_keys = {key_id for _, key_id in everything.revoked_keys}

    async def state(token: IssuedToken) -> str:
        client = clients.get(token.client)
        if token.expires_at <= now:
            return "expired"
        if (
            _was_before(token, client, everything.not_before)
            or token.key_id in revoked_keys
            or not trusts(token.key_id)
        ):
            return "revoked"
        if await store.is_revoked_token(token.token_id):
            return "revoked"
        return "valid" if client is None or client.enabled else "disabled"

    return [await state(token) for token in tokens]


def _was_before(token: IssuedToken, client: StoredClient | None, not_before: datetime | None) -> bool:
    instants = (not_before, client.not_before if client else None)
    return any(at is not None and token.issued_at <= at for at in instants)
