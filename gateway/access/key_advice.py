"""When to take the next step of a rotation. Nothing happens by itself: what signs is decided by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gateway.access.claims import MAX_SKEW
from gateway.access.key_ring import DISTRIBUTION, KeyState, RingKey

LIFE = timedelta(days=90)
"""How long a key should sign."""

PREPARE = min(LIFE / 2, timedelta(days=30))
ACTIVATE = min(LIFE / 6, timedelta(days=7))
"""How long before the end of its life its successor should be prepared and activated: as SPIRE does it."""


def advice(keys: Sequence[RingKey], now: datetime, token_lifetime: timedelta) -> Mapping[str, str]:
    """Return what is to be done about each key, by its name; nothing for a key that is fine.

    Args:
        keys: The ring.
        now: The present.
        token_lifetime: The longest life of a token.
    """
    active = next((key for key in keys if key.state is KeyState.ACTIVE), None)
    left = active.since[KeyState.ACTIVE] + LIFE - now if active else timedelta()
    is_prepared = any(key.state is KeyState.PREPARED for key in keys)
    found: dict[str, str] = {}
    if active and not is_prepared and left <= PREPARE:
        found[active.kid] = "prepare a successor"
    for key in keys:
        if key.state is KeyState.PREPARED:
            known_at = key.since[KeyState.PREPARED] + DISTRIBUTION
            if now < known_at:
                found[key.kid] = f"activate it after {_said(known_at)}"
            elif left <= ACTIVATE:
                found[key.kid] = "activate it"
        if key.state is KeyState.TAINTED:
            ends_at = key.since[KeyState.TAINTED] + token_lifetime + MAX_SKEW
            over = now >= ends_at
            found[key.kid] = "revoke it: its last token is over" if over else f"revoke it after {_said(ends_at)}"
    return found


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
