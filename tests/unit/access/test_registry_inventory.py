"""The state of an issued token is what a gateway would make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.access.administration import Administration
from gateway.access.inventory import states
from gateway.model import Caller, Grant, Permission
from gateway.store.sqlite import SqliteStore, open_sqlite_in_memory
from tests.unit.access.forge import NOW, Hands

HOUR = timedelta(hours=1)


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with open_sqlite_in_memory() as opened:
        yield opened


async def test_each_token_has_the_state_that_its_right_is_in(store: SqliteStore) -> None:
    does = Administration(store.registry, Hands(), by="os:root")
    for token_id, client, key_id, age in [
        ("good", "svc:a", "k", 0),
        ("itself", "svc:a", "k", 0),
        ("expired", "svc:a", "k", 2),
        ("of-a-revoked-key", "svc:a", "k-revoked", 0),
        ("of-a-lost-key", "svc:a", "k-lost", 0),
        ("of-a-disabled-client", "svc:disabled", "k", 0),
        ("of-a-revoked-client", "svc:revoked", "k", 0),
        ("of-everybody", "svc:a", "k", 0.5),
    ]:
        issued_at = NOW - age * HOUR
        await does.note_issued(
            Caller(
                client=client,
                token_id=token_id,
                key_id=key_id,
                issuer="iss",
                grants=(Grant(chat_id=5, permissions=frozenset({Permission.WRITE})),),
                issued_at=issued_at,
                expires_at=issued_at + HOUR,
            )
        )
    await does.revoke_token("itself")
    await does.revoke_key("iss", "k-revoked")
    await does.disable_client("svc:disabled")
    await does.revoke_client("svc:revoked")
    await does.revoke_all(NOW - 0.5 * HOUR)
    tokens = await store.registry.issued_tokens(None, 100)
    found = await states(store.registry, tokens, NOW, lambda key_id: key_id != "k-lost")
    assert {token.token_id: state for token, state in zip(tokens, found, strict=True)} == {
        "good": "valid",
        "itself": "revoked",
        "expired": "expired",
        "of-a-revoked-key": "revoked",
        "of-a-lost-key": "revoked",
        "of-a-disabled-client": "disabled",
        "of-a-revoked-client": "revoked",
        "of-everybody": "revoked",
    }
