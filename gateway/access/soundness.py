"""What a request to administer must be like in itself, whatever is stored: asked before anything else is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.access.claims import is_client
from gateway.errors import RequestInvalid
from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID, is_chat_id
from gateway.store.registry import StoredClient

MAX_TEXT = 200
"""Characters of a label, a title, a token's id, an issuer or a key's id."""
MAX_NUMBER = (1 << 63) - 1
TERMS = frozenset(
    {"chat_ids", "address_ranges", "min_generation", "second_factor", "label", "per_minute", "per_day", "queue_depth"}
)
"""What can be said of a client: fields of `StoredClient`, and of its `Quota`."""

_QUOTA = frozenset({"per_minute", "per_day", "queue_depth"})
_NEW = StoredClient(name="", created_by="", created_at=datetime.fromtimestamp(0, UTC))


def require_client(name: object) -> None:
    """Return if it is the name of a client; raises `RequestInvalid`."""
    if not is_client(name):
        raise RequestInvalid([("client", "must be 1 to 255 characters of A-Z a-z 0-9 : . _ / @ -")])


def require_terms(terms: Mapping[str, Any]) -> None:
    """Return if they can be the terms of a client; raises `RequestInvalid`."""
    with_terms(_NEW, terms)


def with_terms(client: StoredClient, terms: Mapping[str, Any]) -> StoredClient:
    """Return the client with these terms, once they are sound; raises `RequestInvalid`."""
    if unknown := terms.keys() - TERMS:
        raise RequestInvalid([(name, "is no term of a client") for name in sorted(unknown)])
    quota = replace(client.quota, **{name: terms[name] for name in _QUOTA & terms.keys()})
    after = replace(client, quota=quota, **{name: terms[name] for name in terms.keys() - _QUOTA})
    violations = list(_unsound(after))
    if after.min_generation < client.min_generation:
        violations.append(("min_generation", "must not go back: it would make revoked tokens good again"))
    if violations:
        raise RequestInvalid(violations)
    return after


def require_chat(chat_id: object) -> None:
    """Return if it is the id of a chat; raises `RequestInvalid`."""
    if not is_chat_id(chat_id):
        raise RequestInvalid([("chat_id", f"must be an integer from {MIN_CHAT_ID} to {MAX_CHAT_ID} and not 0")])


def require_title(title: str | None) -> None:
    """Return if a chat can be called so; raises `RequestInvalid`."""
    if not _is_text(title or ""):
        raise RequestInvalid([("title", f"must be at most {MAX_TEXT} printable characters")])


def require_name(path: str, text: str) -> None:
    """Return if it can be the id of a token or a key, or an issuer; raises `RequestInvalid` for the field at `path`."""
    if not text or not _is_text(text):
        raise RequestInvalid([(path, f"must be 1 to {MAX_TEXT} printable characters")])


def past(at: datetime | None, now: datetime) -> datetime:
    """Return an instant until which tokens are revoked: by default, now; raises `RequestInvalid` if it is to come."""
    if at is not None and at > now + timedelta(seconds=1):
        raise RequestInvalid([("not_before", "must not be to come: tokens would be revoked before they are issued")])
    return min(at or now, now)


def _unsound(client: StoredClient) -> Iterator[tuple[str, str]]:
    for name in sorted(_QUOTA):
        limit = getattr(client.quota, name)
        if limit is not None and not 0 <= limit <= MAX_NUMBER:
            yield name, "must be 0 or more; 0 is no limit"
    if not 0 <= client.min_generation <= MAX_NUMBER:
        yield "min_generation", "must be 0 or more"
    for chat_id in sorted(client.chat_ids or ()):
        if not is_chat_id(chat_id):
            yield "chat_ids", f"{chat_id} is no chat"
    if not _is_text(client.label):
        yield "label", f"must be at most {MAX_TEXT} printable characters"


def _is_text(text: str) -> bool:
    return len(text) <= MAX_TEXT and text.isprintable()
