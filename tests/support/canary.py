"""Secrets that must never be seen: the bot token and the database password of tests, and the tokens that they issue."""

from __future__ import annotations

BOT_TOKEN = "4242424242:AACanaryCanaryCanaryCanaryCanaryCan"
DATABASE_PASSWORD = "CanaryOfTheDatabaseCanary"
_SECRETS = {BOT_TOKEN.partition(":")[2], DATABASE_PASSWORD}


def watch(token: str) -> str:
    """Look for this token in every output from now on, and return it."""
    # The signature is what makes it a credential; without it the rest opens nothing.
    _SECRETS.add(token.rpartition(".")[2])
    return token


def found_in(text: str | bytes) -> bool:
    """Whether a secret can be read in an output."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    return any(secret in shown for secret in _SECRETS)
