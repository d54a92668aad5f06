"""The Bot API's methods, by their lower-case names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import editing, forwarding, media, moderation, polling, reactions, reading, sending
from .call import Call, Described

_ROOMS = (editing, forwarding, media, moderation, polling, reactions, reading, sending)

METHODS: Mapping[str, Callable[[Call], Any]] = {
    name.lower(): method for room in _ROOMS for name, method in room.METHODS.items()
}
"""Each returns the `result`, a `Described` result, or an awaitable of one; a refusal is raised."""

NAMES: Mapping[str, str] = {name.lower(): name for room in _ROOMS for name in room.METHODS}
"""The methods' names as the documentation spells them."""

__all__ = ["METHODS", "NAMES", "Call", "Described"]
