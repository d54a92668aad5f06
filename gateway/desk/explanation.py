"""What would become of a message, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.errors import GatewayError

RULES: Mapping[str, str] = {"chat_mismatch": "pin", "thread_mismatch": "topic"}
"""The rule that refuses, by the cause of a `PermissionDenied` that a caller's own credential tells it anyhow."""
OTHER_RULE = "permission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer of the desk.

    Attributes:
        rule: `pin`, `topic`, `permission`, `content` or `quota`, which refuse it, or `accepted`.
        refusal: Why it would be refused; None: it would be accepted.
        text_length: In Unicode code points as Telegram counts them; 0 where its content was not looked at.
        parts: How many Telegram messages it would become; 0: none.
        estimated_wait: About how long it would wait for its first attempt; None: it would not be kept.
    """

    rule: str
    refusal: GatewayError | None = None
    text_length: int = 0
    parts: int = 0
    estimated_wait: timedelta | None = None

    @property
    def allowed(self) -> bool:
        """Whether it would be accepted: no rule that was asked has refused it, and the last of them was."""
        return self.rule == "accepted" and self.refusal is None
