"""Minting tokens: each for one client, and no more than is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.access import confirmation
from gateway.access.addresses import MAX_RANGES
from gateway.access.claims import MAX_GENERATION, Policy, is_client
from gateway.access.compact import MAX_TOKEN_LENGTH
from gateway.access.pins import DETAIL_TYPE, MAX_CHATS
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.errors import RequestInvalid
from gateway.model import (
    MAX_CHAT_ID,
    MAX_MESSAGE_THREAD_ID,
    MIN_CHAT_ID,
    Ancestor,
    Grant,
    Permission,
    is_chat_id,
    is_message_thread_id,
)
from gateway.operators import PREFIX

DEFAULT_LIFETIME = timedelta(hours=1)
CUSHION = timedelta(seconds=10)
"""How far `nbf` lies before `iat`, for verifiers whose clock is behind."""

_TOKEN_ID_BYTES = 16
_SECOND = timedelta(seconds=1)
_Violation = tuple[str, str]


class Signer(Protocol):
    """Signs tokens, such as a `SigningKey`."""

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token that says `claims`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a token is to say.

    Attributes:
        client: Who will hold it, 1 to 255 of `[A-Za-z0-9:._/@-]`.
        grants: The chats that it opens, 1 to 64 and each once, with at least one permission each.
        ttl: How long it lives: whole seconds, from 1 s to the issuer's `max_ttl`.
        not_after: When it ends at the latest, even if `ttl` goes further; None: when `ttl` ends.
        address_ranges: From where alone it may be used, 1 to 16 ranges of IP addresses; None: from anywhere.
        certificate_thumbprint: `x5t#S256` of the one client certificate that it may be used with; empty: with any.
        generation: Of the client's credentials, from 0 to 2^63 - 1; None: it says none.
        ancestors: The tokens that it was narrowed from, its parent first.
    """

    client: str
    grants: tuple[Grant, ...]
    ttl: timedelta = DEFAULT_LIFETIME
    not_after: datetime | None = None
    address_ranges: AddressRanges | None = None
    certificate_thumbprint: str = ""
    generation: int | None = None
    ancestors: tuple[Ancestor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token that was just minted. The text is shown once, to whom it is for; the id is for everything else."""

    token: str = field(repr=False)
    token_id: str
    expires_at: datetime


class Issuer:
    """Mints tokens in the name of one issuer."""

    def __init__(
        self,
        key: Signer,
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

    @property
    def name(self) -> str:
        """The `iss` of its tokens."""
        return self._policy.issuer

    def issue(
        self,
        *,
        client: str,
        chat_id: int,
        permissions: Collection[Permission] = frozenset({Permission.WRITE}),
        ttl: timedelta = DEFAULT_LIFETIME,
    ) -> Issued:
        """Mint a token for one client and one chat; as `mint`."""
        permitted = frozenset(permissions)
        return self.mint(Terms(client=client, grants=(Grant(chat_id=chat_id, permissions=permitted),), ttl=ttl))

    def mint(self, terms: Terms) -> Issued:
        """Mint a token.

        Raises:
            RequestInvalid: with everything in the terms that is out of range, or because they do not fit into a token.
        """
        issued_at = int(self._clock.now().timestamp())
        self._check(terms, issued_at)
        expires_at = _end(terms, issued_at)
        token_id = self._random_bytes(_TOKEN_ID_BYTES).hex()
        token = self._key.sign(
            {
                "iss": self._policy.issuer,
                "sub": terms.client,
                "aud": self._policy.audience,
                "iat": issued_at,
                "nbf": issued_at - CUSHION // _SECOND,
                "exp": expires_at,
                "jti": token_id,
                **_pin(terms.grants),
                **_restrictions(terms),
            }
        )
        if len(token) > MAX_TOKEN_LENGTH:
            too_long = f"and restrictions make a token of {len(token)} characters; it may have {MAX_TOKEN_LENGTH}"
            raise RequestInvalid([("grants", too_long)])
        return Issued(token=token, token_id=token_id, expires_at=datetime.fromtimestamp(expires_at, UTC))

    def check(self, terms: Terms) -> None:
        """Return if the terms are such as a token may have; raises `RequestInvalid` as `mint`, but for their length."""
        self._check(terms, int(self._clock.now().timestamp()))

    def _check(self, terms: Terms, issued_at: int) -> None:
        if violations := [*_unsound(terms), *self._untimely(terms, issued_at)]:
            raise RequestInvalid(violations)

    def _untimely(self, terms: Terms, issued_at: int) -> Iterator[_Violation]:
        if not _SECOND <= terms.ttl <= self._policy.max_lifetime or terms.ttl % _SECOND:
            yield "ttl", f"must be whole seconds, from 1 s to {self._policy.max_lifetime // _SECOND} s"
        elif _end(terms, issued_at) <= issued_at:
            yield "ttl", "is over: less than a second is left"


def _end(terms: Terms, issued_at: int) -> int:
    wanted = issued_at + terms.ttl // _SECOND
    return wanted if terms.not_after is None else min(wanted, int(terms.not_after.timestamp()))


def _pin(grants: tuple[Grant, ...]) -> dict[str, object]:
    if len(grants) > 1:
        return {"authorization_details": [_detail(grant) for grant in grants]}
    (grant,) = grants
    return {"chat_id": grant.chat_id, "scope": " ".join(_words(grant)), **_thread(grant)}


def _detail(grant: Grant) -> dict[str, object]:
    return {"type": DETAIL_TYPE, "identifier": str(grant.chat_id), "actions": _words(grant), **_thread(grant)}


def _words(grant: Grant) -> list[str]:
    return [permission.value for permission in Permission if permission in grant.permissions]


def _thread(grant: Grant) -> dict[str, object]:
    return {} if grant.message_thread_id is None else {"message_thread_id": grant.message_thread_id}


def _restrictions(terms: Terms) -> dict[str, object]:
    claims: dict[str, object] = {}
    if terms.address_ranges is not None:
        claims["src_cidrs"] = list(terms.address_ranges.texts)
    if terms.certificate_thumbprint:
        claims["cnf"] = {confirmation.THUMBPRINT: terms.certificate_thumbprint}
    if terms.generation is not None:
        claims["gen"] = terms.generation
    if terms.ancestors:
        claims["ancestors"] = [_ancestor(ancestor) for ancestor in terms.ancestors]
    return claims


def _ancestor(ancestor: Ancestor) -> dict[str, object]:
    return {"jti": ancestor.token_id, "kid": ancestor.key_id, "iat": int(ancestor.issued_at.timestamp())}


def _unsound(terms: Terms) -> Iterator[_Violation]:
    if not is_client(terms.client):
        yield "client", "must be 1 to 255 characters of A-Z a-z 0-9 : . _ / @ -"
    elif terms.client.startswith(PREFIX):
        yield "client", f"must not begin with {PREFIX} as operators are named so in the audit log"
    chat_ids = [grant.chat_id for grant in terms.grants]
    if not 1 <= len(chat_ids) <= MAX_CHATS or any(chat_ids.count(chat_id) > 1 for chat_id in chat_ids):
        yield "grants", f"must be for 1 to {MAX_CHATS} chats, each named once"
    for index, grant in enumerate(terms.grants):
        place = f"grants[{index}]." if len(terms.grants) > 1 else ""
        yield from ((place + path, what) for path, what in _unsound_grant(grant))
    ranges = terms.address_ranges
    if ranges is not None and (ranges.local_sockets or not 1 <= len(ranges.networks) <= MAX_RANGES):
        yield "address_ranges", f"must be 1 to {MAX_RANGES} ranges of IP addresses"
    if terms.certificate_thumbprint and not confirmation.is_thumbprint(terms.certificate_thumbprint):
        yield "certificate_thumbprint", "must be the SHA-256 of a certificate in 43 characters of base64url"
    if terms.generation is not None and not 0 <= terms.generation <= MAX_GENERATION:
        yield "generation", f"must be an integer from 0 to {MAX_GENERATION}"


def _unsound_grant(grant: Grant) -> Iterator[_Violation]:
    if not is_chat_id(grant.chat_id):
        yield "chat_id", f"must be an integer from {MIN_CHAT_ID} to {MAX_CHAT_ID} and not 0"
    if not grant.permissions or not all(isinstance(permission, Permission) for permission in grant.permissions):
        yield "permissions", "must be one or more of " + ", ".join(permission.value for permission in Permission)
    if grant.message_thread_id is not None and not is_message_thread_id(grant.message_thread_id):
        yield "message_thread_id", f"must be an integer from 1 to {MAX_MESSAGE_THREAD_ID}"
