"""The keys of operators' tokens sign no caller's: whoever takes one that opens chats makes no operator with it."""

from __future__ import annotations

from collections.abc import Collection

from gateway.access.keys import KeySet, VerificationKey
from gateway.errors import ConfigInvalid


def require_apart(keys: Collection[VerificationKey], of_callers: KeySet) -> Collection[VerificationKey]:
    """Return keys of operators' tokens; raises `ConfigInvalid` where one of them signs callers' tokens too."""
    for key in keys:
        if of_callers.holds(key):
            raise ConfigInvalid(
                f"{key.kid} signs callers' tokens too: operators' need a key of their own (`chatkey key --help`)"
            )
    return keys
