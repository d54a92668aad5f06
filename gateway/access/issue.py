"""Minting tokens: each for one client and one chat."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.access.claims import Policy, is_client
from gateway.access.keys import SigningKey
from gateway.clock import Clock
from gateway.errors import RequestInvalid
from gateway.model import MAX_CHAT_ID, MIN_CHAT_ID, Permission, is_chat_id

DEFAULT_LIFETIME = timedelta(hours=1)
CUSHION = timedelta(seconds=10)
"""How far `nbf` lies before `iat`, for verifiers whose clock is behind."""

_TOKEN_ID_BYTES = 16
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token that was just minted. The text is shown once, to whom it is for; the id is for everything else."""

    token: str = field(repr=False)
    token_id: str
    expires_at: datetime


class Issuer:
    """Mints tokens with one key."""

    def __init__(
        self,
        key: SigningKey,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        max_ttl: timedelta = timedelta(hours=24),
    ) -> None:
        """Mint as `issuer`, for `audience`.

        Args:
            random_bytes: Gives that many bytes that nobody can guess, as `secrets.token_bytes` does.
            max_ttl: The longest life of a token, at most 32 days; a verifier's `max_lifetime` should be no less.

        Raises:
            ConfigInvalid: an empty issuer or audience, or a limit out of range.
        """
        self._key = key
        self._policy = Policy(issuer=issuer, audience=audience, max_lifetime=max_ttl)
        self._clock = clock
        self._random_bytes = random_bytes

    def issue(
        self,
        *,
        client: str,
        chat_id: int,
        permissions: Collection[Permission] = frozenset({Permission.WRITE}),
        ttl: timedelta = DEFAULT_LIFETIME,
    ) -> Issued:
        """Mint a token for one client and one chat.

        Args:
            client: Who will hold it, 1 to 255 of `[A-Za-z0-9:._/@-]`.
            chat_id: The chat that it opens, in Telegram's range.
            permissions: What may be done there, at least one.
            ttl: How long it lives: whole seconds, from 1 s to `max_ttl`.

        Raises:
            RequestInvalid: with each argument that is out of range.
        """
        self._check(client, chat_id, permissions, ttl)
        issued_at = int(self._clock.now().timestamp())
        expires_at = issued_at + ttl // _SECOND
        token_id = self._random_bytes(_TOKEN_ID_BYTES).hex()
        token = self._key.sign(
            {
                "iss": self._policy.issuer,
                "sub": client,
                "aud": self._policy.audience,
                "iat": issued_at,
                "nbf": issued_at - CUSHION // _SECOND,
                "exp": expires_at,
                "jti": token_id,
                "chat_id": chat_id,
                "scope": " ".join(permission.value for permission in Permission if permission in permissions),
            }
        )
        return Issued(token=token, token_id=token_id, expires_at=datetime.fromtimestamp(expires_at, UTC))

    def _check(self, client: object, chat_id: object, permissions: Collection[object], ttl: timedelta) -> None:
        violations = []
        if not is_client(client):
            violations.append(("client", "must be 1 to 255 characters of A-Z a-z 0-9 : . _ / @ -"))
        if not is_chat_id(chat_id):
            violations.append(("chat_id", f"must be an integer from {MIN_CHAT_ID} to {MAX_CHAT_ID} and not 0"))
        if not permissions or not all(isinstance(permission, Permission) for permission in permissions):
            violations.append(("permissions", "must be one or more of " + ", ".join(p.value for p in Permission)))
        if not _SECOND <= ttl <= self._policy.max_lifetime or ttl % _SECOND:
            violations.append(("ttl", f"must be whole seconds, from 1 s to {self._policy.max_lifetime // _SECOND} s"))
        if violations:
            raise RequestInvalid(violations)
