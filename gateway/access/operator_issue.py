"""Minting tokens for operators: only the command does, on the host, so that no call can make another operator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.access.addresses import MAX_RANGES
from gateway.access.claims import Policy
from gateway.access.confirmation import THUMBPRINT, is_thumbprint
from gateway.access.issue import CUSHION, Issued
from gateway.access.operator_tokens import MAX_OPERATOR_LIFETIME, OPERATOR_TOKEN_TYPE
from gateway.addresses import AddressRanges
from gateway.clock import Clock
from gateway.errors import RequestInvalid
from gateway.model import Record
from gateway.operators import AdminRight, Operator, is_operator_name
from gateway.store.base import AuditStore

_SECOND = timedelta(seconds=1)


class OperatorSigner(Protocol):
    """Signs tokens of any type, such as a `SigningKey`."""

    def sign(self, claims: Mapping[str, object], token_type: str) -> str:
        """Return a token of a type that says `claims`."""


class OperatorIssuer:
    """Mints operators' tokens in the name of our own issuer."""

    def __init__(
        self,
        key: OperatorSigner,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Mint as `issuer`, for `audience`, which is that of administration.

        Args:
            random_bytes: Gives that many bytes that nobody can guess, as `secrets.token_bytes` does.

        Raises:
            ConfigInvalid: an empty issuer or audience.
        """
        self._key = key
        self._policy = Policy(issuer=issuer, audience=audience, max_lifetime=MAX_OPERATOR_LIFETIME)
        self._clock = clock
        self._random_bytes = random_bytes

    def mint(
        self,
        name: str,
        rights: Collection[AdminRight],
        *,
        ttl: timedelta = MAX_OPERATOR_LIFETIME,
        address_ranges: AddressRanges | None = None,
        certificate_thumbprint: str = "",
        has_second_factor: bool = False,
    ) -> Issued:
        """Mint a token.

        Args:
            name: Who will hold it: 1 to 48 of `[A-Za-z0-9._@-]`.
            rights: What it allows, one at least.
            ttl: How long it lives: whole seconds, from 1 s to 15 min.
            address_ranges: From where alone it may be used, 1 to 16 ranges of IP addresses; None: from anywhere.
            certificate_thumbprint: `x5t#S256` of the one client certificate that it may be used with; empty: any.
            has_second_factor: Whether its holder has just proven one; then it says when.

        Raises:
            RequestInvalid: with everything that is out of range.
        """
        if violations := list(_unsound(name, rights, ttl, address_ranges, certificate_thumbprint)):
            raise RequestInvalid(violations)
        issued_at = int(self._clock.now().timestamp())
        expires_at = issued_at + ttl // _SECOND
        token_id = self._random_bytes(16).hex()
        claims: dict[str, object] = {
            "iss": self._policy.issuer,
            "sub": name,
            "aud": self._policy.audience,
            "iat": issued_at,
            "nbf": issued_at - CUSHION // _SECOND,
            "exp": expires_at,
            "jti": token_id,
            "scope": " ".join(right.value for right in AdminRight if right in rights),
        }
        if address_ranges is not None:
            claims["src_cidrs"] = list(address_ranges.texts)
        if certificate_thumbprint:
            claims["cnf"] = {THUMBPRINT: certificate_thumbprint}
        if has_second_factor:
            claims |= {"auth_time": issued_at, "amr": ["otp"]}
        token = self._key.sign(claims, OPERATOR_TOKEN_TYPE)
        return Issued(token=token, token_id=token_id, expires_at=datetime.fromtimestamp(expires_at, UTC))


def _unsound(
    name: str, rights: Collection[AdminRight], ttl: timedelta, ranges: AddressRanges | None, thumbprint: str
) -> Iterator[tuple[str, str]]:
    if not is_operator_name(name):
        yield "name", "must be 1 to 48 characters of A-Z a-z 0-9 . _ @ -"
    if not rights:
        yield "scope", "must be one or more of " + " ".join(right.value for right in AdminRight)
    if not _SECOND <= ttl <= MAX_OPERATOR_LIFETIME or ttl % _SECOND:
        yield "ttl", f"must be whole seconds, from 1 s to {MAX_OPERATOR_LIFETIME // _SECOND} s"
    if ranges is not None and (ranges.local_sockets or not 1 <= len(ranges.networks) <= MAX_RANGES):
        yield "address_ranges", f"must be 1 to {MAX_RANGES} ranges of IP addresses"
    if thumbprint and not is_thumbprint(thumbprint):
        yield "certificate_thumbprint", "must be the SHA-256 of a certificate in 43 characters of base64url"


async def note_issued(log: AuditStore, operator: Operator, by: str, clock: Clock) -> None:
    """Write down that a token was issued, by what it says of whoever will hold it, before it is handed out.

    Raises:
        AuditUnavailable: it can't be written down.
    """
    facts: dict[str, str | int | bool] = {
        "by": by,
        "operator": operator.name,
        "scope": " ".join(right.value for right in AdminRight if right in operator.rights),
        "expires_at": operator.expires_at.isoformat(),
        "second_factor": operator.authenticated_at is not None,
    }
    record = Record(
        at=clock.now(),
        event="operator.token_issued",
        decision="allow",
        token_id=operator.token_id,
        key_id=operator.key_id,
        issuer=operator.issuer,
        facts=facts,
    )
    await log.record([record])
